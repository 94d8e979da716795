"""P2's floor for a bulk file: its lines parsed, grouped and upserted by nothing but the driver."""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.floors.mirror import COLUMNS, OnPostgres, OnSqlite, Rows


def read(path: Path, target: OnSqlite | OnPostgres, *, batch: int) -> None:
    """Mirror a whole file, so many orders a transaction."""
    with path.open("rb") as file:
        orders = _orders(file)
        while held := list(islice(orders, batch)):
            target.upsert(_rows(held))


def _orders(lines: Iterator[bytes]) -> Iterator[list[dict[str, Any]]]:
    held: list[dict[str, Any]] = []
    for line in lines:
        node = json.loads(line)
        if held and "__parentId" not in node:
            yield held
            held = []
        held.append(node)
    if held:
        yield held


def _rows(orders: list[list[dict[str, Any]]]) -> dict[str, Rows]:
    customers: dict[int, tuple[Any, ...]] = {}
    heads: Rows = []
    lines: Rows = []
    for order, *items in orders:
        buyer = order["customer"]
        number, customer = _number(order), _number(buyer)
        customers[customer] = (
            *(1, customer, buyer["defaultEmailAddress"]["emailAddress"], buyer["firstName"]),
            *(buyer["lastName"], ",".join(buyer["tags"]), buyer["updatedAt"]),
        )
        heads.append(
            (
                *(1, number, customer, order["name"], _cents(order["totalPriceSet"]), order["currencyCode"]),
                *(order["displayFinancialStatus"], order["createdAt"], order["updatedAt"]),
            )
        )
        lines += [
            (
                *(1, _number(item), number, _number(item["product"]), _number(item["variant"])),
                *(item["quantity"], _cents(item["discountedTotalSet"]), item["title"], ""),
            )
            for item in items
        ]
    return dict(zip(COLUMNS, (list(customers.values()), heads, lines), strict=True))


def _number(node: dict[str, Any]) -> int:
    return int(node["id"].rpartition("/")[2])


def _cents(pair: dict[str, Any]) -> int:
    return round(float(pair["shopMoney"]["amount"]) * 100)
