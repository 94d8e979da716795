"""The rows that tell why somebody got flows' messages or not: some ten statements, each by its keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app.db import table_of, unindexed
from app.errors import NotFound
from app.flows import learned
from app.flows.batch import LiveFlow
from app.flows.findings import BACK
from app.flows.learned import Lesson
from app.models import Customer, CustomerEvent, Decision, Enrollment, FlowSwitch, Message, Order, Store

CUSTOMERS, EVENTS, DECISIONS = table_of(Customer), table_of(CustomerEvent), table_of(Decision)
ENROLLMENTS, MESSAGES, ORDERS = table_of(Enrollment), table_of(Message), table_of(Order)
SWITCHES = table_of(FlowSwitch)
MOST_EVENTS, MOST_ENROLLMENTS, MOST_MESSAGES, MOST_DECISIONS = 300, 50, 200, 300
"""How many of each are looked at for one flow."""
_SHOWN = tuple(
    MESSAGES.c[name]
    for name in (
        *("id", "enrollment_id", "flow_key", "step", "channel", "status", "reason"),
        *("due_at", "expires_at", "next_at", "sent_at"),
    )
)
_ORDER = "order:"
_AHEAD = timedelta(days=60)
"""A message is due this long before its day at most: whoever is put off longer has expired."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom and what is asked about: flows, and a day of the store's zone with its moments [begin, end)."""

    session: Session
    store: Store
    customer_id: int
    flows: Sequence[LiveFlow]
    on: date
    begin: datetime
    end: datetime
    now: datetime


@dataclass(frozen=True, slots=True)
class Rows:
    """What is known of the person, of all flows that are asked about.

    Attributes:
        orders: by subject, as the mirror shows them now. lessons: by the journey's id.
    """

    customer: Row[Any]
    switches: Sequence[Row[Any]]
    enrollments: Sequence[Row[Any]]
    events: Sequence[Row[Any]]
    decisions: Sequence[Row[Any]]
    messages: Sequence[Row[Any]]
    orders: Mapping[str, Row[Any]]
    lessons: Mapping[int, Lesson]
    titles: Mapping[str, str]


def read(asked: Asked) -> Rows:
    """Everything, by as many statements for many flows as for one.

    Raises:
        NotFound: the store has no such customer.
    """
    session, store_id = asked.session, asked.store.id
    kinds = sorted({kind for flow in asked.flows for kind in kinds_of(flow)})
    enrollments, events = _enrollments(asked), _events(asked, kinds)
    taught = {str(event.details.get("gap_product")) for event in events if event.details.get("gap_product")}
    definitions = {flow.key: flow.definition for flow in asked.flows}
    return Rows(
        customer=_customer(asked),
        switches=_switches(asked),
        enrollments=enrollments,
        events=events,
        decisions=_decisions(asked),
        messages=_messages(asked),
        orders=_orders(asked, {row.subject for row in (*events, *enrollments)}),
        lessons=learned.of_journeys(session, store_id, definitions, enrollments),
        titles=learned.titles(session, store_id, taught),
    )


def _customer(asked: Asked) -> Row[Any]:
    mine = (CUSTOMERS.c.store_id == asked.store.id, CUSTOMERS.c.id == asked.customer_id)
    customer = asked.session.execute(select(CUSTOMERS).where(*mine)).one_or_none()
    if customer is None:
        raise NotFound("there is no such customer here")
    return customer


def _keys(asked: Asked) -> list[str]:
    return [flow.key for flow in asked.flows]


def _switches(asked: Asked) -> Sequence[Any]:
    statement = (
        select(SWITCHES.c.flow_key, SWITCHES.c.at, SWITCHES.c.is_on)
        .where(SWITCHES.c.store_id == asked.store.id, SWITCHES.c.flow_key.in_(_keys(asked)))
        .order_by(SWITCHES.c.at)
    )
    return asked.session.execute(statement).all()


def _enrollments(asked: Asked) -> Sequence[Row[Any]]:
    statement = (
        select(ENROLLMENTS)
        .where(
            ENROLLMENTS.c.store_id == asked.store.id,
            ENROLLMENTS.c.customer_id == asked.customer_id,
            ENROLLMENTS.c.flow_key.in_(_keys(asked)),
            ENROLLMENTS.c.entered_at < asked.end,
        )
        .order_by(ENROLLMENTS.c.entered_at.desc(), ENROLLMENTS.c.id.desc())
        .limit(MOST_ENROLLMENTS * len(asked.flows))
    )
    return asked.session.execute(statement).all()


def _decisions(asked: Asked) -> Sequence[Row[Any]]:
    statement = (
        select(DECISIONS)
        .where(
            DECISIONS.c.store_id == asked.store.id,
            DECISIONS.c.customer_id == asked.customer_id,
            DECISIONS.c.decided_at >= asked.end - BACK,
            DECISIONS.c.decided_at < asked.end,
            DECISIONS.c.flow_key.in_(_keys(asked)),
        )
        .order_by(DECISIONS.c.decided_at.desc(), DECISIONS.c.id.desc())
        .limit(MOST_DECISIONS * len(asked.flows))
    )
    return asked.session.execute(statement).all()


def _messages(asked: Asked) -> Sequence[Row[Any]]:
    """What was due around that day or not long after it, without the contents."""
    statement = (
        select(*_SHOWN)
        .where(
            MESSAGES.c.store_id == asked.store.id,
            MESSAGES.c.customer_id == asked.customer_id,
            unindexed(MESSAGES.c.flow_key).in_(_keys(asked)),
            MESSAGES.c.due_at >= asked.end - BACK,
            MESSAGES.c.due_at < asked.end + _AHEAD,
        )
        .order_by(MESSAGES.c.due_at, MESSAGES.c.id)
        .limit(MOST_MESSAGES * len(asked.flows))
    )
    return asked.session.execute(statement).all()


def _events(asked: Asked, kinds: Sequence[str]) -> Sequence[Row[Any]]:
    statement = (
        select(EVENTS)
        .where(
            EVENTS.c.store_id == asked.store.id,
            EVENTS.c.customer_id == asked.customer_id,
            EVENTS.c.occurred_at >= asked.end - BACK,
            EVENTS.c.occurred_at < asked.end,
            EVENTS.c.type.in_(kinds),
        )
        .order_by(EVENTS.c.occurred_at.desc(), EVENTS.c.id.desc())
        .limit(MOST_EVENTS * len(asked.flows))
    )
    return asked.session.execute(statement).all() if kinds else ()


def _orders(asked: Asked, subjects: Collection[str]) -> dict[str, Row[Any]]:
    """The orders that events and journeys are about, by subject, as the mirror shows them now."""
    names = {one.removeprefix(_ORDER) for one in subjects if one.startswith(_ORDER)}
    statement = select(ORDERS).where(ORDERS.c.store_id == asked.store.id, ORDERS.c.external_id.in_(names))
    rows = asked.session.execute(statement).all() if names else ()
    return {f"{_ORDER}{row.external_id}": row for row in rows}


def kinds_of(flow: LiveFlow) -> set[str]:
    """The events that begin the flow."""
    return {kind for entry in flow.definition.entries for kind in entry.events}
