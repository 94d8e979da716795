"""Who may be written to by mail: as a condition on rows, and how many they are."""

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Select, and_, bindparam, func, or_, select
from sqlalchemy.orm import Session

from app.customers import agreeing
from app.db import table_of, unindexed
from app.models import ConsentState, Customer, Store, StoreDay
from app.stores import settings

CUSTOMERS, CONSENTS, DAYS = table_of(Customer), table_of(ConsentState), table_of(StoreDay)
_SOFT = "consent.soft_opt_in"
SHORT = 5_000
"""So many are counted within a few milliseconds whenever somebody asks."""


def count(session: Session, store: Store) -> int:
    """How many there are now; the work grows with the store's customers."""
    counted = _counted(settings.is_on(store, _SOFT))
    return int(session.execute(counted, {"store": store.id}).scalar_one())


def about(session: Session, store: Store) -> int:
    """How many there are: of a long list as it was counted last, within the hour; else as of now."""
    kept = (
        select(DAYS.c.reachable)
        .where(DAYS.c.store_id == store.id, DAYS.c.reachable.is_not(None))
        .order_by(DAYS.c.day.desc())
        .limit(1)
    )
    counted = session.execute(kept).scalar_one_or_none() or 0
    return counted if counted > SHORT else count(session, store)


def people(store: Store) -> Any:
    """Customers with what they said of mails."""
    return _people(store.id)


def conditions(store: Store) -> tuple[ColumnElement[bool], ...]:
    """The same of `people` that `state_facts.is_reachable` says of one."""
    return _conditions(store.id, is_soft=settings.is_on(store, _SOFT))


@cache
def _counted(is_soft: bool) -> Select[Any]:
    store_id: BindParameter[int] = bindparam("store")
    return select(func.count()).select_from(_people(store_id)).where(*_conditions(store_id, is_soft=is_soft))


def _people(store_id: int | BindParameter[int]) -> Any:
    said = and_(
        CONSENTS.c.store_id == store_id,
        CONSENTS.c.customer_id == CUSTOMERS.c.id,
        CONSENTS.c.channel == "email",
    )
    return CUSTOMERS.outerjoin(CONSENTS, said)


def _conditions(store_id: int | BindParameter[int], *, is_soft: bool) -> tuple[ColumnElement[bool], ...]:
    is_theirs = agreeing.is_theirs(CONSENTS, CUSTOMERS.c.email)
    basis: ColumnElement[bool] = and_(CONSENTS.c.state == "subscribed", is_theirs)
    if is_soft:
        is_silent_buyer = and_(
            or_(CONSENTS.c.state.is_(None), CONSENTS.c.state != "unsubscribed"),
            CUSTOMERS.c.orders_count + CUSTOMERS.c.earlier_orders > 0,
        )
        basis = or_(basis, is_silent_buyer)
    return (
        # Led by who said something; led by all customers of the store, SQLite takes twice as long.
        unindexed(CUSTOMERS.c.store_id) == store_id,
        CUSTOMERS.c.erased_at.is_(None),
        CUSTOMERS.c.email.is_not(None),
        basis,
    )
