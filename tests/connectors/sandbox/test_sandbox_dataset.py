"""The data set becomes baskets as INTERFACE promises, and wall times become moments."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.sandbox.dataset import Baskets, read_baskets, read_catalogue
from connectors.sandbox.moments import aware, shifted_utc, weeks_until_yesterday
from tests.connectors.sandbox.sandbox_stage import write_data

ROME = ZoneInfo("Europe/Rome")
NOON = datetime(2017, 6, 1, 12, 0)


def read(folder: Path, *, households: int = 10, days: int = 365) -> Baskets:
    return read_baskets(folder, seed=1, households=households, days=days)


def test_a_line_costs_its_sales_value_less_the_coupon(tmp_path: Path) -> None:
    folder = write_data(tmp_path, [(2, 5, 7, 3, 4.99, 0.55, NOON), (2, 5, 7, 1, 1.1, 0.0, NOON)])

    baskets = read(folder)

    assert list(baskets.total_minor) == [444, 110]
    assert list(baskets.discount_minor) == [55, 0]
    assert list(baskets.product) == [7, 7]
    assert list(baskets.line_start) == [0, 2]


def test_a_quantity_of_zero_counts_as_one(tmp_path: Path) -> None:
    folder = write_data(tmp_path, [(2, 5, 7, 0, 4.0, 0.0, NOON)])

    assert list(read(folder).quantity) == [1]


def test_a_basket_that_costs_nothing_is_skipped_and_counted(tmp_path: Path) -> None:
    folder = write_data(tmp_path, [(2, 5, 7, 1, 1.0, 1.0, NOON), (2, 6, 7, 1, 1.0, 0.0, NOON)])

    baskets = read(folder)

    assert list(baskets.basket) == [6]
    assert baskets.skipped == 1


def test_rows_of_one_basket_stay_in_the_order_of_the_data(tmp_path: Path) -> None:
    rows = [(2, 9, 1, 1, 1.0, 0.0, NOON), (2, 8, 5, 1, 1.0, 0.0, NOON), (2, 9, 3, 1, 1.0, 0.0, NOON)]
    folder = write_data(tmp_path, [*rows, (2, 9, 2, 1, 1.0, 0.0, NOON)])

    baskets = read(folder)

    assert list(baskets.basket) == [8, 9]
    assert list(baskets.product) == [5, 1, 3, 2]


def test_a_smaller_world_holds_the_first_households_of_a_larger_one(tmp_path: Path) -> None:
    folder = write_data(tmp_path)

    small, large = read(folder, households=3), read(folder, households=8)

    assert len(large.households) == 8
    assert small.households == large.households[:3]
    assert set(small.household) == set(small.households)


def test_only_the_last_days_of_the_data_are_read(tmp_path: Path) -> None:
    rows = [(2, 1, 1, 1, 1.0, 0.0, datetime(2017, 5, 22, 12)), (2, 2, 1, 1, 1.0, 0.0, NOON)]
    folder = write_data(tmp_path, [*rows, (2, 3, 1, 1, 1.0, 0.0, datetime(2017, 5, 22, 12, 0, 1))])

    assert list(read(folder, days=10).basket) == [2, 3]


def test_missing_words_of_a_product_are_empty(tmp_path: Path) -> None:
    folder = write_data(tmp_path, [(2, 5, 10, 1, 1.0, 0.0, NOON)])

    (row,) = read_catalogue(folder, {10})

    assert (row.package_size, row.kind) == ("", "FRZN  PIE/DESSERTS")


@pytest.mark.parametrize(
    ("started_at", "weeks"),
    [
        (datetime(2018, 1, 9, 22, 59, tzinfo=UTC), 1),
        (datetime(2018, 1, 8, 23, 1, tzinfo=UTC), 1),
        (datetime(2018, 1, 8, 22, 59, tzinfo=UTC), 0),
    ],
)
def test_the_last_order_ends_no_later_than_yesterday_in_the_stores_zone(
    started_at: datetime, weeks: int
) -> None:
    last_wall = int(datetime(2018, 1, 1, 4, 1, 20, tzinfo=UTC).timestamp())

    assert weeks_until_yesterday(last_wall, started_at, ROME) == weeks


def test_a_last_order_at_midnight_is_of_the_day_that_begins() -> None:
    midnight = int(datetime(2018, 1, 1, tzinfo=UTC).timestamp())

    assert weeks_until_yesterday(midnight, datetime(2018, 1, 8, 12, tzinfo=UTC), ROME) == 0
    assert weeks_until_yesterday(midnight, datetime(2018, 1, 9, 12, tzinfo=UTC), ROME) == 1


@pytest.mark.parametrize(
    ("wall", "weeks", "moment"),
    [
        (datetime(2017, 1, 10, 9, 0), 0, datetime(2017, 1, 10, 8, 0, tzinfo=UTC)),
        (datetime(2017, 1, 10, 9, 0), 26, datetime(2017, 7, 11, 7, 0, tzinfo=UTC)),
        (datetime(2017, 3, 26, 2, 30), 0, datetime(2017, 3, 26, 1, 30, tzinfo=UTC)),
        (datetime(2017, 3, 26, 2, 30), 1, datetime(2017, 4, 2, 1, 30, tzinfo=UTC)),
        (datetime(2017, 3, 19, 2, 30), 1, datetime(2017, 3, 26, 1, 30, tzinfo=UTC)),
    ],
    ids=["winter", "into summer time", "a time that was skipped", "moved on", "moved into the gap"],
)
def test_wall_times_move_by_whole_weeks(wall: datetime, weeks: int, moment: datetime) -> None:
    seconds = int(wall.replace(tzinfo=UTC).timestamp())

    assert aware(shifted_utc(seconds, weeks, ROME)) == moment
