"""What the engine must know of a batch, fetched with one statement per kind."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import BindParameter, Select, and_, bindparam, select
from sqlalchemy.orm import Session

from app.customers import agreeing, baskets
from app.db import Among, table_of
from app.flows.foreseen import Foreseen, Found
from app.flows.moments import Place
from app.messaging import senders, zones
from app.messaging.conditions import EVERYTHING, Asked, ConditionFacts, OrderFacts, SiblingFacts
from app.messaging.fact_rows import siblings
from app.models import ConsentState, Customer, Order, Store, Voucher
from app.named import named
from app.stores import settings

CUSTOMERS, ORDERS = table_of(Customer), table_of(Order)
VOUCHERS, CONSENTS = table_of(Voucher), table_of(ConsentState)
LATEST_DELIVERIES, FEWEST_DELIVERIES = 200, 20
_PER_QUERY = 500
_ORDER, BASKET = "order:", "checkout:"
"""What the subjects of journeys begin with that are about an order, or about a checkout."""
_NO_CODES: frozenset[str] = frozenset()
_NO_SIBLINGS: Mapping[str, SiblingFacts] = {}
_STORE: BindParameter[Any] = bindparam("store")
_READ_OF_CUSTOMERS = (
    *("id", "external_id", "email", "phone", "country", "region", "erased_at"),
    *("orders_count", "discounted_count", "earlier_orders", "first_paid_at", "last_paid_at"),
)
_READ_OF_ORDERS = (
    *("external_id", "id", "is_counted", "refunded_minor"),
    *("paid_at", "cancelled_at", "deleted_at"),
)
"""The columns that conditions, waits and classes look at: a whole row takes twice to three times as long.

The first is the one that the rows are looked up by.
"""
_CUSTOMERS = select(*(CUSTOMERS.c[name] for name in _READ_OF_CUSTOMERS)).where(
    CUSTOMERS.c.store_id == _STORE, Among(CUSTOMERS.c.id, "keys")
)
_ORDERS = select(*(ORDERS.c[name] for name in _READ_OF_ORDERS)).where(
    ORDERS.c.store_id == _STORE, Among(ORDERS.c.external_id, "keys")
)
_REDEEMED = select(VOUCHERS.c.enrollment_id, VOUCHERS.c.name).where(
    VOUCHERS.c.store_id == _STORE,
    Among(VOUCHERS.c.enrollment_id, "enrollments"),
    VOUCHERS.c.redeemed_at.is_not(None),
)
_AGREED_TO_TEXTS = (
    select(CONSENTS.c.customer_id, CONSENTS.c.state, CONSENTS.c.address, CUSTOMERS.c.phone)
    .join(
        CUSTOMERS,
        and_(CUSTOMERS.c.store_id == CONSENTS.c.store_id, CUSTOMERS.c.id == CONSENTS.c.customer_id),
    )
    .where(
        CONSENTS.c.store_id == _STORE,
        Among(CONSENTS.c.customer_id, "people"),
        CONSENTS.c.channel == "sms",
        CONSENTS.c.state == "subscribed",
    )
)


@dataclass(slots=True)
class BatchFacts:
    """Rows by their keys; siblings and redeemed names by enrollment.

    Orders and those checkouts that still stand are by external id; classes and scores are there where a
    flow asks. `allows_perk`: whether the merchant lets a basket's reminders end with one. `made`: those
    siblings that this batch made.
    """

    customers: dict[int, Any]
    orders: Found[str, Any]
    baskets: Found[str, Any]
    siblings: Found[int, Mapping[str, SiblingFacts]]
    redeemed: Found[int, frozenset[str]]
    sms: Container[int]
    made: dict[int, dict[str, SiblingFacts]] = field(default_factory=dict)
    allows_perk: bool = False
    classes: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    scores: Mapping[int, Mapping[str, int]] = field(default_factory=dict)


@dataclass(slots=True)
class Agreed(Container[int]):
    """Those of some people who agreed to texts; looked up when somebody asks, for hardly a batch texts."""

    session: Session
    store_id: int
    people: Sequence[int]
    _found: frozenset[int] | None = None

    def __contains__(self, customer_id: object) -> bool:
        """Whether this customer did."""
        if self._found is None:
            self._found = _sms(self.session, self.store_id, self.people)
        return customer_id in self._found


def load(
    session: Session,
    store: Store,
    *,
    customer_ids: Iterable[int],
    subjects: Iterable[str] = (),
    enrollment_ids: Sequence[int] = (),
) -> BatchFacts:
    """Fetch what a batch of events and timers of one store asks for, and the rest when it does.

    Args:
        subjects: the likely ones of which somebody will ask the order or the checkout.
        enrollment_ids: the journeys of which somebody is likely to ask the messages or the codes.
    """
    people, named = sorted(set(customer_ids)), set(subjects)
    return BatchFacts(
        customers=_by_first(session, _CUSTOMERS, store.id, people),
        orders=Foreseen(partial(_by_first, session, _ORDERS, store.id), _named(named, _ORDER)),
        baskets=Foreseen(partial(baskets.open_among, session, store.id), _named(named, BASKET)),
        siblings=Foreseen(partial(siblings, session, store.id), enrollment_ids),
        redeemed=Foreseen(partial(_redeemed, session, store.id), enrollment_ids),
        sms=Agreed(session, store.id, people),
        allows_perk=perk_allowed(store),
    )


def place_of(store: Store, customer: Any) -> Place:
    """Where a customer is, by address, else phone, else the store's own zone."""
    where = {
        "country": customer.country,
        "region": customer.region,
        "phone": customer.phone,
        "store_timezone": store.timezone,
    }
    return Place(
        zone=zones.zone_for_due(**where),
        zones=zones.zones_for_hours(**where),
        country=customer.country or store.country,
        sms_hours=settings.hours(store, "rails.sms_hours"),
    )


def order_of(facts: BatchFacts, subject: str) -> Any:
    """The order that a journey is about, if the mirror has it."""
    return facts.orders.get(subject.removeprefix(_ORDER)) if subject.startswith(_ORDER) else None


def perk_allowed(store: Store) -> bool:
    """Whether the merchant lets a basket's reminders end with a perk."""
    return settings.is_on(store, "abandoned_checkout.perk")


def conditions(
    facts: BatchFacts,
    *,
    enrollment_id: int | None,
    is_stopped: bool,
    customer: Any,
    subject: str,
    entered_at: Any,
    asked: Asked = EVERYTHING,
) -> ConditionFacts:
    """The conditions' view of one journey, as far as they look."""
    basket = _basket_of(facts, subject) if asked.basket else None
    return ConditionFacts(
        is_stopped=is_stopped,
        order=OrderFacts.of(order_of(facts, subject)) if asked.order else None,
        redeemed=(facts.redeemed.get(enrollment_id) if asked.codes and enrollment_id else None) or _NO_CODES,
        siblings=_siblings(facts, enrollment_id) if asked.siblings and enrollment_id else _NO_SIBLINGS,
        first_paid_at=customer.first_paid_at,
        entered_at=entered_at,
        has_earlier_orders=customer.earlier_orders > 0,
        has_basket=basket is not None and bool(basket.lines),
        allows_perk=facts.allows_perk,
        classes=frozenset(facts.classes.get(customer.id, ())),
        scores=facts.scores.get(customer.id, {}),
    )


def _basket_of(facts: BatchFacts, subject: str) -> Any:
    return facts.baskets.get(subject.removeprefix(BASKET)) if subject.startswith(BASKET) else None


def _siblings(facts: BatchFacts, enrollment_id: int) -> Mapping[str, SiblingFacts]:
    return {
        **(facts.siblings.get(enrollment_id) or _NO_SIBLINGS),
        **facts.made.get(enrollment_id, _NO_SIBLINGS),
    }


def order_ids(session: Session, store_id: int, subjects: Iterable[str]) -> dict[str, int]:
    """The ids of the orders among some journeys' subjects, by the subject."""
    named = _named(subjects, _ORDER)
    statement = select(ORDERS.c.external_id, ORDERS.c.id).where(
        ORDERS.c.store_id == store_id, ORDERS.c.external_id.in_(named)
    )
    return {f"{_ORDER}{row.external_id}": row.id for row in session.execute(statement)} if named else {}


def is_abroad(store: Store, customer: Any) -> bool:
    """Whether the parcel leaves the store's country; unknown counts as home."""
    home = store.country
    return bool(customer.country and home and customer.country != home)


def median_transit(session: Session, store_id: int) -> timedelta | None:
    """The store's median time from fulfilment to delivery over its latest 200 orders, if ≥ 20 say so."""
    statement = (
        select(ORDERS.c.fulfilled_at, ORDERS.c.delivered_at)
        .where(
            ORDERS.c.store_id == store_id,
            ORDERS.c.delivered_at.is_not(None),
            ORDERS.c.fulfilled_at.is_not(None),
        )
        .order_by(ORDERS.c.placed_at.desc())
        .limit(LATEST_DELIVERIES)
    )
    return median_of([row.delivered_at - row.fulfilled_at for row in session.execute(statement)])


def median_of(transits: Sequence[timedelta]) -> timedelta | None:
    """The median of some parcels' ways, or None where they are too few to tell anything."""
    if len(transits) < FEWEST_DELIVERIES:
        return None
    spans = sorted(transits)
    return (spans[(len(spans) - 1) // 2] + spans[len(spans) // 2]) / 2


def _named(subjects: Iterable[str], kind: str) -> list[str]:
    """The external ids in the subjects of one kind."""
    return sorted(subject.removeprefix(kind) for subject in subjects if subject.startswith(kind))


def _by_first(session: Session, statement: Select[Any], store_id: int, keys: Sequence[Any]) -> dict[Any, Any]:
    """The rows by their first column."""
    found: dict[Any, Any] = {}
    for part in _parts(keys):
        rows = named(session.execute(statement, {"store": store_id, "keys": part}))
        found |= {row[0]: row for row in rows}
    return found


def _redeemed(session: Session, store_id: int, enrollment_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    found: dict[int, set[str]] = {}
    for part in _parts(enrollment_ids):
        for row in session.execute(_REDEEMED, {"store": store_id, "enrollments": part}):
            found.setdefault(row.enrollment_id, set()).add(row.name)
    return {key: frozenset(names) for key, names in found.items()}


def _sms(session: Session, store_id: int, people: Sequence[int]) -> frozenset[int]:
    """Who agreed to texts, where the store can send any."""
    if not senders.can_text(session, store_id):
        return frozenset()
    found: set[int] = set()
    for part in _parts(people):
        rows = session.execute(_AGREED_TO_TEXTS, {"store": store_id, "people": part})
        found |= {row.customer_id for row in rows if agreeing.stands(row, row.phone) == "subscribed"}
    return frozenset(found)


def _parts(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return (keys[start : start + _PER_QUERY] for start in range(0, len(keys), _PER_QUERY))


def with_sibling(facts: BatchFacts, enrollment_id: int, step: str) -> None:
    """Remember a message made in this batch, for later steps of the same enrollment."""
    facts.made.setdefault(enrollment_id, {})[step] = SiblingFacts("queued", False)
