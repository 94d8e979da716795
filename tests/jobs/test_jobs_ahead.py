"""Pages of a history come one ahead, in their order, and nothing of what was read is lost."""

import threading
from collections.abc import Generator
from contextlib import closing

import pytest

from connectors.base import ConnectorError, RecordPage
from jobs.ahead import read_ahead

PATIENCE = 10.0


def _page(number: int) -> RecordPage:
    return RecordPage(records=(), cursor=str(number))


def test_the_next_page_is_read_while_one_is_kept() -> None:
    is_second_asked_for = threading.Event()

    def pages() -> Generator[RecordPage, None, None]:
        yield _page(1)
        is_second_asked_for.set()
        yield _page(2)

    with closing(read_ahead(pages())) as ahead:
        first = next(ahead)
        was_read_meanwhile = is_second_asked_for.wait(PATIENCE)
        rest = list(ahead)

    assert was_read_meanwhile
    assert [page.cursor for page in (first, *rest)] == ["1", "2"]


def test_what_came_before_a_failure_is_given_first() -> None:
    def pages() -> Generator[RecordPage, None, None]:
        yield _page(1)
        yield _page(2)
        raise ConnectorError("the shop went away")

    given: list[str | None] = []

    with pytest.raises(ConnectorError, match="went away"):
        given.extend(page.cursor for page in read_ahead(pages()))

    assert given == ["1", "2"]


def test_whoever_leaves_early_closes_the_reading() -> None:
    closed = []

    def pages() -> Generator[RecordPage, None, None]:
        try:
            for number in range(100):
                yield _page(number)
        finally:
            closed.append(threading.active_count())

    threads = threading.active_count()
    with closing(read_ahead(pages())) as ahead:
        next(ahead)

    assert closed == [threads]
    assert threading.active_count() == threads
