"""A history is read page by page, outside any transaction, and mirrored one page a commit."""

from collections.abc import Generator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial

from sqlalchemy.orm import Session

from app.mirror import lookups, pulls
from app.mirror.apply import apply_records
from app.mirror.pulls import Pull
from app.models import Store
from app.stores import refusals, rows
from connectors.base import Record, RecordPage, Storefront
from jobs.ahead import read_ahead
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit
from jobs.mirroring import mirror_alone

_PAGES_A_ROUND = 50


def read_on(kit: Kit, pull: Pull, storefront: Storefront, *, store: Store, now: datetime) -> int:
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
    """Mirror a page and move the row; False when the row is not ours any more."""
    keep = partial(_keep_page, kit, pull, store, page, total=total, now=now)
    result = run_guarded(partial(keep, records=page.records))
    if not isinstance(result, Failed):
        return result
    until = store.installed_at
    mirror_alone(kit, store, pull.resource, page.records, failure=result, now=now, history_until=until)
    return keep(records=())


def _keep_page(
    kit: Kit,
    pull: Pull,
    store: Store,
    page: RecordPage,
    *,
    records: Sequence[Record],
    total: int | None,
    now: datetime,
) -> bool:
    """In one transaction: mirror these of a page, and move the row past all of it."""
    with kit.database.of_store(store.id).write() as session:
        held = rows.find(session, store.id)
        is_ours = pulls.move_backfill(session, pull, page, total=total, now=now)
        if held is None or not is_ours:
            session.rollback()
            return False
        is_let_in(session, held)
        apply_records(session, kit.runtime.signer, held, records, now=now, history_until=store.installed_at)
        for external_id in page.unreadable:
            lookups.ask(session, store.id, pull.resource, external_id, now=now)
    return True


def is_let_in(session: Session, store: Store) -> None:
    """A page arrived, so what refused us before was passing, even if the next page is refused again."""
    if store.refusals:
        refusals.forget(session, store.id)
