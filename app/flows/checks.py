"""Whether a way into a flow can be walked: what is wrong with it, and what to do about it."""

from collections.abc import Iterable, Iterator, Sequence

from app.flows.steps import Message, Split, SplitByArm, Step, Wait, WaitEvent, WaitFor
from app.messaging.conditions import problem

_LONGEST_ID = 40
_OF_THE_DAY = "day_ends"
"""No anchor, but the end of the message's own day."""


def check(entry_id: str, steps: Sequence[Step], anchors: Iterable[str], only_if: Sequence[str]) -> None:
    """See that every step can be reached and done.

    Args:
        anchors: the moments that a journey has from its beginning.

    Raises:
        ValueError: something is wrong; the text says what to do.
    """
    for wrong in (
        *_ids(steps),
        *_ways(steps),
        *_moments(steps, anchors),
        *filter(None, map(problem, conditions(steps, only_if))),
    ):
        raise ValueError(f"entry {entry_id}: {wrong}")


def conditions(steps: Sequence[Step], only_if: Sequence[str]) -> list[str]:
    """Every condition that an entry or a step of it asks, in order."""
    named = [*only_if]
    for step in steps:
        if isinstance(step, Message):
            named += step.only_if
        if isinstance(step, Split):
            named.append(step.condition)
    return named


def leads_to(step: Step) -> tuple[str, ...]:
    """The steps that a step leads to beside the one that follows it."""
    if isinstance(step, Split):
        return (step.then,)
    if isinstance(step, WaitEvent):
        return (step.came,)
    return tuple(arm.then for arm in step.arms) if isinstance(step, SplitByArm) else ()


def _ids(steps: Sequence[Step]) -> Iterator[str]:
    ids = [step.id for step in steps]
    for step_id in {one for one in ids if ids.count(one) > 1}:
        yield f"two steps are called {step_id}; give each an id of its own"
    for step in steps:
        if not 1 <= len(step.id) <= _LONGEST_ID:
            yield f"step {step.id[:20]}…: an id has 1 to {_LONGEST_ID} characters"
        if isinstance(step, SplitByArm) and len({arm.name for arm in step.arms}) != len(step.arms):
            yield f"step {step.id}: two arms share a name; give each its own"


def _ways(steps: Sequence[Step]) -> Iterator[str]:
    """A journey goes forward only, so that it ends."""
    ids = [step.id for step in steps]
    for place, step in enumerate(steps):
        for other in leads_to(step):
            if other not in ids:
                yield f"step {step.id} leads to {other}, which does not exist; there are {', '.join(ids)}"
            elif ids.index(other) <= place:
                yield f"step {step.id} leads back to {other}; it may lead to later steps only"


def _moments(steps: Sequence[Step], anchors: Iterable[str]) -> Iterator[str]:
    """A moment must be known before something is counted from it."""
    known = set(anchors)
    for step in steps:
        for name in _counted_from(step):
            if name not in known:
                there = ", ".join(sorted(known))
                yield f"step {step.id} counts from {name!r}, which is not known by then; there are {there}"
        if isinstance(step, Wait | WaitFor | WaitEvent) and step.sets:
            known.add(step.sets)


def _counted_from(step: Step) -> Iterator[str]:
    if isinstance(step, Wait | WaitFor | WaitEvent):
        yield step.anchor
    if isinstance(step, Message):
        if step.until not in (None, _OF_THE_DAY):
            yield str(step.until)
        if step.voucher is not None:
            yield step.voucher.ends_at
