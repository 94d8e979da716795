"""Orders as GraphQL answers them → Records, equal to what the webhooks give for the same order.

Source: Admin GraphQL schema 2026-10.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from connectors.base import CustomerRecord, JsonObject, OrderLineRecord, OrderRecord, RefundRecord
from connectors.storefronts.shopify import fields, orders, parcels
from connectors.storefronts.shopify.customers import checkout_consents, customer_node


@dataclass(frozen=True, slots=True)
class OrderParts:
    """The whole lists of an order, those of later calls included."""

    lines: Sequence[JsonObject]
    parcels: Sequence[JsonObject]
    refunds: Sequence[JsonObject] = field(default=())


def has_refund(node: JsonObject) -> bool:
    """Whether anything of the order went back, so that its refunds are worth a call."""
    return Decimal(fields.shop_money(node, "totalRefundedSet").amount) > 0


def financial_status(node: JsonObject) -> str:
    """The platform's word in REST's spelling."""
    return (fields.text(node, "displayFinancialStatus") or "").lower()


def order(node: JsonObject, parts: OrderParts) -> OrderRecord:
    """The order in a node."""
    currency = fields.required_text(node, "currencyCode")
    financial = financial_status(node)
    fulfillment = orders.fulfillment_status(fields.text(node, "displayFulfillmentStatus"))
    sent = tuple(parcels.parcel_node(parcel) for parcel in parts.parcels)
    codes = fields.texts(node, "discountCodes")
    discount = fields.shop_money(node, "totalDiscountsSet", currency)
    cancelled_at = fields.moment(node, "cancelledAt")
    placed_at = fields.required_moment(node, "processedAt")
    all_sent = fulfillment == "fulfilled"
    return OrderRecord(
        external_id=fields.external_id(node, "id"),
        number=fields.required_text(node, "name"),
        customer=_customer(node, placed_at),
        status=orders.status(cancelled_at, fields.moment(node, "closedAt")),
        financial_status=financial,
        fulfillment_status=fulfillment,
        is_paid=financial in orders.PAID_STATUSES,
        total=fields.shop_money(node, "totalPriceSet", currency),
        discount=discount,
        tax=fields.shop_money(node, "totalTaxSet", currency),
        shipping=fields.shop_money(node, "totalShippingPriceSet", currency),
        placed_at=placed_at,
        updated_at=fields.required_moment(node, "updatedAt"),
        refunded_total=fields.shop_money(node, "totalRefundedSet", currency),
        discount_codes=codes,
        is_discounted=orders.is_discounted(codes, discount),
        fulfilled_at=parcels.last_fulfilled_at(sent) if all_sent else None,
        delivered_at=parcels.last_delivered_at(sent) if all_sent else None,
        cancelled_at=cancelled_at,
        lines=tuple(_line(line, currency) for line in parts.lines),
        refunds=tuple(_refund(refund, currency) for refund in parts.refunds),
        fulfillments=sent,
        is_test=fields.flag(node, "test"),
        checkout_token=fields.text(node, "checkoutToken"),
    )


def _customer(node: JsonObject, placed_at: datetime) -> CustomerRecord | None:
    agreed = checkout_consents(fields.children(node, "customAttributes"), "key", placed_at)
    known = fields.child(node, "customer")
    if known is not None:
        person = customer_node(known)
        return person._replace(consents=person.consents + agreed)
    guest_email = fields.text(node, "email")
    guest_phone = fields.text(node, "phone")
    if not guest_email and not guest_phone:
        return None
    locale = fields.text(node, "customerLocale")
    return CustomerRecord(
        external_id=None, email=guest_email, phone=guest_phone, locale=locale, consents=agreed
    )


def _line(node: JsonObject, currency: str) -> OrderLineRecord:
    product = fields.child(node, "product") or {}
    variant = fields.child(node, "variant") or {}
    return OrderLineRecord(
        external_id=fields.external_id(node, "id"),
        product_external_id=fields.optional_id(product, "id"),
        variant_external_id=fields.optional_id(variant, "id"),
        title=fields.required_text(node, "title"),
        quantity=fields.whole(node, "quantity") or 0,
        total=fields.shop_money(node, "discountedTotalSet", currency),
        current_quantity=fields.whole(node, "currentQuantity"),
    )


def _refund(node: JsonObject, currency: str) -> RefundRecord:
    lines = fields.children(fields.child(node, "refundLineItems") or {}, "nodes")
    return RefundRecord(
        external_id=fields.external_id(node, "id"),
        amount=fields.shop_money(node, "totalRefundedSet", currency),
        refunded_at=fields.required_moment(node, "processedAt"),
        line_external_ids=tuple(
            fields.external_id(fields.required_child(line, "lineItem"), "id") for line in lines
        ),
    )
