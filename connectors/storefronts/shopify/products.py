"""Products: Shopify's payloads and GraphQL nodes → Records.

Source: complementary products are the metafield `complementary_products` in the namespace
`shopify--discovery--product_recommendation`, a JSON list of product GIDs (Search & Discovery app).
"""

from datetime import datetime

from connectors import exact_json
from connectors.base import (
    Deletion,
    JsonObject,
    Money,
    ProductRecord,
    Record,
    Resource,
    UnreadablePayload,
    VariantRecord,
)
from connectors.storefronts.shopify import fields


def changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read products/create and products/update.

    The payload names no currency: the store's own is meant and the Money's currency stays empty.
    It carries no collections, page address or complementary products either.
    """
    variants = tuple(_variant(variant) for variant in fields.children(body, "variants"))
    status = (fields.text(body, "status") or "active").lower()
    image = fields.child(body, "image") or {}
    return [
        ProductRecord(
            external_id=fields.external_id(body, "id"),
            title=fields.required_text(body, "title"),
            handle=fields.text(body, "handle") or "",
            product_type=fields.text(body, "product_type") or "",
            vendor=fields.text(body, "vendor") or "",
            status=status,
            is_available=_is_available(status, variants),
            url=None,
            image_url=fields.text(image, "src"),
            tags=fields.listed(body, "tags") or (),
            categories=None,
            cross_sell_external_ids=None,
            up_sell_external_ids=None,
            variants=variants,
            updated_at=fields.required_moment(body, "updated_at"),
        )
    ]


def deleted(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read products/delete."""
    return [Deletion(Resource.PRODUCTS, fields.external_id(body, "id"), triggered_at)]


def product_node(node: JsonObject, variant_nodes: list[JsonObject], currency: str) -> ProductRecord:
    """A product as GraphQL answers it.

    Args:
        node: the product.
        variant_nodes: all its variants, those of later pages included.
        currency: the shop's, in which its prices are written.
    """
    variants = tuple(_variant_node(variant, currency) for variant in variant_nodes)
    status = fields.required_text(node, "status").lower()
    collections = fields.children(fields.child(node, "collections") or {}, "nodes")
    return ProductRecord(
        external_id=fields.external_id(node, "id"),
        title=fields.required_text(node, "title"),
        handle=fields.text(node, "handle") or "",
        product_type=fields.text(node, "productType") or "",
        vendor=fields.text(node, "vendor") or "",
        status=status,
        is_available=_is_available(status, variants),
        url=fields.text(node, "onlineStoreUrl"),
        image_url=_image_url(node),
        tags=fields.texts(node, "tags"),
        categories=tuple(fields.text(collection, "handle") or "" for collection in collections),
        cross_sell_external_ids=_references(fields.child(node, "complementary")),
        up_sell_external_ids=None,
        variants=variants,
        updated_at=fields.required_moment(node, "updatedAt"),
    )


def _variant(source: JsonObject) -> VariantRecord:
    quantity = fields.whole(source, "inventory_quantity")
    # Since 2025-01 the payload does not say whether stock is tracked; older ones do, with null.
    is_tracked = source.get("inventory_management", "shopify") is not None
    oversells = fields.text(source, "inventory_policy") == "continue"
    return VariantRecord(
        external_id=fields.external_id(source, "id"),
        title=fields.text(source, "title") or "",
        sku=fields.text(source, "sku") or "",
        price=Money(fields.amount(source, "price") or "0", ""),
        is_available=not is_tracked or oversells or quantity is None or quantity > 0,
        quantity=quantity if is_tracked else None,
    )


def _variant_node(node: JsonObject, currency: str) -> VariantRecord:
    is_available = fields.flag(node, "availableForSale")
    quantity = fields.whole(node, "inventoryQuantity")
    # Asking whether stock is tracked costs a point per variant; what sells at zero is not.
    is_counted = quantity is not None and (quantity > 0 or not is_available)
    return VariantRecord(
        external_id=fields.external_id(node, "id"),
        title=fields.text(node, "title") or "",
        sku=fields.text(node, "sku") or "",
        price=Money(fields.amount(node, "price") or "0", currency),
        is_available=is_available,
        quantity=quantity if is_counted else None,
    )


def _is_available(status: str, variants: tuple[VariantRecord, ...]) -> bool:
    return status == "active" and any(variant.is_available for variant in variants)


def _image_url(node: JsonObject) -> str | None:
    preview = fields.child(fields.child(node, "featuredMedia") or {}, "preview") or {}
    return fields.text(fields.child(preview, "image") or {}, "url")


def _references(metafield: JsonObject | None) -> tuple[str, ...]:
    """The product ids in a metafield; the merchant's app writes it, so nonsense counts as none."""
    value = fields.text(metafield or {}, "value")
    try:
        listed = exact_json.read(value.encode()) if value else []
        return tuple(fields.external_id({"id": item}, "id") for item in listed)
    except (ValueError, TypeError, UnreadablePayload):
        return ()
