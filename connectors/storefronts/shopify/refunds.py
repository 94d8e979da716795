"""Refunds → Records: the money that went back, as a positive amount of the shop's currency."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from connectors.base import JsonObject, Money, Record, RefundRecord, RefundUpdate
from connectors.storefronts.shopify import fields


def created(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read refunds/create."""
    record = _refund(body, _currency(body))
    return [
        RefundUpdate(
            order_external_id=fields.external_id(body, "order_id"),
            refund=record,
            updated_at=record.refunded_at,
        )
    ]


def of_order(body: JsonObject, currency: str) -> tuple[RefundRecord, ...] | None:
    """The refunds inside an order, or None where the body carries none of that."""
    if body.get("refunds") is None:
        return None
    return tuple(_refund(source, currency) for source in fields.children(body, "refunds"))


def total(refunds: Sequence[RefundRecord], currency: str) -> Money:
    """The sum of refunds."""
    return Money(str(sum((Decimal(one.amount.amount) for one in refunds), Decimal("0.00"))), currency)


def _refund(source: JsonObject, currency: str) -> RefundRecord:
    lines = fields.children(source, "refund_line_items")
    return RefundRecord(
        external_id=fields.external_id(source, "id"),
        amount=Money(str(abs(_amount(source, lines, currency))), currency),
        refunded_at=fields.moment(source, "processed_at") or fields.required_moment(source, "created_at"),
        line_external_ids=tuple(fields.external_id(line, "line_item_id") for line in lines),
    )


def _amount(source: JsonObject, lines: list[JsonObject], currency: str) -> Decimal:
    """What was paid back; only where that is in the customer's currency, what the lines say."""
    paid_back = [one for one in fields.children(source, "transactions") if _went_back(one)]
    if all((fields.text(one, "currency") or currency) == currency for one in paid_back):
        return sum((fields.decimal(one, "amount") for one in paid_back), Decimal("0.00"))
    parts = ("subtotal_set", "total_tax_set")
    return sum(
        (Decimal(fields.shop_money(line, part).amount) for line in lines for part in parts), Decimal("0.00")
    )


def _went_back(transaction: JsonObject) -> bool:
    kind = fields.text(transaction, "kind")
    return kind == "refund" and fields.text(transaction, "status") == "success"


def _currency(body: JsonObject) -> str:
    """The shop's currency; the refund's own payload names it only inside its money pairs."""
    pairs = [fields.shop_money(body, "total_duties_set")]
    pairs += [fields.shop_money(line, "subtotal_set") for line in fields.children(body, "refund_line_items")]
    named = [pair.currency for pair in pairs if pair.currency]
    if named:
        return named[0]
    transactions = fields.children(body, "transactions")
    return next((code for one in transactions if (code := fields.text(one, "currency"))), "")
