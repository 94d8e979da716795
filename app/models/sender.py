"""Senders: how a store's account at a provider stands, and what left through it day by day."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Date, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Sender(Base):
    """One store's way out on one channel, as far as a provider carries it; the local outbox has no row.

    Attributes:
        account: fingerprint of the account that the row speaks of; another account begins anew.
        problem: why nothing can be sent until somebody mends it, in words to show.
        pause: why nothing is sent until `paused_until`, in words to show.
        failures: calls in a row that brought no usable answer.
        tokens, refilled_at: what the pace allows now; the second one is on the clock of leases.
        trusted_from: the reputation of earlier days is forgiven: the merchant looked and went on.
        checked_at: when the account was last asked how it stands.
        part_micros, billed_in: what the provider last asked for one part of a text, in millionths of that
            currency's unit; of text messages alone.
    """

    __tablename__ = "senders"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    problem: Mapped[str | None] = mapped_column(Text)
    pause: Mapped[str | None] = mapped_column(Text)
    paused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    tokens: Mapped[float] = mapped_column(default=0.0)
    refilled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    trusted_from: Mapped[date | None] = mapped_column(Date)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    part_micros: Mapped[int | None] = mapped_column(BigInteger)
    billed_in: Mapped[str | None] = mapped_column(String(3))


class SenderDomain(Base):
    """The domain that a store's mails come from: what its DNS must hold, and what it held when last seen.

    Attributes:
        records: host, type, value and is_valid of each record that SendGrid wants.
        is_valid: whether SendGrid found them all; None where it cannot say.
        problem: a word for why there are no records to show, or None.
        since: the day on which the store began to send from it.
        dmarc: none, quarantine or reject; missing, unreadable or unasked.
        daily: how many mails the account delivered on three days of the last thirty at least; None where that
            is not known, or says nothing of this domain.
    """

    __tablename__ = "sender_domains"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    domain: Mapped[str] = mapped_column(String(255))
    records: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    is_valid: Mapped[bool | None] = mapped_column()
    problem: Mapped[str | None] = mapped_column(String(40))
    dmarc: Mapped[str] = mapped_column(String(20))
    daily: Mapped[int | None] = mapped_column()
    since: Mapped[date] = mapped_column(Date)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SenderDay(Base):
    """What left on one channel in one day (UTC) and what came back of it: counters, never counts."""

    __tablename__ = "sender_days"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    channel: Mapped[str] = mapped_column(String(10), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    sent: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    bounced: Mapped[int] = mapped_column(default=0)
    blocked: Mapped[int] = mapped_column(default=0)
    complained: Mapped[int] = mapped_column(default=0)
    unsubscribed: Mapped[int] = mapped_column(default=0)
