"""Shopify's history by bulk operation: what arrives, what a kill costs, every way in which a file is bad."""

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from sqlalchemy import update

from app.config import Settings
from app.db import Database
from app.mirror.apply import apply_records
from app.models import Order, Timer
from connectors.base import OrderRecord
from connectors.storefronts.shopify import bulk_history, bulk_sort
from connectors.storefronts.shopify.bulk_history import Place
from tests import engines
from tests.jobs.jobs_shopify import BACKFILLS, Reader, Shop, connect, grown_world, running_shop
from tests.seeds import rows_of

SQLITE_ONLY = pytest.mark.parametrize("engine", [engines.SQLITE])


class _KilledError(BaseException):
    """Stands for the end of a process in the middle of its work."""


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_history, "PAGE_RECORDS", 7)


@pytest.fixture
def reader(settings: Settings, database: Database, shop: Shop) -> Reader:
    """A worker that has read nothing yet."""
    return connect(settings, database, shop)


@pytest.fixture
def by_pages(settings: Settings, request: pytest.FixtureRequest) -> Iterator[Callable[[Shop], Reader]]:
    """Reads another shop's history into a database of its own, by pages."""
    kind = request.getfixturevalue("_sqlite")
    opened = []

    def read(shop: Shop) -> Reader:
        database = Database(kind.create())
        opened.append(database)
        other = connect(settings, database, shop)
        with database.write() as session:
            session.execute(update(BACKFILLS).values(cursor=Place(tries=9).cursor()))
        other.finish()
        return other

    yield read
    for database in opened:
        database.dispose()


def test_the_mirror_is_the_same_as_by_pages(
    reader: Reader, shop: Shop, by_pages: Callable[[Shop], Reader]
) -> None:
    reader.finish()

    assert len(shop.files_asked_for()) > 0
    assert _counts(reader) == {"customers": (10, 10), "orders": (40, 40), "products": (2, 2)}
    _assert_same(reader, by_pages(shop))


def test_a_kill_between_any_two_commits_costs_nothing(
    reader: Reader, shop: Shop, by_pages: Callable[[Shop], Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.histories._PAGES_A_ROUND", 1)

    reader.finish()

    assert [range_ for range_ in shop.files_asked_for() if range_] != []
    assert _counts(reader) == {"customers": (10, 10), "orders": (40, 40), "products": (2, 2)}
    _assert_same(reader, by_pages(shop))


def test_a_kill_in_the_middle_of_a_transaction_loses_nothing(
    reader: Reader, shop: Shop, by_pages: Callable[[Shop], Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = count()

    def apply_and_die(*arguments: Any, **options: Any) -> None:
        apply_records(*arguments, **options)
        if next(calls) % 3 == 1:
            raise _KilledError

    monkeypatch.setattr("jobs.histories.apply_records", apply_and_die)

    for _ in range(200):
        try:
            reader.finish()
            break
        except _KilledError:
            # The lease of whoever died runs out.
            with reader.database.write() as session:
                session.execute(update(BACKFILLS).values(lease_until=None))

    assert _counts(reader) == {"customers": (10, 10), "orders": (40, 40), "products": (2, 2)}
    monkeypatch.undo()
    _assert_same(reader, by_pages(shop))


@SQLITE_ONLY
def test_a_host_that_knows_no_ranges_is_read_from_the_start(
    reader: Reader, shop: Shop, by_pages: Callable[[Shop], Reader], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.app.bulk.knows_ranges = False
    monkeypatch.setattr("jobs.histories._PAGES_A_ROUND", 1)

    reader.finish()

    assert _counts(reader)["orders"] == (40, 40)
    _assert_same(reader, by_pages(shop))


@SQLITE_ONLY
def test_a_slow_operation_is_waited_for_without_a_lease(reader: Reader, shop: Shop) -> None:
    shop.app.bulk.looks = 2

    read = reader.step()

    row = next(row for row in reader.rows().values() if row.cursor)
    assert (read, row.lease_token, row.error, row.attempts) == (0, None, None, 0)
    assert (row.next_at - reader.now).total_seconds() == bulk_history.POLL_SECONDS

    reader.finish()

    assert _counts(reader)["orders"] == (40, 40)


@SQLITE_ONLY
def test_as_many_operations_as_shopify_allows_are_waited_for(reader: Reader, shop: Shop) -> None:
    shop.app.bulk.others = 5

    for _ in range(3):
        reader.step()

    assert {row.cursor for row in reader.rows().values()} == {Place().cursor()}
    assert shop.files_asked_for() == []

    shop.app.bulk.others = 4
    reader.finish()

    assert _counts(reader)["orders"] == (40, 40)


def _is_first_only(damage: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Damages one file of each kind, then none."""
    seen: set[bytes] = set()

    def once(content: bytes) -> bytes:
        kind = content.split(b"/")[3] if content else b""
        if kind in seen:
            return content
        seen.add(kind)
        return damage(content)

    return once


def _cut_in_a_line(content: bytes) -> bytes:
    return content[: len(content) * 2 // 3 - 5]


def _cut_after_a_line(content: bytes) -> bytes:
    return b"\n".join(content.split(b"\n")[:-2]) + b"\n"


def _broken_line(content: bytes) -> bytes:
    lines = content.split(b"\n")
    lines[len(lines) // 2] = lines[len(lines) // 2].replace(b'":', b'"?', 3)
    return b"\n".join(lines)


@SQLITE_ONLY
@pytest.mark.parametrize("damage", [_cut_in_a_line, _cut_after_a_line, _broken_line])
def test_a_bad_file_is_made_anew(
    reader: Reader, shop: Shop, by_pages: Callable[[Shop], Reader], damage: Callable[[bytes], bytes]
) -> None:
    shop.app.bulk.damage = _is_first_only(damage)

    reader.finish()

    assert shop.pages_asked_for() == 0
    assert _counts(reader) == {"customers": (10, 10), "orders": (40, 40), "products": (2, 2)}
    _assert_same(reader, by_pages(shop))


@SQLITE_ONLY
@pytest.mark.parametrize("pages_a_round", [1, 50])
def test_children_far_from_their_parents_are_put_in_order(
    reader: Reader,
    shop: Shop,
    by_pages: Callable[[Shop], Reader],
    monkeypatch: pytest.MonkeyPatch,
    *,
    pages_a_round: int,
) -> None:
    monkeypatch.setattr("jobs.histories._PAGES_A_ROUND", pages_a_round)
    monkeypatch.setattr(bulk_sort, "_PIECE_BYTES", 3000)
    shop.app.bulk.is_grouped = False

    reader.finish()

    assert shop.pages_asked_for() == 0
    assert _counts(reader) == {"customers": (10, 10), "orders": (40, 40), "products": (2, 2)}
    _assert_same(reader, by_pages(shop))


@SQLITE_ONLY
def test_operations_that_keep_failing_give_way_to_pages(
    reader: Reader, shop: Shop, by_pages: Callable[[Shop], Reader]
) -> None:
    shop.app.bulk.fail_after = 5

    reader.finish()

    assert shop.pages_asked_for() == 4
    assert _counts(reader)["orders"] == (40, 40)
    _assert_same(reader, by_pages(shop))


@SQLITE_ONLY
def test_a_file_whose_time_is_over_is_made_anew(
    reader: Reader, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.histories._PAGES_A_ROUND", 4)
    for _ in range(4):
        reader.step()
    shop.app.bulk.url_seconds = -1
    reader.step()
    shop.app.bulk.url_seconds = 60

    reader.finish()

    assert _counts(reader) == {"customers": (10, 10), "orders": (40, 40), "products": (2, 2)}


@SQLITE_ONLY
@pytest.mark.parametrize(
    "cursor",
    [
        Place(operation="gid://shopify/BulkOperation/404").cursor(),
        'bulk:{"operation":"gid://shopify/BulkOperation/1","line":7}',
        "bulk:",
    ],
)
def test_an_operation_that_nobody_knows_any_more_is_begun_anew(reader: Reader, cursor: str) -> None:
    with reader.database.write() as session:
        session.execute(update(BACKFILLS).values(cursor=cursor))

    reader.finish()

    assert _counts(reader) == {"customers": (10, 10), "orders": (40, 40), "products": (2, 2)}


@SQLITE_ONLY
def test_one_unreadable_order_is_looked_up_alone(
    reader: Reader, shop: Shop, by_pages: Callable[[Shop], Reader]
) -> None:
    def spoil(content: bytes) -> bytes:
        lines = content.split(b"\n")
        if b"/Order/" not in lines[0]:
            return content
        node: dict[str, Any] = json.loads(lines[0])
        spoiled = json.dumps(node | {"processedAt": "at dawn"}, separators=(",", ":")).encode()
        lines[0] = spoiled
        return b"\n".join(lines)

    shop.app.bulk.damage = spoil

    reader.finish()

    assert _counts(reader)["orders"] == (39, 40)
    _assert_same(reader, by_pages(shop))


@SQLITE_ONLY
def test_a_throttled_backfill_waits_as_long_as_shopify_says(settings: Settings, database: Database) -> None:
    with running_shop(grown_world(4), bucket_size=9, restore_rate=1) as shop:
        reader = connect(settings, database, shop)

        reader.step()

    row = next(row for row in reader.rows().values() if row.attempts)
    assert row.error == "Shopify throttles us"
    assert 0 < (row.next_at - reader.now).total_seconds() <= 10


def _counts(reader: Reader) -> dict[str, tuple[int, int]]:
    return {name: (row.done, row.total or 0) for name, row in reader.rows().items()}


def _assert_same(reader: Reader, other: Reader) -> None:
    """Table by table, so that a difference is short."""
    expected = other.mirror()
    for name, rows in reader.mirror().items():
        assert rows == expected[name], name


def test_an_order_that_cannot_be_mirrored_is_looked_up_and_keeps_no_other_waiting(
    reader: Reader, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[str] = []

    def apply_but_one(session: Any, signer: Any, store: Any, records: Any, **options: Any) -> None:
        orders = [record.external_id for record in records if isinstance(record, OrderRecord)]
        broken[:] = broken or orders[3:4]
        if set(orders).intersection(broken):
            raise ZeroDivisionError
        apply_records(session, signer, store, records, **options)

    for place in ("jobs.histories", "jobs.mirroring", "jobs.lookups"):
        monkeypatch.setattr(f"{place}.apply_records", apply_but_one)

    reader.finish()

    mirrored = rows_of(reader.database, Order, "external_id")
    assert len(mirrored) == 39
    assert (broken[0],) not in mirrored
    assert all(row.finished_at is not None for row in reader.rows().values())
    waiting = rows_of(reader.database, Timer, "kind", "subject_id")
    assert ("look-up.orders", int(broken[0])) in waiting
