"""Backfill and reconciliation: pages pulled outside any transaction, mirrored one page a commit."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

from sqlalchemy.orm import Session

from app.db import Database
from app.mirror import lookups, outlines, pulls, reviews, sweeps
from app.mirror.apply import apply_records
from app.mirror.pulls import Pull
from app.models import Store
from app.stores import connections, refusals, rows
from app.stores.platforms import UNINSTALLED
from connectors.base import ConnectorError, Record, RecordPage, Resource, Storefront, Unauthorized
from jobs import access
from jobs.ahead import read_ahead
from jobs.guard import Failed, each_store, run_guarded
from jobs.kit import Kit

_PAGES_A_ROUND = 50
_MOST_STORES, _MOST_LOOKS = 100, 20
_HELD_SECONDS = pulls.LEASE.total_seconds() / 2
"""A page without news is no reason to hold its resource anew within these."""
_STORES_AT_ONCE = 4
"""Their answers are waited for most of the time, and one that is slow keeps the others less."""


@dataclass(slots=True)
class _Held:
    """A claimed resource, and until when by the stopwatch it need not be held anew."""

    pull: Pull
    until: float


@dataclass(slots=True)
class _Way:
    """The way to a store, kept open from one resource to the next for as long as its token surely holds."""

    kit: Kit
    store: Store
    opened: Storefront | None = None
    until: float = 0.0

    def storefront(self) -> Storefront:
        """The one that is open, or a new one.

        Raises:
            ConnectorError: as of opening one.
        """
        if self.opened is None or self.kit.stopwatch() >= self.until:
            self.until = self.kit.stopwatch() + _HELD_SECONDS
            self.opened = connections.storefront(self.kit.runtime, self.store)
        return self.opened


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
        work = partial(_backfill, kit, pull, store=store, now=now)
        done["backfilled"] += _work(_Way(kit, store), pull, now, work=work, is_backfill=True) or 0
    return +done


def run_reconciliations(kit: Kit, now: datetime) -> Counter[str]:
    """Pull what changed since the last look, for every store whose time has come, some stores at once."""
    with kit.database.over_all_stores().read() as session:
        stores = pulls.stores_to_reconcile(session, now, _MOST_STORES)
    done = each_store(stores, partial(_reconcile_store, kit, now), at_once=_STORES_AT_ONCE)
    return +Counter({"reconciled": done})


def _reconcile_store(kit: Kit, now: datetime, store_id: int) -> int:
    """Look until nothing comes: what is to be caught up with amid a look is lost to it, and due again."""
    looks = iter(partial(_look, kit, now, store_id), 0)
    return sum(islice(looks, _MOST_LOOKS))


def _look(kit: Kit, now: datetime, store_id: int) -> int:
    """All of a store that is due, one resource after the other; of most looks nothing is to be kept.

    Those that brought nothing are finished by one transaction. A kill before it has them looked at again.
    """
    claimed, store = _claim_all(kit, store_id, now)
    way = _Way(kit, store)
    done, ended = 0, list[Pull]()
    failed: Failed | None = None
    for number, held in enumerate(claimed):
        if kit.stopping.is_set():
            with kit.database.of_store(store_id).write() as session:
                pulls.give_back(session, [one.pull for one in claimed[number:]])
            break
        work = partial(_reconcile, kit, held, store=way.store, now=now)
        result = run_guarded(partial(_work, way, held.pull, now, work=work, is_backfill=False))
        if isinstance(result, Failed):
            # The store's others have their turn now: they are held, and may not be before this fails again.
            failed = failed or result
            continue
        ended.append(held.pull)
        if result is None:
            # A refusal may have been noted.
            with kit.database.of_store(store_id).read() as session:
                way = _Way(kit, rows.need(session, store_id))
        elif result:
            _finish(kit, ended, now)
            done, ended = done + result, []
    if ended:
        _finish(kit, ended, now)
    if failed is not None:
        raise failed.error
    return done


def _claim_all(kit: Kit, store_id: int, now: datetime) -> tuple[list[_Held], Store]:
    """What is due of a store, and its row."""
    until = kit.stopwatch() + _HELD_SECONDS
    with kit.database.of_store(store_id).write() as session:
        claimed = pulls.claim_reconciliations(session, store_id, now)
        return [_Held(pull, until) for pull in claimed], rows.need(session, store_id)


def _finish(kit: Kit, ended: Sequence[Pull], now: datetime) -> None:
    """Note how far these were pulled; what failed or is another's by now does not have their token."""
    store_id = ended[0].store_id
    with kit.database.of_store(store_id).write() as session:
        store = rows.find(session, store_id)
        if store is None or store.state == UNINSTALLED:
            return
        pulls.finish_reconciliations(session, ended, store, pulled_to=now, now=now)
        if any(pull.resource is Resource.REVIEWS for pull in ended):
            reviews.find_writers(session, store, now)


def _claim(database: Database, claim: Callable[[Session], Pull | None]) -> tuple[Pull, Store] | None:
    """A resource to pull, and its store."""
    with database.write() as session:
        pull = claim(session)
        return None if pull is None else (pull, rows.need(session, pull.store_id))


def _work(
    way: _Way, pull: Pull, now: datetime, *, work: Callable[[Storefront], int], is_backfill: bool
) -> int | None:
    """Pull one claimed resource; a failure of the shop is kept on its row, and None comes back."""
    kit, store = way.kit, way.store
    try:
        if store.state != "connected":
            raise Unauthorized("the shop must be reconnected")
        with access.watched(kit, store, now):
            return work(way.storefront())
    except ConnectorError as error:
        with kit.database.of_store(store.id).write() as session:
            pulls.put_off(session, pull, error=error, now=now, is_backfill=is_backfill)
        return None


def _backfill(kit: Kit, pull: Pull, storefront: Storefront, *, store: Store, now: datetime) -> int:
    """Keep some pages of a history, one a commit; one that waits or is the last ends the round."""
    total = storefront.count(pull.resource) if pull.row.total is None else None
    count = 0
    with closing(read_ahead(_a_round(storefront.history(pull.resource, pull.row.cursor)))) as pages:
        for page in pages:
            if not _keep_history(kit, pull, store, page, total=total, now=now):
                return count
            count += len(page.records)
            if page.cursor is None or page.wait_seconds is not None:
                return count
    with kit.database.of_store(store.id).write() as session:
        pulls.release(session, pull)
    return count


def _a_round(history: Generator[RecordPage, None, None]) -> Generator[RecordPage, None, None]:
    """The pages until so many brought records; those without are steps on the way to some, and as short."""
    full_pages = 0
    with closing(history) as pages:
        for page in pages:
            yield page
            full_pages += bool(page.records)
            if full_pages >= _PAGES_A_ROUND or page.cursor is None or page.wait_seconds is not None:
                return


def _keep_history(
    kit: Kit, pull: Pull, store: Store, page: RecordPage, *, total: int | None, now: datetime
) -> bool:
    """Mirror a page and move the row in one transaction; False when the row is not ours any more."""
    with kit.database.of_store(store.id).write() as session:
        held = rows.find(session, store.id)
        is_ours = pulls.move_backfill(session, pull, page, total=total, now=now)
        if held is None or not is_ours:
            session.rollback()
            return False
        _is_let_in(session, held)
        apply_records(
            session,
            kit.runtime.signer,
            held,
            page.records,
            now=now,
            history_until=store.installed_at,
        )
        for external_id in page.unreadable:
            lookups.ask(session, store.id, pull.resource, external_id, now=now)
    return True


def _reconcile(kit: Kit, held: _Held, storefront: Storefront, *, store: Store, now: datetime) -> int:
    """Mirror what changed, some records a commit; how many there were."""
    pull = held.pull
    since = pull.row.pulled_to - pulls.OVERLAP
    read = _orders_lacked if pull.resource is Resource.ORDERS else _whole_pages
    count = 0
    for records in read(kit, pull, storefront, since):
        if not _keep(kit, held, records, now):
            return count
        count += len(records)
    if pull.resource is Resource.ORDERS and connections.is_sweepable(store):
        _doubt_trashed(kit, store, since, now)
    return count


def _doubt_trashed(kit: Kit, store: Store, since: datetime, now: datetime) -> None:
    """Have orders looked up that came into the trash: its one webhook may be lost, and lists leave it out."""
    sweepable = connections.sweepable(kit.runtime, store)
    cursor, is_last = None, False
    while not is_last:
        page = sweepable.trashed_orders(cursor=cursor, updated_since=since)
        cursor, is_last = page.cursor, page.cursor is None
        if not page.ids:
            continue
        with kit.database.of_store(store.id).write() as session:
            held = sweeps.alive(session, store.id, Resource.ORDERS, page.ids)
            sweeps.doubt(session, store.id, Resource.ORDERS, held, now=now)


def _orders_lacked(
    kit: Kit, pull: Pull, storefront: Storefront, since: datetime
) -> Iterator[tuple[Record, ...]]:
    """The changed orders that the webhooks did not bring: all in outline, those alone whole."""
    cursor, is_last = None, False
    while not is_last:
        page = storefront.outline_orders(cursor=cursor, updated_since=since)
        cursor, is_last = page.cursor, page.cursor is None
        with kit.database.of_store(pull.store_id).read() as session:
            lacked = outlines.unmirrored(session, pull.store_id, page.outlines)
        yield from storefront.fetch_orders(lacked)
        # A page that lacked nothing took its time, too.
        yield ()


def _whole_pages(
    _kit: Kit, pull: Pull, storefront: Storefront, since: datetime
) -> Iterator[tuple[Record, ...]]:
    cursor, is_last = None, False
    while not is_last:
        page = storefront.page(pull.resource, cursor=cursor, updated_since=since)
        cursor, is_last = page.cursor, page.cursor is None
        yield page.records


def _keep(kit: Kit, held: _Held, records: Sequence[Record], now: datetime) -> bool:
    """Mirror records and hold the row for longer in one transaction; False when the pull is over.

    A pull may take longer than a lease: not held anew, it would be overtaken again and again, and nobody
    would be the one who ends it. And who lost it, or the shop, has nothing to bring any more.
    """
    if not records and kit.stopwatch() < held.until:
        return True
    pull, until = held.pull, kit.stopwatch() + _HELD_SECONDS
    with kit.database.of_store(pull.store_id).write() as session:
        store = rows.find(session, pull.store_id)
        if store is None or store.state == UNINSTALLED or not pulls.hold_reconciliation(session, pull):
            session.rollback()
            return False
        if records:
            _is_let_in(session, store)
            apply_records(session, kit.runtime.signer, store, records, now=now)
    held.until = until
    return True


def _is_let_in(session: Session, store: Store) -> None:
    """A page arrived, so what refused us before was passing, even if the next page is refused again."""
    if store.refusals:
        refusals.forget(session, store.id)
