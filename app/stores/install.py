"""A shop comes, comes back, changes its details, and goes."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.crypto import Vault
from app.db import insert_new, narrow, table_of
from app.errors import BadInput
from app.models import Store
from app.stores import backfills, chores, credentials, homes, scopes, writes
from app.stores.credentials import Credentials
from app.stores.platforms import CONNECTED, NEEDS_RECONNECT, UNINSTALLED, WOOCOMMERCE
from connectors.base import StoreIdentity, StoreUpdate


@dataclass(frozen=True, slots=True)
class Arrival:
    """A shop whose credentials were just proven against it.

    Attributes:
        url: where its API is reached.
        identity: what the shop said of itself when the credentials were tried.
        access: what opens it, see `credentials.Credentials`.
        own_app: `client_id` and `client_secret` of a merchant's own Shopify app.
        scopes: what was granted.
    """

    platform: str
    url: str
    identity: StoreIdentity
    access: Mapping[str, Any] = field(repr=False)
    own_app: Mapping[str, str] = field(default_factory=dict, repr=False)
    scopes: tuple[str, ...] = ()


def complete(session: Session, vault: Vault, arrival: Arrival, now: datetime) -> Store:
    """Save a shop: a new store, or the same one again with its history and its settings.

    Raises:
        BadInput: a shop at another address says that it is one that is known here already.
    """
    domain = arrival.identity.domain.lower()
    new = insert_new(session, table_of(Store), [_new_row(arrival, domain, now)], table_of(Store).c.id)
    store = session.scalars(
        select(Store)
        .where(Store.platform == arrival.platform, Store.domain == domain)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    narrow(session, store.id)
    if not new:
        _check_is_same_shop(store, arrival)
    _connect(store, vault, arrival, now, was_away=not new and store.state == UNINSTALLED)
    plan = backfills.plan_anew if store.uninstalled_at is not None else backfills.plan
    plan(session, store.id, now)
    chores.plan(session, store, now)
    writes.try_again(session, store.id, now, reason=scopes.LACKING)
    store.uninstalled_at = None
    session.flush()
    return store


def update_store(store: Store, update_: StoreUpdate) -> None:
    """Take over what the platform says of the shop; a zone that the merchant set stays."""
    if update_.timezone is not None and "timezone" not in store.settings:
        store.timezone = update_.timezone[:_LONGEST_ZONE]
    if update_.name:
        store.name = update_.name[:_LONGEST_NAME]
    if update_.currency and len(update_.currency) == _CURRENCY_LENGTH:
        store.currency = update_.currency.upper()
    if update_.country is not None and len(update_.country) <= _COUNTRY_LENGTH:
        store.country = update_.country.upper()
    if update_.scopes is not None:
        store.scopes = list(update_.scopes)


def note_traits(store: Store, identity: StoreIdentity) -> None:
    """Keep what the shop says of its address and of what runs in it, for the set-up guide."""
    store.postal_address = identity.postal_address[:_LONGEST_ADDRESS] or store.postal_address
    store.plugins = list(identity.plugins) if identity.plugins is not None else None


def uninstall(session: Session, store: Store, occurred_at: datetime) -> bool:
    """Stop everything for a shop that removed the app; False if that is old news.

    Its tokens and the plan of its backfill go at once; what was mirrored stays until the shop's erasure.
    An uninstall from before the latest install arrived late and changes nothing.
    """
    credentials.lock(session, store)
    if store.state == UNINSTALLED or occurred_at < store.installed_at:
        return False
    store.state = UNINSTALLED
    store.uninstalled_at = occurred_at
    store.credentials = credentials.without_access(store.credentials)
    store.subscriptions, store.equipped_with = [], ""
    store.scopes = []
    backfills.forget(session, store.id)
    session.flush()
    return True


def ask_to_reconnect(session: Session, store_id: int) -> bool:
    """Note that the shop no longer accepts our credentials; False if it is not connected any more."""
    statement = (
        update(Store)
        .where(Store.id == store_id, Store.state == CONNECTED)
        .values(state=NEEDS_RECONNECT)
        .returning(Store.id)
    )
    return session.execute(statement).scalar_one_or_none() is not None


_LONGEST_NAME = 255
_LONGEST_ZONE = 64
_LONGEST_LOCALE = 10
_LONGEST_EMAIL = 320
_LONGEST_ADDRESS = 300
_CURRENCY_LENGTH = 3
_COUNTRY_LENGTH = 2


def _new_row(arrival: Arrival, domain: str, now: datetime) -> dict[str, Any]:
    """A row that holds the place of the shop; `_connect` fills the rest in the same transaction."""
    return {
        "platform": arrival.platform,
        "domain": domain,
        "url": arrival.url,
        "name": domain,
        "state": CONNECTED,
        "timezone": "UTC",
        "currency": "",
        "country": "",
        "locale": "",
        "email": "",
        "store_uid": arrival.identity.store_uid,
        "credentials": "",
        "webhook_path": "",
        "scopes": [],
        "settings": {},
        "subscriptions": [],
        "webhook_turns": {},
        "refusals": 0,
        "order_statuses": [],
        **homes.forgotten(),
        "refusal": "",
        "installed_at": now,
    }


def _check_is_same_shop(store: Store, arrival: Arrival) -> None:
    """A WooCommerce shop says itself who it is: another shop must not get at the history of this one.

    The store's id is shown to its own keys only, so it vouches for a shop that moved.
    """
    if store.platform != WOOCOMMERCE or _place(store.url) == _place(arrival.url):
        return
    if store.store_uid and store.store_uid == arrival.identity.store_uid:
        return
    raise BadInput(
        f"Another address is connected as {store.domain} already. Connect with the address of that shop.",
        field="store",
    )


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.netloc}{parts.path}".rstrip("/").lower()


def _connect(store: Store, vault: Vault, arrival: Arrival, now: datetime, *, was_away: bool) -> None:
    identity = arrival.identity
    kept = _kept_secrets(vault, store, arrival, was_away=was_away)
    store.credentials = credentials.seal(vault, Credentials(dict(arrival.access), kept))
    if arrival.platform == WOOCOMMERCE and (was_away or not store.webhook_path):
        # Path and secret change together: a webhook at the old path must not count as one of ours.
        store.webhook_path = secrets.token_urlsafe(24)
        store.webhook_turns = {}
    store.url = arrival.url
    store.state = CONNECTED
    store.store_uid = identity.store_uid
    store.locale = store.settings.get("locale", identity.locale[:_LONGEST_LOCALE])
    store.scopes = list(arrival.scopes)
    store.email = identity.email[:_LONGEST_EMAIL]
    note_traits(store, identity)
    store.subscriptions, store.equipped_with = [], ""
    store.refusals, store.refused_at, store.refusal = 0, None, ""
    store.other_home, store.copies, store.is_copy = {}, [], False
    store.installed_at = now
    update_store(
        store,
        StoreUpdate(
            name=identity.name,
            timezone=identity.timezone,
            currency=identity.currency,
            country=identity.country,
        ),
    )


def _kept_secrets(vault: Vault, store: Store, arrival: Arrival, *, was_away: bool) -> dict[str, Any]:
    before = credentials.unseal(vault, store.credentials)
    kept: dict[str, Any] = dict(arrival.own_app)
    if before.providers:
        kept["providers"] = before.providers
    if arrival.platform == WOOCOMMERCE:
        known = None if was_away else before.kept.get("webhook_secret")
        kept["webhook_secret"] = known or secrets.token_hex(32)
    return kept
