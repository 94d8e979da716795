"""The rows that tell why somebody got flows' messages or not: some ten statements, each by its keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, func, select
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
"""How many are looked at of each flow, of events of each type."""
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
    conditions = (ENROLLMENTS.c.flow_key.in_(_keys(asked)), ENROLLMENTS.c.entered_at < asked.end)
    return _some_of_each(
        asked, "flow_key", tuple(ENROLLMENTS.c), conditions, most=MOST_ENROLLMENTS, by="entered_at"
    )


def _decisions(asked: Asked) -> Sequence[Row[Any]]:
    conditions = (
        DECISIONS.c.flow_key.in_(_keys(asked)),
        DECISIONS.c.decided_at >= asked.end - BACK,
        DECISIONS.c.decided_at < asked.end,
    )
    return _some_of_each(
        asked, "flow_key", tuple(DECISIONS.c), conditions, most=MOST_DECISIONS, by="decided_at"
    )


def _messages(asked: Asked) -> Sequence[Row[Any]]:
    """What was due around that day or not long after it, without the contents; the first due first."""
    conditions = (
        unindexed(MESSAGES.c.flow_key).in_(_keys(asked)),
        MESSAGES.c.due_at >= asked.end - BACK,
        MESSAGES.c.due_at < asked.end + _AHEAD,
    )
    return _some_of_each(
        asked, "flow_key", _SHOWN, conditions, most=MOST_MESSAGES, by="due_at", is_latest_first=False
    )


def _events(asked: Asked, kinds: Sequence[str]) -> Sequence[Row[Any]]:
    conditions = (
        EVENTS.c.type.in_(kinds),
        EVENTS.c.occurred_at >= asked.end - BACK,
        EVENTS.c.occurred_at < asked.end,
    )
    if not kinds:
        return ()
    return _some_of_each(asked, "type", tuple(EVENTS.c), conditions, most=MOST_EVENTS, by="occurred_at")


def _some_of_each(
    asked: Asked,
    kind: str,
    columns: Sequence[Column[Any]],
    conditions: Sequence[ColumnElement[bool]],
    *,
    most: int,
    by: str,
    is_latest_first: bool = True,
) -> Sequence[Row[Any]]:
    """The person's rows of a table in the order of a moment, so many of each kind.

    Of each: hundreds of one kind would leave no room for the one of another that is asked about, too.
    """
    table = columns[0].table
    turn = ColumnElement.desc if is_latest_first else ColumnElement.asc
    place = func.row_number().over(partition_by=table.c[kind], order_by=(turn(table.c[by]), turn(table.c.id)))
    mine = (table.c.store_id == asked.store.id, table.c.customer_id == asked.customer_id)
    ranked = select(*columns, place.label("place")).where(*mine, *conditions).subquery()
    statement = (
        select(*(ranked.c[column.name] for column in columns))
        .where(ranked.c.place <= most)
        .order_by(turn(ranked.c[by]), turn(ranked.c.id))
    )
    return asked.session.execute(statement).all()


def _orders(asked: Asked, subjects: Collection[str]) -> dict[str, Row[Any]]:
    """The orders that events and journeys are about, by subject, as the mirror shows them now."""
    names = {one.removeprefix(_ORDER) for one in subjects if one.startswith(_ORDER)}
    statement = select(ORDERS).where(ORDERS.c.store_id == asked.store.id, ORDERS.c.external_id.in_(names))
    rows = asked.session.execute(statement).all() if names else ()
    return {f"{_ORDER}{row.external_id}": row for row in rows}


def kinds_of(flow: LiveFlow) -> set[str]:
    """The events that begin the flow."""
    return {kind for entry in flow.definition.entries for kind in entry.events}
