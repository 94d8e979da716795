"""Pages of a listing are joined while the store is quick; what was read is given before a failure."""

from collections.abc import Iterator

import pytest

from connectors.base import ConnectorError, Deletion, RecordPage, Resource
from connectors.together import joined


def pages(count: int, *, fails: bool = False) -> Iterator[RecordPage]:
    for number in range(1, count + 1):
        cursor = str(number + 1) if number < count or fails else None
        yield RecordPage((Deletion(Resource.ORDERS, str(number), None),), cursor, total=count)
    if fails:
        raise ConnectorError("the store is away")


def shape(found: list[RecordPage]) -> list[tuple[int, str | None]]:
    return [(len(page.records), page.cursor) for page in found]


def test_five_pages_become_one_that_ends_where_the_last_ended() -> None:
    found = list(joined(pages(12), clock=lambda: 0.0))

    assert shape(found) == [(5, "6"), (5, "11"), (2, None)]
    assert [record for page in found for record in page.records] == [
        record for page in pages(12) for record in page.records
    ]


def test_pages_of_a_slow_store_are_kept_one_by_one() -> None:
    seconds = iter(range(0, 1000, 11))

    found = list(joined(pages(3), clock=lambda: float(next(seconds))))

    assert shape(found) == [(1, "2"), (1, "3"), (1, None)]


def test_what_was_read_before_a_failure_is_given_first() -> None:
    reading = joined(pages(2, fails=True), clock=lambda: 0.0)

    first = next(reading)

    assert shape([first]) == [(2, "3")]
    with pytest.raises(ConnectorError):
        next(reading)
