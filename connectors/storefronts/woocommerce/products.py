"""A product payload as a ProductRecord; variations belong to their parent."""

from html import unescape
from typing import Any

from connectors.base import (
    Deletion,
    JsonObject,
    ProductRecord,
    Record,
    Resource,
    UnreadablePayload,
    VariantRecord,
)
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.payload import (
    as_identifier,
    decimal,
    entries,
    identifier,
    moment,
    money,
    optional_identifier,
    required_moment,
    text,
    values,
)

VARIATION = "variation"

_STATUSES = {
    "publish": "active",
    "draft": "draft",
    "auto-draft": "draft",
    "pending": "draft",
    "future": "draft",
    "private": "draft",
}


def read_product(payload: JsonObject, mapping: MetaMapping) -> list[Record]:
    """What a product payload says: the product, its removal to the trash, or nothing for a variation.

    A variation's payload knows neither its siblings nor its parent's words, so no product can be made
    of it; whoever needs it asks for the parent.

    Raises:
        UnreadablePayload: not a product's payload.
    """
    product_id = identifier(payload, "id")
    if text(payload, "status") == "trash":
        return [Deletion(Resource.PRODUCTS, product_id, moment(payload, "date_modified_gmt"))]
    if text(payload, "type") == VARIATION:
        return []
    return [_product(payload, mapping)]


def parent_of_variation(payload: JsonObject) -> str | None:
    """The id of the product that a variation belongs to; None for every other product."""
    return optional_identifier(payload, "parent_id") if text(payload, "type") == VARIATION else None


def _product(payload: JsonObject, mapping: MetaMapping) -> ProductRecord:
    status = text(payload, "status")
    is_available = _is_available(payload)
    images = entries(payload, "images")
    brands = _names(payload, "brands")
    categories = _names(payload, "categories")
    return ProductRecord(
        external_id=identifier(payload, "id"),
        title=unescape(text(payload, "name")),
        handle=text(payload, "slug"),
        # WooCommerce's own type says how a thing is sold (simple, variable); its first category, what it is.
        product_type=categories[0] if categories else "",
        vendor=brands[0] if brands else "",
        status=_STATUSES.get(status, status or "unknown"),
        is_available=is_available,
        url=text(payload, "permalink") or None,
        image_url=text(images[0], "src") or None if images else None,
        tags=_names(payload, "tags"),
        categories=categories,
        cross_sell_external_ids=_ids(payload, "cross_sell_ids"),
        up_sell_external_ids=_ids(payload, "upsell_ids"),
        variants=_variants(payload, mapping, is_available=is_available),
        updated_at=required_moment(payload, "date_modified_gmt", "date_created_gmt"),
    )


def _is_available(payload: JsonObject) -> bool:
    """Whether a shopper finds it and can buy it now; hidden products are left out on purpose."""
    return (
        text(payload, "status") == "publish"
        and payload.get("purchasable", True) is True
        and text(payload, "stock_status") != "outofstock"
        and text(payload, "catalog_visibility") != "hidden"
    )


def _names(payload: JsonObject, key: str) -> tuple[str, ...]:
    # WordPress stores the names of terms with HTML entities in them.
    return tuple(unescape(text(term, "name")) for term in entries(payload, key))


def _ids(payload: JsonObject, key: str) -> tuple[str, ...]:
    return tuple(as_identifier(value, key) for value in values(payload, key))


def _variants(payload: JsonObject, mapping: MetaMapping, *, is_available: bool) -> tuple[VariantRecord, ...]:
    """The product itself, or one row per variation with what the parent says of all of them."""
    is_variable = "variable" in text(payload, "type")
    ids = _ids(payload, "variations") if is_variable else (identifier(payload, "id"),)
    return tuple(
        VariantRecord(
            external_id=variant_id,
            title=unescape(text(payload, "name")),
            sku="" if is_variable else text(payload, "sku"),
            price=money(payload, "price", mapping.currency),
            is_available=is_available,
            quantity=None if is_variable else _stock(payload),
        )
        for variant_id in ids
    )


def _stock(payload: JsonObject) -> int | None:
    # `manage_stock` is the word "parent" for variations that share the parent's stock.
    managed: Any = payload.get("manage_stock")
    if managed not in (True, False, None, "parent"):
        raise UnreadablePayload("manage_stock is neither yes nor no")
    has_count = managed is True and payload.get("stock_quantity") is not None
    return int(decimal(payload, "stock_quantity")) if has_count else None
