"""What changed at a shop since a moment: read outside any transaction, some records at a time."""

from collections.abc import Iterator
from datetime import datetime

from app.mirror import outlines, sweeps
from app.mirror.pulls import Pull
from connectors.base import Record, RecordPage, Resource, Storefront
from connectors.together import joined
from jobs.kit import Kit
from jobs.ways import Way

Part = tuple[tuple[Record, ...], bool]
"""Some records, and whether they are surely the last ones."""


def orders_lacked(kit: Kit, pull: Pull, storefront: Storefront, since: datetime) -> Iterator[Part]:
    """The changed orders that the webhooks did not bring: all in outline, those alone whole."""
    cursor, is_last = None, False
    while not is_last:
        page = storefront.outline_orders(cursor=cursor, updated_since=since)
        cursor, is_last = page.cursor, page.cursor is None
        with kit.database.of_store(pull.store_id).read() as session:
            lacked = outlines.unmirrored(session, pull.store_id, page.outlines)
        count = 0
        for records in storefront.fetch_orders(lacked):
            count += len(records)
            yield records, is_last and count >= len(lacked)
        # A page that lacked nothing took its time, too.
        yield (), False


def whole_pages(kit: Kit, pull: Pull, storefront: Storefront, since: datetime) -> Iterator[Part]:
    """All that changed, as it comes in pages, some of them together."""
    for page in joined(_pages(storefront, pull.resource, since), clock=kit.stopwatch):
        yield page.records, page.cursor is None


def _pages(storefront: Storefront, resource: Resource, since: datetime) -> Iterator[RecordPage]:
    page = storefront.page(resource, cursor=None, updated_since=since)
    yield page
    while page.cursor is not None:
        page = storefront.page(resource, cursor=page.cursor, updated_since=since)
        yield page


def doubt_trashed(way: Way, since: datetime, now: datetime) -> None:
    """Have orders looked up that came into the trash: its one webhook may be lost, and lists leave it out."""
    sweepable, store = way.sweepable(), way.store
    cursor, is_last = None, False
    while not is_last:
        page = sweepable.trashed_orders(cursor=cursor, updated_since=since)
        cursor, is_last = page.cursor, page.cursor is None
        if not page.ids:
            continue
        with way.kit.database.of_store(store.id).write() as session:
            held = sweeps.alive(session, store.id, Resource.ORDERS, page.ids)
            sweeps.doubt(session, store.id, Resource.ORDERS, held, now=now)
