"""A data set in the form of the installed one, of few products whose buyers come back at planted paces."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow as arrow
from pyarrow import parquet

DAYS = 170
_LAST = datetime(2017, 12, 31, 12)  # noqa: DTZ001 (the data set tells wall times)
_BEGIN = _LAST - timedelta(days=DAYS - 1)


@dataclass(frozen=True, slots=True)
class Planted:
    """One product and who buys it, in each of the two shops.

    Attributes:
        pace: the median of the days between two purchases; `spread` is that of their logarithm.
        most: how often anybody buys it, at the most.
        begins: the day from which on people come.
    """

    product: int
    department: str
    people: int
    pace: float
    spread: float
    most: int = 99
    begins: int = 0


_ALL = (
    Planted(11, "FURNITURE", people=24, pace=36, spread=0.3),
    Planted(12, "GROCERY", people=24, pace=58, spread=0.1),
    Planted(13, "MISC SALES TRAN", people=20, pace=24, spread=0.2, most=3),
    Planted(13, "MISC SALES TRAN", people=5, pace=24, spread=0, most=1, begins=110),
)
"""By their departments reviews are asked after 30, 7 and 14 days, by their paces after 9, 14 and 7; of the
last product there are just as many returns of just as many people as it takes."""
PRODUCTS = len({planted.product for planted in _ALL})
HOUSEHOLDS = 2 * sum(planted.people for planted in _ALL)


def write(folder: Path) -> None:
    """The two tables that the sandbox reads."""
    purchases = list(_purchases(Random(7)))
    columns = ("household_id", "basket_id", "product_id", "transaction_timestamp")
    count = len(purchases)
    transactions = dict(zip(columns, map(list, zip(*purchases, strict=True)), strict=True))
    transactions |= {"quantity": [1] * count, "sales_value": [25.0] * count, "coupon_disc": [0.0] * count}
    parquet.write_table(arrow.table(transactions), folder / "transactions.parquet")
    rows = [
        {
            "product_id": planted.product,
            "department": planted.department,
            "brand": "National",
            "product_category": planted.department,
            "product_type": f"ARTICLE {planted.product}",
            "package_size": "",
        }
        for planted in {planted.product: planted for planted in _ALL}.values()
    ]
    parquet.write_table(arrow.Table.from_pylist(rows), folder / "products.parquet")


def _purchases(chance: Random) -> Iterator[tuple[int, int, int, datetime]]:
    """Household, basket, product and moment; even households shop at one shop, odd ones at the other."""
    household, basket = 1, 1000
    for planted in _ALL:
        for _ in range(2 * planted.people):
            household += 1
            first = planted.begins + chance.random() * min(planted.pace, 30)
            at = _BEGIN + timedelta(days=first)
            for _ in range(planted.most):
                basket += 1
                yield household, basket, planted.product, at.replace(microsecond=0)
                at += timedelta(days=planted.pace * math.exp(chance.gauss(0, planted.spread)))
                if at > _LAST:
                    break
    yield 2, basket + 1, _ALL[0].product, _LAST
