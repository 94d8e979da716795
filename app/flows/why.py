"""Why somebody got, or did not get, the messages of a flow on one day: rows that exist, read by their keys.

Nothing is written beforehand for this but what the engine and the gate note anyhow, and when a flow was
switched. `app/flows/findings.py` draws the conclusions; they are pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.flows import facts, findings, published, why_rows
from app.flows.batch import LiveFlow
from app.flows.findings import Finding, Known
from app.flows.moments import end_of_day
from app.flows.why_rows import Asked, Rows
from app.messaging import zones
from app.messaging.conditions import ConditionFacts, OrderFacts
from app.models import Store


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
    return why_each(session, store, customer_id, flow_keys=[flow_key], on=on, now=now)[0]


def why_each(
    session: Session, store: Store, customer_id: int, *, flow_keys: Sequence[str], on: date, now: datetime
) -> list[Answer]:
    """The same of several flows, in their order, by as many statements as of one.

    Raises:
        NotFound: the store has no such flow or customer.
    """
    zone = zones.zone_named(store.timezone)
    begin, end = end_of_day(on - timedelta(days=1), zone), end_of_day(on, zone)
    flows = _flows(session, store.id, flow_keys)
    asked = Asked(session, store, customer_id, flows, on, begin, end, now)
    rows = why_rows.read(asked)
    return [_answer(asked, flow, rows) for flow in flows]


def _flows(session: Session, store_id: int, keys: Sequence[str]) -> list[LiveFlow]:
    known = published.flows_of(session, store_id)
    if any(key not in known for key in keys):
        raise NotFound("this store has no such flow")
    return [known[key] for key in keys]


def _answer(asked: Asked, flow: LiveFlow, rows: Rows) -> Answer:
    decisions = _of(flow, rows.decisions)[: why_rows.MOST_DECISIONS]
    known = _known(asked, flow, rows, decisions)
    looks = _looks(decisions)
    of_day = [
        Told(row, looks.get(row.id, []))
        for row in known.messages
        if _is_of_day(row, looks, asked.begin, asked.end)
    ]
    orders = {row.subject: rows.orders.get(row.subject) for row in known.enrollments}
    return Answer(
        customer_id=asked.customer_id,
        flow_key=flow.key,
        on=asked.on,
        begin=asked.begin,
        end=asked.end,
        messages=of_day,
        enrollments=findings.near(known),
        findings=findings.of(known, has_messages=bool(of_day)),
        numbers={subject: order.number for subject, order in orders.items() if order is not None},
    )


def _known(asked: Asked, flow: LiveFlow, rows: Rows, decisions: Sequence[Row[Any]]) -> Known:
    kinds = why_rows.kinds_of(flow)
    events = [row for row in rows.events if row.type in kinds][: why_rows.MOST_EVENTS]
    return Known(
        store=asked.store,
        customer=rows.customer,
        flow=flow,
        place=facts.place_of(asked.store, rows.customer),
        begin=asked.begin,
        end=asked.end,
        now=asked.now,
        switches=[(row.at, row.is_on) for row in _of(flow, rows.switches)],
        enrollments=_of(flow, rows.enrollments)[: why_rows.MOST_ENROLLMENTS],
        events=events,
        refusals=[row for row in decisions if row.message_id is None],
        messages=_of(flow, rows.messages)[: why_rows.MOST_MESSAGES],
        conditions={event.subject: _conditions(rows, event) for event in events},
        lessons=rows.lessons,
        titles=rows.titles,
    )


def _of(flow: LiveFlow, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    return [row for row in rows if row.flow_key == flow.key]


def _conditions(rows: Rows, event: Row[Any]) -> ConditionFacts:
    """What an entry's own conditions look at."""
    return ConditionFacts(
        order=OrderFacts.of(rows.orders.get(event.subject)),
        first_paid_at=rows.customer.first_paid_at,
        entered_at=event.occurred_at,
        has_earlier_orders=rows.customer.earlier_orders > 0,
    )


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
