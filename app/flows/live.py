"""Live running: what an event or a timer does to the journeys of a customer."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from app import timeline
from app.flows import arms, choosers, engine, facts, meanings
from app.flows.batch import Batch, Held, LiveFlow
from app.flows.definition import Entry, Message
from app.flows.delays import STANDARD
from app.flows.engine import Advance, Journey, StepFacts
from app.flows.goods import OrderProduct
from app.flows.making import new_message
from app.flows.moments import ANYWHERE
from app.messaging.conditions import Asked, ConditionFacts, first_false
from app.messaging.outbox import NewDecision
from app.models import Store

_UNASKED = ConditionFacts()
"""What is given to steps that ask nothing."""


class MomentItem(NamedTuple):
    """The timeline entries of a customer that share a moment; their order decides nothing.

    Whom one of them lets in, the others end or move on, as if they came after it.
    """

    events: Sequence[Any]

    def run(self, batch: Batch) -> None:
        """End what they end, move on what waited for them, let in whom they let in."""
        customer_id = self.events[0].customer_id
        for held in batch.of(customer_id):
            if not _end(batch, held, self.events):
                _carry_on(batch, held, self.events)
        batch.already_read.setdefault(customer_id, []).extend(self.events)
        for event in self.events:
            for flow, entry in batch.ways_in(event.type):
                if meanings.lets_in(flow, entry, event):
                    enter_by_event(batch, flow, entry, event)


class TimerItem(NamedTuple):
    """A timer at its moment; one of an older turn is stale and does nothing."""

    held: Held
    turn: int
    due_at: datetime

    def run(self, batch: Batch) -> None:
        """Step past the wait and walk on."""
        held = self.held
        if held.turn != self.turn or held.journey.state != engine.ACTIVE or held.is_changed:
            return
        transit, abroad = _transit(batch, held) if held.journey.waits_for is not None else (None, False)
        entry = batch.entry_of(held)
        held.journey = engine.timer_fired(held.journey, entry, transit, is_abroad=abroad)
        move_on(batch, held, self.due_at)


def enter_by_event(batch: Batch, flow: LiveFlow, entry: Entry, event: Any) -> None:
    """Enroll the event's customer, unless a condition, erasure or an earlier enrollment forbids it."""
    occurrence = entry.occurrence.replace("{subject}", event.subject)
    if batch.knows(flow.key, event.customer_id, occurrence):
        return
    anchors = {"entered": event.occurred_at, entry.event_anchor: event.occurred_at}
    held = Held(
        None,
        flow.key,
        flow.version_id,
        event.customer_id,
        occurrence,
        event.subject,
        event.occurred_at,
        0,
        Journey(entry.id, entry.steps[0].id, anchors, arrived_by=event.type),
        begun_by=event.id,
    )
    enter(batch, entry, held)


def enter(batch: Batch, entry: Entry, held: Held) -> None:
    """Begin a journey: anchors, holdout arm, first steps."""
    customer = batch.facts.customers.get(held.customer_id)
    if customer is None or customer.erased_at is not None or batch.knows(*held.key):
        return
    if entry.anchors:
        held.journey = held.journey.with_anchors(_with_anchors(entry, held.journey.anchors))
    if entry.only_if and first_false(entry.only_if, _conditions(batch, held, entry.asked)) is not None:
        return
    batch.add(held)
    if batch.is_held_out(held.flow_key, _person(customer)):
        _hold_out(batch, entry, held)
        return
    move_on(batch, held, held.entered_at)
    _catch_up(batch, held)


def _catch_up(batch: Batch, held: Held) -> None:
    """Tell a journey that begins what happened at its moment or later and was read already."""
    earlier = batch.earlier.get(held.customer_id) or ()
    missed = [
        event
        for event in (*earlier, *batch.already_read.get(held.customer_id, ()))
        if event.occurred_at >= held.entered_at and event.id != held.begun_by
    ]
    if not missed:
        return
    for moment, events in groupby(sorted(missed, key=timeline.place_of), key=_moment_of):
        together = list(events)
        if _end(batch, held, together):
            return
        if moment == held.entered_at:
            _carry_on(batch, held, together)


def _moment_of(event: Any) -> datetime:
    moment: datetime = event.occurred_at
    return moment


def _end(batch: Batch, held: Held, events: Sequence[Any]) -> bool:
    """Stop a journey that one of the entries of a moment ends."""
    entry = batch.entry_of(held)
    for event in events:
        if meanings.is_ended(entry, held, event):
            _stop(held, event)
            return True
    return False


def _carry_on(batch: Batch, held: Held, events: Sequence[Any]) -> None:
    """Move a journey on that waits for one of the entries of a moment."""
    entry = batch.entry_of(held)
    for event in events:
        if meanings.is_awaited(entry, held, event):
            held.journey = engine.event_came(held.journey, entry, event.type, event.occurred_at)
            move_on(batch, held, event.occurred_at)


def _with_anchors(entry: Entry, known: Mapping[str, datetime]) -> dict[str, datetime]:
    anchors = dict(known)
    for anchor in entry.anchors:
        anchors[anchor.name] = anchors[anchor.anchor] + anchor.span
    return anchors


def move_on(batch: Batch, held: Held, at: datetime) -> None:
    """Walk to the next wait and keep what was made on the way."""
    result = engine.advance(held.journey, batch.entry_of(held), step_facts(batch, held), at)
    held.journey = result.journey
    held.turn += 1
    held.is_changed = True
    _keep(batch, held, result, only_answers=False)


def step_facts(batch: Batch, held: Held) -> StepFacts:
    """What the next steps may ask, looked up as far as they will."""
    store, customer = batch.store, batch.facts.customers[held.customer_id]
    ahead = batch.entry_of(held).ahead(held.journey.step, held.journey.arrived_by)
    return StepFacts(
        _conditions(batch, held, ahead.asks) if ahead.asks is not None else _UNASKED,
        batch.place_of(customer) if ahead.minds_hours else ANYWHERE,
        _choices(batch, held, ahead.choosers) if ahead.choosers else engine.NOTHING,
        _review_delay(batch, held) if ahead.needs_delay else STANDARD,
        ahead.minds_transit and facts.is_abroad(store, customer),
        ahead.texts and bool(customer.phone) and held.customer_id in batch.facts.sms,
        batch.now,
        _lot(store, held, customer) if ahead.draws else "",
    )


def _choices(batch: Batch, held: Held, names: Sequence[str]) -> dict[str, Sequence[Mapping[str, Any]]]:
    order = facts.order_of(batch.facts, held.subject)
    asked_now = batch.asked_now(held.customer_id)
    return {
        name: choosers.CHOOSERS[name](
            batch.shop, _bought(batch, order), customer_id=held.customer_id, asked_now=asked_now
        )
        for name in names
        if order is not None or name in choosers.OF_NO_ORDER
    }


def _bought(batch: Batch, order: Any) -> Sequence[OrderProduct]:
    return batch.shop.bought(order.id) if order is not None else ()


def _lot(store: Store, held: Held, customer: Any) -> str:
    return arms.lot_of(domain=store.domain, flow=held.flow_key, person=_person(customer))


def _person(customer: Any) -> str:
    """Whom lots are drawn for: an account's id, a guest's address."""
    return str(customer.external_id or customer.email or customer.id)


def _review_delay(batch: Batch, held: Held) -> int:
    bought = _bought(batch, facts.order_of(batch.facts, held.subject))
    return choosers.longest_delay(batch.shop, bought)


def _conditions(batch: Batch, held: Held, asked: Asked) -> ConditionFacts:
    return facts.conditions(
        batch.facts,
        enrollment_id=held.id,
        is_stopped=held.stopped_at is not None,
        customer=batch.facts.customers[held.customer_id],
        subject=held.subject,
        entered_at=held.entered_at,
        asked=asked,
    )


def _transit(batch: Batch, held: Held) -> tuple[timedelta | None, bool]:
    """The store's median transit, and whether the parcel leaves the country; for an event that never came."""
    customer = batch.facts.customers[held.customer_id]
    return batch.shop.median_transit(), facts.is_abroad(batch.store, customer)


def _stop(held: Held, event: Any) -> None:
    """An exit came. A journey that had reached its end stays completed, yet sends nothing more."""
    held.stopped_at = event.occurred_at
    held.is_changed = True
    if held.journey.state == engine.ACTIVE:
        held.journey = engine.ended(held.journey, event.type)


def _hold_out(batch: Batch, entry: Entry, held: Held) -> None:
    """The holdout arm gets no message but a promised answer."""
    result = engine.advance(held.journey, entry, step_facts(batch, held), held.entered_at)
    _keep(batch, held, result, only_answers=True)
    held.journey = result.journey._replace(state=engine.HELD_OUT, waits_for=None, due_at=None, done=())
    held.is_changed = True
    first = next((step.name for step in entry.steps if isinstance(step, Message) and step.is_on), "")
    held.decisions.append(
        NewDecision(batch.store.id, held.customer_id, held.flow_key, first, "stop", "held-out", "holdout arm")
    )


def _keep(batch: Batch, held: Held, result: Advance, *, only_answers: bool) -> None:
    held.state = result.state or held.state
    held.effects += () if only_answers else result.effects
    for made in result.messages:
        if not only_answers or made.step.purpose == "answer":
            held.messages.append(new_message(batch.store, held, made))
            if held.id is not None:
                facts.with_sibling(batch.facts, held.id, made.step.name)
    for skipped in result.skipped:
        held.decisions.append(
            NewDecision(
                store_id=batch.store.id,
                customer_id=held.customer_id,
                flow_key=held.flow_key,
                step=skipped.step.name,
                verdict="stop",
                reason=skipped.reason,
                value=skipped.value,
            )
        )
