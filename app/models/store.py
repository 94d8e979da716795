"""Stores: the installed shops, each a tenant, and where its backfill stands."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Store(Base):
    """An installed shop. `state` is connected, needs_reconnect or uninstalled.

    Attributes:
        domain: lower case; Shopify's myshopify.com domain, WooCommerce's home host and path.
        url: where the storefront's API is reached.
        email: of the merchant, as the shop says.
        credentials: a sealed JSON object (tokens, keys, webhook secrets).
        webhook_path: the random part of a WooCommerce delivery address; empty for Shopify.
        webhook_turns: by topic, the turns of the webhook secrets that are accepted, the newest first; a topic
            that is not there is at its turn 0.
        refusals, refused_at, refusal: how often in a row it refused our credentials, since when, and the
            connector's word for why.
        order_statuses: [word, name] of each status that its orders may have, where it says so.
        other_home: another address under which the shop spoke, and who said so, until the merchant answers.
        copies: the hosts of copies of the shop, whose deliveries are passed over.
        is_copy: the shop that we call is a copy for testing, so nothing is ever sent.
        postal_address, plugins: as the shop tells them; the latter None where it does not.
        settings: what the settings page sets (see app/stores/settings.py).
        guide_hidden_at: since when the set-up guide is not shown any more; None while it is.
        stopped_at: since when its merchant has everything stopped; None while messages may leave.
        equipped_with: which recipes, pulls and chores it was given, in short.
        editions: how often the merchant changed a text; what is compiled of them is kept by this number.
    """

    __tablename__ = "stores"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    platform: Mapped[str] = mapped_column(String(20))
    domain: Mapped[str] = mapped_column(String(255))
    url: Mapped[str] = mapped_column(String(500))
    name: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(20))
    timezone: Mapped[str] = mapped_column(String(64))
    currency: Mapped[str] = mapped_column(String(3))
    country: Mapped[str] = mapped_column(String(2))
    locale: Mapped[str] = mapped_column(String(10))
    email: Mapped[str] = mapped_column(String(320), default="")
    postal_address: Mapped[str] = mapped_column(String(300), default="")
    plugins: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    store_uid: Mapped[str] = mapped_column(String(80), default="")
    credentials: Mapped[str] = mapped_column(Text, info={"is_sealed": True})
    webhook_path: Mapped[str] = mapped_column(String(64), default="")
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    subscriptions: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    webhook_turns: Mapped[dict[str, list[int]]] = mapped_column(JSON, default=dict)
    refusals: Mapped[int] = mapped_column(default=0)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refusal: Mapped[str] = mapped_column(String(20), default="")
    order_statuses: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    other_home: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    copies: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_copy: Mapped[bool] = mapped_column(default=False)
    equipped_with: Mapped[str] = mapped_column(String(16), default="")
    editions: Mapped[int] = mapped_column(default=0)
    guide_hidden_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stopped_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    installed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    uninstalled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reconciled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("platform", "domain"), Index("ix_stores_webhook_path", "webhook_path"))


class Backfill(Base):
    """How far the history of one resource has been mirrored; resumed from `cursor` after a stop."""

    __tablename__ = "backfills"

    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    resource: Mapped[str] = mapped_column(String(20), primary_key=True)
    cursor: Mapped[str | None] = mapped_column(Text)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None] = mapped_column()
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Reconciliation(Base):
    """Up to when one resource of a store was pulled; what its webhooks lost is found by the next pull."""

    __tablename__ = "reconciliations"

    store_id: Mapped[int] = mapped_column(ForeignKey("stores.id"), primary_key=True)
    resource: Mapped[str] = mapped_column(String(20), primary_key=True)
    pulled_to: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lease_token: Mapped[str | None] = mapped_column(String(36))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (Index("ix_reconciliations_next", "next_at", "store_id"),)
