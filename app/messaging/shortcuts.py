"""Short ways through Liquid for what most texts say: a value by its name, and an `if` over one.

A value that is there and is text is looked up at once, a tenth of the work of Liquid's own way. In every
other case (missing, not text, taken by an `assign`) Liquid goes its own way, and it alone decides.
"""

from collections.abc import Callable, Sequence

from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions.filtered import FilteredExpression
from liquid.builtin.expressions.logical import BooleanExpression
from liquid.builtin.expressions.path import Path
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.if_tag import IfNode

from app.messaging.guards import Scope

Way = Callable[[Scope], str]
Part = str | Way
_OF_A_PATH = 2


def joined(parts: Sequence[Part], scope: Scope) -> str:
    """The text of these parts."""
    return "".join([part if type(part) is str else part(scope) for part in parts])  # type: ignore[operator]


def of_value(node: OutputNode, otherwise: Way) -> Way:
    """The way of `{{ customer.first_name }}`; that of anything else is `otherwise`."""
    expression = node.expression
    if not isinstance(expression, FilteredExpression) or expression.filters:
        return otherwise
    names = _names_of(expression.left)
    if names is None:
        return otherwise
    root, name = names

    def show(scope: Scope) -> str:
        found = _text_at(scope, root, name)
        return otherwise(scope) if found is None else found

    return show


def of_condition(node: Node, in_liquid: Callable[[Node], Way]) -> Way:
    """The way of an `if` over one value with text and values in it; that of all else is Liquid's own."""
    otherwise = in_liquid(node)
    if not isinstance(node, IfNode) or not isinstance(node.condition, BooleanExpression):
        return otherwise
    names, body = _names_of(node.condition.expression), _body_of(node, in_liquid)
    if names is None or body is None:
        return otherwise
    root, name = names

    def write(scope: Scope) -> str:
        return otherwise(scope) if _text_at(scope, root, name) is None else joined(body, scope)

    return write


def _body_of(node: IfNode, in_liquid: Callable[[Node], Way]) -> tuple[Part, ...] | None:
    """What the `if` writes where its value is there; None for one that only Liquid can write."""
    if node.consequence.blank:
        return None
    parts: list[Part] = []
    for child in node.consequence.nodes:
        if isinstance(child, OutputNode):
            parts.append(of_value(child, in_liquid(child)))
        elif isinstance(child, ContentNode):
            parts.append(str(child.text))
        else:
            return None
    return tuple(parts)


def _names_of(expression: object) -> tuple[str, str] | None:
    """`customer` and `first_name` of a path of two names."""
    if not isinstance(expression, Path) or len(expression.path) != _OF_A_PATH:
        return None
    root, name = expression.path
    return (root, name) if isinstance(root, str) and isinstance(name, str) else None


def _text_at(scope: Scope, root: str, name: str) -> str | None:
    """The text that the message brings there, unless a text took the name for something of its own."""
    if root in scope.locals:
        return None
    values = scope.globals.get(root)
    found = values.get(name) if type(values) is dict else None
    return found if type(found) is str else None
