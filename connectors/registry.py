"""Every connector by its kind, a line each; a new one is a line here and a folder of its own.

A storefront's modules are loaded by whoever opens one first: a web process that takes no shop in has no use
for a mebibyte of them. A worker loads them at its start. What reads deliveries is in `connectors.readers`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from connectors.base import Storefront
from connectors.present import Sweepable
from connectors.storefronts.woocommerce.auth import AuthMode, StoreKeys
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.transport import StoreTransport
from connectors.writing import StoreWriter

if TYPE_CHECKING:
    from connectors.storefronts.woocommerce.api import WooSettings, WooStorefront


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


def _open_shopify(store: StoreAccess, transport: StoreTransport) -> Storefront:
    from connectors.storefronts.shopify.api import ShopifyStorefront  # noqa: PLC0415 (once one is opened)

    return ShopifyStorefront(store.url, store.domain, store.access["access_token"], transport)


def _write_shopify(store: StoreAccess, transport: StoreTransport) -> StoreWriter:
    from connectors.storefronts.shopify.writer import ShopifyWriter  # noqa: PLC0415 (once one is opened)

    return ShopifyWriter(store.url, store.domain, store.access["access_token"], transport)


def _open_woocommerce(store: StoreAccess, transport: StoreTransport) -> "WooStorefront":
    from connectors.storefronts.woocommerce.api import WooStorefront  # noqa: PLC0415 (once one is opened)

    return WooStorefront(_woo_settings(store), transport)


def _write_woocommerce(store: StoreAccess, transport: StoreTransport) -> StoreWriter:
    from connectors.storefronts.woocommerce.writer import WooWriter  # noqa: PLC0415 (once one is opened)

    return WooWriter(_woo_settings(store), transport)


def _woo_settings(store: StoreAccess) -> "WooSettings":
    from connectors.storefronts.woocommerce.api import WooSettings  # noqa: PLC0415 (once one is opened)

    keys = StoreKeys(
        url=store.url,
        signing_url=store.access["signing_url"],
        key=store.access["key"],
        secret=store.access["secret"],
        mode=AuthMode(store.access["mode"]),
    )
    return WooSettings(keys, store.mapping, store.timezone, store.hook_prefix, store.hook_ids)


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

_MODULES = ("shopify.api", "shopify.writer", "woocommerce.api", "woocommerce.writer")


def load_storefronts() -> None:
    """Load them all, for who opens shops all day: at its start, so that they are of the same version."""
    for name in _MODULES:
        import_module(f"connectors.storefronts.{name}")
