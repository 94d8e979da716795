"""What an order's row holds, worked out from a record and the row before it; no database here."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from app.money import to_minor
from connectors.base import Money, OrderLineRecord, OrderRecord

PARTLY_SENT = "partial"
"""An order's `fulfillment_status` while not everything has left (the connectors' one spelling)."""

KEPT = frozenset({"id", "store_id", "external_id", "is_paired", "deleted_at"})
"""The columns that no news of an order change."""

Held = Mapping[str, Any]
"""An order's row as it was before the news, by column."""

_OF_PARCELS = ("fulfilled_at", "delivered_at")
_MOMENTS = ("paid_at", *_OF_PARCELS, "cancelled_at")


class MirroredOrder(NamedTuple):
    """An order after the upsert: its row's id and what the timeline needs to know."""

    id: int
    external_id: str
    customer_id: int | None
    old: Held | None
    values: dict[str, Any]
    record: OrderRecord

    @property
    def is_late(self) -> bool:
        """The news are older than the row; of its parts they say nothing any more."""
        return bool(self.record.updated_at < self.values["source_updated_at"])


def newest_by_id(records: Iterable[OrderRecord]) -> dict[str, OrderRecord]:
    """One record an order: the newest, at the same moment the later in the sequence.

    Moments that only an older one tells are carried over: Shopify says when an order was paid by the
    delivery of that topic alone.
    """
    newest: dict[str, OrderRecord] = {}
    for record in sorted(records, key=lambda record: record.updated_at):
        held = newest.get(record.external_id)
        newest[record.external_id] = record if held is None else _with_moments_of(record, held)
    return newest


def _with_moments_of(record: OrderRecord, older: OrderRecord) -> OrderRecord:
    return record._replace(
        paid_at=older.paid_at or record.paid_at,
        fulfilled_at=older.fulfilled_at or record.fulfilled_at,
        delivered_at=older.delivered_at or record.delivered_at,
        cancelled_at=(older.cancelled_at or record.cancelled_at) if record.cancelled_at else None,
    )


def values(record: OrderRecord, old: Held | None, customer_id: int | None) -> dict[str, Any]:
    """The columns of an order.

    A moment that is known stays known: at one and the same `updated_at` (platforms count in seconds)
    an earlier state may arrive last.
    """
    refunded = _refunded_minor(record, old)
    total = minor(record.total)
    row: dict[str, Any] = {
        "number": record.number,
        "customer_id": customer_id or (old["customer_id"] if old else None),
        "status": record.status,
        "financial_status": record.financial_status,
        "fulfillment_status": record.fulfillment_status,
        "currency": record.total.currency,
        "total_minor": total,
        "refunded_minor": refunded,
        "discount_minor": minor(record.discount),
        "tax_minor": minor(record.tax),
        "shipping_minor": minor(record.shipping),
        "discount_codes": list(record.discount_codes),
        "is_discounted": record.is_discounted,
        "is_test": record.is_test,
        "placed_at": record.placed_at,
        "source_updated_at": record.updated_at,
        "lines_digest": _digest(record.lines) if record.lines is not None else old and old["lines_digest"],
    }
    for name in _MOMENTS:
        row[name] = _moment(name, record, old)
    if record.is_paid and row["paid_at"] is None:
        # Shopify's listings name no moment of payment; most orders are paid when they are placed.
        row["paid_at"] = record.placed_at
    row["is_counted"] = (old is None or old["deleted_at"] is None) and is_counted(row)
    row["is_attribution_due"] = _is_attribution_due(row, old)
    return row


def with_late_payment(record: OrderRecord, old: Held) -> dict[str, Any] | None:
    """The columns after news older than the row: only a moment of payment, which no other news tells."""
    if record.paid_at is None or record.paid_at == old["paid_at"]:
        return None
    row: dict[str, Any] = {**old, "paid_at": record.paid_at, "is_attribution_due": True}
    row["is_counted"] = is_counted(row)
    return {name: value for name, value in row.items() if name not in KEPT}


_PRICED = (
    "customer_id",
    "paid_at",
    "cancelled_at",
    "total_minor",
    "refunded_minor",
    "tax_minor",
    "shipping_minor",
)


def _is_attribution_due(row: dict[str, Any], old: Held | None) -> bool:
    """Whether the order's message or amount may have changed since it was last looked at."""
    if row["paid_at"] is None:
        return False
    if old is None or old["is_attribution_due"] or list(old["discount_codes"]) != row["discount_codes"]:
        return True
    return any(row[name] != old[name] for name in _PRICED)


def _moment(name: str, record: OrderRecord, old: Held | None) -> datetime | None:
    """The first moment told stands: WooCommerce gives the last change for what it has no moment of.

    A cancellation can be taken back, by newer news that do not speak of it. A payment may have been
    dated by the order's own moment before its delivery (Shopify's orders/paid) told the true one, and
    an order that tells its parcels knows better than a parcel whether it was the last one.
    """
    told: datetime | None = getattr(record, name)
    held: datetime | None = old[name] if old is not None else None
    if name == "cancelled_at" and told is None and old is not None:
        return held if record.updated_at <= old["source_updated_at"] else None
    if name in _OF_PARCELS and record.fulfillment_status == PARTLY_SENT:
        return None
    is_known_better = name == "paid_at" or (name in _OF_PARCELS and record.fulfillments is not None)
    return told or held if is_known_better else held or told


def is_counted(row: dict[str, Any]) -> bool:
    """Paid, not cancelled or deleted, not wholly refunded, not a test."""
    is_refunded = row["refunded_minor"] >= row["total_minor"] > 0
    is_gone = row["cancelled_at"] is not None or row.get("deleted_at") is not None
    return row["paid_at"] is not None and not is_gone and not is_refunded and not row["is_test"]


def refunded_at(record: OrderRecord) -> datetime:
    """The moment of the latest refund, else of the news."""
    moments = [refund.refunded_at for refund in record.refunds or ()]
    return max(moments, default=record.updated_at)


def minor(money: Money) -> int:
    """Minor units of an amount, 0 for an empty text."""
    return to_minor(money.amount or "0", money.currency)


def _refunded_minor(record: OrderRecord, old: Held | None) -> int:
    if record.refunded_total is not None:
        return minor(record.refunded_total)
    if record.refunds is not None:
        return sum(minor(refund.amount) for refund in record.refunds)
    return old["refunded_minor"] if old else 0


def _digest(lines: tuple[OrderLineRecord, ...]) -> str:
    text = "\n".join(
        f"{external_id}|{product}|{variant}|{title}|{quantity}|{current}|{total.amount}"
        for external_id, product, variant, title, quantity, total, current in lines
    )
    return hashlib.blake2s(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
