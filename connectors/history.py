"""The history of a storefront that can be read by pages only."""

from collections.abc import Generator

from connectors.base import RecordPage, Resource, Storefront


def by_page(
    storefront: Storefront, resource: Resource, cursor: str | None
) -> Generator[RecordPage, None, None]:
    """Page after page of the whole listing, from a page's cursor or the beginning."""
    while True:
        page = storefront.page(resource, cursor=cursor, updated_since=None)
        yield page
        if page.cursor is None:
            return
        cursor = page.cursor
