"""What the calendar's jobs do, store by store: one that fails stops only itself, and is made up next time."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import datetime

from sqlalchemy import select

from app import heap, retention
from app.analytics import effects, engagement, funnels
from app.db import few_pages
from app.flows import backlog, birthdays
from app.members import upkeep
from app.messaging import tallies
from app.mirror import pairs
from app.models import Store
from app.retention import Purge
from app.segments import product_rhythms, standing, state_facts, tickets
from app.stores import rows
from jobs import whose
from jobs.guard import each_store
from jobs.kit import Kit
from jobs.schedule import Slot, is_connected

_STORES = select(Store).order_by(Store.id)
_ORDERS_A_COMMIT = 500
_PEOPLE_A_COMMIT = 5000


def plan_birthdays(kit: Kit, slot: Slot, now: datetime) -> int:
    """Plan those of that range."""

    def plan(store_id: int) -> int:
        if not whose.has_birthday(kit, slot, store_id):
            return 0
        with kit.database.of_store(store_id).write() as session:
            store = rows.find(session, store_id)
            if store is None:
                return 0
            return birthdays.plan(session, store, begin=slot.begin, end=slot.end, now=now)

    return each_store(whose.with_flow(kit, birthdays.FLOW), plan)


def release_silent(kit: Kit, _slot: Slot, now: datetime) -> int:
    """A day's share, however many days were missed."""

    def release(store_id: int) -> int:
        if not whose.has_silent(kit, store_id):
            return 0
        with kit.database.of_store(store_id).write() as session:
            store = rows.find(session, store_id)
            return 0 if store is None else backlog.release(session, store, now=now)

    return each_store(whose.with_flow(kit, state_facts.FLOW), release)


def count_pairs(kit: Kit, slot: Slot, now: datetime) -> int:
    """Orders that are not in the co-purchase counts join them, some in a transaction."""

    def add(store_id: int) -> int:
        added, count = 0, _ORDERS_A_COMMIT
        while count == _ORDERS_A_COMMIT:
            with kit.database.of_store(store_id).write() as session:
                count = pairs.add_orders(session, store_id, _ORDERS_A_COMMIT)
            added += count
        return added

    return each_store(whose.with_unpaired(kit, slot, now), add)


def learn_rhythms(kit: Kit, slot: Slot, now: datetime) -> int:
    """Read and count first: a transaction that writes is not kept waiting for that."""
    # It takes the most memory of all the night's work, and begins with what the day has left free.
    heap.give_back()

    def learn(store_id: int) -> int:
        with kit.database.of_store(store_id).read() as session, few_pages(session):
            found = product_rhythms.count(session, store_id, now)
        with kit.database.of_store(store_id).write() as session:
            return product_rhythms.keep(session, store_id, found, now)

    return each_store(whose.of_the_night(kit, slot, now), learn)


def move_bands(kit: Kit, slot: Slot, now: datetime) -> int:
    """The averages from which on customers count as middling or large; how many were moved by new ones."""

    def move(store_id: int) -> int:
        with kit.database.of_store(store_id).read() as session:
            bands = tickets.wanted(session, rows.need(session, store_id), now)
        if bands is None:
            return 0
        with kit.database.of_store(store_id).write() as session:
            people = tickets.put_in_force(session, store_id, bands, now)
        for start in range(0, len(people), _PEOPLE_A_COMMIT):
            with kit.database.of_store(store_id).write() as session:
                standing.touch(session, store_id, people[start : start + _PEOPLE_A_COMMIT])
        return len(people)

    return each_store(whose.with_old_bands(kit, slot, now), move)


def count_arms(kit: Kit, _slot: Slot, now: datetime) -> int:
    """Read and count first: a transaction that writes is not kept waiting for that."""

    def count(store_id: int) -> int:
        with kit.database.of_store(store_id).read() as session:
            arms = effects.count(session, store_id, now)
            ways = funnels.count(session, store_id, now)
        with kit.database.of_store(store_id).write() as session:
            effects.keep(session, store_id, arms)
            funnels.keep(session, store_id, ways)
        return len(arms)

    return each_store(whose.connected(kit), count)


def add_up(kit: Kit, _slot: Slot, now: datetime) -> int:
    """What became of old messages, some in a transaction."""

    def add(store_id: int) -> int:
        added, count = 0, tallies.A_COMMIT
        while count >= tallies.A_COMMIT:
            with kit.database.of_store(store_id).write() as session:
                count = tallies.add(session, store_id, now)
            added += count
        return added

    return each_store(whose.connected(kit), add)


def report_engagement(kit: Kit, slot: Slot, now: datetime) -> int:
    """Plan to tell the storefronts of the days that are settled."""
    with kit.database.read() as session:
        stores = {store.id: store for store in session.execute(_STORES).scalars() if is_connected(store)}

    def plan(store_id: int) -> int:
        store = stores[store_id]
        if not engagement.settled_days(store, begin=slot.begin, end=slot.end):
            return 0
        with kit.database.of_store(store_id).write() as session:
            return engagement.plan(session, store, begin=slot.begin, end=slot.end, now=now)

    return each_store(list(stores), plan)


def purge(kit: Kit, _slot: Slot, now: datetime) -> int:
    """What is past its age goes, of the operator's own rows and of each store's."""
    with kit.database.over_all_stores().read() as session:
        waiting = retention.waiting_in_all(session, now)
    with ExitStack() as after:
        # The nights' work is the largest of the day, and leaves the most memory behind.
        after.callback(heap.give_back)
        after.callback(kit.database.take_stock)
        after.callback(kit.database.scrub)
        after.callback(_purge_own, kit, now)
        return each_store(list(waiting), lambda store_id: _purge(kit, store_id, waiting[store_id], now))


def _purge_own(kit: Kit, now: datetime) -> None:
    with kit.database.read() as session:
        is_due = upkeep.is_due(session, now)
    if is_due:
        with kit.database.write() as session:
            upkeep.purge(session, now)


def _purge(kit: Kit, store_id: int, purges: Sequence[Purge], now: datetime) -> int:
    gone, more = 0, purges
    while more:
        with kit.database.of_store(store_id).write() as session, few_pages(session):
            count, more = retention.purge_once(session, store_id, now, more)
        gone += count
    return gone
