"""Shopify's line items, and the fulfillment and refund bodies made of them, as of a moment."""

from datetime import datetime
from typing import Any

from connectors.sandbox.forms import (
    COUNTRY_NAMES,
    gid,
    money,
    money_set,
    offset_time,
    token_of,
    unit_price,
)
from connectors.sandbox.lifecycle import OrderState, state_of
from connectors.sandbox.model import CURRENCY, Line, Order, Shopper, WorldView

Body = dict[str, Any]
NOTHING = money_set("0.00")


def order_name(order: Order) -> str:
    """The order's name as the merchant reads it."""
    return f"#{order.basket}"


def order_address(shopper: Shopper) -> Body:
    """A billing or shipping address."""
    return {
        "first_name": shopper.first_name,
        "address1": shopper.address,
        "phone": shopper.phone or None,
        "city": shopper.city,
        "zip": shopper.postcode,
        "province": shopper.region or None,
        "country": COUNTRY_NAMES.get(shopper.country, shopper.country),
        "last_name": shopper.last_name,
        "address2": None,
        "company": None,
        "latitude": None,
        "longitude": None,
        "name": f"{shopper.first_name} {shopper.last_name}",
        "country_code": shopper.country,
        "province_code": shopper.region or None,
    }


def line_body(world: WorldView, line: Line, state: OrderState) -> Body:
    """A line item: price × quantity − discount allocations = the line's total."""
    product = world.product(line.product_id)
    title = product.title if product else f"Product {line.product_id}"
    price = unit_price(line.total_minor + line.discount_minor, line.quantity)
    is_open = state.fulfilled_at is None and state.cancelled_at is None
    return {
        "id": line.line_id,
        "admin_graphql_api_id": gid("LineItem", line.line_id),
        "attributed_staffs": [],
        "current_quantity": 0 if line.line_id in state.refunded_lines else line.quantity,
        "fulfillable_quantity": line.quantity if is_open else 0,
        "fulfillment_service": "manual",
        "fulfillment_status": "fulfilled" if state.fulfilled_at else None,
        "gift_card": False,
        "grams": 0,
        "name": title,
        "price": price,
        "price_set": money_set(price),
        "product_exists": product is not None,
        "product_id": line.product_id if product else None,
        "properties": [],
        "quantity": line.quantity,
        "requires_shipping": True,
        "sales_line_item_group_id": None,
        "sku": f"SKU-{line.product_id}",
        "taxable": True,
        "title": title,
        "total_discount": "0.00",
        "total_discount_set": NOTHING,
        "variant_id": line.product_id * 10 + 1,
        "variant_inventory_management": "shopify",
        "variant_title": None,
        "vendor": product.brand if product else None,
        "tax_lines": [],
        "duties": [],
        "discount_allocations": _allocations(line),
    }


def fulfillment_body(order: Order, shopper: Shopper, state: OrderState, lines: list[Body]) -> Body:
    """The order's only fulfillment; `shipment_status` becomes ``delivered`` on delivery."""
    fulfilled_at = state.fulfilled_at or state.updated_at
    fulfillment_id = order.basket * 10 + 1
    number = token_of("tracking", order.basket)[:12].upper()
    url = f"https://tracking.example/{number}"
    return {
        "id": fulfillment_id,
        "order_id": order.basket,
        "status": "success",
        "created_at": offset_time(fulfilled_at),
        "service": "manual",
        "updated_at": offset_time(state.delivered_at or fulfilled_at),
        "tracking_company": "Sandbox Courier",
        "shipment_status": "delivered" if state.delivered_at else None,
        "location_id": 1,
        "origin_address": None,
        "email": shopper.email,
        "destination": order_address(shopper),
        "line_items": lines,
        "tracking_number": number,
        "tracking_numbers": [number],
        "tracking_url": url,
        "tracking_urls": [url],
        "receipt": {},
        "name": f"{order_name(order)}.1",
        "admin_graphql_api_id": gid("Fulfillment", fulfillment_id),
    }


def refund_body(world: WorldView, order: Order, at: datetime) -> Body:
    """The order's only refund: the lines given back and one transaction of the amount."""
    state = state_of(order, at)
    refund_id = order.basket * 10 + 3
    moment = offset_time(state.refunded_at or at)
    returned = [line for line in order.lines if line.line_id in state.refunded_lines]
    return {
        "id": refund_id,
        "order_id": order.basket,
        "created_at": moment,
        "note": None,
        "user_id": None,
        "processed_at": moment,
        "duties": [],
        "total_duties_set": NOTHING,
        "return": None,
        "refund_shipping_lines": [],
        "restock": False,
        "admin_graphql_api_id": gid("Refund", refund_id),
        "order_adjustments": [],
        "refund_line_items": [_refund_line(world, line, state) for line in returned],
        "transactions": [_refund_transaction(order, state, moment)],
    }


def _allocations(line: Line) -> list[Body]:
    if not line.discount_minor:
        return []
    return [
        {
            "amount": money(line.discount_minor),
            "discount_application_index": 0,
            "amount_set": money_set(money(line.discount_minor)),
        }
    ]


def _refund_line(world: WorldView, line: Line, state: OrderState) -> Body:
    return {
        "id": line.line_id * 10 + 1,
        "quantity": line.quantity,
        "line_item_id": line.line_id,
        "location_id": None,
        "restock_type": "no_restock",
        "subtotal": line.total_minor / 100,
        "total_tax": 0,
        "subtotal_set": money_set(money(line.total_minor)),
        "total_tax_set": NOTHING,
        "line_item": line_body(world, line, state),
    }


_UNSETTLED = {"amount": "0.0", "currency": CURRENCY}


def _refund_transaction(order: Order, state: OrderState, moment: str) -> Body:
    transaction_id = order.basket * 10 + 4
    return {
        "id": transaction_id,
        "order_id": order.basket,
        "kind": "refund",
        "gateway": "manual",
        "status": "success",
        "message": None,
        "created_at": moment,
        "test": False,
        "authorization": None,
        "location_id": None,
        "user_id": None,
        "parent_id": None,
        "processed_at": moment,
        "device_id": None,
        "error_code": None,
        "source_name": "web",
        "receipt": {},
        "amount": money(state.refunded_minor),
        "currency": CURRENCY,
        "payment_id": f"{order_name(order)}.1",
        "total_unsettled_set": {"presentment_money": _UNSETTLED, "shop_money": _UNSETTLED},
        "manual_payment_gateway": True,
        "amount_rounding": None,
        "admin_graphql_api_id": gid("OrderTransaction", transaction_id),
    }
