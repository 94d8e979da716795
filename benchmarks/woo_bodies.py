"""Orders as WooCommerce's REST API lists them, of two lines each: about 4 kB an order."""

import json
from pathlib import Path
from typing import Any

HOME = "https://bench.example"


def write(path: Path, orders: int, *, customers: int) -> None:
    """Write so many orders of so many customers, a line each, in the order of their ids."""
    with path.open("w", encoding="ascii") as file:
        for number in range(orders):
            file.write(json.dumps(_order(number, number % customers), separators=(",", ":")) + "\n")


def _order(number: int, customer: int) -> dict[str, Any]:
    placed = f"2026-{1 + number % 10:02}-{1 + number % 28:02}T09:{number % 60:02}:00"
    return {
        **_head(1_000_000 + number, placed),
        **_people(70_000 + customer),
        **_course(1_000_000 + number, placed),
        "meta_data": [
            {"id": 10 * number + 1, "key": "is_vat_exempt", "value": "no"},
            {"id": 10 * number + 2, "key": "_wc_other/shop/newsletter", "value": "1"},
        ],
        "line_items": [_line(number, place) for place in range(2)],
        "tax_lines": [],
        "shipping_lines": [],
        "fee_lines": [],
        "coupon_lines": [],
        "refunds": [],
        "_links": _links(1_000_000 + number),
    }


def _head(order_id: int, placed: str) -> dict[str, Any]:
    return {
        "id": order_id,
        "parent_id": 0,
        "status": "completed",
        "currency": "EUR",
        "version": "10.5.0",
        "prices_include_tax": False,
        "date_created": placed,
        "date_modified": placed,
        "discount_total": "0.00",
        "discount_tax": "0.00",
        "shipping_total": "5.00",
        "shipping_tax": "0.00",
        "cart_tax": "0.00",
        "total": "95.00",
        "total_tax": "17.13",
    }


def _people(customer_id: int) -> dict[str, Any]:
    address = {
        "first_name": f"Ada{customer_id}",
        "last_name": "Conti",
        "company": "",
        "address_1": "Via Roma 1",
        "address_2": "",
        "city": "Bologna",
        "state": "BO",
        "postcode": "40121",
        "country": "IT",
    }
    email = f"reader{customer_id}@example.com"
    return {
        "customer_id": customer_id,
        "order_key": f"wc_order_{customer_id}",
        "billing": {**address, "email": email, "phone": ""},
        "shipping": {**address, "phone": ""},
    }


def _course(order_id: int, placed: str) -> dict[str, Any]:
    moments = {f"date_{name}_gmt": placed for name in ("created", "modified", "completed", "paid")}
    return {
        "payment_method": "cod",
        "payment_method_title": "Cash on delivery",
        "transaction_id": "",
        "customer_ip_address": "192.0.2.10",
        "customer_user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "created_via": "store-api",
        "customer_note": "",
        "date_completed": placed,
        "date_paid": placed,
        "cart_hash": "0123456789abcdef0123456789abcdef",
        "number": str(order_id),
        "payment_url": f"{HOME}/checkout/order-pay/{order_id}/?pay_for_order=true&key=wc_order_1",
        "is_editable": False,
        "needs_payment": False,
        "needs_processing": True,
        **moments,
        "currency_symbol": "\u20ac",
    }


def _line(number: int, place: int) -> dict[str, Any]:
    return {
        "id": 9_000_000 + 10 * number + place,
        "name": f"Mid-century lounger {place}",
        "product_id": 7_000 + number % 500,
        "variation_id": 0,
        "quantity": 1 + place,
        "tax_class": "",
        "subtotal": "45.00",
        "subtotal_tax": "0.00",
        "total": "45.00",
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": [],
        "sku": f"SKU-{number % 500}",
        "global_unique_id": "",
        "price": 45,
        "image": {"id": "", "src": ""},
        "parent_name": None,
    }


def _links(order_id: int) -> dict[str, Any]:
    base = f"{HOME}/wp-json/wc/v3/orders"
    allowed = {"allow": ["GET", "POST", "PUT", "PATCH", "DELETE"]}
    return {
        "self": [{"href": f"{base}/{order_id}", "targetHints": allowed}],
        "collection": [{"href": base}],
    }
