"""Liquid for merchants, within limits: small, strict, and always giving plain text.

Nothing here makes HTML: a filled template is text, and the layout escapes it whole, so no value and
no filter can put a tag into a mail. What a template may cost is bounded: a mistake, or malice, ends
in a ContentError and not in a busy worker.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from liquid import BoundTemplate, Environment
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.expressions.primitive import IntegerLiteral, RangeLiteral
from liquid.builtin.output import OutputNode
from liquid.exceptions import LiquidError, UndefinedError
from liquid.expression import Expression
from liquid.filter import with_context
from liquid.stringify import to_liquid_string
from liquid.undefined import FalsyStrictUndefined

from app.messaging import formats
from app.messaging.errors import ContentError, UnresolvedContent
from app.messaging.formats import Formats
from app.messaging.guards import MAX_RANGE, MAX_VALUE, Scope, guarded

MAX_TEMPLATE = 10_000
_NODE_LENGTH = 12
_MAX_MARKUP = 600
_OPENING = re.compile(r"\{\{|\{%")
_CLOSING = {"{{": "}}", "{%": "%}"}

_REMOVED_TAGS = ("include", "render")
_REMOVED_FILTERS = (
    "safe", "escapejs", "newline_to_br", "base64_encode", "base64_decode", "base64_url_safe_encode",
    "base64_url_safe_decode",
)  # fmt: skip

# What Python itself may raise inside a filter; each is the template's fault.
_FAULTS = (LiquidError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

# What other systems leave behind, and what nobody filled in.
_LEFT_OVER = re.compile(
    r"%[A-Z][A-Z_]{2,}%|\*\|[^|]*\|\*|\[\[[^\]]*\]\]|\[[A-ZÀ-Ý][A-ZÀ-Ý _]{2,}\]"
    r"|\{\{|\}\}|\{%|%\}|(?i:lorem ipsum)"
)


class _Template(BoundTemplate):
    context_class = Scope


class _Limited(Environment):
    template_class = _Template
    block_nesting_limit = 10
    loop_iteration_limit = MAX_RANGE
    local_namespace_limit = MAX_VALUE
    output_stream_limit = MAX_VALUE


class Template:
    """A parsed text. `constant` is the text itself if it has no Liquid in it, else None."""

    __slots__ = ("_parts", "_weight", "constant")

    def __init__(self, parts: Sequence[str | Callable[[Scope], str]], weight: int) -> None:
        self._parts = tuple(parts)
        self._weight = weight
        self.constant = "".join(map(str, parts)) if all(isinstance(part, str) for part in parts) else None

    def fill(self, scope: Scope) -> str:
        """The text for one customer; unescaped.

        Raises:
            UnresolvedContent: a variable is missing.
            ContentError: the template failed or grew too large.
        """
        if self.constant is not None:
            return self.constant
        scope.weight = self._weight
        try:
            return "".join([part if isinstance(part, str) else part(scope) for part in self._parts])
        except UndefinedError as error:
            raise UnresolvedContent(_missing_name(error)) from error
        except _FAULTS as error:
            raise ContentError(f"the template failed: {_reason(error)}") from error


def parse(source: str, variables: frozenset[str]) -> Template:
    """Parse a text that may use these variables (root names).

    Raises:
        UnresolvedContent: it names a variable that no message has, or keeps a placeholder.
        ContentError: it is too long or not Liquid.
    """
    if len(source) > MAX_TEMPLATE:
        raise ContentError(f"a text has more than {MAX_TEMPLATE:,} characters")
    _refuse_open_markup(source)
    try:
        template = _ENVIRONMENT.from_string(source)
        used = template.analyze()
    except _FAULTS as error:
        raise ContentError(f"the text is not valid Liquid: {_reason(error)}") from error
    for name in sorted(set(used.filters) - set(_ENVIRONMENT.filters)):
        raise ContentError(f"the text is not valid Liquid: there is no filter {name}")
    for name in sorted(set(used.globals) - variables):
        raise UnresolvedContent(name)
    for node in template.nodes:
        _refuse_wide_ranges(node, template)
    return Template([_part(node) for node in template.nodes], 1 + len(source) // _NODE_LENGTH)


def used(source: str) -> frozenset[str]:
    """What a text that can be parsed speaks of: `customer.first_name`, `products.title`, or a root alone."""
    found = _ENVIRONMENT.from_string(source).analyze().globals
    return frozenset(
        ".".join(part for part in variable.segments if isinstance(part, str))
        for variables in found.values()
        for variable in variables
    )


def line_of(error: BaseException | None) -> int | None:
    """On which line of its text a mistake in Liquid is, if that is known."""
    context = error.context() if isinstance(error, LiquidError) else None
    return context[0] if context else None


def scope(values: Mapping[str, object], reader: Formats) -> Scope:
    """What the templates of one message see; made once, used for all of them."""
    made = Scope(_EMPTY, globals=values)
    made.formats, made.weight, made.work = reader, 1, 0
    return made


def left_over(text: str) -> str | None:
    """A placeholder that somebody forgot to fill (`%NOME%`, `*|FNAME|*`, `[CITTÀ]`), or None."""
    found = _LEFT_OVER.search(text)
    return found.group() if found else None


def _refuse_open_markup(source: str) -> None:
    """Each `{{` and `{%` must be closed soon: the parser takes seconds to find out that one never is."""
    for opened in _OPENING.finditer(source):
        closing = source.find(_CLOSING[opened.group()], opened.end(), opened.end() + _MAX_MARKUP)
        if closing < 0:
            raise ContentError(f"the text is not valid Liquid: {opened.group()} is never closed, or too long")


def _part(node: Node) -> str | Callable[[Scope], str]:
    if isinstance(node, ContentNode):
        found = left_over(node.text)
        if found:
            raise UnresolvedContent(found)
        return str(node.text)
    if isinstance(node, OutputNode):
        return partial(_output, node.expression)
    return partial(_block, node)


def _output(expression: Expression, scope: Scope) -> str:
    value = expression.evaluate(scope)
    if type(value) is str:
        return value
    if isinstance(value, dict | list | tuple):
        raise TypeError("name one thing of it, as in customer.first_name")
    # Escaped once, at the end, with everything around it (see _same).
    return to_liquid_string(value, autoescape=False)


def _block(node: Node, scope: Scope) -> str:
    buffer = scope.get_buffer()
    node.render(scope, buffer)
    return buffer.getvalue()


class _Missing(FalsyStrictUndefined):
    """May be tested (`if`, `default`), never printed."""

    __slots__ = ()


def _missing_name(error: UndefinedError) -> str:
    return str(error.message).removesuffix(" is undefined").strip("'")


def _reason(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error) or type(error).__name__


def _refuse_wide_ranges(node: Node, template: BoundTemplate) -> None:
    """A range must be written out: `contains` on a huge one runs for minutes without a loop."""
    for expression in node.expressions():
        _refuse_wide_range(expression)
    for child in node.children(Scope(template), include_partials=False):
        _refuse_wide_ranges(child, template)


def _refuse_wide_range(expression: Expression) -> None:
    if isinstance(expression, RangeLiteral):
        start, stop = expression.start, expression.stop
        if not isinstance(start, IntegerLiteral) or not isinstance(stop, IntegerLiteral):
            raise ContentError("a range must be written in numbers, like (1..5)")
        if stop.value - start.value > MAX_RANGE:
            raise ContentError(f"a range has more than {MAX_RANGE:,} numbers")
    for child in expression.children():
        _refuse_wide_range(child)


@with_context
def _money(value: object, *, context: Scope) -> str:
    if not isinstance(value, int):
        raise TypeError("money needs an amount in minor units")
    return formats.shown_money(value, context.formats)


@with_context
def _date(value: object, pattern: str = "long", *, context: Scope) -> str:
    return formats.shown_date(_present(value), str(pattern), context.formats)


@with_context
def _until(value: object, *, context: Scope) -> str:
    return formats.until(_present(value), context.formats)


def _present(value: object) -> object:
    """The value, raising what the strict undefined raises when it is looked at."""
    return value if not isinstance(value, _Missing) else str(value)


def _same(value: object) -> object:
    """Templates written elsewhere escape by hand; here everything is escaped once, at the end."""
    return value


def _environment() -> Environment:
    made = _Limited(undefined=_Missing, strict_filters=True, autoescape=False)
    for tag in _REMOVED_TAGS:
        del made.tags[tag]
    for name in _REMOVED_FILTERS:
        del made.filters[name]
    made.filters |= {"money": _money, "date": _date, "until": _until, "escape": _same, "escape_once": _same}
    made.filters = {name: guarded(name, function) for name, function in made.filters.items()}
    return made


_ENVIRONMENT = _environment()
_EMPTY = _ENVIRONMENT.from_string("")
