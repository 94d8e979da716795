"""What reads the deliveries of each storefront, a line each."""

from collections.abc import Callable, Mapping
from datetime import datetime

from connectors.base import Record
from connectors.storefronts.shopify.records import records as shopify_records
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import records as woocommerce_records

Reader = Callable[[str, bytes, MetaMapping, datetime | None], list[Record]]


def _read_shopify(
    topic: str, body: bytes, _mapping: MetaMapping, triggered_at: datetime | None
) -> list[Record]:
    return shopify_records(topic, body, triggered_at)


READERS: Mapping[str, Reader] = {
    "shopify": _read_shopify,
    "woocommerce": woocommerce_records,
}
"""Reads a verified body: topic, raw bytes, the store's mapping, the envelope's moment."""
