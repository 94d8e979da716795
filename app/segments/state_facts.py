"""What the state machine must know of some customers, fetched with one statement a kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, Row, bindparam, func, select
from sqlalchemy.orm import Session

from app.customers import agreeing
from app.db import Among, is_among, is_one_of, table_of, unindexed
from app.models import ConsentState, Customer, CustomerEvent, CustomerState, Enrollment, Message, Store
from app.models.message import COUNTED_STATES, OPEN_STATES
from app.segments import product_rhythms, rhythms
from app.segments.states import ACTIVE, REACTIVATING, SHORTEST_GAP, StateFacts
from app.stores import settings

CUSTOMERS, STATES, CONSENTS = table_of(Customer), table_of(CustomerState), table_of(ConsentState)
EVENTS, MESSAGES, ENROLLMENTS = table_of(CustomerEvent), table_of(Message), table_of(Enrollment)
FLOW, LAST_QUESTION = "reactivation", "R3"
"""The flow that tries to win people back, and its last question."""
ACTS = ("message.clicked", "checkout.started", "preferences.saved")
"""Entries that show that somebody is there, whether they may be measured or not. Orders have their sums."""
FEW_ORDERS = 3
_CUSTOMER = tuple(
    CUSTOMERS.c[name]
    for name in (
        *("id", "orders_count", "discounted_count", "earlier_orders"),
        *("total_spent_minor", "last_paid_at", "created_at", "erased_at", "email"),
    )
)
_STORE: BindParameter[int] = bindparam("store")
_STANDING = (
    select(*_CUSTOMER)
    .where(CUSTOMERS.c.store_id == _STORE, Among(CUSTOMERS.c.id, "people"), CUSTOMERS.c.erased_at.is_(None))
    .order_by(CUSTOMERS.c.id)
)
_HELD = (
    select(STATES)
    .where(STATES.c.store_id == _STORE, Among(STATES.c.customer_id, "people"))
    .order_by(STATES.c.customer_id)
    .with_for_update()
)
_SAID = select(CONSENTS).where(
    CONSENTS.c.store_id == _STORE,
    Among(CONSENTS.c.customer_id, "people"),
    is_one_of(CONSENTS.c.channel, ("email", "tracking")),
)
_LAST_ACTS = (
    select(EVENTS.c.customer_id, func.max(EVENTS.c.occurred_at).label("at"))
    .where(EVENTS.c.store_id == _STORE, Among(EVENTS.c.customer_id, "people"), is_one_of(EVENTS.c.type, ACTS))
    .group_by(EVENTS.c.customer_id)
)
Consents = Mapping[tuple[int, str], Row[Any]]


@dataclass(frozen=True, slots=True)
class Known:
    """One customer: the row, the state's row if there is one, what the machine looks at, the own rhythm.

    `gap_product` is the product of the last order whose buyers' time to come back stands for an own rhythm.
    """

    customer: Row[Any]
    held: Row[Any] | None
    facts: StateFacts
    own_gap: timedelta | None
    is_reachable: bool
    gap_product: str | None = None


def load(session: Session, store: Store, people: Sequence[int], now: datetime) -> list[Known]:
    """Everything about these customers, by rising id, without the erased; their states' rows are locked.

    Of an active buyer whose shortest gap is not over nothing else matters, so nothing else is asked.
    """
    found = _customers(session, store.id, people)
    held = _held(session, store.id, [row.id for row in found])
    plain = {row.id: row for row in found if _is_plainly_active(row, held.get(row.id), now)}
    customers = [row for row in found if row.id not in plain]
    known = _in_full(session, store, customers, held, now=now) if customers else []
    known += [_plain(row, held.get(row.id)) for row in plain.values()]
    return sorted(known, key=lambda one: one.customer.id)


def is_reachable(store: Store, customer: Any, consents: Consents) -> bool:
    """Whether there is a basis to write mails to the customer: consent, or the soft opt-in of a sale."""
    state = agreeing.stands(consents.get((customer.id, "email")), customer.email)
    if state in ("subscribed", "unsubscribed"):
        return state == "subscribed"
    return _has_bought(customer) and settings.is_on(store, "consent.soft_opt_in")


def _is_plainly_active(customer: Row[Any], mine: Row[Any] | None, now: datetime) -> bool:
    is_active = mine is None or mine.state == ACTIVE
    last = customer.last_paid_at
    return is_active and last is not None and bool(last + SHORTEST_GAP > now)


def _plain(customer: Row[Any], mine: Row[Any] | None) -> Known:
    facts = StateFacts(
        since=mine.since if mine is not None else customer.created_at,
        has_bought=True,
        last_order_at=customer.last_paid_at,
    )
    return Known(customer, mine, facts, own_gap=None, is_reachable=False)


def _in_full(
    session: Session,
    store: Store,
    customers: Sequence[Row[Any]],
    held: Mapping[int, Row[Any]],
    *,
    now: datetime,
) -> list[Known]:
    ids = [row.id for row in customers]
    own = rhythms.own_gaps(session, store.id, [row.id for row in customers if row.orders_count >= FEW_ORDERS])
    is_shops_needed = any(0 < row.orders_count < FEW_ORDERS for row in customers)
    shop = rhythms.shop_gap(session, store.id, now) if is_shops_needed else None
    of_products = product_rhythms.long_gaps(
        session, store.id, [row.id for row in customers if 0 < row.orders_count < FEW_ORDERS]
    )
    consents, acts = _consents(session, store.id, ids), _acts(session, store.id, ids)
    mails = _mails(session, store.id, [row.id for row in customers if _may_be_silent(row, consents)])
    tries = _tries(session, store.id, [held[row.id] for row in customers if row.id in held])
    known = []
    for row in customers:
        mine = held.get(row.id)
        asked_at, over_at = tries.get(row.id, (None, None))
        gap_of_product, product = of_products.get(row.id, (None, None))
        facts = StateFacts(
            state=mine.state if mine is not None else ACTIVE,
            since=mine.since if mine is not None else row.created_at,
            has_bought=_has_bought(row),
            last_order_at=row.last_paid_at,
            gap=own.get(row.id) or gap_of_product or shop,
            measured_since=_since(consents.get((row.id, "tracking"))),
            last_act_at=_latest(acts.get(row.id), _own_word(consents.get((row.id, "email")))),
            mails=mails.get(row.id, ()),
            asked_at=asked_at,
            over_at=over_at,
        )
        known.append(Known(row, mine, facts, own.get(row.id), is_reachable(store, row, consents), product))
    return known


def _customers(session: Session, store_id: int, people: Sequence[int]) -> Sequence[Row[Any]]:
    return session.execute(_STANDING, {"store": store_id, "people": sorted(people)}).all()


def _held(session: Session, store_id: int, people: Sequence[int]) -> dict[int, Row[Any]]:
    rows = session.execute(_HELD, {"store": store_id, "people": people}).all()
    return {row.customer_id: row for row in rows}


def _consents(session: Session, store_id: int, people: Sequence[int]) -> dict[tuple[int, str], Row[Any]]:
    rows = session.execute(_SAID, {"store": store_id, "people": people})
    return {(row.customer_id, row.channel): row for row in rows}


def _acts(session: Session, store_id: int, people: Sequence[int]) -> dict[int, datetime]:
    """When each was there last, as the timeline knows."""
    rows = session.execute(_LAST_ACTS, {"store": store_id, "people": people})
    return {row.customer_id: row.at for row in rows}


def _may_be_silent(customer: Row[Any], consents: Consents) -> bool:
    """Who never bought and may be measured: of them alone the mails are counted."""
    return not _has_bought(customer) and _since(consents.get((customer.id, "tracking"))) is not None


def _mails(session: Session, store_id: int, people: Sequence[int]) -> dict[int, list[datetime]]:
    found: dict[int, list[datetime]] = {}
    if not people:
        return found
    statement = select(MESSAGES.c.customer_id, MESSAGES.c.sent_at).where(
        MESSAGES.c.store_id == store_id,
        is_among(session, MESSAGES.c.customer_id, people),
        MESSAGES.c.sent_at.is_not(None),
        MESSAGES.c.channel == "email",
        MESSAGES.c.purpose != "transactional",
        MESSAGES.c.status.in_(COUNTED_STATES),
    )
    for row in session.execute(statement):
        found.setdefault(row.customer_id, []).append(row.sent_at)
    return found


def _tries(
    session: Session, store_id: int, held: Iterable[Row[Any]]
) -> dict[int, tuple[datetime | None, datetime | None]]:
    """Of those who are being won back: when the last question left, or when the attempt ended without it."""
    began = {row.customer_id: row.since for row in held if row.state == REACTIVATING}
    if not began:
        return {}
    journeys = select(ENROLLMENTS.c.customer_id, ENROLLMENTS.c.ended_at).where(
        ENROLLMENTS.c.store_id == store_id,
        is_among(session, ENROLLMENTS.c.customer_id, sorted(began)),
        ENROLLMENTS.c.flow_key == FLOW,
    )
    ended = {row.customer_id: row.ended_at for row in session.execute(journeys.order_by(ENROLLMENTS.c.id))}
    asked, waiting = _questions(session, store_id, began)
    return {person: (asked.get(person), None if person in waiting else ended.get(person)) for person in began}


def _questions(
    session: Session, store_id: int, began: Mapping[int, datetime]
) -> tuple[dict[int, datetime], set[int]]:
    """When the last question left since the attempt began, and of whom any message may still leave."""
    columns = (MESSAGES.c.customer_id, MESSAGES.c.step, MESSAGES.c.status, MESSAGES.c.sent_at)
    statement = select(*columns).where(
        MESSAGES.c.store_id == store_id,
        is_among(session, MESSAGES.c.customer_id, sorted(began)),
        unindexed(MESSAGES.c.flow_key) == FLOW,
    )
    rows = session.execute(statement).all()
    asked = {
        row.customer_id: row.sent_at
        for row in rows
        if row.step == LAST_QUESTION
        and row.status in COUNTED_STATES
        and row.sent_at is not None
        and row.sent_at >= began[row.customer_id]
    }
    return asked, {row.customer_id for row in rows if row.status in OPEN_STATES}


def _has_bought(customer: Any) -> bool:
    return bool(customer.orders_count + customer.earlier_orders > 0)


def _since(said: Row[Any] | None) -> datetime | None:
    return said.occurred_at if said is not None and said.state == "subscribed" else None


def _own_word(said: Row[Any] | None) -> datetime | None:
    """A yes that was said to us is an act; what a shop or a list repeats is none."""
    return _since(said) if said is not None and said.is_own else None


def _latest(*moments: datetime | None) -> datetime | None:
    return max((moment for moment in moments if moment is not None), default=None)
