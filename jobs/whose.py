"""Whose stores a job of the calendar finds something to do in, asked of all together where that can be."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from sqlalchemy import select

from app.db import table_of
from app.flows import backlog, birthdays, published
from app.mirror import pairs
from app.models import Store
from app.segments import product_rhythms, state_facts, tickets
from app.stores import rows
from app.stores.platforms import CONNECTED
from jobs.kit import Kit
from jobs.schedule import Slot

STORES = table_of(Store)
_CONNECTED = select(STORES.c.id).where(STORES.c.state == CONNECTED).order_by(STORES.c.id)
Asked = Callable[[Kit, Slot, datetime], Iterable[int]]


def any_of(stores: Asked) -> Callable[[Kit, Slot, datetime], bool]:
    """Whether there is any store among these."""
    return lambda kit, slot, now: any(True for _ in stores(kit, slot, now))


def connected(kit: Kit) -> list[int]:
    """All stores that calendar jobs care for."""
    with kit.database.read() as session:
        return list(session.execute(_CONNECTED).scalars())


def with_birthdays(kit: Kit, slot: Slot, _now: datetime) -> Iterator[int]:
    """Where a birthday is to be planned in that range, store by store."""
    return (store for store in with_flow(kit, birthdays.FLOW) if has_birthday(kit, slot, store))


def has_birthday(kit: Kit, slot: Slot, store_id: int) -> bool:
    """Whether one is to be planned in that range."""
    with kit.database.of_store(store_id).read() as session:
        store = rows.find(session, store_id)
        return store is not None and birthdays.is_due(session, store, begin=slot.begin, end=slot.end)


def with_silent(kit: Kit, _slot: Slot, _now: datetime) -> Iterator[int]:
    """Where somebody who is silent was not written to yet, store by store."""
    return (store for store in with_flow(kit, state_facts.FLOW) if has_silent(kit, store))


def has_silent(kit: Kit, store_id: int) -> bool:
    """Whether somebody who is silent was not written to yet."""
    with kit.database.of_store(store_id).read() as session:
        store = rows.find(session, store_id)
        return store is not None and backlog.is_waiting(session, store)


def with_unpaired(kit: Kit, _slot: Slot, _now: datetime) -> list[int]:
    """Where orders are not in the co-purchase counts."""
    mine = set(connected(kit))
    with kit.database.over_all_stores().read() as session:
        return [store_id for store_id in pairs.UNPAIRED.run(session) if store_id in mine]


def of_the_night(kit: Kit, slot: Slot, _now: datetime) -> list[int]:
    """Whose rhythms are counted in that range."""
    with kit.database.over_all_stores().read() as session:
        histories = product_rhythms.histories(session)
    return [one.store_id for one in histories if product_rhythms.is_due(one, slot.begin, slot.end)]


def with_old_bands(kit: Kit, _slot: Slot, now: datetime) -> list[int]:
    """Whose ticket bands are counted anew."""
    with kit.database.over_all_stores().read() as session:
        return tickets.due(session, now)


def with_flow(kit: Kit, flow_key: str) -> list[int]:
    """Where a flow is on."""
    with kit.database.over_all_stores().read() as session:
        return published.stores_with(session, flow_key)
