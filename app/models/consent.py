"""The consent ledger, append-only, and what it says now."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Index, String, Text, UniqueConstraint, func, literal_column
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, is_one_of

SAID_NO = ("unsubscribed",)
"""What somebody said who does not want to be written to."""


def not_of_order(source: Any) -> ColumnElement[bool]:
    """Whether a source is no order's: each order says its own, a profile says little.

    Written out, as the condition of a partial index.
    """
    beginning = func.substr(source, literal_column("1"), literal_column("11"))
    condition: ColumnElement[bool] = beginning != literal_column("'order-meta:'")
    return condition


class Consent(Base):
    """One thing a person said about one channel; never changed, never deleted but by erasure.

    Attributes:
        state: subscribed, pending or unsubscribed.
        basis: consent, double_opt_in or soft_opt_in; None when the source did not say. With the state
            pending: what a yes was given on that we asked to be confirmed.
        source: where it was said (`shopify`, `checkout`, `api`, `unsubscribe-link`, `backfill` …).
        source_key: equal for the same statement told twice.
        evidence: what else proves it: when a confirmation was sent and clicked, from where, by which list.
    """

    __tablename__ = "consents"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    customer_id: Mapped[int] = mapped_column(Id)
    channel: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(12))
    basis: Mapped[str | None] = mapped_column(String(20))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    source: Mapped[str] = mapped_column(String(40))
    source_key: Mapped[str] = mapped_column(String(200))
    address: Mapped[str | None] = mapped_column(String(320))
    wording: Mapped[str | None] = mapped_column(Text)
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))

    __table_args__ = (
        UniqueConstraint("store_id", "customer_id", "source_key"),
        Index(
            "ix_consents_profile",
            "store_id",
            "customer_id",
            sqlite_where=not_of_order(source),
            postgresql_where=not_of_order(source),
        ),
        # Each order repeats a yes; a no is seldom.
        Index(
            "ix_consents_refused",
            *("store_id", "customer_id", "state", "occurred_at"),
            sqlite_where=is_one_of(state, SAID_NO),
            postgresql_where=is_one_of(state, SAID_NO),
        ),
    )


class ConsentState(Base):
    """What the ledger says now of one person and channel: its newest statement.

    Attributes:
        is_own: it was said to us, not to the storefront, which is to be told.
        proof_until: until when the ledger keeps what proves an earlier consent; None while the consent holds,
            and once the proof is gone.
        address: the one that it was said of; None where the source named none.
    """

    __tablename__ = "consent_states"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    customer_id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    state: Mapped[str] = mapped_column(String(12))
    basis: Mapped[str | None] = mapped_column(String(20))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_own: Mapped[bool] = mapped_column(default=False)
    proof_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    address: Mapped[str | None] = mapped_column(String(320))

    __table_args__ = (
        Index("ix_consent_states_customer", "store_id", "customer_id"),
        Index(
            "ix_consent_states_proof",
            "store_id",
            "proof_until",
            sqlite_where=proof_until.is_not(None),
            postgresql_where=proof_until.is_not(None),
        ),
    )
