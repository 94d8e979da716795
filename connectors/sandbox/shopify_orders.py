"""Shopify's order body, REST spelling, as of a moment."""

from datetime import datetime
from typing import Any

from connectors.sandbox.consents import email_consent
from connectors.sandbox.forms import gid, money, money_set, offset_time, token_of
from connectors.sandbox.lifecycle import OrderState, state_of
from connectors.sandbox.model import CURRENCY, SHOPIFY, SHOPIFY_SHOP, Order, Shopper, WorldView
from connectors.sandbox.shopify_lines import (
    NOTHING,
    fulfillment_body,
    line_body,
    order_address,
    order_name,
    refund_body,
)

Body = dict[str, Any]
CODE_TYPES = {"percent": "percentage", "amount": "fixed_amount", "free_shipping": "shipping"}


def order_body(world: WorldView, order: Order, shopper: Shopper, at: datetime) -> Body:
    """An order as of `at`, every key of the platform's sample but the customer."""
    state = state_of(order, at)
    address = order_address(shopper)
    lines = [line_body(world, line, state) for line in order.lines]
    return {
        **_identity(order, shopper, state),
        **_status(order, state),
        **_amounts(order, state),
        **_origin(order, shopper),
        **_discounts(world, order),
        "buyer_accepts_marketing": email_consent(world, shopper, order.placed_at).is_given,
        "billing_address": address,
        "shipping_address": address,
        "fulfillments": [fulfillment_body(order, shopper, state, lines)] if state.fulfilled_at else [],
        "line_items": lines,
        "refunds": [refund_body(world, order, at)] if state.refunded_at else [],
        "shipping_lines": [],
        "payment_terms": None,
        "returns": [],
        "line_item_groups": [],
    }


def extra_fields(order: Order, shopper: Shopper) -> dict[str, str]:
    """The shop's own checkout fields: the box that allows to follow clicks, where it was ticked."""
    return {"tracking_consent": "yes"} if shopper.is_tracked(order.placed_at) else {}


def financial_status(state: OrderState) -> str:
    """pending, paid, partially_refunded, refunded or voided."""
    if state.is_fully_refunded:
        return "refunded"
    if state.refunded_minor:
        return "partially_refunded"
    if state.paid_at:
        return "paid"
    return "voided" if state.cancelled_at else "pending"


def _identity(order: Order, shopper: Shopper, state: OrderState) -> Body:
    placed = offset_time(order.placed_at)
    token = token_of("order", order.basket)[:32]
    return {
        "id": order.basket,
        "admin_graphql_api_id": gid("Order", order.basket),
        "confirmation_number": token[:9].upper(),
        "contact_email": shopper.email,
        "created_at": placed,
        "currency": CURRENCY,
        "customer_locale": shopper.locale,
        "email": shopper.email,
        "name": order_name(order),
        "note": None,
        "note_attributes": [
            {"name": name, "value": value} for name, value in extra_fields(order, shopper).items()
        ],
        "number": order.basket,
        "order_number": order.basket,
        "order_status_url": f"https://{SHOPIFY_SHOP}/orders/{token}/authenticate?key={token[:8]}",
        "phone": shopper.phone or None,
        "presentment_currency": CURRENCY,
        "processed_at": placed,
        "token": token,
        "updated_at": offset_time(state.updated_at),
    }


def _status(order: Order, state: OrderState) -> Body:
    return {
        "cancel_reason": "customer" if state.cancelled_at else None,
        "cancelled_at": offset_time(state.cancelled_at) if state.cancelled_at else None,
        "closed_at": None,
        "confirmed": True,
        "financial_status": financial_status(state),
        "fulfillment_status": "fulfilled" if state.fulfilled_at else None,
        "payment_gateway_names": ["manual"],
        "tags": "",
        "test": False,
        "total_outstanding": money(0 if state.paid_at or state.cancelled_at else order.total_minor),
    }


def _amounts(order: Order, state: OrderState) -> Body:
    current = order.total_minor - state.refunded_minor
    amounts = {
        "current_subtotal_price": current,
        "current_total_discounts": order.discount_minor,
        "current_total_price": current,
        "current_total_tax": 0,
        "subtotal_price": order.total_minor,
        "total_discounts": order.discount_minor,
        "total_line_items_price": order.total_minor + order.discount_minor,
        "total_price": order.total_minor,
        "total_tax": 0,
    }
    texts = {name: money(minor) for name, minor in amounts.items()}
    return {
        **texts,
        **{f"{name}_set": money_set(text) for name, text in texts.items()},
        "current_shipping_price_set": NOTHING,
        "current_total_additional_fees_set": None,
        "current_total_duties_set": None,
        "original_total_additional_fees_set": None,
        "original_total_duties_set": None,
        "total_cash_rounding_payment_adjustment_set": NOTHING,
        "total_cash_rounding_refund_adjustment_set": NOTHING,
        "total_shipping_price_set": NOTHING,
        "total_tip_received": "0.00",
        "total_weight": 0,
        "tax_exempt": False,
        "tax_lines": [],
        "taxes_included": False,
        "estimated_taxes": False,
        "duties_included": False,
    }


def _origin(order: Order, shopper: Shopper) -> Body:
    return {
        "app_id": 580111,
        "browser_ip": None,
        "cart_token": token_of("cart", order.basket)[:32],
        "checkout_token": token_of("checkout", order.basket)[:32],
        "client_details": {
            "accept_language": shopper.locale,
            "browser_height": None,
            "browser_ip": None,
            "browser_width": None,
            "session_hash": None,
            "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        },
        "device_id": None,
        "landing_site": "/",
        "landing_site_ref": None,
        "location_id": None,
        "merchant_business_entity_id": "MTU0ODM4MDAwOQ",
        "merchant_of_record_app_id": None,
        "po_number": None,
        "reference": None,
        "referring_site": "",
        "source_identifier": None,
        "source_name": "web",
        "source_url": None,
        "user_id": None,
    }


def _discounts(world: WorldView, order: Order) -> Body:
    applications: list[Body] = []
    if order.discount_minor:
        applications.append(_automatic_discount(order))
    codes = []
    for code in world.redeemed_codes(order.basket):
        voucher = world.voucher(SHOPIFY, code)
        kind = CODE_TYPES.get(voucher.kind, "fixed_amount") if voucher else "fixed_amount"
        codes.append({"code": code, "amount": "0.00", "type": kind})
        value = voucher.value if voucher else "0.0"
        applications.append(_code_discount(code, kind, value))
    return {"discount_codes": codes, "discount_applications": applications}


def _automatic_discount(order: Order) -> Body:
    return {
        "target_type": "line_item",
        "type": "automatic",
        "value": money(order.discount_minor),
        "value_type": "fixed_amount",
        "allocation_method": "across",
        "target_selection": "entitled",
        "title": "Store coupon",
    }


def _code_discount(code: str, kind: str, value: str) -> Body:
    is_shipping = kind == "shipping"
    return {
        "target_type": "shipping_line" if is_shipping else "line_item",
        "type": "discount_code",
        "value": "100.0" if is_shipping else value,
        "value_type": "percentage" if is_shipping else kind,
        "allocation_method": "across",
        "target_selection": "all",
        "code": code,
    }
