"""Every connector by its kind, a line each; a new one is a line here and a folder of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.base import Record, Storefront
from connectors.storefronts.shopify.api import ShopifyStorefront
from connectors.storefronts.shopify.records import records as shopify_records
from connectors.storefronts.woocommerce.api import WooSettings, WooStorefront
from connectors.storefronts.woocommerce.auth import AuthMode, StoreKeys
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import records as woocommerce_records
from connectors.transport import StoreTransport


@dataclass(frozen=True, slots=True)
class StoreAccess:
    """How one connected store is reached and read.

    Attributes:
        url: Shopify: the template of admin addresses; WooCommerce: the store's own.
        domain: who the store is.
        access: Shopify: `access_token`; WooCommerce: `key`, `secret`, `mode`, `signing_url`.
        mapping: how WooCommerce's payloads are to be read.
        timezone: the store's IANA zone.
        hook_prefix: webhooks that deliver below this address are ours.
    """

    url: str
    domain: str
    access: Mapping[str, Any] = field(repr=False)
    mapping: MetaMapping = field(default_factory=MetaMapping)
    timezone: str = "UTC"
    hook_prefix: str = ""


Opener = Callable[[StoreAccess, StoreTransport], Storefront]
Reader = Callable[[str, bytes, MetaMapping, datetime | None], list[Record]]


def _open_shopify(store: StoreAccess, transport: StoreTransport) -> Storefront:
    return ShopifyStorefront(store.url, store.domain, store.access["access_token"], transport)


def _open_woocommerce(store: StoreAccess, transport: StoreTransport) -> Storefront:
    keys = StoreKeys(
        url=store.url,
        signing_url=store.access["signing_url"],
        key=store.access["key"],
        secret=store.access["secret"],
        mode=AuthMode(store.access["mode"]),
    )
    settings = WooSettings(keys, store.mapping, store.timezone, store.hook_prefix)
    return WooStorefront(settings, transport)


def _read_shopify(
    topic: str, body: bytes, _mapping: MetaMapping, triggered_at: datetime | None
) -> list[Record]:
    return shopify_records(topic, body, triggered_at)


STOREFRONTS: Mapping[str, Opener] = {
    "shopify": _open_shopify,
    "woocommerce": _open_woocommerce,
}
"""Opens a connected store."""

READERS: Mapping[str, Reader] = {
    "shopify": _read_shopify,
    "woocommerce": woocommerce_records,
}
"""Reads a verified body: topic, raw bytes, the store's mapping, the envelope's moment."""
