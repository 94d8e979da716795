"""Pages of a listing joined: shops list a hundred at most, and each batch kept has its price."""

import time
from collections.abc import Callable, Generator, Iterable, Sequence

from connectors.base import ConnectorError, RecordPage

MOST_PAGES = 5
MOST_SECONDS = 10.0
"""A slow store's pages are kept one by one, so that little is read again after a failure."""


def joined(
    pages: Iterable[RecordPage], *, clock: Callable[[], float] = time.monotonic
) -> Generator[RecordPage, None, None]:
    """The same records in fewer pages; what was read before a failure is given first.

    Args:
        pages: in their order, none of which waits or begins anew.
        clock: monotonic seconds.

    Raises:
        ConnectorError: as reading the pages does.
    """
    held: list[RecordPage] = []
    begun = clock()
    try:
        for page in pages:
            held.append(page)
            if len(held) == MOST_PAGES or clock() - begun > MOST_SECONDS:
                yield _one_of(held)
                held, begun = [], clock()
    except ConnectorError:
        if held:
            yield _one_of(held)
        raise
    if held:
        yield _one_of(held)


def _one_of(held: Sequence[RecordPage]) -> RecordPage:
    records = tuple(record for page in held for record in page.records)
    return RecordPage(records=records, cursor=held[-1].cursor, total=held[-1].total)
