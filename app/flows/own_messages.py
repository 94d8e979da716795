"""Messages that a merchant adds to a flow: the text is theirs, what keeps them in bounds is the recipe's.

Such a message is marketing, whatever the flow is for, comes after all of the flow's own messages where only
one may leave, and asks what all of these ask before they leave. It is a mail, or a text to those who agreed
to texts. Its number is given once, so that nobody who got an earlier one is passed over, and no text comes
back that belonged to another.
"""

import re
from collections.abc import Iterable, Iterator

from app.flows.checks import Wrong
from app.flows.definition import Definition, Entry, Message, Step
from app.messaging import content

ALIVE = "enrollment-alive"
LONGEST_HOURS = 48
_LATER_STILL = 6
"""The weakest priority that recipes have, for a way without any message to be weaker than."""
_NAME = re.compile(rf"{content.OWN}([1-9][0-9]{{0,5}})")


def message(flow: str, origin: Entry, name: str) -> Message:
    """A message of the merchant's in a way of a recipe.

    Args:
        origin: the way as its recipe came.
        name: of the step, as `next_name` gives it.
    """
    others = _others(origin)
    return Message(
        kind="message",
        id=name,
        purpose="marketing",
        priority=max((one.priority for one in others), default=_LATER_STILL),
        ttl_hours=min([LONGEST_HOURS, *(one.ttl_hours for one in others if one.ttl_hours)]),
        only_if=asked(origin),
        content=f"{flow}/{name}",
    )


def asked(origin: Entry) -> tuple[str, ...]:
    """What is asked before such a message leaves: that the journey goes on, and what all others ask."""
    others = _others(origin)
    first = others[0].only_if if others else ()
    common = [one for one in first if all(one in other.only_if for other in others)]
    return tuple(dict.fromkeys((ALIVE, *common)))


def problems(origin: Definition, edited: Definition) -> Iterator[Wrong]:
    """Messages of the merchant's that are more than such a message may be."""
    known = {step.id for entry in origin.entries for step in entry.steps}
    for before, after in zip(origin.entries, edited.entries, strict=True):
        for step in after.steps:
            is_own = isinstance(step, Message) and step.id not in known
            if is_own and not _is_sound(origin.key, before, step):
                text = f"step {step.id}: a message of your own keeps its purpose, priority and conditions"
                yield Wrong(step.id, "", "own-message", text)


def next_name(taken: Iterable[str]) -> str:
    """A name above all that are taken; what else is among them does not matter."""
    return f"{content.OWN}{1 + max(_numbers(taken), default=0)}"


def _others(origin: Entry) -> list[Message]:
    """The messages of a recipe's way, but for what was promised at once."""
    return [one for one in origin.steps if isinstance(one, Message) and one.purpose != "answer"]


def _is_sound(flow: str, origin: Entry, step: Step) -> bool:
    wanted, free = message(flow, origin, step.id), {"is_on", "only_if", "channel"}
    is_same = step.model_dump(exclude=free) == wanted.model_dump(exclude=free)
    asks_all = isinstance(step, Message) and step.only_if[: len(wanted.only_if)] == wanted.only_if
    return bool(_NAME.fullmatch(step.id)) and is_same and asks_all


def _numbers(names: Iterable[str]) -> Iterator[int]:
    for name in names:
        found = _NAME.fullmatch(name)
        if found is not None:
            yield int(found[1])
