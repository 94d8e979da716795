"""Every connector by its kind, a line each; a new one is a line here and a folder of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.base import Record, Storefront
from connectors.present import Sweepable
from connectors.storefronts.shopify.api import ShopifyStorefront
from connectors.storefronts.shopify.records import records as shopify_records
from connectors.storefronts.shopify.writer import ShopifyWriter
from connectors.storefronts.woocommerce.api import WooSettings, WooStorefront
from connectors.storefronts.woocommerce.auth import AuthMode, StoreKeys
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import records as woocommerce_records
from connectors.storefronts.woocommerce.writer import WooWriter
from connectors.transport import StoreTransport
from connectors.writing import StoreWriter


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
        hook_ids: webhooks that are ours by their ids.
    """

    url: str
    domain: str
    access: Mapping[str, Any] = field(repr=False)
    mapping: MetaMapping = field(default_factory=MetaMapping)
    timezone: str = "UTC"
    hook_prefix: str = ""
    hook_ids: frozenset[str] = frozenset()


Opener = Callable[[StoreAccess, StoreTransport], Storefront]
WriterOpener = Callable[[StoreAccess, StoreTransport], StoreWriter]
Reader = Callable[[str, bytes, MetaMapping, datetime | None], list[Record]]


def _open_shopify(store: StoreAccess, transport: StoreTransport) -> Storefront:
    return ShopifyStorefront(store.url, store.domain, store.access["access_token"], transport)


def _write_shopify(store: StoreAccess, transport: StoreTransport) -> StoreWriter:
    return ShopifyWriter(store.url, store.domain, store.access["access_token"], transport)


def _open_woocommerce(store: StoreAccess, transport: StoreTransport) -> WooStorefront:
    return WooStorefront(_woo_settings(store), transport)


def _write_woocommerce(store: StoreAccess, transport: StoreTransport) -> StoreWriter:
    return WooWriter(_woo_settings(store), transport)


def _woo_settings(store: StoreAccess) -> WooSettings:
    keys = StoreKeys(
        url=store.url,
        signing_url=store.access["signing_url"],
        key=store.access["key"],
        secret=store.access["secret"],
        mode=AuthMode(store.access["mode"]),
    )
    return WooSettings(keys, store.mapping, store.timezone, store.hook_prefix, store.hook_ids)


def _read_shopify(
    topic: str, body: bytes, _mapping: MetaMapping, triggered_at: datetime | None
) -> list[Record]:
    return shopify_records(topic, body, triggered_at)


STOREFRONTS: Mapping[str, Opener] = {
    "shopify": _open_shopify,
    "woocommerce": _open_woocommerce,
}
"""Opens a connected store."""

SWEEPABLE: Mapping[str, Callable[[StoreAccess, StoreTransport], Sweepable]] = {
    "woocommerce": _open_woocommerce,
}
"""Opens a connected store that deletes without a word."""

WRITERS: Mapping[str, WriterOpener] = {
    "shopify": _write_shopify,
    "woocommerce": _write_woocommerce,
}
"""Opens a connected store to write into it."""

READERS: Mapping[str, Reader] = {
    "shopify": _read_shopify,
    "woocommerce": woocommerce_records,
}
"""Reads a verified body: topic, raw bytes, the store's mapping, the envelope's moment."""
