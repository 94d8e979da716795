"""Orders with their lines, refunds and fulfilments; money in minor units of the order's currency."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Index, String, UniqueConstraint, and_, false, true
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime

# SQLite keeps the rows in their key's own tree instead of a second one beside it.
_BY_KEY = {"sqlite_with_rowid": False}


class Order(Base):
    """An order as the platform shows it now; `source_updated_at` decides which news is older.

    `is_counted`: paid, not cancelled, not wholly refunded, not a test; only those make a customer.
    `is_paired`: already added to the co-purchase counts. `is_attribution_due`: changed since it was
    last attributed. `lines_digest`: equal for equal lines, so that
    an update that changes none of them rewrites none.
    """

    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    external_id: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(64))
    customer_id: Mapped[int | None] = mapped_column(Id)
    status: Mapped[str] = mapped_column(String(30))
    financial_status: Mapped[str] = mapped_column(String(30))
    fulfillment_status: Mapped[str] = mapped_column(String(30))
    currency: Mapped[str] = mapped_column(String(3))
    total_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    discount_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    tax_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    shipping_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    discount_codes: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_discounted: Mapped[bool] = mapped_column(default=False)
    is_counted: Mapped[bool] = mapped_column(default=False)
    is_paired: Mapped[bool] = mapped_column(default=False)
    is_attribution_due: Mapped[bool] = mapped_column(default=False)
    is_test: Mapped[bool] = mapped_column(default=False)
    lines_digest: Mapped[str | None] = mapped_column(String(32))
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fulfilled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source_updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("store_id", "external_id"),
        # With all that a customer's sums are made of: they are made anew with each order, of all before. What
        # somebody paid in some days is found by it, too, without reading all that they ever bought.
        Index(
            "ix_orders_customer",
            *("store_id", "customer_id", "placed_at", "is_counted", "deleted_at", "paid_at"),
            *("total_minor", "refunded_minor", "is_discounted"),
        ),
        Index("ix_orders_placed", "store_id", "placed_at"),
        Index(
            "ix_orders_attribution",
            "store_id",
            "id",
            sqlite_where=is_attribution_due == true(),
            postgresql_where=is_attribution_due == true(),
        ),
        Index(
            "ix_orders_unpaired",
            "store_id",
            "id",
            sqlite_where=and_(is_counted == true(), is_paired == false()),
            postgresql_where=and_(is_counted == true(), is_paired == false()),
        ),
    )


class OrderLine(Base):
    """One line of an order; `total_minor` after discounts, before refunds."""

    __tablename__ = "order_lines"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(Id, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    product_external_id: Mapped[str | None] = mapped_column(String(64))
    variant_external_id: Mapped[str | None] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(500))
    quantity: Mapped[int] = mapped_column()
    current_quantity: Mapped[int] = mapped_column()
    total_minor: Mapped[int] = mapped_column(BigInteger)

    __table_args__ = (_BY_KEY,)


class Refund(Base):
    """Money given back, as a positive amount."""

    __tablename__ = "refunds"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(Id, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    refunded_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (_BY_KEY,)


class Fulfillment(Base):
    """A parcel of an order."""

    __tablename__ = "fulfillments"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(Id, primary_key=True)
    external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    status: Mapped[str] = mapped_column(String(30))
    fulfilled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    source_updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (_BY_KEY,)
