"""How long after one another the steps of a way come, as far as its definition alone can tell."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from app.flows import checks
from app.flows.checks import Wrong
from app.flows.definition import Anchor, Entry
from app.flows.steps import Message, Step, Wait, WaitEvent, WaitFor

_A_DAY = timedelta(days=1)
_SHORTEST_DELAY = timedelta(days=7)
"""Of a wait that goes by the order's products; see app/flows/delays.py."""


@dataclass(frozen=True, slots=True)
class Moment:
    """So long after something that happens to the customer at the earliest."""

    root: str
    after: timedelta
    is_local: bool = False


def problems(entry: Entry) -> Iterator[Wrong]:
    """Waits that are over before they begin, and codes that end before their message leaves."""
    moments = _moments(entry)
    sure = checks.sure_at(entry.steps)
    ends = _anchors(entry.event_anchor, entry.anchors)
    for step in entry.steps:
        earlier = [moments[name] for name in sorted(sure[step.id].passed) if name in moments]
        if isinstance(step, Wait):
            if any(_is_before(moments[step.id], other) for other in earlier):
                text = f"step {step.id} would be over before it begins; let it wait as long as the one before"
                yield Wrong(step.id, "amount", "too-early", text)
        elif isinstance(step, Message) and step.voucher is not None:
            end = _ends(step, ends)
            latest = [other for other in earlier if other.root == end.root]
            if any(other.after >= end.after for other in latest):
                text = f"step {step.id}: its code would be over before it leaves; let the code last longer"
                yield Wrong(step.id, "code_days", "code-over", text, step.name)


def _is_before(moment: Moment, other: Moment) -> bool:
    """A time of day moves a moment within its day, so that within one day nothing is sure."""
    slack = _A_DAY if moment.is_local or other.is_local else timedelta()
    return moment.root == other.root and moment.after + slack < other.after


def _ends(message: Message, anchors: dict[str, Moment]) -> Moment:
    terms = message.voucher
    if terms is None:
        raise ValueError(f"step {message.id} has no code")
    base = anchors.get(terms.ends_at, Moment(terms.ends_at, timedelta()))
    return Moment(base.root, base.after + timedelta(days=terms.ends_after_days))


def _anchors(event_anchor: str, anchors: tuple[Anchor, ...]) -> dict[str, Moment]:
    found = {"entered": Moment("entered", timedelta()), event_anchor: Moment("entered", timedelta())}
    for one in anchors:
        base = found.get(one.anchor, Moment(one.anchor, timedelta()))
        found[one.name] = Moment(base.root, base.after + timedelta(days=one.days, hours=one.hours))
    return found


def _moments(entry: Entry) -> dict[str, Moment]:
    """When each wait is over at the earliest, by its step."""
    known = _anchors(entry.event_anchor, entry.anchors)
    found: dict[str, Moment] = {}
    for step in entry.steps:
        moment = _over(step, known)
        if moment is not None:
            found[step.id] = moment
        if isinstance(step, WaitFor | WaitEvent) and step.sets:
            known[step.sets] = Moment(step.sets, timedelta())
        if isinstance(step, Wait) and step.sets and moment is not None:
            known[step.sets] = moment
    return found


def _over(step: Step, known: dict[str, Moment]) -> Moment | None:
    if not isinstance(step, Wait):
        return None
    base = known.get(step.anchor, Moment(step.anchor, timedelta()))
    # With a time of day the hours do not count.
    after = base.after + timedelta(days=step.days, hours=0 if step.at else step.hours)
    if step.delay:
        after += _SHORTEST_DELAY
    return Moment(base.root, after, step.at is not None or base.is_local)
