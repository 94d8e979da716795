"""Whether a way into a flow can be walked: what is wrong with it, and what to do about it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from app.flows.steps import End, Message, Split, SplitByArm, Step, Wait, WaitEvent, WaitFor
from app.messaging.conditions import problem

_LONGEST_ID = 40
OF_THE_DAY = "day_ends"
"""No anchor, but the end of the message's own day."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a step.

    Attributes:
        step: its id; "" where no step is to blame.
        field: of the step, "" for the whole of it.
        code: for the words of a screen, which fills in `detail`.
        text: the same for who writes a definition by hand.
    """

    step: str
    field: str
    code: str
    text: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Before:
    """What is sure when a step is reached, whichever way: the steps passed and the moments known."""

    passed: frozenset[str]
    known: frozenset[str]


def check(entry_id: str, steps: Sequence[Step], anchors: Iterable[str], only_if: Sequence[str]) -> None:
    """See that every step can be reached and done.

    Args:
        anchors: the moments that a journey has from its beginning.

    Raises:
        ValueError: something is wrong; the text says what to do.
    """
    for wrong in problems(steps, anchors, only_if):
        raise ValueError(f"entry {entry_id}: {wrong.text}")


def problems(steps: Sequence[Step], anchors: Iterable[str], only_if: Sequence[str]) -> list[Wrong]:
    """Everything that is wrong; what rests on sound ways is looked at once they are."""
    asked = [
        Wrong(step, "condition", "condition", wrong)
        for step, condition in _conditions(steps, only_if)
        if (wrong := problem(condition)) is not None
    ]
    return [*_ids(steps), *_ways(steps)] or [*_moments(steps, anchors), *asked]


def conditions(steps: Sequence[Step], only_if: Sequence[str]) -> list[str]:
    """Every condition that an entry or a step of it asks, in order."""
    return [condition for _, condition in _conditions(steps, only_if)]


def leads_to(step: Step) -> tuple[str, ...]:
    """The steps that a step leads to beside the one that follows it."""
    if isinstance(step, Split):
        return (step.then,)
    if isinstance(step, WaitEvent):
        return (step.came,)
    return tuple(arm.then for arm in step.arms) if isinstance(step, SplitByArm) else ()


def sure_at(steps: Sequence[Step], anchors: Iterable[str] = ()) -> dict[str, Before]:
    """What is sure at each step that somebody can come to, in order; the ways must lead forward."""
    ids = [step.id for step in steps]
    arriving = {step.id: Before(frozenset(), frozenset(anchors)) for step in steps[:1]}
    for place, step in enumerate(steps):
        here = arriving.get(step.id)
        if here is None:
            continue
        for target, sets in _exits(step, ids[place + 1 : place + 2]):
            there = Before(here.passed | {step.id}, here.known | sets)
            other = arriving.get(target, there)
            arriving[target] = Before(there.passed & other.passed, there.known & other.known)
    return {name: arriving[name] for name in ids if name in arriving}


def _exits(step: Step, following: Sequence[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """Where a step leads, each with the moments that are known by then because of it."""
    sets = frozenset({step.sets} if isinstance(step, Wait | WaitFor | WaitEvent) and step.sets else ())
    yield from ((other, sets) for other in leads_to(step))
    if not isinstance(step, End | SplitByArm):
        # An event that did not come has no moment.
        yield from ((other, frozenset() if isinstance(step, WaitEvent) else sets) for other in following)


def _conditions(steps: Sequence[Step], only_if: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from (("", condition) for condition in only_if)
    for step in steps:
        if isinstance(step, Message):
            yield from ((step.id, condition) for condition in step.only_if)
        if isinstance(step, Split):
            yield step.id, step.condition


def _ids(steps: Sequence[Step]) -> Iterator[Wrong]:
    ids = [step.id for step in steps]
    for name in sorted({one for one in ids if ids.count(one) > 1}):
        yield Wrong(name, "", "id", f"two steps are called {name}; give each an id of its own")
    for step in steps:
        if not 1 <= len(step.id) <= _LONGEST_ID:
            text = f"step {step.id[:20]}…: an id has 1 to {_LONGEST_ID} characters"
            yield Wrong(step.id, "", "id", text)
        if isinstance(step, SplitByArm) and len({arm.name for arm in step.arms}) != len(step.arms):
            yield Wrong(step.id, "arms", "arms", f"step {step.id}: two arms share a name; give each its own")


def _ways(steps: Sequence[Step]) -> Iterator[Wrong]:
    """A journey goes forward only, so that it ends; and no step is there for nobody."""
    ids = [step.id for step in steps]
    is_forward = True
    for place, step in enumerate(steps):
        for other in leads_to(step):
            if other not in ids:
                is_forward = False
                there = ", ".join(ids)
                text = f"step {step.id} leads to {other}, which does not exist; there are {there}"
                yield Wrong(step.id, "then", "leads-nowhere", text, other)
            elif ids.index(other) <= place:
                is_forward = False
                text = f"step {step.id} leads back to {other}; it may lead to later steps only"
                yield Wrong(step.id, "then", "leads-back", text, other)
    reached = sure_at(steps) if is_forward else dict.fromkeys(ids)
    for name in ids:
        if name not in reached:
            yield Wrong(name, "", "unreachable", f"nobody ever comes to step {name}; let a step lead there")


def _moments(steps: Sequence[Step], anchors: Iterable[str]) -> Iterator[Wrong]:
    """A moment must be known before something is counted from it, whichever way led there."""
    sure = sure_at(steps, anchors)
    for step in steps:
        for name in _counted_from(step):
            if name not in sure[step.id].known:
                there = ", ".join(sorted(sure[step.id].known))
                text = f"step {step.id} counts from {name!r}, which is not known by then; there are {there}"
                yield Wrong(step.id, "anchor", "unknown-moment", text, name)


def _counted_from(step: Step) -> Iterator[str]:
    if isinstance(step, Wait | WaitFor | WaitEvent):
        yield step.anchor
    if isinstance(step, Message):
        if step.until not in (None, OF_THE_DAY):
            yield str(step.until)
        if step.voucher is not None:
            yield step.voucher.ends_at
