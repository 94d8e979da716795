"""An order payload as Records, driven by its state and never by the topic that brought it."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from connectors.base import (
    Deletion,
    JsonObject,
    Money,
    OrderLineRecord,
    OrderOutline,
    OrderRecord,
    PrivacyKind,
    PrivacyRequest,
    Record,
    RefundRecord,
    Resource,
)
from connectors.storefronts.woocommerce import shapes
from connectors.storefronts.woocommerce.checkouts import read_checkout
from connectors.storefronts.woocommerce.customers import is_anonymised, read_buyer
from connectors.storefronts.woocommerce.meta import MetaMapping, meta_of, says_delivered
from connectors.storefronts.woocommerce.payload import (
    as_money,
    decimal,
    entries,
    identifier,
    moment,
    money,
    optional_identifier,
    required_moment,
    text,
)

OUTLINE_FIELDS = "id,status,currency,total,date_created_gmt,date_modified_gmt,date_paid_gmt,refunds"
"""What `read_outline` reads, as WooCommerce's `_fields` takes it."""

_DRAFTS = ("checkout-draft", "auto-draft")

_STATUSES = {
    "pending": "open",
    "processing": "open",
    "on-hold": "open",
    "completed": "open",
    "refunded": "open",
    "cancelled": "cancelled",
    "checkout-draft": "draft",
    "auto-draft": "draft",
}

_UNPAID = {
    "pending": "pending",
    "on-hold": "pending",
    "checkout-draft": "pending",
    "failed": "failed",
    "cancelled": "voided",
}


def read_order(payload: JsonObject, mapping: MetaMapping) -> list[Record]:
    """What an order payload says: the order, its removal to the trash, or an erasure beside the order.

    A draft, and an order whose payment failed, is a checkout as well, which comes before it.

    An anonymised order names no person any more; the request names the order, under which the person
    was known, and comes first so that the link can still be followed.

    Raises:
        UnreadablePayload: not an order's payload.
    """
    order_id = identifier(payload, "id")
    if text(payload, "status") == "trash":
        return [Deletion(Resource.ORDERS, order_id, moment(payload, "date_modified_gmt"))]
    meta = meta_of(payload)
    if is_anonymised(payload, meta):
        erasure = PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, None, None, (order_id,))
        return [erasure, _order(payload, meta, mapping, is_erased=True)]
    begun = read_checkout(payload)
    return [*([begun] if begun else []), _order(payload, meta, mapping, is_erased=False)]


def read_outline(payload: JsonObject, mapping: MetaMapping) -> OrderOutline:
    """An order of a listing that was asked for OUTLINE_FIELDS only."""
    status, currency = text(payload, "status"), text(payload, "currency")
    updated_at = required_moment(payload, "date_modified_gmt", "date_created_gmt")
    refunds = _refunds(payload, currency, updated_at)
    return OrderOutline(
        external_id=identifier(payload, "id"),
        updated_at=updated_at,
        financial_status=_financial_status(
            status, is_paid=_is_paid(payload, mapping), has_refunds=bool(refunds)
        ),
        total=money(payload, "total", currency),
        refunded_total=None if refunds is None else _total(refunds, currency),
        status=_STATUSES.get(status, status or "unknown"),
    )


def _is_paid(payload: JsonObject, mapping: MetaMapping) -> bool:
    status = text(payload, "status")
    is_settled = moment(payload, "date_paid_gmt") is not None or status in mapping.paid_statuses
    return status not in _DRAFTS and is_settled


def _order(
    payload: JsonObject, meta: Mapping[str, Any], mapping: MetaMapping, *, is_erased: bool
) -> OrderRecord:
    order_id, status, currency = identifier(payload, "id"), text(payload, "status"), text(payload, "currency")
    updated_at = required_moment(payload, "date_modified_gmt", "date_created_gmt")
    is_paid = _is_paid(payload, mapping)
    completed_at = moment(payload, "date_completed_gmt")
    by_plugin = says_delivered(meta, mapping)
    delivered_at = _delivered_at(status, mapping, completed_at, updated_at)
    if by_plugin is not None:
        # "completed" is how such plugins call an order that left; a status of its own for arrived stays one.
        has_own_status = status != "completed" and status in mapping.delivered_statuses
        delivered_at = updated_at if by_plugin or has_own_status else None
    refunds = _refunds(payload, currency, updated_at)
    codes = tuple(text(line, "code").lower() for line in entries(payload, "coupon_lines"))
    return OrderRecord(
        external_id=order_id,
        number=text(payload, "number") or order_id,
        customer=None if is_erased else read_buyer(payload, meta, mapping, is_draft=status in _DRAFTS),
        status=_STATUSES.get(status, status or "unknown"),
        financial_status=_financial_status(status, is_paid=is_paid, has_refunds=bool(refunds)),
        fulfillment_status=_fulfillment_status(meta, is_fulfilled=bool(completed_at or delivered_at)),
        is_paid=is_paid,
        total=money(payload, "total", currency),
        discount=money(payload, "discount_total", currency),
        tax=money(payload, "total_tax", currency),
        shipping=money(payload, "shipping_total", currency),
        placed_at=required_moment(payload, "date_created_gmt", "date_modified_gmt"),
        updated_at=updated_at,
        refunded_total=None if refunds is None else _total(refunds, currency),
        discount_codes=codes,
        is_discounted=bool(codes) or decimal(payload, "discount_total") > 0,
        paid_at=moment(payload, "date_paid_gmt"),
        fulfilled_at=completed_at or delivered_at,
        delivered_at=delivered_at,
        cancelled_at=updated_at if status == "cancelled" else None,
        lines=_lines(payload, currency),
        refunds=refunds,
        checkout_token=order_id,
    )


def _delivered_at(
    status: str, mapping: MetaMapping, completed_at: datetime | None, updated_at: datetime
) -> datetime | None:
    if "completed" in mapping.delivered_statuses and completed_at is not None:
        return completed_at
    # Statuses of plugins carry no date of their own; the change that brought them is the nearest one.
    return updated_at if status in mapping.delivered_statuses else None


def _refunds(payload: JsonObject, currency: str, updated_at: datetime) -> tuple[RefundRecord, ...] | None:
    if payload.get("refunds") is None:
        return None
    return tuple(
        RefundRecord(
            external_id=identifier(row, "id"),
            amount=Money(format(abs(decimal(row, "total")), "f"), currency),
            refunded_at=updated_at,
        )
        for row in entries(payload, "refunds")
    )


def _financial_status(status: str, *, is_paid: bool, has_refunds: bool) -> str:
    if status == "refunded":
        return "refunded"
    if is_paid:
        return "partially_refunded" if has_refunds else "paid"
    return _UNPAID.get(status, "unknown")


def _fulfillment_status(meta: Mapping[str, Any], *, is_fulfilled: bool) -> str:
    # Source: facts of two measured stores, section 4 (order fulfillments, off by default).
    named = meta.get("_fulfillment_status")
    if isinstance(named, str) and named:
        return named
    return "fulfilled" if is_fulfilled else "unfulfilled"


def _total(refunds: tuple[RefundRecord, ...], currency: str) -> Money:
    if not refunds:
        return Money("0", currency)
    total = sum((Decimal(refund.amount.amount) for refund in refunds), Decimal(0))
    return Money(format(total, "f"), currency)


def _lines(payload: JsonObject, currency: str) -> tuple[OrderLineRecord, ...] | None:
    lines = payload.get("line_items")
    if lines is None:
        return None
    if shapes.are_lines(lines):
        return tuple([_plain_line(line, currency) for line in lines])
    return tuple(
        OrderLineRecord(
            external_id=identifier(row, "id"),
            product_external_id=optional_identifier(row, "product_id"),
            variant_external_id=optional_identifier(row, "variation_id"),
            title=text(row, "name"),
            quantity=_pieces(row),
            total=money(row, "total", currency),
        )
        for row in entries(payload, "line_items")
    )


def _plain_line(line: shapes.Line, currency: str) -> OrderLineRecord:
    """The same of a line as nearly all are told."""
    # By their places, which takes half as long as by their names: most of what an order tells are its lines.
    return OrderLineRecord(
        str(line.id),
        str(line.product_id) if line.product_id else None,
        str(line.variation_id) if line.variation_id else None,
        line.name or "",
        line.quantity,
        as_money(line.total or "0", currency),
    )


def _pieces(row: JsonObject) -> int:
    quantity = row.get("quantity")
    if type(quantity) is int and 0 <= quantity < 10**9:
        return quantity
    # Plugins sell by weight: half a kilo is one thing bought.
    return int(decimal(row, "quantity").to_integral_value(rounding=ROUND_UP))
