"""The floor of a WooCommerce backfill: its orders parsed and upserted by nothing but the driver."""

import json
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.floors.mirror import COLUMNS, OnPostgres, OnSqlite, Rows


def read(path: Path, target: OnSqlite | OnPostgres, *, batch: int) -> None:
    """Mirror a whole file of orders, a line each, so many a transaction."""
    with path.open("rb") as file:
        while held := list(islice(file, batch)):
            target.upsert(_rows([json.loads(line) for line in held]))


def _rows(orders: list[dict[str, Any]]) -> dict[str, Rows]:
    customers: dict[int, tuple[Any, ...]] = {}
    heads: Rows = []
    lines: Rows = []
    for order in orders:
        number, customer, buyer = order["id"], order["customer_id"], order["billing"]
        changed = order["date_modified_gmt"]
        customers[customer] = (
            *(1, customer, buyer["email"], buyer["first_name"], buyer["last_name"], "", changed),
        )
        heads.append(
            (
                *(1, number, customer, order["number"], _cents(order["total"]), order["currency"]),
                *(order["status"], order["date_created_gmt"], changed),
            )
        )
        lines += [
            (
                *(1, item["id"], number, item["product_id"], item["variation_id"], item["quantity"]),
                *(_cents(item["total"]), item["name"], item["sku"]),
            )
            for item in order["line_items"]
        ]
    return dict(zip(COLUMNS, (list(customers.values()), heads, lines), strict=True))


def _cents(amount: str) -> int:
    return round(float(amount) * 100)
