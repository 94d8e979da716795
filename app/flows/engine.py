"""The flow engine's core: one journey, one moment, what follows. Pure: no database, no clock.

`advance` walks from the step where a journey stands to the next wait or the end, and says what is
to be made on the way. Live runs and the dry run share it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from app.flows import moments
from app.flows.arms import arm_of
from app.flows.definition import End, Entry, Message, SetState, Split, Wait, WaitFor
from app.flows.moments import Place
from app.flows.steps import Effect, Score, SplitByArm, Tag, WaitEvent, Webhook
from app.messaging.conditions import ConditionFacts, first_false

ACTIVE, COMPLETED, EXITED, HELD_OUT = "active", "completed", "exited", "held_out"
_ENOUGH_STEPS = 100
_NONE: Mapping[str, Any] = MappingProxyType({})
_WAITS = (Wait, WaitFor, WaitEvent)


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
    arms: Mapping[str, str] = _NONE
    done: tuple[str, ...] = ()

    def at(self, step: str) -> "Journey":
        """The same at another step."""
        return self._replace(step=step)


class StepFacts(NamedTuple):
    """What the steps look at. `choices` maps a chooser to its products; absent if not looked up.

    `now` is when they are walked; None where that is their own moment. `lot` is what arms are drawn by: the
    store, the flow and the person.
    """

    conditions: ConditionFacts
    place: Place
    choices: Mapping[str, Sequence[Mapping[str, Any]]] = _NONE
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
    brought: list[_Brought] = []
    for _ in range(_ENOUGH_STEPS):
        step = entry.step(journey.step)
        if step is None or isinstance(step, End):
            return _advanced(_ended(journey, COMPLETED, None), brought)
        if step.id in entry.passed_over:
            journey = _next(_next(journey, entry), entry)
            continue
        if isinstance(step, _WAITS):
            waiting = _wait(journey, entry, step, facts)
            if waiting.due_at is not None:
                return _advanced(waiting, brought)
            journey = waiting
            continue
        if isinstance(step, Message | SetState):
            brought += _make(step, journey, facts, at)
            journey = _next(journey, entry)
        elif isinstance(step, Split | SplitByArm):
            journey = _branch(step, journey, entry, facts)
        elif isinstance(step, Tag | Score | Webhook):
            brought.append(step)
            journey = _next(journey, entry)._replace(done=(*journey.done, step.id))
        else:
            chosen = tuple(facts.choices.get(step.chooser, ()))
            if not chosen and step.if_none is not None:
                return _advanced(_ended(journey, COMPLETED, step.if_none), brought)
            journey = _next(journey, entry)._replace(products=chosen)
    raise RuntimeError(f"entry {entry.id} walks in a circle at {journey.step}")


def timer_fired(
    journey: Journey, entry: Entry, median_transit: timedelta | None, *, is_abroad: bool
) -> Journey:
    """The moment that the journey waited for has come: step past the wait.

    Args:
        median_transit: the store's, for an event that never came; None where it is not known.
    """
    step = entry.step(journey.step)
    if isinstance(step, WaitFor):
        moment = moments.assumed(step, journey.anchors, median_transit, is_abroad=is_abroad)
        journey = _with_anchor(journey, step.sets, moment)
    following = entry.step_after(journey.step)
    return journey._replace(step=following, waits_for=None, due_at=None, arrived_by=None)


def event_came(journey: Journey, entry: Entry, event_type: str, at: datetime) -> Journey:
    """The event that the journey waited for has come: keep its moment and step past the wait."""
    step = entry.step(journey.step)
    arrived = journey._replace(waits_for=None, due_at=None, arrived_by=None)
    if isinstance(step, WaitFor | WaitEvent) and step.event == event_type and step.sets:
        arrived = _with_anchor(arrived, step.sets, at)
    return arrived.at(step.came) if isinstance(step, WaitEvent) else _next(arrived, entry)


def ended(journey: Journey, reason: str) -> Journey:
    """An exit condition ended the journey."""
    return _ended(journey, EXITED, reason)


def _branch(step: Split | SplitByArm, journey: Journey, entry: Entry, facts: StepFacts) -> Journey:
    """The way that a condition or the lot sends the journey."""
    if isinstance(step, SplitByArm):
        arm = arm_of(step, facts.lot)
        return journey._replace(step=arm.then, arms={**journey.arms, step.id: arm.name})
    is_true = first_false((step.condition,), facts.conditions) is None
    return journey.at(step.then) if is_true else _next(journey, entry)


def _wait(journey: Journey, entry: Entry, step: Wait | WaitFor | WaitEvent, facts: StepFacts) -> Journey:
    """Standing at a wait: with a due moment, or already past it when the event brought us here."""
    if isinstance(step, Wait):
        due = moments.due(step, journey.anchors, facts.place, facts.review_delay_days)
        if step.sets:
            journey = _with_anchor(journey, step.sets, due)
        return journey._replace(due_at=due, waits_for=None)
    if isinstance(step, WaitEvent):
        due = journey.anchors[step.anchor] + timedelta(days=step.days, hours=step.hours)
        return journey._replace(due_at=due, waits_for=step.event)
    if journey.arrived_by == step.event:
        arrived = _with_anchor(journey, step.sets, journey.anchors[step.anchor])
        return _next(arrived._replace(arrived_by=None), entry)
    days = step.days_abroad if facts.is_abroad else step.days_home
    due = journey.anchors[step.anchor] + timedelta(days=days)
    return journey._replace(due_at=due, waits_for=step.event)


_Brought = MadeMessage | Skipped | SetState | Tag | Score | Webhook


def _advanced(journey: Journey, brought: Sequence[_Brought]) -> Advance:
    if not brought:
        return Advance(journey, (), ())
    return Advance(
        journey,
        messages=tuple(item for item in brought if isinstance(item, MadeMessage)),
        skipped=tuple(item for item in brought if isinstance(item, Skipped)),
        state=next((item.to for item in brought if isinstance(item, SetState)), None),
        effects=tuple(item for item in brought if isinstance(item, Tag | Score | Webhook)),
    )


def _make(
    step: Message | SetState, journey: Journey, facts: StepFacts, at: datetime
) -> Sequence[MadeMessage | Skipped | SetState]:
    """The message of a step, or why there is none; nothing of one that is off; a state as it is."""
    if isinstance(step, SetState):
        return [step]
    if not step.is_on:
        return []
    false = first_false(step.asked_at_once, facts.conditions)
    if false is not None:
        return [Skipped(step, "trigger-false", false)]
    expires = moments.expires(step, at, journey.anchors, facts.place)
    channel = "email"
    if step.channel == "sms-or-email" and moments.has_sms_window(
        max(at, facts.now or at), expires, facts.place, facts.has_sms
    ):
        channel = "sms"
    return [MadeMessage(step, channel, at, expires, journey.products)]


def _next(journey: Journey, entry: Entry) -> Journey:
    return journey.at(entry.step_after(journey.step))


def _ended(journey: Journey, state: str, reason: str | None) -> Journey:
    return journey._replace(state=state, exit_reason=reason, waits_for=None, due_at=None)


def _with_anchor(journey: Journey, name: str, moment: datetime) -> Journey:
    return journey._replace(anchors={**journey.anchors, name: moment})
