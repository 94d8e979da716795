"""Thousands of events, each told three times and in any order: the tables of telling them once and in order.

Parcels and refunds that come before their order wait for it one by one, to which
`mirror/test_mirror_shuffled.py` sees; here they stand within their orders alone.
"""

import hashlib
import random
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pytest

from app.db import Database
from connectors.base import FulfillmentUpdate, Record, RefundUpdate
from tests.bars.sizes import Note, asked
from tests.faults.faults_books import tell as say
from tests.mirror.mirror_news import tell
from tests.mirror.test_mirror_shuffled import CODE, Tables, add_voucher, deliveries_of_two_weeks, tables_of
from tests.seeds import new_store

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
EVENTS, TIMES, ORDERS_OF_ARRIVAL = asked(5000, quick=300), 3, asked(100, quick=3)
_LARGEST_BATCH = 400
_WAITS = (FulfillmentUpdate, RefundUpdate)
_IDS = (
    "100",
    "200",
    "#100",
    "#200",
    "C1",
    "P1",
    "P2",
    "P3",
    "P9",
    "F1",
    "F2",
    "R1",
    "R2",
    "V1",
    "L-P1",
    "L-P2",
)


def test_events_told_three_times_in_any_order_give_the_same_tables(
    database: Database, engine: str, record_property: Note
) -> None:
    events = list(islice(_events(), EVENTS))
    expected = _hash(_mirrored(database, "in-order", _batches(events, random.Random(0))))

    different = []
    for seed in range(1, ORDERS_OF_ARRIVAL + 1):
        chance = random.Random(seed)
        told = events * TIMES
        chance.shuffle(told)
        if _hash(_mirrored(database, f"order-{seed}", _batches(told, chance))) != expected:
            different.append(seed)

    say(f"{len(events)} events {TIMES} times in {ORDERS_OF_ARRIVAL} orders, {engine}: {different} differ")
    record_property("events", len(events))
    record_property("times each was told", TIMES)
    record_property("orders of arrival", ORDERS_OF_ARRIVAL)
    record_property("rows compared", expected[1])
    record_property("orders of arrival whose tables differ", len(different))
    assert different == []


def _events() -> Iterator[Record]:
    """What happens to two orders, their buyers and goods within two weeks, again and again to others."""
    number = 0
    while True:
        number += 1
        for record in deliveries_of_two_weeks():
            if not isinstance(record, _WAITS):
                yield _of_another(record, number)


def _of_another(value: Any, number: int) -> Any:
    """The same record about other people, orders and goods; only the first may use the code."""
    if isinstance(value, str):
        return _word_of_another(value, number)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_of_another(one, number) for one in value))
    if isinstance(value, tuple):
        return tuple(_of_another(one, number) for one in value if one != CODE or number == 1)
    return value


def _word_of_another(word: str, number: int) -> str:
    if word in _IDS:
        return f"{word}-{number}"
    if word.endswith("@example.com"):
        return f"{number}.{word}"
    if word.startswith("+39011"):
        return f"+39011{1_000_000 + number}"
    return word


def _batches(events: Sequence[Record], chance: random.Random) -> Iterator[Sequence[Record]]:
    start = 0
    while start < len(events):
        size = chance.randint(1, _LARGEST_BATCH)
        yield events[start : start + size]
        start += size


def _mirrored(database: Database, word: str, batches: Iterator[Sequence[Record]]) -> Tables:
    """What a fresh store's tables hold after these batches."""
    store_id = new_store(database, word)
    add_voucher(database, store_id)
    for batch in batches:
        tell(database, store_id, *batch)
    return tables_of(database, store_id)


def _hash(tables: Tables) -> tuple[str, int]:
    """A checksum of all tables, and how many rows they have."""
    rows = sum(len(found) for found in tables.values())
    return hashlib.sha256(repr(sorted(tables.items())).encode()).hexdigest(), rows
