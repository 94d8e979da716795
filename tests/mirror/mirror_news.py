"""News of a shop, as connectors tell them, and the door through which they reach the mirror."""

from datetime import datetime, timedelta
from typing import Any

from app.crypto import Signer
from app.db import Database
from app.mirror.apply import apply_records
from app.models import Store
from connectors.base import (
    ConsentRecord,
    ConsentState,
    CustomerRecord,
    FulfillmentRecord,
    FulfillmentUpdate,
    Money,
    OrderLineRecord,
    OrderRecord,
    ProductRecord,
    Record,
    RefundRecord,
    RefundUpdate,
    VariantRecord,
)
from tests.conftest import NOW

SIGNER = Signer("signing-key-of-the-tests")
"""The key of the `runtime` fixture."""
PLACED = NOW - timedelta(days=10)
"""When the orders of these tests were placed, unless they say otherwise."""


def tell(
    database: Database,
    store_id: int,
    *records: Record,
    now: datetime = NOW,
    history_until: datetime | None = None,
) -> None:
    """Mirror a batch, as a webhook, a look-up or (with `history_until`) a backfill does."""
    with database.write() as session:
        store = session.get(Store, store_id)
        assert store is not None
        apply_records(session, SIGNER, store, records, now=now, history_until=history_until)


def euros(amount: str) -> Money:
    return Money(amount, "EUR")


def person(
    external_id: str | None = "C1", email: str | None = "anna@example.com", **values: Any
) -> CustomerRecord:
    """A customer; registered ones are told with the moment of their last change."""
    fields: dict[str, Any] = {"updated_at": PLACED, "created_at": PLACED} if external_id else {}
    return CustomerRecord(external_id=external_id, email=email, **(fields | values))


def line(product: str | None = "P1", total: str = "100.00", **values: Any) -> OrderLineRecord:
    fields: dict[str, Any] = {
        "external_id": f"L-{product}",
        "product_external_id": product,
        "variant_external_id": None,
        "title": f"Product {product}",
        "quantity": 1,
        "total": euros(total),
    }
    return OrderLineRecord(**(fields | values))


def order(external_id: str = "100", **values: Any) -> OrderRecord:
    """A paid order of 100 euros by C1, as it stood right after it was placed."""
    placed_at = values.get("placed_at", PLACED)
    fields: dict[str, Any] = {
        "number": f"#{external_id}",
        "customer": person(),
        "status": "open",
        "financial_status": "paid",
        "fulfillment_status": "unfulfilled",
        "is_paid": True,
        "total": euros("100.00"),
        "discount": euros("0.00"),
        "tax": euros("0.00"),
        "shipping": euros("0.00"),
        "placed_at": placed_at,
        "updated_at": placed_at,
        "lines": (line(),),
    }
    return OrderRecord(external_id=external_id, **(fields | values))


def refund(amount: str, at: datetime, external_id: str = "R1") -> RefundRecord:
    return RefundRecord(external_id=external_id, amount=euros(amount), refunded_at=at)


def refund_news(amount: str, at: datetime, order_id: str = "100", external_id: str = "R1") -> RefundUpdate:
    return RefundUpdate(order_id, refund(amount, at, external_id), at)


def parcel(external_id: str, left: datetime | None, arrived: datetime | None = None) -> FulfillmentRecord:
    status = "delivered" if arrived else "success"
    return FulfillmentRecord(external_id, status, fulfilled_at=left, delivered_at=arrived)


def parcel_news(
    external_id: str, left: datetime, arrived: datetime | None = None, *, order_id: str = "100"
) -> FulfillmentUpdate:
    return FulfillmentUpdate(order_id, parcel(external_id, left, arrived), updated_at=arrived or left)


def product(external_id: str = "P1", **values: Any) -> ProductRecord:
    fields: dict[str, Any] = {
        "title": f"Product {external_id}",
        "handle": external_id.lower(),
        "product_type": "Coffee",
        "vendor": "Aurora",
        "status": "active",
        "is_available": True,
        "url": f"https://bottega.example/p/{external_id}",
        "image_url": None,
        "tags": (),
        "categories": ("Kitchen",),
        "cross_sell_external_ids": ("P2",),
        "up_sell_external_ids": ("P3",),
        "variants": (
            VariantRecord("V1", "Small", "SKU-1", Money("9.90", ""), is_available=True, quantity=3),
        ),
        "updated_at": PLACED,
    }
    return ProductRecord(external_id=external_id, **(fields | values))


def said(state: str, at: datetime | None, channel: str = "email", **values: Any) -> ConsentRecord:
    fields: dict[str, Any] = {"basis": "consent", "source": "shopify"}
    return ConsentRecord(channel=channel, state=ConsentState(state), occurred_at=at, **(fields | values))
