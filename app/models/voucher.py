"""Vouchers: codes minted in the storefront for one customer, and their redemption."""

from datetime import datetime

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Voucher(Base):
    """A code. `name` says which of the enrollment's vouchers it is; minted once `minted_at` is set.

    Attributes:
        creation: under which name the storefront is making it, until it is minted.
        external_id: of what carries the code in the storefront, which may be one for many codes.
    """

    __tablename__ = "vouchers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    enrollment_id: Mapped[int] = mapped_column(Id)
    name: Mapped[str] = mapped_column(String(40))
    flow_key: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    creation: Mapped[str | None] = mapped_column(String(100))
    external_id: Mapped[str | None] = mapped_column(String(80))
    minted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redeemed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    redeemed_order_id: Mapped[int | None] = mapped_column(Id)

    __table_args__ = (
        UniqueConstraint("store_id", "enrollment_id", "name"),
        UniqueConstraint("store_id", "code"),
        Index("ix_vouchers_customer", "store_id", "customer_id"),
        # Each order that changed asks for the codes that it used; few are used at all.
        Index(
            "ix_vouchers_redeemed",
            "store_id",
            "redeemed_order_id",
            sqlite_where=redeemed_order_id.is_not(None),
            postgresql_where=redeemed_order_id.is_not(None),
        ),
    )
