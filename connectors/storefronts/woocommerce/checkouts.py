"""Orders that nobody placed, as checkouts: drafts of the block checkout, and orders whose payment failed.

The block checkout keeps a draft of the order from its first step on, with the address as soon as it was
typed, and the draft becomes the order under the same id. The classic checkout leaves nothing before the
order; there only a payment that failed shows that somebody wanted to buy. A pending order is an order: many
ways of paying take days, and whoever chose one must not be told that they forgot something.

Source: facts of two measured stores, section 6 (drafts) and section 4 (checkout link, run on 10.0).
"""

import re
from collections.abc import Sequence

from connectors.base import CheckoutLineRecord, CheckoutRecord, JsonObject
from connectors.storefronts.woocommerce import shapes
from connectors.storefronts.woocommerce.customers import is_anonymised
from connectors.storefronts.woocommerce.meta import meta_of
from connectors.storefronts.woocommerce.payload import (
    decimal,
    email,
    entries,
    identifier,
    optional_identifier,
    required_moment,
    section,
    text,
)

DRAFT, FAILED = "checkout-draft", "failed"
_BY_SHOPPERS = frozenset({"checkout", "store-api"})
_LINKS_SINCE = 10
"""The version of WooCommerce whose links fill a basket and lead to the checkout."""
_VERSION = re.compile(r"(\d{1,4})\.")


def read_checkout(payload: JsonObject) -> CheckoutRecord | None:
    """The checkout in an order's payload; None for a real order, and where nobody left an address.

    Raises:
        UnreadablePayload: not an order's payload.
    """
    if not _is_open(payload) or is_anonymised(payload, meta_of(payload)):
        return None
    billing = section(payload, "billing")
    account, address = optional_identifier(payload, "customer_id"), email(billing, "email")
    phone = text(billing, "phone").strip() or None
    if not (account or address or phone):
        return None
    order_id = identifier(payload, "id")
    return CheckoutRecord(
        external_id=order_id,
        token=order_id,
        started_at=required_moment(payload, "date_created_gmt", "date_modified_gmt"),
        updated_at=required_moment(payload, "date_modified_gmt", "date_created_gmt"),
        currency=text(payload, "currency"),
        total=str(decimal(payload, "total")),
        lines=tuple(_line(row) for row in shapes.lines_of(payload)),
        customer_external_id=account,
        email=address,
        phone=phone,
        recovery_url=_recovery_url(payload),
    )


def _is_open(payload: JsonObject) -> bool:
    status = text(payload, "status")
    return status == DRAFT or (status == FAILED and text(payload, "created_via") in _BY_SHOPPERS)


def _line(row: JsonObject) -> CheckoutLineRecord:
    return CheckoutLineRecord(
        product_external_id=optional_identifier(row, "product_id"),
        variant_external_id=optional_identifier(row, "variation_id"),
        title=text(row, "name"),
        quantity=int(decimal(row, "quantity")),
        total=str(decimal(row, "total")),
    )


def _recovery_url(payload: JsonObject) -> str | None:
    """The store's own page for paying an order, or a link that fills a basket anew.

    Before version 10 a link fills it with one product only; for several there is none.
    """
    if text(payload, "status") == FAILED:
        return text(payload, "payment_url") or None
    links = entries(section(payload, "_links"), "self")
    home, is_found, _ = text(links[0], "href").partition("/wp-json/") if links else ("", "", "")
    items = _items(payload)
    if not is_found or not items:
        return None
    version = _VERSION.match(text(payload, "version"))
    if version is not None and int(version.group(1)) >= _LINKS_SINCE:
        return f"{home}/checkout-link?products={','.join(f'{number}:{count}' for number, count in items)}"
    if len(items) > 1:
        return None
    number, count = items[0]
    return f"{home}/?add-to-cart={number}&quantity={count}"


def _items(payload: JsonObject) -> Sequence[tuple[str, int]]:
    """What is in the basket by the store's ids, a variation by its own; without what is gone."""
    rows = shapes.lines_of(payload)
    named = (
        optional_identifier(row, "variation_id") or optional_identifier(row, "product_id") for row in rows
    )
    counts = (max(1, int(decimal(row, "quantity"))) for row in rows)
    return [(number, count) for number, count in zip(named, counts, strict=True) if number is not None]
