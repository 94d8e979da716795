"""The flow engine's core: one journey, one moment, what follows. Pure: no database, no clock.

`advance` walks from the step where a journey stands to the next wait or the end, and says what is
to be made on the way. Live runs and the dry run share it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from app.flows import moments
from app.flows.arms import arm_of
from app.flows.definition import ChooseProducts, End, Entry, Message, SetState, Split, Wait, WaitFor
from app.flows.moments import Place
from app.flows.steps import Effect, Part, Score, SplitByArm, Tag, WaitEvent, Webhook
from app.messaging.conditions import ConditionFacts, first_false

ACTIVE, COMPLETED, EXITED, HELD_OUT = "active", "completed", "exited", "held_out"
_ENOUGH_STEPS = 100
NOTHING: Mapping[str, Any] = MappingProxyType({})
"""What nothing was looked up for."""


class Journey(NamedTuple):
    """Where somebody stands. `anchors` are the named moments of the journey so far.

    `arrived_by` is the event type that brought the journey to its present step, if one did. `arms` are those
    that the lot gave, by the step that drew it; `done` the steps beside messages that were done.
    """

    entry_id: str
    step: str
    anchors: Mapping[str, datetime]
    state: str = ACTIVE
    waits_for: str | None = None
    due_at: datetime | None = None
    exit_reason: str | None = None
    products: tuple[Mapping[str, Any], ...] = ()
    arrived_by: str | None = None
    arms: Mapping[str, str] = NOTHING
    done: tuple[str, ...] = ()

    def at(self, step: str) -> "Journey":
        """The same at another step."""
        return Journey(self.entry_id, step, *self[2:])

    def waiting(self, due_at: datetime, waits_for: str | None = None) -> "Journey":
        """The same, waiting until then, or for something that comes before."""
        return Journey(self.entry_id, self.step, self.anchors, self.state, waits_for, due_at, *self[6:])

    def with_anchors(self, anchors: Mapping[str, datetime]) -> "Journey":
        """The same with these named moments."""
        return Journey(self.entry_id, self.step, anchors, *self[3:])

    def ended(self, state: str, reason: str | None) -> "Journey":
        """The same at its end."""
        return Journey(self.entry_id, self.step, self.anchors, state, None, None, reason, *self[7:])

    def settled(self) -> "Journey":
        """As its row would be read again: it does not tell what brought the journey to its step."""
        return Journey(*self[:8], None, *self[9:]) if self.arrived_by is not None else self

    def past_its_wait(self, step: str) -> "Journey":
        """The same at this step, its wait over."""
        return Journey(self.entry_id, step, self.anchors, self.state, None, None, *self[6:8], None, *self[9:])

    def speaking_of(self, products: tuple[Mapping[str, Any], ...], step: str) -> "Journey":
        """The same at another step, with what its messages speak of."""
        return Journey(self.entry_id, step, *self[2:7], products, *self[8:])


class StepFacts(NamedTuple):
    """What the steps look at. `choices` maps a chooser to its products; absent if not looked up.

    `now` is when they are walked; None where that is their own moment. `lot` is what arms are drawn by: the
    store, the flow and the person.
    """

    conditions: ConditionFacts
    place: Place
    choices: Mapping[str, Sequence[Mapping[str, Any]]] = NOTHING
    review_delay_days: int = 14
    is_abroad: bool = False
    has_sms: bool = False
    now: datetime | None = None
    lot: str = ""


class MadeMessage(NamedTuple):
    """A message that is to be queued: its step, its channel and its two moments."""

    step: Message
    channel: str
    due_at: datetime
    expires_at: datetime
    products: tuple[Mapping[str, Any], ...]


class Skipped(NamedTuple):
    """A message that is not made, and why."""

    step: Message
    reason: str
    value: str


class Advance(NamedTuple):
    """Where the journey stands now and what is to be made.

    `state`: what the customer's becomes, if so. `effects`: what is to be done beside messages, in order.
    """

    journey: Journey
    messages: tuple[MadeMessage, ...]
    skipped: tuple[Skipped, ...]
    state: str | None = None
    effects: tuple[Effect, ...] = ()


def advance(journey: Journey, entry: Entry, facts: StepFacts, at: datetime) -> Advance:
    """Walk on from `journey.step`, standing at the moment `at`, until something must be waited for."""
    walk = _Walk(entry, facts, at)
    for _ in range(_ENOUGH_STEPS):
        step = entry.step(journey.step)
        if step is None:
            journey = _ended(journey, COMPLETED, None)
        elif step.id in entry.passed_over:
            journey = _next(_next(journey, entry), entry)
        else:
            journey = _WALKS[type(step)](walk, journey, step)
        if journey.due_at is not None or journey.state != ACTIVE:
            return Advance(
                journey, tuple(walk.messages), tuple(walk.skipped), walk.state, tuple(walk.effects)
            )
    raise RuntimeError(f"entry {entry.id} walks in a circle at {journey.step}")


def timer_fired(
    journey: Journey, entry: Entry, median_transit: timedelta | None, *, is_abroad: bool
) -> Journey:
    """The moment that the journey waited for has come: step past the wait.

    Args:
        median_transit: the store's, for an event that never came; None where it is not known.
    """
    step = entry.step(journey.step)
    if type(step) is WaitFor:
        moment = moments.assumed(step, journey.anchors, median_transit, is_abroad=is_abroad)
        journey = _with_anchor(journey, step.sets, moment)
    return journey.past_its_wait(entry.step_after(journey.step))


def event_came(journey: Journey, entry: Entry, event_type: str, at: datetime) -> Journey:
    """The event that the journey waited for has come: keep its moment and step past the wait."""
    step = entry.step(journey.step)
    arrived = journey.past_its_wait(journey.step)
    if (type(step) is WaitFor or type(step) is WaitEvent) and step.event == event_type and step.sets:
        arrived = _with_anchor(arrived, step.sets, at)
    return arrived.at(step.came) if type(step) is WaitEvent else _next(arrived, entry)


def ended(journey: Journey, reason: str) -> Journey:
    """An exit condition ended the journey."""
    return _ended(journey, EXITED, reason)


@dataclass(slots=True)
class _Walk:
    """One walk under way: what it may look at, and what it brought so far."""

    entry: Entry
    facts: StepFacts
    at: datetime
    messages: list[MadeMessage] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    state: str | None = None


def _end(walk: _Walk, journey: Journey, step: End) -> Journey:
    return _ended(journey, COMPLETED, None)


def _wait(walk: _Walk, journey: Journey, step: Wait) -> Journey:
    due = moments.due(step, journey.anchors, walk.facts.place, walk.facts.review_delay_days)
    if step.sets:
        journey = _with_anchor(journey, step.sets, due)
    return journey.waiting(due)


def _wait_for(walk: _Walk, journey: Journey, step: WaitFor) -> Journey:
    """Standing at the wait, or already past it when the event brought us here."""
    if journey.arrived_by == step.event:
        arrived = _with_anchor(journey, step.sets, journey.anchors[step.anchor])
        return _next(arrived._replace(arrived_by=None), walk.entry)
    days = step.days_abroad if walk.facts.is_abroad else step.days_home
    return journey.waiting(journey.anchors[step.anchor] + timedelta(days=days), step.event)


def _wait_event(walk: _Walk, journey: Journey, step: WaitEvent) -> Journey:
    due = journey.anchors[step.anchor] + timedelta(days=step.days, hours=step.hours)
    return journey.waiting(due, step.event)


def _choose(walk: _Walk, journey: Journey, step: ChooseProducts) -> Journey:
    chosen = tuple(walk.facts.choices.get(step.chooser, ()))
    if not chosen and step.if_none is not None:
        return _ended(journey, COMPLETED, step.if_none)
    return journey.speaking_of(chosen, walk.entry.step_after(journey.step))


def _make(walk: _Walk, journey: Journey, step: Message) -> Journey:
    """The message of a step, or why there is none; nothing of one that is off."""
    false = first_false(step.asked_at_once, walk.facts.conditions) if step.is_on else None
    if false is not None:
        walk.skipped.append(Skipped(step, "trigger-false", false))
    elif step.is_on:
        expires = moments.expires(step, walk.at, journey.anchors, walk.facts.place)
        channel = _channel(walk, step, expires)
        walk.messages.append(MadeMessage(step, channel, walk.at, expires, journey.products))
    return _next(journey, walk.entry)


def _channel(walk: _Walk, step: Message, expires: datetime) -> str:
    if step.channel == "email":
        return step.channel
    facts, earliest = walk.facts, max(walk.at, walk.facts.now or walk.at)
    return "sms" if moments.has_sms_window(earliest, expires, facts.place, facts.has_sms) else "email"


def _split(walk: _Walk, journey: Journey, step: Split) -> Journey:
    is_true = first_false((step.condition,), walk.facts.conditions) is None
    return journey.at(step.then) if is_true else _next(journey, walk.entry)


def _draw(walk: _Walk, journey: Journey, step: SplitByArm) -> Journey:
    arm = arm_of(step, walk.facts.lot)
    return journey._replace(step=arm.then, arms={**journey.arms, step.id: arm.name})


def _set_state(walk: _Walk, journey: Journey, step: SetState) -> Journey:
    walk.state = walk.state or step.to
    return _next(journey, walk.entry)


def _do(walk: _Walk, journey: Journey, step: Effect) -> Journey:
    walk.effects.append(step)
    return _next(journey, walk.entry)._replace(done=(*journey.done, step.id))


_WALKS: Mapping[type[Part], Callable[[_Walk, Journey, Any], Journey]] = {
    Wait: _wait,
    WaitFor: _wait_for,
    WaitEvent: _wait_event,
    ChooseProducts: _choose,
    Message: _make,
    Split: _split,
    SplitByArm: _draw,
    SetState: _set_state,
    Tag: _do,
    Score: _do,
    Webhook: _do,
    End: _end,
}


def _next(journey: Journey, entry: Entry) -> Journey:
    return journey.at(entry.step_after(journey.step))


def _ended(journey: Journey, state: str, reason: str | None) -> Journey:
    return journey.ended(state, reason)


def _with_anchor(journey: Journey, name: str, moment: datetime) -> Journey:
    return journey.with_anchors({**journey.anchors, name: moment})
