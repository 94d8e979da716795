"""Orders as Shopify posts them, from the fixture of the tests: whole bodies, 2 lines each."""

import json
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT

_FIXTURE = ROOT / "tests" / "fixtures" / "shopify" / "orders" / "create.json"
_NOT_NEEDED = ("billing_address", "client_details", "note_attributes", "total_shipping_price_set")
SHOP = "bench.myshopify.com"
CLIENT_SECRET = "the-secret-of-the-benchmark"  # noqa: S105 (it guards nothing)
WOO_KEY, WOO_SECRET = "ck_" + "b" * 40, "cs_" + "b" * 40


def order_body() -> bytes:
    """One order of the usual size (6.8 KB)."""
    order = _template()
    for name in _NOT_NEEDED:
        order.pop(name, None)
    return _written(order)


def order_bodies(count: int, *, customers: int, minutes_later: int = 0) -> list[bytes]:
    """So many orders of so many customers; told again later when `minutes_later` is given."""
    template = _template()
    return [_written(_order(template, number, customers, minutes_later)) for number in range(count)]


def _order(template: dict[str, Any], number: int, customers: int, minutes_later: int) -> dict[str, Any]:
    customer = number % customers
    placed = f"2026-{1 + number % 10:02}-{1 + number % 28:02}T10:{number % 60:02}:00+01:00"
    updated = placed if not minutes_later else placed.replace("T10", f"T{10 + minutes_later // 60}")
    email = f"reader{customer}@example.com"
    person = {**template["customer"], "id": 70_000 + customer, "email": email, "first_name": f"Ada{customer}"}
    lines = [
        {**line, "id": 9_000_000 + 10 * number + place} for place, line in enumerate(template["line_items"])
    ]
    return {
        **template,
        "id": 1_000_000 + number,
        "admin_graphql_api_id": f"gid://shopify/Order/{1_000_000 + number}",
        "name": f"#{number}",
        "email": email,
        "contact_email": email,
        "customer": person,
        "line_items": lines,
        "created_at": placed,
        "processed_at": placed,
        "updated_at": updated,
        "fulfillments": [],
        "refunds": [],
    }


def _template() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(_FIXTURE).read_text())
    return found


def _written(order: dict[str, Any]) -> bytes:
    return json.dumps(order, separators=(",", ":")).encode()
