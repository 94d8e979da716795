"""The cross-check against the data set, on a data set of a few lines."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

from tests.oracle.dataset import Basket, read_baskets


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two households; household 1 bought twice, once long ago; household 2's basket is worth nothing."""
    rows: list[tuple[Any, ...]] = [
        (1, 10, 5, 2.00, 0.50, wall("2017-12-30 09:05:00")),
        (1, 10, 5, 1.39, 0.00, wall("2017-12-30 09:04:00")),
        (1, 11, 6, 9.99, 0.00, wall("2017-01-02 09:00:00")),
        (2, 12, 7, 1.00, 1.00, wall("2018-01-01 04:01:20")),
    ]
    names = ["household_id", "basket_id", "product_id", "sales_value", "coupon_disc", "transaction_timestamp"]
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    parquet.write_table(pyarrow.table(columns), tmp_path / "transactions.parquet")
    return tmp_path


def test_baskets_are_summed_in_cents_after_the_coupon(folder: Path) -> None:
    baskets, last = read_baskets(folder, seed=1, households=2, days=100)

    expected = Basket(1, wall("2017-12-30 09:04:00"), 289, 50, [("5", 150), ("5", 139)])
    assert baskets == {10: expected}
    assert last == wall("2018-01-01 04:01:20")


def test_the_window_and_the_number_of_households_are_the_worlds(folder: Path) -> None:
    all_year, _ = read_baskets(folder, seed=1, households=2, days=365)
    # sha256("3:1") begins with 59a5, "3:2" with 749c: household 1 is the first; with seed 1 the last.
    first_only, _ = read_baskets(folder, seed=3, households=1, days=365)
    last_only, _ = read_baskets(folder, seed=1, households=1, days=365)

    assert set(all_year) == {10, 11}
    assert set(first_only) == {10, 11}
    assert last_only == {}


def wall(text: str) -> datetime:
    """A moment on a clock without a zone, as the data set has it."""
    return datetime.fromisoformat(text)
