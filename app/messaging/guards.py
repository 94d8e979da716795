"""What a merchant's Liquid may cost: a budget of work for a whole message, and filters that keep to it."""

from collections.abc import Callable
from typing import Any

from liquid import RenderContext
from liquid.filter import with_context

from app.messaging.errors import TOO_MUCH
from app.messaging.formats import Formats

MAX_RANGE = 2_000
MAX_VALUE = 200_000
MAX_WORK = 100_000
_MAX_PRODUCT = 2_000_000
_MAX_BITS = 128
_AMPLIFIERS = frozenset({"replace", "join"})


class Scope(RenderContext):
    """A render context that also knows how this customer reads figures, and how much work was done.

    Work is counted in steps of about a microsecond over all texts of the message, because limits on
    each loop and each value still let a thousand of them run for minutes.
    """

    __slots__ = ("formats", "weight", "work")
    formats: Formats
    weight: int
    work: int

    def spend(self, steps: int) -> None:
        """Count work.

        Raises:
            ValueError: the message has used up what it may.
        """
        self.work += steps
        if self.work > MAX_WORK:
            raise ValueError(TOO_MUCH)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Count each round of a loop as if it ran the whole text."""
        super().raise_for_loop_limit(length)
        self.spend(length * self.weight)


def guarded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The filter, counted, and refusing what is too large before and after."""
    wants = [what for what in ("context", "environment") if getattr(function, f"with_{what}", False)]

    @with_context
    def call(left: object, *args: object, context: Scope, **kwargs: object) -> object:
        for value in (left, *args):
            _refuse_large(value)
        context.spend(1 + _steps(left))
        if name in _AMPLIFIERS and args and _size(left) * _size(args[-1]) > _MAX_PRODUCT:
            raise ValueError(f"{name} would make too much text")
        own = {"context": context, "environment": context.env}
        result = function(left, *args, **kwargs, **{what: own[what] for what in wants})
        _refuse_large(result)
        return result

    return call


def _steps(value: object) -> int:
    """What a filter costs on a value of this length."""
    if isinstance(value, list | tuple | range):
        return len(value) // 10
    return len(value) // 500 if isinstance(value, str) else 0


def _refuse_large(value: object) -> None:
    if isinstance(value, range | list | tuple) and len(value) > MAX_RANGE:
        raise ValueError("a list is too long")
    if isinstance(value, str) and len(value) > MAX_VALUE:
        raise ValueError("a text is too long")
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        raise ValueError("a number is too large")


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value) + 1
    if isinstance(value, list | tuple):
        return sum(_size(item) for item in value)
    return 20
