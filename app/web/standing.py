"""What the settings page tells beside its fields: the connection, the consent's words, what is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import retention
from app.messaging import confirming
from app.messaging.content import LANGUAGES
from app.models import Edition, Reconciliation, Store
from app.runtime import Runtime
from app.stores import credentials, scopes
from app.stores.platforms import SHOPIFY
from app.web import upkeep

KEPT: tuple[tuple[str, timedelta], ...] = (
    ("bodies", retention.BODY),
    ("texts", retention.CONTENT),
    ("checkouts", retention.CHECKOUT),
    ("written", retention.WRITE),
    ("looks", retention.ACCESS),
    ("changes", retention.AUDIT),
)
"""What goes by itself, and after how long; the pages on privacy tell the rest."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How the shop is connected.

    Attributes:
        compared_at: up to when all of its news were fetched again; None before the first time.
        webhooks, paused: how many we have there, and how many the merchant paused.
        again: where it is connected anew, on a page of ours or in the shop's admin.
    """

    compared_at: datetime | None
    webhooks: int
    paused: int
    again: str


@dataclass(frozen=True, slots=True)
class ConsentText:
    """The mail that asks to confirm, in one language; version and moment are None of the original."""

    locale: str
    version: int | None
    saved_at: datetime | None


def connection(session: Session, runtime: Runtime, store: Store) -> Connection:
    """How a store is connected now."""
    pulled = select(func.min(Reconciliation.pulled_to)).where(Reconciliation.store_id == store.id)
    is_shopify = store.platform == SHOPIFY
    return Connection(
        compared_at=session.execute(pulled).scalar_one(),
        webhooks=len(store.subscriptions),
        paused=len(upkeep.paused_topics(store)),
        again=scopes.grant_url(store, client_id(runtime, store)) if is_shopify else "/install/woocommerce",
    )


def client_id(runtime: Runtime, store: Store) -> str:
    """The app that the shop installed: its merchant's own, else the operator's."""
    kept = credentials.unseal(runtime.vault, store.credentials).kept if store.credentials else {}
    return str(kept.get("client_id") or runtime.settings.shopify_client_id)


def consent_texts(session: Session, store: Store) -> Sequence[ConsentText]:
    """What people read who are asked to confirm, language by language."""
    own = select(Edition.locale, Edition.version, Edition.saved_at).where(
        Edition.store_id == store.id, Edition.name == confirming.SLOT.content
    )
    known = {row.locale: row for row in session.execute(own)}
    return [
        ConsentText(locale, known[locale].version, known[locale].saved_at)
        if locale in known
        else ConsentText(locale, None, None)
        for locale in LANGUAGES
    ]
