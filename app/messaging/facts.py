"""What the gate must know of a batch of messages of one store, fetched with one statement a kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Table, select, tuple_
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import table_of
from app.messaging import addresses, zones
from app.messaging.conditions import ConditionFacts, OrderFacts, SiblingFacts
from app.messaging.gate import Facts, MessageFacts, PersonFacts, StoreFacts
from app.messaging.limits import WEEK, Departure, Rails
from app.messaging.reviewed import answered
from app.models import (
    ConsentState,
    Customer,
    Enrollment,
    Flow,
    Message,
    Order,
    Store,
    Suppression,
    Voucher,
)
from app.models.message import COUNTED_STATES
from app.stores import settings

CUSTOMERS, CONSENTS, MESSAGES = table_of(Customer), table_of(ConsentState), table_of(Message)
ENROLLMENTS, ORDERS, VOUCHERS = table_of(Enrollment), table_of(Order), table_of(Voucher)
SUPPRESSIONS = table_of(Suppression)
_PER_QUERY = 400
_ADULT_YEARS = 18


@dataclass(slots=True)
class Loaded:
    """The rows of a batch, by their keys."""

    store: Store
    signer: Signer
    customers: dict[int, Row[Any]]
    consents: dict[tuple[int, str], Row[Any]]
    suppressed: dict[tuple[str, str], str]
    enrollments: dict[int, Row[Any]]
    orders: dict[str, Row[Any]]
    siblings: dict[int, dict[str, SiblingFacts]]
    vouchers: dict[tuple[int, str], Row[Any]]
    departures: dict[int, list[Departure]]
    answered: frozenset[int]
    active_flows: frozenset[str]
    store_facts: Mapping[str, str | bool | None]
    now: datetime


def load(session: Session, signer: Signer, store: Store, *, rows: Sequence[Any], now: datetime) -> Loaded:
    """Fetch what the gate asks; the customers' rows are locked, so that two workers cannot both send."""
    people = sorted({row.customer_id for row in rows})
    journeys = sorted({row.enrollment_id for row in rows if row.enrollment_id})
    orders = sorted({row.context["order"] for row in rows if "order" in row.context})
    locked = _in_parts(session, CUSTOMERS, "id", store_id=store.id, keys=people, lock=True)
    customers = {row.id: row for row in locked}
    return Loaded(
        store=store,
        signer=signer,
        customers=customers,
        consents={
            (row.customer_id, row.channel): row
            for row in _in_parts(session, CONSENTS, "customer_id", store_id=store.id, keys=people)
        },
        suppressed=_suppressed(session, signer, store.id, customers.values()),
        enrollments={
            row.id: row for row in _in_parts(session, ENROLLMENTS, "id", store_id=store.id, keys=journeys)
        },
        orders={
            row.external_id: row
            for row in _in_parts(session, ORDERS, "external_id", store_id=store.id, keys=orders)
        },
        siblings=siblings(session, store.id, journeys),
        vouchers={
            (row.enrollment_id, row.name): row
            for row in _in_parts(session, VOUCHERS, "enrollment_id", store_id=store.id, keys=journeys)
        },
        departures=_departures(session, store.id, people, now),
        answered=answered(session, store.id, rows),
        active_flows=frozenset(
            session.execute(select(Flow.key).where(Flow.store_id == store.id, Flow.is_active)).scalars()
        ),
        store_facts=_store_facts(store),
        now=now,
    )


def facts_of(loaded: Loaded, row: Any, content_problem: str | None = None) -> Facts:
    """The gate's facts for one message row."""
    store = loaded.store
    customer = loaded.customers.get(row.customer_id)
    return Facts(
        message=MessageFacts(
            key=row.key,
            step=row.step,
            channel=row.channel,
            purpose=row.purpose,
            due_at=row.due_at,
            expires_at=row.expires_at,
            only_if=tuple(row.context.get("only_if", ())),
        ),
        store=StoreFacts(
            state=store.state,
            is_copy=store.is_copy,
            is_flow_active=row.flow_key in loaded.active_flows,
            sender_pause="the shop speaks from another address" if store.other_home else None,
            sender_problem=_text(loaded.store_facts["sender_problem"]),
            allows_soft_opt_in=bool(loaded.store_facts["soft_opt_in"]),
        ),
        person=_person(loaded, row, customer, content_problem),
        conditions=_conditions(loaded, row, customer),
        rails=_rails(loaded, customer, row),
    )


def consent_of(loaded: Loaded, customer_id: int, channel: str) -> tuple[str, str | None]:
    """The derived state of a channel and its basis."""
    row = loaded.consents.get((customer_id, channel))
    return (row.state, row.basis) if row is not None else ("unknown", None)


def _person(loaded: Loaded, row: Any, customer: Any, content_problem: str | None) -> PersonFacts:
    address = addresses.address_of(customer, row.channel)
    state, basis = consent_of(loaded, row.customer_id, row.channel)
    hashed = addresses.suppression_hash(loaded.signer, row.channel, address) if address else ""
    return PersonFacts(
        is_erased=customer is None or customer.erased_at is not None,
        is_minor=_is_minor(customer, loaded.now, loaded.store.timezone),
        address=address,
        address_problem=addresses.problem(row.channel, address),
        suppressed_for=loaded.suppressed.get((row.channel, hashed)),
        consent=state,
        consent_basis=basis,
        has_bought=customer is not None and customer.orders_count > 0,
        content_problem=content_problem,
        tracks_clicks=consent_of(loaded, row.customer_id, "tracking")[0] == "subscribed",
    )


def _conditions(loaded: Loaded, row: Any, customer: Any) -> ConditionFacts:
    enrollment = loaded.enrollments.get(row.enrollment_id or 0)
    order = loaded.orders.get(row.context.get("order", ""))
    redeemed = frozenset(
        name
        for (enrollment_id, name), voucher in loaded.vouchers.items()
        if enrollment_id == row.enrollment_id and voucher.redeemed_at is not None
    )
    return ConditionFacts(
        is_stopped=enrollment is not None and enrollment.stopped_at is not None,
        order=None
        if order is None
        else OrderFacts(
            is_counted=order.is_counted,
            is_cancelled=order.cancelled_at is not None or order.deleted_at is not None,
            refunded_minor=order.refunded_minor,
            paid_at=order.paid_at,
        ),
        redeemed=redeemed,
        siblings=loaded.siblings.get(row.enrollment_id or 0, {}),
        first_paid_at=customer.first_paid_at if customer is not None else None,
        entered_at=enrollment.entered_at if enrollment is not None else None,
        has_earlier_orders=customer is not None and customer.earlier_orders > 0,
        is_answered=row.id in loaded.answered,
    )


def _rails(loaded: Loaded, customer: Any, row: Any) -> Rails:
    store = loaded.store
    zone_names = (
        zones.zones_for_hours(
            country=customer.country,
            region=customer.region,
            phone=customer.phone,
            store_timezone=store.timezone,
        )
        if customer is not None
        else (zones.zone_named(store.timezone),)
    )
    return Rails(
        departures=loaded.departures.get(row.customer_id, []),
        zones=zone_names,
        country=(customer.country if customer is not None else None) or store.country,
        hours=settings.hours(store, "rails.sms_hours" if row.channel == "sms" else "rails.email_hours"),
        cap_per_day=settings.number(store, "rails.cap_per_day"),
        cap_per_week=settings.number(store, "rails.cap_per_week"),
        sms_cap_per_week=settings.number(store, "rails.sms_cap_per_week"),
    )


def _store_facts(store: Store) -> dict[str, str | bool | None]:
    missing = [
        key
        for key in ("sender.email", "sender.name", "sender.postal_address")
        if not settings.read(store, key)
    ]
    return {
        "sender_problem": f"not set: {', '.join(missing)}" if missing else None,
        "soft_opt_in": settings.is_on(store, "consent.soft_opt_in"),
    }


def _is_minor(customer: Any, now: datetime, store_timezone: str) -> bool:
    """Whether somebody whose year we know is under 18 on this day of theirs."""
    if customer is None or customer.birth_year is None:
        return False
    zone = zones.zone_for_due(
        country=customer.country,
        region=customer.region,
        phone=customer.phone,
        store_timezone=store_timezone,
    )
    today = now.astimezone(zone).date()
    had_birthday = (today.month, today.day) >= (customer.birth_month, customer.birth_day)
    age = today.year - customer.birth_year - (0 if had_birthday else 1)
    return bool(age < _ADULT_YEARS)


def _suppressed(
    session: Session, signer: Signer, store_id: int, customers: Iterable[Any]
) -> dict[tuple[str, str], str]:
    keys = [
        (channel, addresses.suppression_hash(signer, channel, address))
        for customer in customers
        for channel, address in (("email", customer.email), ("sms", customer.phone))
        if address
    ]
    found: dict[tuple[str, str], str] = {}
    for start in range(0, len(keys), _PER_QUERY):
        statement = select(SUPPRESSIONS).where(
            SUPPRESSIONS.c.store_id == store_id,
            tuple_(SUPPRESSIONS.c.channel, SUPPRESSIONS.c.address_hash).in_(keys[start : start + _PER_QUERY]),
        )
        found |= {(row.channel, row.address_hash): row.reason for row in session.execute(statement)}
    return found


def siblings(session: Session, store_id: int, journeys: Sequence[int]) -> dict[int, dict[str, SiblingFacts]]:
    """What became of a journey's messages; without their contents, which are most of such a row."""
    found: dict[int, dict[str, SiblingFacts]] = {}
    for start in range(0, len(journeys), _PER_QUERY):
        statement = select(
            MESSAGES.c.enrollment_id, MESSAGES.c.step, MESSAGES.c.status, MESSAGES.c.clicked_at
        ).where(
            MESSAGES.c.store_id == store_id,
            MESSAGES.c.enrollment_id.in_(journeys[start : start + _PER_QUERY]),
        )
        for row in session.execute(statement):
            sibling = SiblingFacts(row.status, row.clicked_at is not None)
            found.setdefault(row.enrollment_id, {})[row.step] = sibling
    return found


def _departures(
    session: Session, store_id: int, people: Sequence[int], now: datetime
) -> dict[int, list[Departure]]:
    found: dict[int, list[Departure]] = {}
    for start in range(0, len(people), _PER_QUERY):
        statement = select(
            MESSAGES.c.customer_id, MESSAGES.c.sent_at, MESSAGES.c.channel, MESSAGES.c.step
        ).where(
            MESSAGES.c.store_id == store_id,
            MESSAGES.c.customer_id.in_(people[start : start + _PER_QUERY]),
            MESSAGES.c.sent_at > now - WEEK,
            MESSAGES.c.status.in_(COUNTED_STATES),
            MESSAGES.c.purpose.in_(("marketing", "service")),
        )
        for row in session.execute(statement):
            departure = Departure(row.sent_at, row.channel, row.step)
            found.setdefault(row.customer_id, []).append(departure)
    return found


def _in_parts(
    session: Session, table: Table, name: str, *, store_id: int, keys: Sequence[Any], lock: bool = False
) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    for start in range(0, len(keys), _PER_QUERY):
        statement = select(table).where(
            table.c.store_id == store_id, table.c[name].in_(keys[start : start + _PER_QUERY])
        )
        if lock:
            statement = statement.order_by(table.c[name]).with_for_update()
        rows += session.execute(statement).all()
    return rows


def _text(value: str | bool | None) -> str | None:
    return value if isinstance(value, str) else None
