"""Reading on while what was read is kept: a shop's answer and the database are waited for at once."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from connectors.base import RecordPage


def read_ahead(pages: Generator[RecordPage, None, None]) -> Generator[RecordPage, None, None]:
    """The same pages in their order, the next one being read by a thread of its own meanwhile.

    One page is held more than without it. What reading raises is raised when its page is asked for, so
    that all before it is kept. Left early, the page under way is waited for, and `pages` is closed.

    Raises:
        ConnectorError: as reading the pages does.
    """
    with closing(pages), ThreadPoolExecutor(1, "read-ahead") as reader:
        coming = reader.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = reader.submit(next, pages, None)
            yield page
