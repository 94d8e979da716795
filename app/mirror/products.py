"""ProductRecords become products with variants."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from app.db import Among, insert_rows, table_of, upsert
from app.mirror.order_rows import minor
from app.models import Product, ProductVariant
from connectors.base import Money, ProductRecord

PRODUCTS, VARIANTS = table_of(Product), table_of(ProductVariant)
_KEY = ("store_id", "external_id")
_STANDING = select(PRODUCTS.c.id, PRODUCTS.c.external_id, PRODUCTS.c.source_updated_at).where(
    PRODUCTS.c.store_id == bindparam("store"), Among(PRODUCTS.c.external_id, "names")
)
_WITHOUT_VARIANTS = delete(VARIANTS).where(
    VARIANTS.c.store_id == bindparam("store"), Among(VARIANTS.c.product_id, "ids")
)
_CHOICES = ("categories", "cross_sell_ids", "up_sell_ids", "url")
_UPDATED = tuple(
    c.name for c in PRODUCTS.columns if c.name not in {"id", "store_id", "external_id", *_CHOICES}
)


def upsert_products(session: Session, store_id: int, currency: str, records: Sequence[ProductRecord]) -> int:
    """Mirror products and return how many the batch held; older news than the row is ignored."""
    newest: dict[str, ProductRecord] = {}
    for record in records:
        held = newest.get(record.external_id)
        if held is None or held.updated_at <= record.updated_at:
            newest[record.external_id] = record
    if not newest:
        return 0
    rows = [_row(store_id, currency, record) for record in newest.values()]
    for update, group in _by_what_they_say(rows):
        upsert(session, PRODUCTS, group, key=_KEY, update=update, newer_by="source_updated_at")
    _replace_variants(session, store_id, currency, newest)
    return len(newest)


def mark_deleted(session: Session, store_id: int, external_id: str, now: datetime) -> None:
    """The platform confirmed that the product is gone; it is kept for the orders that name it."""
    session.execute(
        PRODUCTS.update()
        .where(PRODUCTS.c.store_id == store_id, PRODUCTS.c.external_id == external_id)
        .values(deleted_at=now, is_available=False)
    )


def _by_what_they_say(rows: list[dict[str, Any]]) -> list[tuple[tuple[str, ...], list[dict[str, Any]]]]:
    """Rows grouped by the optional columns that they state; the others keep the mirror's value."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        stated = tuple(name for name in _CHOICES if row[name] is not None)
        groups.setdefault(stated, []).append(
            {**row, **{name: [] for name in _CHOICES if name != "url" and row[name] is None}}
        )
    return [((*_UPDATED, *stated), group) for stated, group in sorted(groups.items())]


def _row(store_id: int, currency: str, record: ProductRecord) -> dict[str, Any]:
    prices = [_price(variant.price, currency) for variant in record.variants]
    return {
        "store_id": store_id,
        "external_id": record.external_id,
        "title": record.title[:500],
        "handle": record.handle[:255],
        "product_type": record.product_type[:255],
        "vendor": record.vendor[:255],
        "status": record.status[:20],
        "is_available": record.is_available,
        "url": record.url,
        "image_url": record.image_url,
        "price_minor": min(prices, default=0),
        "currency": (record.variants[0].price.currency if record.variants else "") or currency,
        "tags": list(record.tags),
        "categories": _listed(record.categories),
        "cross_sell_ids": _listed(record.cross_sell_external_ids),
        "up_sell_ids": _listed(record.up_sell_external_ids),
        "deleted_at": None,
        "source_updated_at": record.updated_at,
    }


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def _price(price: Money, currency: str) -> int:
    """Minor units; a price without a currency is in the store's."""
    return minor(price if price.currency else Money(price.amount, currency))


def _replace_variants(
    session: Session, store_id: int, currency: str, newest: dict[str, ProductRecord]
) -> None:
    """Variants follow the product whose news won; a stale record finds a newer moment and is left out."""
    won = {
        row.id: newest[row.external_id]
        for row in session.execute(_STANDING, {"store": store_id, "names": list(newest)})
        if row.source_updated_at == newest[row.external_id].updated_at
    }
    if not won:
        return
    session.execute(_WITHOUT_VARIANTS, {"store": store_id, "ids": sorted(won)})
    rows = [
        {
            "store_id": store_id,
            "product_id": product_id,
            "external_id": variant.external_id,
            "title": variant.title[:500],
            "sku": variant.sku[:255],
            "price_minor": _price(variant.price, currency),
            "is_available": variant.is_available,
            "quantity": variant.quantity,
        }
        for product_id, record in sorted(won.items())
        for variant in {variant.external_id: variant for variant in record.variants}.values()
    ]
    insert_rows(session, VARIANTS, rows)
