"""The outbox: messages, the attempts to send them, and what the providers say of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime, is_one_of

QUEUED, PREPARING, SENDING = "queued", "preparing", "sending"
SENT, DELIVERED, BOUNCED, FAILED = "sent", "delivered", "bounced", "failed"
STOPPED, EXPIRED, CANCELLED, HELD, UNKNOWN = "stopped", "expired", "cancelled", "held", "unknown"
POLLED_STATES, POLLED_CHANNELS = (SENT,), ("sms",)
"""Those of which the provider is asked, where its own word does not come."""
OPEN_STATES = (QUEUED, PREPARING, SENDING)
WAITING_STATES = (*OPEN_STATES, HELD)
"""Those of which a message may still leave; an exit of its journey takes it back."""
LEFT_STATES = (SENT, DELIVERED, BOUNCED)
FINAL_STATES = (*LEFT_STATES, FAILED, STOPPED, EXPIRED, CANCELLED)
"""Those in which a message stays, but for what a provider or a click still tells of it."""
COUNTED_STATES = (SENDING, SENT, DELIVERED, BOUNCED, UNKNOWN)

REVIEW_ASK = ("review", "M3")
"""The flow and the step of the message that asks for reviews."""


def is_review_ask(flow_key: Any, step: Any, status: Any) -> ColumnElement[bool]:
    """Whether a message asks for reviews and the gate did not keep it, in the words of the index of such."""
    flow, name = REVIEW_ASK
    is_kept = is_one_of(status, (STOPPED, EXPIRED))
    condition: ColumnElement[bool] = is_one_of(flow_key, (flow,)) & is_one_of(step, (name,)) & ~is_kept
    return condition


class Message(Base):
    """One message to one person. `key` = flow:step:customer:occurrence makes it unique for ever.

    Attributes:
        purpose: answer, service, marketing or transactional.
        next_at: when the outbox looks at it again; `due_at` never changes.
        reason: why it is where it is (the gate's words).
        is_prepared: storefront work is done (or there was none).
        content: the rendered message {subject, text, html, headers, links}, packed by `app.messaging.copies`.
        context: what the templates see besides the customer.
        asks_about: of a message that asks for reviews the ids of the products, as JSON.
        lease_token, lease_until: who works on it, by the clock of leases.
        is_tallied: it is old and counted in FlowTally; whoever changes it takes it back first.
    """

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    key: Mapped[str] = mapped_column(String(200))
    customer_id: Mapped[int] = mapped_column(Id)
    enrollment_id: Mapped[int | None] = mapped_column(Id)
    flow_key: Mapped[str] = mapped_column(String(40))
    version_id: Mapped[int | None] = mapped_column(Id)
    step: Mapped[str] = mapped_column(String(10))
    channel: Mapped[str] = mapped_column(String(10))
    purpose: Mapped[str] = mapped_column(String(15))
    priority: Mapped[int] = mapped_column()
    status: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(30))
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    is_prepared: Mapped[bool] = mapped_column(default=False)
    to_address: Mapped[str | None] = mapped_column(String(320))
    subject: Mapped[str | None] = mapped_column(Text)
    content: Mapped[bytes | None] = mapped_column(LargeBinary)
    context: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    provider_message_id: Mapped[str | None] = mapped_column(String(128))
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    clicked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unknown_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_tallied: Mapped[bool] = mapped_column(server_default=text("false"))
    asks_about: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        UniqueConstraint("store_id", "key"),
        # The list of them, newest first.
        Index("ix_messages_store", "store_id", "id"),
        Index(
            "ix_messages_open",
            "store_id",
            "status",
            "next_at",
            "id",
            sqlite_where=is_one_of(status, OPEN_STATES),
            postgresql_where=is_one_of(status, OPEN_STATES),
        ),
        Index("ix_messages_customer", "store_id", "customer_id", "sent_at"),
        Index(
            "ix_messages_contents",
            "store_id",
            "sent_at",
            sqlite_where=content.is_not(None),
            postgresql_where=content.is_not(None),
        ),
        # Those that asked somebody for reviews: they are asked again for what none of them named, which is
        # read from here alone. SQLite does so only where it holds what its own condition asks, too.
        Index(
            "ix_messages_review_asks",
            *("store_id", "customer_id", "flow_key", "step", "status", "asks_about"),
            sqlite_where=is_review_ask(flow_key, step, status),
            postgresql_where=is_review_ask(flow_key, step, status),
        ),
        # How far its journeys came is counted every night, by it alone.
        Index("ix_messages_enrollment", "store_id", "enrollment_id", "status", "clicked_at"),
        # What waits for somebody, who may have got hundreds.
        Index(
            "ix_messages_waiting",
            *("store_id", "customer_id"),
            sqlite_where=is_one_of(status, WAITING_STATES),
            postgresql_where=is_one_of(status, WAITING_STATES),
        ),
        Index("ix_messages_status", "store_id", "status", "id"),
        # SQLite counts from it alone only where it holds what its own condition asks, too.
        Index(
            "ix_messages_steps",
            *("store_id", "flow_key", "step", "status", "reason", "clicked_at", "is_tallied", "created_at"),
            sqlite_where=is_tallied == false(),
            postgresql_where=is_tallied == false(),
        ),
        Index(
            "ix_messages_polled",
            "store_id",
            "next_at",
            sqlite_where=is_one_of(status, POLLED_STATES) & is_one_of(channel, POLLED_CHANNELS),
            postgresql_where=is_one_of(status, POLLED_STATES) & is_one_of(channel, POLLED_CHANNELS),
        ),
        # An id is never given twice, not even after a restore (app/backups/aftermath.py).
        {"sqlite_autoincrement": True},
    )


class MessageAttempt(Base):
    """One call to a provider: begun before it, ended after it; an attempt without an end is unknown."""

    __tablename__ = "message_attempts"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    message_id: Mapped[int] = mapped_column(Id)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    outcome: Mapped[str | None] = mapped_column(String(15))
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (
        Index("ix_message_attempts_message", "store_id", "message_id"),
        Index("ix_message_attempts_started", "store_id", "started_at"),
    )


class DeliveryEvent(Base):
    """What a provider or a link says of a message after it left; duplicates are absorbed by the key.

    Attributes:
        id: from the same numbers as those of the timeline's entries (`app/timeline.py`).
        is_entry: it stands in the timeline as well: the first that says that its message arrived.
    """

    __tablename__ = "delivery_events"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    store_id: Mapped[int] = mapped_column(Id)
    message_id: Mapped[int] = mapped_column(Id)
    type: Mapped[str] = mapped_column(String(20))
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    event_key: Mapped[str] = mapped_column(String(200))
    is_human: Mapped[bool] = mapped_column(default=True)
    url: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(String(200))
    is_entry: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        # One index finds duplicates and what was told of a message.
        UniqueConstraint("store_id", "message_id", "event_key"),
        Index("ix_delivery_events_occurred", "store_id", "occurred_at"),
        Index(
            "ix_delivery_events_entries",
            "store_id",
            "id",
            sqlite_where=(is_entry == true()),
            postgresql_where=(is_entry == true()),
        ),
    )
