"""The flow engine's core: one journey, one moment, what follows. Pure: no database, no clock.

`advance` walks from the step where a journey stands to the next wait or the end, and says what is
to be made on the way. Live runs and the dry run share it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
        return _made(Journey, (self.entry_id, step, *self[2:]))

    def waiting(self, step: str, due_at: datetime, waits_for: str | None = None) -> "Journey":
        """The same at a step, waiting until then, or for something that comes before."""
        return _made(Journey, (self.entry_id, step, self.anchors, self.state, waits_for, due_at, *self[6:]))

    def with_anchors(self, anchors: Mapping[str, datetime]) -> "Journey":
        """The same with these named moments."""
        return _made(Journey, (self.entry_id, self.step, anchors, *self[3:]))

    def ended(self, step: str, state: str, reason: str | None) -> "Journey":
        """The same at its end, which it met at this step."""
        return _made(Journey, (self.entry_id, step, self.anchors, state, None, None, reason, *self[7:]))

    def settled(self) -> "Journey":
        """As its row would be read again: it does not tell what brought the journey to its step."""
        return self if self.arrived_by is None else _made(Journey, (*self[:8], None, *self[9:]))

    def past_its_wait(self, step: str) -> "Journey":
        """The same at this step, its wait over."""
        past = (self.entry_id, step, self.anchors, self.state, None, None, *self[6:8], None, *self[9:])
        return _made(Journey, past)

    def speaking_of(self, products: tuple[Mapping[str, Any], ...]) -> "Journey":
        """The same with what its messages speak of."""
        return _made(Journey, (*self[:7], products, *self[8:]))


_made = tuple.__new__
"""A journey of all its parts, in half the time that it takes by their names: some six are made a message."""


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
    walk, steps = _Walk(entry, facts, at, journey), entry.by_id
    here: str | None = journey.step
    for _ in range(_ENOUGH_STEPS):
        if here is None:
            return Advance(walk.journey, walk.messages, walk.skipped, walk.state, walk.effects)
        step = steps.get(here)
        if step is None:
            walk.end(here, COMPLETED, None)
            here = None
        elif here in entry.passed_over:
            here = entry.step_after(entry.step_after(here))
        else:
            here = _WALKS[type(step)](walk, step)
    raise RuntimeError(f"entry {entry.id} walks in a circle at {here}")


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
    return arrived.at(step.came if type(step) is WaitEvent else entry.step_after(arrived.step))


def ended(journey: Journey, reason: str) -> Journey:
    """An exit condition ended the journey."""
    return journey.ended(journey.step, EXITED, reason)


@dataclass(slots=True)
class _Walk:
    """One walk under way: what it may look at, and what it brought so far.

    Which step it is at, the journey is told where it stands again. Each kind of step says which one follows,
    or None where the walk is over.
    """

    entry: Entry
    facts: StepFacts
    at: datetime
    journey: Journey
    messages: tuple[MadeMessage, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    effects: tuple[Effect, ...] = ()
    state: str | None = None

    def end(self, step: str, state: str, reason: str | None) -> None:
        """The journey ends at a step."""
        self.journey = self.journey.ended(step, state, reason)

    def wait(self, step: str, due_at: datetime, waits_for: str | None = None) -> None:
        """The journey waits at a step."""
        self.journey = self.journey.waiting(step, due_at, waits_for)


def _end(walk: _Walk, step: End) -> None:
    walk.end(step.id, COMPLETED, None)


def _wait(walk: _Walk, step: Wait) -> None:
    due = moments.due(step, walk.journey.anchors, walk.facts.place, walk.facts.review_delay_days)
    if step.sets:
        walk.journey = _with_anchor(walk.journey, step.sets, due)
    walk.wait(step.id, due)


def _wait_for(walk: _Walk, step: WaitFor) -> str | None:
    """Standing at the wait, or already past it when the event brought us here."""
    begun = walk.journey.anchors[step.anchor]
    if walk.journey.arrived_by == step.event:
        walk.journey = _with_anchor(walk.journey, step.sets, begun)._replace(arrived_by=None)
        return walk.entry.step_after(step.id)
    days = step.days_abroad if walk.facts.is_abroad else step.days_home
    walk.wait(step.id, begun + timedelta(days=days), step.event)
    return None


def _wait_event(walk: _Walk, step: WaitEvent) -> None:
    due = walk.journey.anchors[step.anchor] + timedelta(days=step.days, hours=step.hours)
    walk.wait(step.id, due, step.event)


def _choose(walk: _Walk, step: ChooseProducts) -> str | None:
    chosen = tuple(walk.facts.choices.get(step.chooser, ()))
    if not chosen and step.if_none is not None:
        walk.end(step.id, COMPLETED, step.if_none)
        return None
    walk.journey = walk.journey.speaking_of(chosen)
    return walk.entry.step_after(step.id)


def _make(walk: _Walk, step: Message) -> str:
    """The message of a step, or why there is none; nothing of one that is off."""
    false = first_false(step.asked_at_once, walk.facts.conditions) if step.is_on else None
    if false is not None:
        walk.skipped += (Skipped(step, "trigger-false", false),)
    elif step.is_on:
        expires = moments.expires(step, walk.at, walk.journey.anchors, walk.facts.place)
        channel = _channel(walk, step, expires)
        walk.messages += (MadeMessage(step, channel, walk.at, expires, walk.journey.products),)
    return walk.entry.step_after(step.id)


def _channel(walk: _Walk, step: Message, expires: datetime) -> str:
    if step.channel == "email":
        return step.channel
    facts, earliest = walk.facts, max(walk.at, walk.facts.now or walk.at)
    return "sms" if moments.has_sms_window(earliest, expires, facts.place, facts.has_sms) else "email"


def _split(walk: _Walk, step: Split) -> str:
    is_true = first_false((step.condition,), walk.facts.conditions) is None
    return step.then if is_true else walk.entry.step_after(step.id)


def _draw(walk: _Walk, step: SplitByArm) -> str:
    arm = arm_of(step, walk.facts.lot)
    walk.journey = walk.journey._replace(arms={**walk.journey.arms, step.id: arm.name})
    return arm.then


def _set_state(walk: _Walk, step: SetState) -> str:
    walk.state = walk.state or step.to
    return walk.entry.step_after(step.id)


def _do(walk: _Walk, step: Effect) -> str:
    walk.effects += (step,)
    walk.journey = walk.journey._replace(done=(*walk.journey.done, step.id))
    return walk.entry.step_after(step.id)


_WALKS: Mapping[type[Part], Callable[[_Walk, Any], str | None]] = {
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


def _with_anchor(journey: Journey, name: str, moment: datetime) -> Journey:
    return journey.with_anchors({**journey.anchors, name: moment})
