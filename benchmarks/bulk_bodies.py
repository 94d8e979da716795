"""Orders as a bulk operation of Shopify's writes them: a line each, behind it its two lines."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def write(path: Path, orders: int, *, customers: int) -> int:
    """Write so many orders of so many customers; how many lines the file has."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for number in range(orders):
            for node in _nodes(number, number % customers):
                file.write(json.dumps(node, separators=(",", ":")) + "\n")
                count += 1
    return count


def _nodes(number: int, customer: int) -> Iterator[dict[str, Any]]:
    placed = f"2026-{1 + number % 10:02}-{1 + number % 28:02}T09:{number % 60:02}:00Z"
    order = f"gid://shopify/Order/{1_000_000 + number}"
    yield {
        "id": order,
        "name": f"#{number}",
        "email": f"reader{customer}@example.com",
        "phone": None,
        "createdAt": placed,
        "processedAt": placed,
        "updatedAt": placed,
        "cancelledAt": None,
        "closedAt": None,
        "test": False,
        "customerLocale": "it-IT",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currencyCode": "EUR",
        "discountCodes": [],
        "customAttributes": [],
        "totalPriceSet": _money("95.0"),
        "totalDiscountsSet": _money("0.0"),
        "totalTaxSet": _money("17.13"),
        "totalShippingPriceSet": _money("5.0"),
        "totalRefundedSet": _money("0.0"),
        "customer": _customer(customer),
        "fulfillments": [],
    }
    for place in range(2):
        yield {
            "id": f"gid://shopify/LineItem/{9_000_000 + 10 * number + place}",
            "title": f"Mid-century lounger {place}",
            "quantity": 1 + place,
            "currentQuantity": 1 + place,
            "product": {"id": f"gid://shopify/Product/{7_000 + number % 500}"},
            "variant": {"id": f"gid://shopify/ProductVariant/{8_000 + number % 500}"},
            "discountedTotalSet": _money("45.0"),
            "__parentId": order,
        }


def _customer(number: int) -> dict[str, Any]:
    return {
        "id": f"gid://shopify/Customer/{70_000 + number}",
        "firstName": f"Ada{number}",
        "lastName": "Conti",
        "locale": "it",
        "tags": ["newsletter"],
        "createdAt": "2025-09-20T08:00:00Z",
        "updatedAt": "2026-10-02T07:30:00Z",
        "numberOfOrders": "2",
        "defaultEmailAddress": {
            "emailAddress": f"reader{number}@example.com",
            "marketingState": "SUBSCRIBED",
            "marketingOptInLevel": "CONFIRMED_OPT_IN",
            "marketingUpdatedAt": "2025-09-21T06:15:00Z",
        },
        "defaultPhoneNumber": None,
        "defaultAddress": {"countryCodeV2": "IT", "provinceCode": "BO", "city": "Bologna"},
        "birthDate": None,
    }


def _money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount, "currencyCode": "EUR"}}
