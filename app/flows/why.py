"""Why somebody got, or did not get, the messages of a flow on one day: rows that exist, read by their keys.

Nothing is written beforehand for this but what the engine and the gate note anyhow, and when a flow was
switched. `app/flows/findings.py` draws the conclusions; they are pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.db import table_of, unindexed
from app.errors import NotFound
from app.flows import facts, findings, learned, published
from app.flows.findings import BACK, Finding, Known
from app.flows.moments import end_of_day
from app.messaging import zones
from app.messaging.conditions import ConditionFacts, OrderFacts
from app.models import Customer, CustomerEvent, Decision, Enrollment, FlowSwitch, Message, Order, Store

CUSTOMERS, EVENTS, DECISIONS = table_of(Customer), table_of(CustomerEvent), table_of(Decision)
ENROLLMENTS, MESSAGES, ORDERS = table_of(Enrollment), table_of(Message), table_of(Order)
SWITCHES = table_of(FlowSwitch)
_MOST_EVENTS, _MOST_ENROLLMENTS, _MOST_MESSAGES, _MOST_DECISIONS = 300, 50, 200, 300
_SHOWN = tuple(
    MESSAGES.c[name]
    for name in (
        *("id", "enrollment_id", "step", "channel", "status", "reason"),
        *("due_at", "expires_at", "next_at", "sent_at"),
    )
)
_AHEAD = timedelta(days=60)
"""A message is due this long before its day at most: whoever is put off longer has expired."""


@dataclass(frozen=True, slots=True)
class Look:
    """The gate's verdict of one moment: every step with the value that it saw."""

    decided_at: datetime
    verdict: str
    reason: str | None
    steps: Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Told:
    """One message of the day. `looks` are those up to the end of the day, the latest first."""

    row: Row[Any]
    looks: Sequence[Look]


@dataclass(frozen=True, slots=True)
class Answer:
    """What happened that day, as far as rows tell it. The day is one of the store's zone.

    `numbers` are those of the orders that journeys are about, by the journey's subject.
    """

    customer_id: int
    flow_key: str
    on: date
    begin: datetime
    end: datetime
    messages: Sequence[Told]
    enrollments: Sequence[Row[Any]]
    findings: Sequence[Finding]
    numbers: Mapping[str, str]


def why(
    session: Session, store: Store, customer_id: int, *, flow_key: str, on: date, now: datetime
) -> Answer:
    """Answer for one person, one flow, one day. Some ten statements, each of an index's one short run.

    Raises:
        NotFound: the store has no such flow or customer.
    """
    zone = zones.zone_named(store.timezone)
    begin, end = end_of_day(on - timedelta(days=1), zone), end_of_day(on, zone)
    asked = _Asked(session, store, customer_id, flow_key, begin, end, now)
    decisions = _decisions(asked)
    known = _known(asked, decisions)
    looks = _looks(decisions)
    of_day = [
        Told(row, looks.get(row.id, [])) for row in known.messages if _is_of_day(row, looks, begin, end)
    ]
    return Answer(
        customer_id=customer_id,
        flow_key=flow_key,
        on=on,
        begin=begin,
        end=end,
        messages=of_day,
        enrollments=findings.near(known),
        findings=findings.of(known, has_messages=bool(of_day)),
        numbers=_numbers(asked, known.enrollments),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    session: Session
    store: Store
    customer_id: int
    flow_key: str
    begin: datetime
    end: datetime
    now: datetime


def _known(asked: _Asked, decisions: Sequence[Row[Any]]) -> Known:
    session, store = asked.session, asked.store
    flow = published.flows_of(session, store.id).get(asked.flow_key)
    mine = (CUSTOMERS.c.store_id == store.id, CUSTOMERS.c.id == asked.customer_id)
    customer = session.execute(select(CUSTOMERS).where(*mine)).one_or_none()
    if flow is None or customer is None:
        raise NotFound("this store has no such flow" if flow is None else "there is no such customer here")
    events = _events(asked, sorted({kind for entry in flow.definition.entries for kind in entry.events}))
    enrollments = _enrollments(asked)
    taught = {str(event.details.get("gap_product")) for event in events if event.details.get("gap_product")}
    return Known(
        store=store,
        customer=customer,
        flow=flow,
        place=facts.place_of(store, customer),
        begin=asked.begin,
        end=asked.end,
        now=asked.now,
        switches=_switches(asked),
        enrollments=enrollments,
        events=events,
        refusals=[row for row in decisions if row.message_id is None],
        messages=_messages(asked),
        conditions=_conditions(asked, customer, events),
        lessons=learned.of_journeys(session, store.id, flow.definition, enrollments),
        titles=learned.titles(session, store.id, taught),
    )


def _switches(asked: _Asked) -> list[tuple[datetime, bool]]:
    statement = (
        select(SWITCHES.c.at, SWITCHES.c.is_on)
        .where(SWITCHES.c.store_id == asked.store.id, SWITCHES.c.flow_key == asked.flow_key)
        .order_by(SWITCHES.c.at)
    )
    return [(row.at, row.is_on) for row in asked.session.execute(statement)]


def _enrollments(asked: _Asked) -> list[Row[Any]]:
    statement = (
        select(ENROLLMENTS)
        .where(
            ENROLLMENTS.c.store_id == asked.store.id,
            ENROLLMENTS.c.customer_id == asked.customer_id,
            ENROLLMENTS.c.flow_key == asked.flow_key,
            ENROLLMENTS.c.entered_at < asked.end,
        )
        .order_by(ENROLLMENTS.c.entered_at.desc(), ENROLLMENTS.c.id.desc())
        .limit(_MOST_ENROLLMENTS)
    )
    return list(asked.session.execute(statement).all())


def _decisions(asked: _Asked) -> list[Row[Any]]:
    statement = (
        select(DECISIONS)
        .where(
            DECISIONS.c.store_id == asked.store.id,
            DECISIONS.c.customer_id == asked.customer_id,
            DECISIONS.c.decided_at >= asked.end - BACK,
            DECISIONS.c.decided_at < asked.end,
            DECISIONS.c.flow_key == asked.flow_key,
        )
        .order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.id.desc())
        .limit(_MOST_DECISIONS)
    )
    return list(asked.session.execute(statement).all())


def _messages(asked: _Asked) -> list[Row[Any]]:
    """What was due around that day or not long after it, without the contents."""
    statement = (
        select(*_SHOWN)
        .where(
            MESSAGES.c.store_id == asked.store.id,
            MESSAGES.c.customer_id == asked.customer_id,
            unindexed(MESSAGES.c.flow_key) == asked.flow_key,
            MESSAGES.c.due_at >= asked.end - BACK,
            MESSAGES.c.due_at < asked.end + _AHEAD,
        )
        .order_by(MESSAGES.c.due_at, MESSAGES.c.id)
        .limit(_MOST_MESSAGES)
    )
    return list(asked.session.execute(statement).all())


def _events(asked: _Asked, types: Sequence[str]) -> list[Row[Any]]:
    statement = (
        select(EVENTS)
        .where(
            EVENTS.c.store_id == asked.store.id,
            EVENTS.c.customer_id == asked.customer_id,
            EVENTS.c.occurred_at >= asked.end - BACK,
            EVENTS.c.occurred_at < asked.end,
            EVENTS.c.type.in_(types),
        )
        .order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc())
        .limit(_MOST_EVENTS)
    )
    return list(asked.session.execute(statement).all()) if types else []


def _conditions(asked: _Asked, customer: Row[Any], events: Sequence[Row[Any]]) -> dict[str, ConditionFacts]:
    """What an entry's own conditions look at, by the subjects of the events, as the mirror shows it now."""
    names = {event.subject.removeprefix("order:") for event in events}
    statement = select(ORDERS).where(ORDERS.c.store_id == asked.store.id, ORDERS.c.external_id.in_(names))
    found = asked.session.execute(statement).all() if names else []
    orders = {f"order:{row.external_id}": row for row in found}
    return {
        event.subject: ConditionFacts(
            order=OrderFacts.of(orders.get(event.subject)),
            first_paid_at=customer.first_paid_at,
            entered_at=event.occurred_at,
            has_earlier_orders=customer.earlier_orders > 0,
        )
        for event in events
    }


def _numbers(asked: _Asked, enrollments: Sequence[Row[Any]]) -> dict[str, str]:
    names = {row.subject.removeprefix("order:") for row in enrollments if row.subject.startswith("order:")}
    statement = select(ORDERS.c.external_id, ORDERS.c.number).where(
        ORDERS.c.store_id == asked.store.id, ORDERS.c.external_id.in_(names)
    )
    rows = asked.session.execute(statement).all() if names else []
    return {f"order:{row.external_id}": row.number for row in rows}


def _looks(decisions: Sequence[Row[Any]]) -> dict[int, list[Look]]:
    found: dict[int, list[Look]] = {}
    for row in decisions:
        if row.message_id is not None:
            look = Look(row.decided_at, row.verdict, row.reason, row.steps)
            found.setdefault(row.message_id, []).append(look)
    return found


def _is_of_day(row: Row[Any], looks: dict[int, list[Look]], begin: datetime, end: datetime) -> bool:
    """Whether a message was alive on that day: due by its end, and neither gone nor stopped before it."""
    if row.due_at >= end:
        return False
    if row.sent_at is not None:
        return bool(row.sent_at >= begin)
    if row.status in findings.WAITING:
        return True
    ended = max((look.decided_at for look in looks.get(row.id, [])), default=row.due_at)
    return ended >= begin
