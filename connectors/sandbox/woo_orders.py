"""WooCommerce's order and refund bodies, as of a moment."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from connectors.sandbox.consents import email_consent, sms_consent
from connectors.sandbox.forms import birth_text, gmt_time, local_time, money, token_of
from connectors.sandbox.lifecycle import OrderState, state_of
from connectors.sandbox.model import (
    CURRENCY,
    WOOCOMMERCE,
    Line,
    Order,
    Shopper,
    Voucher,
    WorldView,
)
from connectors.sandbox.woo_checkouts import as_it_stands
from connectors.sandbox.woo_meta import MetaList, meta_list
from connectors.sandbox.woo_traits import traits

Body = dict[str, Any]
NEWSLETTER_FIELD = "_wc_other/sandbox/newsletter"
_PEOPLE = frozenset({"customer_id", "order_key", "billing", "shipping"})
_COURSE = frozenset({"payment_method", "payment_method_title", "transaction_id", "customer_ip_address"}) | {
    "customer_user_agent",
    "created_via",
    "customer_note",
    "date_completed",
    "date_paid",
    "cart_hash",
    "number",
}
_PARTS = _PEOPLE | _COURSE | {"meta_data", "line_items", "coupon_lines", "payment_url", "_links"}
"""What is built only where it is asked for."""
DISCOUNT_TYPES = {"percent": "percent", "amount": "fixed_cart"}


def order_body(
    world: WorldView, order: Order, shopper: Shopper, at: datetime, *, fields: Collection[str] | None = None
) -> Body:
    """An order as of `at`; without the parts that are dear if `fields` names others only.

    WooCommerce does not build what `_fields` leaves out either.
    """
    state = state_of(order, at)
    asked = _PARTS if fields is None else _PARTS.intersection(fields)
    body = {
        **_head(world, order, state),
        **_totals(order),
        **(_people(order, shopper) if asked & _PEOPLE else {}),
        **(_course(order, state) if asked & _COURSE else {}),
        "meta_data": _order_meta(world, order, shopper) if "meta_data" in asked else [],
        "line_items": _lines(world, order) if "line_items" in asked else [],
        "tax_lines": [],
        "shipping_lines": [],
        "fee_lines": [],
        "coupon_lines": _coupon_lines(world, order) if "coupon_lines" in asked else [],
        "refunds": _refund_lines(order, state),
        **(_payment(world, order) if "payment_url" in asked else {}),
        **_tail(order, state),
        **(_links(world, order, shopper) if "_links" in asked else {}),
    }
    return as_it_stands(world, order.basket, body)


def order_status(state: OrderState) -> str:
    """pending, processing, completed, refunded (in full) or cancelled."""
    if state.cancelled_at:
        return "cancelled"
    if state.is_fully_refunded:
        return "refunded"
    if state.completed_at:
        return "completed"
    return "processing" if state.paid_at else "pending"


def refund_body(world: WorldView, order: Order, state: OrderState, *, with_parent: bool) -> Body:
    """The order's only refund; ``/refunds`` shows it with its parent's id."""
    refund_id = order.basket * 10 + 3
    base = f"{traits(world).home}/wp-json/wc/v3/orders/{order.basket}"
    parent = {"parent_id": order.basket} if with_parent else {}
    return {
        "id": refund_id,
        **parent,
        "date_created": local_time(state.refunded_at),
        "date_created_gmt": gmt_time(state.refunded_at),
        "amount": money(state.refunded_minor),
        "reason": "",
        "refunded_by": 1,
        "refunded_payment": False,
        "meta_data": [],
        "line_items": [_returned(line) for line in order.lines if line.line_id in state.refunded_lines],
        "shipping_lines": [],
        "tax_lines": [],
        "fee_lines": [],
        "_links": {
            "self": [{"href": f"{base}/refunds/{refund_id}", "targetHints": {"allow": ["GET", "DELETE"]}}],
            "collection": [{"href": f"{base}/refunds"}],
            "up": [{"href": base}],
        },
    }


def links(world: WorldView, resource: str, number: int) -> Body:
    """The `_links` of an object; they use the store's home URL."""
    base = f"{traits(world).home}/wp-json/wc/v3/{resource}"
    allowed = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return {
        "self": [{"href": f"{base}/{number}", "targetHints": {"allow": allowed}}],
        "collection": [{"href": base}],
    }


def typed_email(order: Order, shopper: Shopper) -> str:
    """The address as typed at checkout; guests type it in any case."""
    if not shopper.is_guest:
        return shopper.email
    name, _, domain = shopper.email.partition("@")
    spellings = (shopper.email, shopper.email, f"{name.title()}@{domain}", f"{name.upper()}@{domain}")
    return spellings[int(token_of("typed", order.basket)[:2], 16) % len(spellings)]


def _head(world: WorldView, order: Order, state: OrderState) -> Body:
    return {
        "id": order.basket,
        "parent_id": 0,
        "status": order_status(state),
        "currency": CURRENCY,
        "version": traits(world).version,
        "prices_include_tax": False,
        "date_created": local_time(order.placed_at),
        "date_modified": local_time(state.updated_at),
    }


def _totals(order: Order) -> Body:
    return {
        "discount_total": money(order.discount_minor),
        "discount_tax": "0.00",
        "shipping_total": "0.00",
        "shipping_tax": "0.00",
        "cart_tax": "0.00",
        "total": money(order.total_minor),
        "total_tax": "0.00",
    }


def _people(order: Order, shopper: Shopper) -> Body:
    address = {
        "first_name": shopper.first_name,
        "last_name": shopper.last_name,
        "company": "",
        "address_1": shopper.address,
        "address_2": "",
        "city": shopper.city,
        "state": shopper.region,
        "postcode": shopper.postcode,
        "country": shopper.country,
    }
    return {
        "customer_id": 0 if shopper.is_guest else shopper.household,
        "order_key": _order_key(order),
        "billing": {**address, "email": typed_email(order, shopper), "phone": shopper.phone},
        "shipping": {**address, "phone": shopper.phone},
    }


def _course(order: Order, state: OrderState) -> Body:
    return {
        "payment_method": "cod",
        "payment_method_title": "Cash on delivery",
        "transaction_id": "",
        "customer_ip_address": "192.0.2.10",
        "customer_user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36",
        "created_via": "store-api",
        "customer_note": "",
        "date_completed": local_time(state.completed_at),
        "date_paid": local_time(state.paid_at),
        "cart_hash": token_of("cart", order.basket)[:32],
        "number": str(order.basket),
    }


def _payment(world: WorldView, order: Order) -> Body:
    pay = f"{traits(world).home}/checkout/order-pay/{order.basket}/"
    return {"payment_url": f"{pay}?pay_for_order=true&key={_order_key(order)}"}


def _tail(order: Order, state: OrderState) -> Body:
    status = order_status(state)
    return {
        "is_editable": status == "pending",
        "needs_payment": status == "pending",
        "needs_processing": True,
        "date_created_gmt": gmt_time(order.placed_at),
        "date_modified_gmt": gmt_time(state.updated_at),
        "date_completed_gmt": gmt_time(state.completed_at),
        "date_paid_gmt": gmt_time(state.paid_at),
        "currency_symbol": "$",
    }


def _links(world: WorldView, order: Order, shopper: Shopper) -> Body:
    base = f"{traits(world).home}/wp-json/wc/v3"
    order_links = links(world, "orders", order.basket)
    templates = f"{base}/orders/{order.basket}/actions/email_templates"
    order_links["email_templates"] = [{"embeddable": True, "href": templates}]
    if not shopper.is_guest:
        order_links["customer"] = [{"href": f"{base}/customers/{shopper.household}"}]
    return {"_links": order_links}


def _order_key(order: Order) -> str:
    return f"wc_order_{token_of('key', order.basket)[:13]}"


def _order_meta(world: WorldView, order: Order, shopper: Shopper) -> MetaList:
    own: dict[str, object] = {"is_vat_exempt": "no"}
    if email_consent(world, shopper, order.placed_at).is_given:
        own[NEWSLETTER_FIELD] = "1"
    if sms_consent(world, shopper, order.placed_at).is_given:
        own["sandbox_sms"] = "1"
    if shopper.is_tracked(order.placed_at):
        own["sandbox_tracking"] = "1"
    if shopper.birth is not None:
        own["sandbox_birthday"] = birth_text(shopper.birth)
    return meta_list(world, "orders", order.basket, own)


def _lines(world: WorldView, order: Order) -> list[Body]:
    unique_id = {} if traits(world).is_before_10_5 else {"global_unique_id": ""}
    return [_line(world, line, unique_id) for line in order.lines]


def _line(world: WorldView, line: Line, unique_id: Body) -> Body:
    product = world.product(line.product_id)
    price = round(line.total_minor / 100 / line.quantity, 6)
    return {
        "id": line.line_id,
        "name": product.title if product else f"Product {line.product_id}",
        "product_id": line.product_id if product else 0,
        "variation_id": 0,
        "quantity": line.quantity,
        "tax_class": "",
        "subtotal": money(line.total_minor + line.discount_minor),
        "subtotal_tax": "0.00",
        "total": money(line.total_minor),
        "total_tax": "0.00",
        "taxes": [],
        "meta_data": [],
        "sku": f"SKU-{line.product_id}",
        **unique_id,
        "price": int(price) if price.is_integer() else price,
        "image": {"id": "", "src": ""},
        "parent_name": None,
    }


def _returned(line: Line) -> Body:
    return {
        "id": line.line_id * 10 + 1,
        "name": f"Product {line.product_id}",
        "product_id": line.product_id,
        "variation_id": 0,
        "quantity": -line.quantity,
        "subtotal": money(-line.total_minor),
        "total": money(-line.total_minor),
        "total_tax": "0.00",
        "meta_data": [{"id": line.line_id * 10 + 2, "key": "_refunded_item_id", "value": str(line.line_id)}],
        "sku": f"SKU-{line.product_id}",
    }


def _refund_lines(order: Order, state: OrderState) -> list[Body]:
    if state.refunded_at is None:
        return []
    return [{"id": order.basket * 10 + 3, "reason": "", "total": money(-state.refunded_minor)}]


def _coupon_lines(world: WorldView, order: Order) -> list[Body]:
    return [
        _coupon_line(order, place, code, world.voucher(WOOCOMMERCE, code))
        for place, code in enumerate(world.redeemed_codes(order.basket))
    ]


def _coupon_line(order: Order, place: int, code: str, voucher: Voucher | None) -> Body:
    value = float(voucher.value) if voucher else 0.0
    return {
        "id": order.basket * 100 + place,
        "code": code.lower(),
        "discount": "0.00",
        "discount_tax": "0",
        "meta_data": [],
        "discount_type": DISCOUNT_TYPES.get(voucher.kind, "fixed_cart") if voucher else "fixed_cart",
        "nominal_amount": int(value) if value.is_integer() else value,
        "free_shipping": False,
    }
