"""Backfill and reconciliation: pages pulled outside any transaction, mirrored one page a commit."""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial

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
from jobs.guard import each_store
from jobs.kit import Kit

_PAGES_A_ROUND = 50
_MOST_STORES, _MOST_PULLS = 100, 20
_STORES_AT_ONCE = 4
"""Their answers are waited for most of the time, and one that is slow keeps the others less."""


def run_backfills(kit: Kit, now: datetime) -> Counter[str]:
    """Read on in the histories that are not finished, some pages of one resource at a time."""
    done: Counter[str] = Counter()
    with kit.database.over_all_stores().read() as session:
        is_due = pulls.has_backfill(session, now)
    claimed = (
        _claim(kit.database.over_all_stores(), partial(pulls.claim_backfill, now=now)) if is_due else None
    )
    if claimed is not None:
        done["backfilled"] += _work(kit, *claimed, now, is_backfill=True)
    return +done


def run_reconciliations(kit: Kit, now: datetime) -> Counter[str]:
    """Pull what changed since the last look, for every store whose time has come, some stores at once."""
    with kit.database.over_all_stores().read() as session:
        stores = pulls.stores_to_reconcile(session, now, _MOST_STORES)
    done = each_store(stores, partial(_reconcile_store, kit, now), at_once=_STORES_AT_ONCE)
    return +Counter({"reconciled": done})


def _reconcile_store(kit: Kit, now: datetime, store_id: int) -> int:
    """One resource after the other; a pull that ends or fails is not due before its next turn."""
    database, done = kit.database.of_store(store_id), 0
    claim = partial(pulls.claim_reconciliation, store_id=store_id, now=now)
    for _ in range(_MOST_PULLS):
        claimed = None if kit.stopping.is_set() else _claim(database, claim)
        if claimed is None:
            break
        done += _work(kit, *claimed, now, is_backfill=False)
    return done


def _claim(database: Database, claim: Callable[[Session], Pull | None]) -> tuple[Pull, Store] | None:
    """A resource to pull, and its store."""
    with database.write() as session:
        pull = claim(session)
        return None if pull is None else (pull, rows.need(session, pull.store_id))


def _work(kit: Kit, pull: Pull, store: Store, now: datetime, *, is_backfill: bool) -> int:
    """Pull one claimed resource; failures are kept on its row."""
    try:
        if store.state != "connected":
            raise Unauthorized("the shop must be reconnected")
        with access.watched(kit, store, now):
            storefront = connections.storefront(kit.runtime, store)
            work = _backfill if is_backfill else _reconcile
            return work(kit, pull, storefront, store=store, now=now)
    except ConnectorError as error:
        with kit.database.of_store(store.id).write() as session:
            pulls.put_off(session, pull, error=error, now=now, is_backfill=is_backfill)
        return 0


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


def _reconcile(kit: Kit, pull: Pull, storefront: Storefront, *, store: Store, now: datetime) -> int:
    """Mirror what changed, some records a commit, then note how far that was; how many there were."""
    since = pull.row.pulled_to - pulls.OVERLAP
    read = _orders_lacked if pull.resource is Resource.ORDERS else _whole_pages
    count = 0
    for records in read(kit, pull, storefront, since):
        if not _keep(kit, pull, records, now):
            return count
        count += len(records)
    if pull.resource is Resource.ORDERS and connections.is_sweepable(store):
        _doubt_trashed(kit, store, since, now)
    with kit.database.of_store(store.id).write() as session:
        held = rows.find(session, store.id)
        if held is not None:
            pulls.finish_reconciliation(session, pull, held, pulled_to=now, now=now)
        if held is not None and pull.resource is Resource.REVIEWS:
            reviews.find_writers(session, held, now)
    return count


def _doubt_trashed(kit: Kit, store: Store, since: datetime, now: datetime) -> None:
    """Have orders looked up that came into the trash: its one webhook may be lost, and lists leave it out."""
    sweepable = connections.sweepable(kit.runtime, store)
    cursor, is_last = None, False
    while not is_last:
        page = sweepable.trashed_orders(cursor=cursor, updated_since=since)
        cursor, is_last = page.cursor, page.cursor is None
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


def _keep(kit: Kit, pull: Pull, records: Sequence[Record], now: datetime) -> bool:
    """Mirror records and hold the row for longer in one transaction; False when the pull is over.

    A pull may take longer than a lease: not held anew, it would be overtaken again and again, and nobody
    would be the one who ends it. And who lost it, or the shop, has nothing to bring any more.
    """
    with kit.database.of_store(pull.store_id).write() as session:
        held = rows.find(session, pull.store_id)
        if held is None or held.state == UNINSTALLED or not pulls.hold_reconciliation(session, pull):
            session.rollback()
            return False
        if records:
            _is_let_in(session, held)
            apply_records(session, kit.runtime.signer, held, records, now=now)
    return True


def _is_let_in(session: Session, store: Store) -> None:
    """A page arrived, so what refused us before was passing, even if the next page is refused again."""
    if store.refusals:
        refusals.forget(session, store.id)
