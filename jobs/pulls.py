"""Backfill and reconciliation: pages pulled outside any transaction, mirrored one page a commit."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from app.db import Database
from app.mirror import pulls, reviews
from app.mirror.apply import apply_records
from app.mirror.pulls import Pull
from app.models import Store
from app.stores import connections, rows
from app.stores.platforms import UNINSTALLED
from connectors.base import Record, Resource, Storefront
from jobs import changes, histories
from jobs.guard import Failed, each_store, run_guarded
from jobs.kit import Kit
from jobs.mirroring import mirror_alone
from jobs.ways import HELD_SECONDS, Way, pull_by

_MOST_STORES, _MOST_LOOKS = 100, 20
_STORES_AT_ONCE = 4
"""Their answers are waited for most of the time, and one that is slow keeps the others less."""


@dataclass(slots=True)
class _Held:
    """A claimed resource, and until when by the stopwatch it need not be held anew."""

    pull: Pull
    until: float


def run_backfills(kit: Kit, now: datetime) -> Counter[str]:
    """Read on in the histories that are not finished, some pages of one resource at a time."""
    done: Counter[str] = Counter()
    with kit.database.over_all_stores().read() as session:
        is_due = pulls.has_backfill(session, now)
    claimed = (
        _claim(kit.database.over_all_stores(), partial(pulls.claim_backfill, now=now)) if is_due else None
    )
    if claimed is not None:
        pull, store = claimed
        work = partial(histories.read_on, kit, pull, store=store, now=now)
        done["backfilled"] += pull_by(Way(kit, store), pull, now, work=work, is_backfill=True) or 0
    return +done


def run_reconciliations(kit: Kit, now: datetime) -> Counter[str]:
    """Pull what changed since the last look, for every store whose time has come, some stores at once."""
    with kit.database.over_all_stores().read() as session:
        stores = pulls.stores_to_reconcile(session, now, _MOST_STORES)
    done = each_store(stores, partial(_reconcile_store, kit, now), at_once=_STORES_AT_ONCE)
    return +Counter({"reconciled": done})


def _reconcile_store(kit: Kit, now: datetime, store_id: int) -> int:
    """Look at what is due, and again where something was lost: it was to be caught up with amid the look."""
    done = 0
    for _ in range(_MOST_LOOKS):
        count, is_whole = _look(kit, now, store_id)
        done += count
        if is_whole:
            break
    return done


def _look(kit: Kit, now: datetime, store_id: int) -> tuple[int, bool]:
    """All of a store that is due, one resource after the other; how many records came, and is it done with.

    What the last pages brought is kept by one transaction, the one that ends the pulls. A kill before it has
    them looked at again.
    """
    claimed, store = _claim_all(kit, store_id, now)
    since = {held.pull.resource: _since(held.pull) for held in claimed}
    look = _Look(Way(kit, store, since), now)
    for number, held in enumerate(claimed):
        if kit.stopping.is_set():
            with kit.database.of_store(store_id).write() as session:
                pulls.give_back(session, [one.pull for one in claimed[number:]])
            break
        if look.ended and kit.stopwatch() >= held.until:
            # Nobody else takes over what waits for the end of a long look.
            look.finish()
        look.at(held)
    look.finish()
    if look.failed is not None:
        raise look.failed.error
    return look.done, look.is_whole


@dataclass(slots=True)
class _Look:
    """A look at a store under way.

    Attributes:
        ended: what was read to its end, with what its last page brought.
        done: how many records came.
        is_whole: nothing of it is another's by now.
    """

    way: Way
    now: datetime
    ended: list[tuple[Pull, Sequence[Record]]] = field(default_factory=list)
    done: int = 0
    is_whole: bool = True
    failed: Failed | None = None

    def at(self, held: _Held) -> None:
        """Read one resource.

        Where it fails, the store's others have their turn: they are held, and may not be before its next try.
        """
        way = self.way
        work = partial(_reconcile, way, held, now=self.now)
        read = run_guarded(partial(pull_by, way, held.pull, self.now, work=work, is_backfill=False))
        if isinstance(read, Failed):
            self.failed = self.failed or read
            return
        if read is None:
            # A refusal may have been noted.
            with way.kit.database.of_store(way.store.id).read() as session:
                self.way = Way(way.kit, rows.need(session, way.store.id))
            return
        count, last = read
        self.done += count
        self.ended.append((held.pull, last))

    def finish(self) -> None:
        """Keep what waits, all together; where that fails, one after the other, so that each fails alone."""
        ended, self.ended = self.ended, []
        together = run_guarded(partial(_finish, self.way, ended, self.now)) if ended else True
        if not isinstance(together, Failed):
            self.is_whole = self.is_whole and together
            return
        for one in ended:
            alone = run_guarded(partial(_finish, self.way, [one], self.now)) if len(ended) > 1 else together
            if isinstance(alone, Failed):
                alone = run_guarded(partial(_finish_alone, self.way, one, self.now, alone))
            if isinstance(alone, Failed):
                self.failed = self.failed or alone


def _claim_all(kit: Kit, store_id: int, now: datetime) -> tuple[list[_Held], Store]:
    """What is due of a store, and its row."""
    until = kit.stopwatch() + HELD_SECONDS
    with kit.database.of_store(store_id).write() as session:
        claimed = pulls.claim_reconciliations(session, store_id, now)
        return [_Held(pull, until) for pull in claimed], rows.need(session, store_id)


def _finish(way: Way, ended: Sequence[tuple[Pull, Sequence[Record]]], now: datetime) -> bool:
    """Keep what the last pages brought, and note how far they reach; False if one was another's by now."""
    kit, store_id = way.kit, way.store.id
    with kit.database.of_store(store_id).write() as session:
        store = rows.find(session, store_id)
        if store is None or store.state == UNINSTALLED:
            return True
        ours = pulls.finish_reconciliations(
            session, [pull for pull, _ in ended], store, pulled_to=now, now=now
        )
        records = [record for pull, last in ended if pull.resource in ours for record in last]
        if records:
            apply_records(session, kit.runtime.signer, store, records, now=now)
        if Resource.REVIEWS in ours:
            reviews.find_writers(session, store, now)
        return len(ours) == len(ended)


def _finish_alone(way: Way, one: tuple[Pull, Sequence[Record]], now: datetime, failure: Failed) -> bool:
    """The same of one that fails, record by record."""
    pull, records = one
    mirror_alone(way.kit, way.store, pull.resource, records, failure=failure, now=now)
    return _finish(way, [(pull, ())], now)


def _claim(database: Database, claim: Callable[[Session], Pull | None]) -> tuple[Pull, Store] | None:
    """A resource to pull, and its store."""
    with database.write() as session:
        pull = claim(session)
        return None if pull is None else (pull, rows.need(session, pull.store_id))


def _reconcile(
    way: Way, held: _Held, storefront: Storefront, *, now: datetime
) -> tuple[int, Sequence[Record]]:
    """Mirror what changed, some records a commit, but for the last ones; how many there were, and those."""
    kit, pull = way.kit, held.pull
    since = _since(pull)
    read = changes.orders_lacked if pull.resource is Resource.ORDERS else changes.whole_pages
    count, last = 0, tuple[Record, ...]()
    for records, is_last in read(kit, pull, storefront, since):
        if not _keep(kit, held, records if not is_last else (), now):
            return count, ()
        count += len(records)
        last = (*last, *records) if is_last else last
    if pull.resource is Resource.ORDERS and connections.is_sweepable(way.store):
        changes.doubt_trashed(way, since, now)
    return count, last


def _since(pull: Pull) -> datetime:
    """From when on changes are asked for: what was on its way at the last look comes again."""
    moment: datetime = pull.row.pulled_to - pulls.OVERLAP
    return moment


def _keep(kit: Kit, held: _Held, records: Sequence[Record], now: datetime) -> bool:
    """Mirror records and hold the row for longer in one transaction; False when the pull is over.

    A pull may take longer than a lease: not held anew, it would be overtaken again and again, and nobody
    would be the one who ends it. And who lost it, or the shop, has nothing to bring any more.
    """
    result = run_guarded(partial(_keep_all, kit, held, records, now))
    if not isinstance(result, Failed):
        return result
    with kit.database.of_store(held.pull.store_id).read() as session:
        store = rows.need(session, held.pull.store_id)
    mirror_alone(kit, store, held.pull.resource, records, failure=result, now=now)
    return _keep_all(kit, held, (), now)


def _keep_all(kit: Kit, held: _Held, records: Sequence[Record], now: datetime) -> bool:
    """In one transaction, where there is anything to write."""
    if not records and kit.stopwatch() < held.until:
        return True
    pull, until = held.pull, kit.stopwatch() + HELD_SECONDS
    with kit.database.of_store(pull.store_id).write() as session:
        store = rows.find(session, pull.store_id)
        if store is None or store.state == UNINSTALLED or not pulls.hold_reconciliation(session, pull):
            session.rollback()
            return False
        if records:
            histories.is_let_in(session, store)
            apply_records(session, kit.runtime.signer, store, records, now=now)
    held.until = until
    return True
