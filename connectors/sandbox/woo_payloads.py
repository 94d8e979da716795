"""WooCommerce's REST bodies, which are also the bodies of its webhooks.

A webhook's body is built when it is delivered, so `at` is the moment of delivery. Source: captures of
WooCommerce 10.0 and 10.5 (November 2026): the key sets of orders, customers, products and refunds.
"""

import json
from collections.abc import Callable, Collection
from datetime import datetime
from hashlib import sha256
from typing import Any

from connectors.sandbox.consents import email_consent, sms_consent
from connectors.sandbox.forms import birth_text, gmt_time, local_time, money, slug, token_of
from connectors.sandbox.model import Product, Shopper, WorldView
from connectors.sandbox.woo_drafts import draft, draft_body
from connectors.sandbox.woo_meta import meta_list
from connectors.sandbox.woo_orders import Body, links, order_body
from connectors.sandbox.woo_traits import traits

TERM_IDS = 1_000_000


def webhook(topic: str, world: WorldView, subject_id: int, at: datetime) -> Body:
    """The body of one delivery, as the store would build it at `at`.

    Args:
        topic: e.g. ``order.updated``.
        world: where the subject lives.
        subject_id: the basket, the household or the product id, by the topic's resource.
        at: the moment of the delivery.

    Raises:
        KeyError: unknown resource, or a subject that does not exist by now.
    """
    return _BUILDERS[topic.partition(".")[0]](world, subject_id, at)


def encode(body: object) -> bytes:
    """The bytes that PHP's json_encode makes: ASCII, slashes escaped, no spaces."""
    return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode("ascii")


def customer_body(
    world: WorldView, shopper: Shopper, at: datetime, *, fields: Collection[str] | None = None
) -> Body:
    """A registered customer; consents and the birthday are public meta.

    Only the parts that `fields` names, if it does: WooCommerce does not build the others either.
    """
    parts = _CUSTOMER if fields is None else {"id", *fields}
    return {name: part(world, shopper, at) for name, part in _CUSTOMER.items() if name in parts}


def customer_address(shopper: Shopper) -> dict[str, str]:
    """The address as a customer holds it."""
    return {
        "first_name": shopper.first_name,
        "last_name": shopper.last_name,
        "company": "",
        "address_1": shopper.address,
        "address_2": "",
        "city": shopper.city,
        "postcode": shopper.postcode,
        "country": shopper.country,
        "state": shopper.region,
    }


def product_body(world: WorldView, product: Product) -> Body:
    """A simple published product."""
    handle = f"{slug(product.title)}-{product.product_id}"
    price = money(product.price_minor)
    created, created_gmt = local_time(product.created_at), gmt_time(product.created_at)
    return {
        "id": product.product_id,
        "name": product.title,
        "slug": handle,
        "permalink": f"{traits(world).home}/product/{handle}/",
        "date_created": created,
        "date_created_gmt": created_gmt,
        "date_modified": created,
        "date_modified_gmt": created_gmt,
        "type": "simple",
        "status": "publish",
        "featured": False,
        "catalog_visibility": "visible",
        "description": f"<p>{product.title}</p>\n",
        "short_description": "",
        "sku": f"SKU-{product.product_id}",
        "price": price,
        "regular_price": price,
        "sale_price": "",
        **_sale_and_downloads(),
        **_stock_and_shipping(),
        "upsell_ids": [],
        "cross_sell_ids": list(product.cross_sell_ids),
        "parent_id": 0,
        "purchase_note": "",
        "categories": [_term(product.department), _term(product.category)],
        "brands": [_term(product.brand)] if product.brand else [],
        **_looks(price),
        "_links": links(world, "products", product.product_id),
    }


def _sale_and_downloads() -> Body:
    return {
        "date_on_sale_from": None,
        "date_on_sale_from_gmt": None,
        "date_on_sale_to": None,
        "date_on_sale_to_gmt": None,
        "on_sale": False,
        "purchasable": True,
        "total_sales": 0,
        "virtual": False,
        "downloadable": False,
        "downloads": [],
        "download_limit": -1,
        "download_expiry": -1,
        "external_url": "",
        "button_text": "",
        "tax_status": "taxable",
        "tax_class": "",
    }


def _stock_and_shipping() -> Body:
    return {
        "manage_stock": True,
        "stock_quantity": 100,
        "backorders": "no",
        "backorders_allowed": False,
        "backordered": False,
        "low_stock_amount": None,
        "sold_individually": False,
        "weight": "",
        "dimensions": {"length": "", "width": "", "height": ""},
        "shipping_required": True,
        "shipping_taxable": True,
        "shipping_class": "",
        "shipping_class_id": 0,
        "reviews_allowed": True,
        "average_rating": "0.00",
        "rating_count": 0,
    }


def _looks(price: str) -> Body:
    symbol = '<span class="woocommerce-Price-currencySymbol">&#36;</span>'
    return {
        "tags": [],
        "images": [],
        "attributes": [],
        "default_attributes": [],
        "variations": [],
        "grouped_products": [],
        "menu_order": 0,
        "price_html": f'<span class="woocommerce-Price-amount amount"><bdi>{symbol}{price}</bdi></span>',
        "related_ids": [],
        "meta_data": [],
        "stock_status": "instock",
        "has_options": False,
        "post_password": "",
        "global_unique_id": "",
    }


def _term(name: str) -> dict[str, Any]:
    number = int(token_of("term", name)[:6], 16) % TERM_IDS + 1
    return {"id": number, "name": name, "slug": slug(name)}


def _avatar(email: str) -> str:
    name = sha256(email.lower().encode()).hexdigest()
    return f"https://secure.gravatar.com/avatar/{name}?s=96&d=mm&r=g"


def _customer_meta(world: WorldView, shopper: Shopper, at: datetime) -> list[Body]:
    own: dict[str, object] = {}
    for key, consent in (
        ("sandbox_newsletter", email_consent(world, shopper, at)),
        ("sandbox_sms", sms_consent(world, shopper, at)),
    ):
        if consent.changed_at is not None:
            own[key] = "1" if consent.is_given else "0"
    if shopper.is_tracked(at):
        own["sandbox_tracking"] = "1"
    if shopper.birth is not None:
        own["sandbox_birthday"] = birth_text(shopper.birth)
    listed = meta_list(world, "customers", shopper.household, own)
    # WordPress hides a customer's underscore keys from the API; an order's are shown.
    return [meta for meta in listed if not str(meta["key"]).startswith("_")]


def _modified(world: WorldView, shopper: Shopper, at: datetime) -> datetime:
    return max(min(world.customer_updated_at(shopper), at), shopper.registered_at)


_CUSTOMER: dict[str, Callable[[WorldView, Shopper, datetime], object]] = {
    "id": lambda _world, shopper, _at: shopper.household,
    "date_created": lambda _world, shopper, _at: local_time(shopper.registered_at),
    "date_created_gmt": lambda _world, shopper, _at: gmt_time(shopper.registered_at),
    "date_modified": lambda world, shopper, at: local_time(_modified(world, shopper, at)),
    "date_modified_gmt": lambda world, shopper, at: gmt_time(_modified(world, shopper, at)),
    "email": lambda _world, shopper, _at: shopper.email,
    "first_name": lambda _world, shopper, _at: shopper.first_name,
    "last_name": lambda _world, shopper, _at: shopper.last_name,
    "role": lambda _world, _shopper, _at: "customer",
    "username": lambda _world, shopper, _at: shopper.email.partition("@")[0],
    "billing": lambda _world, shopper, _at: {
        **customer_address(shopper),
        "email": shopper.email,
        "phone": shopper.phone,
    },
    "shipping": lambda _world, shopper, _at: {**customer_address(shopper), "phone": shopper.phone},
    "is_paying_customer": lambda world, shopper, _at: world.orders_count(shopper.household) > 0,
    "avatar_url": lambda _world, shopper, _at: _avatar(shopper.email),
    "meta_data": _customer_meta,
    "_links": lambda world, shopper, _at: links(world, "customers", shopper.household),
}


def _shopper(world: WorldView, household: int) -> Shopper:
    shopper = world.shopper(household)
    if shopper is None:
        raise KeyError(household)
    return shopper


def _customer_webhook(world: WorldView, household: int, at: datetime) -> Body:
    return customer_body(world, _shopper(world, household), at)


def _order_webhook(world: WorldView, basket: int, at: datetime) -> Body:
    begun = draft(world, basket, at)
    if begun is not None:
        return draft_body(world, begun, _shopper(world, begun.household), at)
    order = world.order(basket)
    shopper = world.shopper(order.household) if order else None
    if order is None or shopper is None:
        raise KeyError(basket)
    return order_body(world, order, shopper, at)


def _product_webhook(world: WorldView, product_id: int, _at: datetime) -> Body:
    product = world.product(product_id)
    if product is None:
        raise KeyError(product_id)
    return product_body(world, product)


_BUILDERS: dict[str, Callable[[WorldView, int, datetime], Body]] = {
    "customer": _customer_webhook,
    "order": _order_webhook,
    "product": _product_webhook,
}
