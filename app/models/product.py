"""Products with their variants, and how often two were bought together."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ColumnElement, Index, String, UniqueConstraint, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime

SUPPORT = 20
"""In how many orders two products stood together at least, before that tells anything."""


def is_supported(orders_count: Any) -> ColumnElement[bool]:
    """Whether it was in so many orders, in the words of the index of such pairs."""
    condition: ColumnElement[bool] = orders_count >= literal_column(str(SUPPORT))
    return condition


class Product(Base):
    """A product of one store. `cross_sell_ids` and `up_sell_ids` are the merchant's own choices."""

    __tablename__ = "products"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(500))
    handle: Mapped[str] = mapped_column(String(255))
    product_type: Mapped[str] = mapped_column(String(255))
    vendor: Mapped[str] = mapped_column(String(255))
    status: Mapped[str] = mapped_column(String(20))
    is_available: Mapped[bool] = mapped_column()
    url: Mapped[str | None] = mapped_column(String(1000))
    image_url: Mapped[str | None] = mapped_column(String(1000))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    categories: Mapped[list[str]] = mapped_column(JSON, default=list)
    cross_sell_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    up_sell_ids: Mapped[list[str]] = mapped_column(JSON, default=list)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source_updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("store_id", "external_id"),)


class ProductVariant(Base):
    """One thing that can be bought of a product."""

    __tablename__ = "product_variants"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    product_id: Mapped[int] = mapped_column(Id, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    sku: Mapped[str] = mapped_column(String(255))
    price_minor: Mapped[int] = mapped_column(BigInteger)
    is_available: Mapped[bool] = mapped_column()
    quantity: Mapped[int | None] = mapped_column()


class ProductCount(Base):
    """In how many counted orders a product stood; kept incrementally.

    Attributes:
        orders: the ids of those orders while they are fewer than `SUPPORT`, None from then on.
    """

    __tablename__ = "product_counts"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    product_external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    orders_count: Mapped[int] = mapped_column()
    orders: Mapped[list[int] | None] = mapped_column(JSON(none_as_null=True))

    # SQLite keeps the rows in their key's own tree: half the pages of hundreds of products a night.
    __table_args__ = ({"sqlite_with_rowid": False},)


class ProductPair(Base):
    """In how many counted orders two products stood together, both ways round; kept incrementally.

    Of products that stood in `SUPPORT` orders each: no others can have stood together in as many. Of all
    pairs of a shop they are a few in a hundred.
    """

    __tablename__ = "product_pairs"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    product_external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    other_external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    orders_count: Mapped[int] = mapped_column()

    __table_args__ = (
        # Of a large shop's pairs a few in a hundred: of all that somebody owns, only those are asked for.
        Index(
            "ix_product_pairs_supported",
            *("store_id", "product_external_id", "orders_count", "other_external_id"),
            sqlite_where=is_supported(orders_count),
            postgresql_where=is_supported(orders_count),
        ),
        {"sqlite_with_rowid": False},
    )
