"""What `ritorno store …` does; each function answers with what the command prints as JSON."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, clock
from app.audit import Actor
from app.db import wall_now
from app.errors import AppError, BadInput, NotFound
from app.models import Store
from app.runtime import Runtime
from app.stores import arrivals, backfills, connections, install, presets, scopes, settings
from app.stores.install import Arrival
from app.stores.platforms import UNINSTALLED
from connectors.base import ConnectorError
from connectors.storefronts.shopify.auth import AppCredentials, InvalidShop, normalize_shop
from connectors.storefronts.woocommerce.auth import normalise_store_url

_log = logging.getLogger(__name__)

Shown = dict[str, Any]


class Unreachable(AppError):
    """The shop did not answer as it should; the same command may succeed later."""


def connect_woocommerce(runtime: Runtime, url: str, key: str, secret: str) -> Shown:
    """Connect a WooCommerce store by a key that the merchant made.

    Raises:
        BadInput: the store refuses it; the text says what to mend.
        Unreachable: the store did not answer.
    """
    return _connect(
        runtime,
        lambda now: arrivals.woocommerce(
            runtime, normalise_store_url(url), key=key.strip(), secret=secret.strip(), now=now
        ),
    )


def connect_shopify(
    runtime: Runtime, shop: str, *, access_token: str = "", client_id: str = "", client_secret: str = ""
) -> Shown:
    """Connect a Shopify shop by a merchant's own app: its lasting token, or its id and secret.

    A lasting token of the operator's own app, from an earlier install, becomes an expiring one, for good.

    With id and secret the app's webhooks are verified by that secret; with a token alone they cannot
    be, and the shop is read by reconciliation only.

    Raises:
        BadInput: not exactly one of the two ways, no shop's domain, or the shop refuses.
        Unreachable: the shop did not answer.
    """
    try:
        domain = normalize_shop(shop)
    except InvalidShop as error:
        raise BadInput("This is not a shop's domain. It looks like name.myshopify.com.", "shop") from error
    app = AppCredentials(client_id.strip(), client_secret.strip())
    is_app = bool(app.client_id and app.client_secret)
    if is_app == bool(access_token):
        raise BadInput("Give either an access token, or a client id with its client secret.", "access-token")
    if is_app:
        return _connect(runtime, lambda now: arrivals.shopify_by_own_app(runtime, domain, app, now))
    return _connect(
        runtime, lambda now: arrivals.shopify_by_token(runtime, domain, access_token.strip(), now)
    )


def disconnect(runtime: Runtime, store_id: int, by: Actor = audit.OPERATOR) -> Shown:
    """Leave a store: remove our webhooks where it still lets us, stop everything, forget its keys.

    WooCommerce offers no way to revoke the key itself: the merchant does that in WooCommerce >
    Settings > Advanced > REST API.

    Raises:
        NotFound: there is no such store.
    """
    with runtime.database.read() as session:
        store = _store(session, store_id)
    if store.state != UNINSTALLED:
        _remove_webhooks(runtime, store)
    with runtime.database.write() as session:
        store = _store(session, store_id)
        if install.uninstall(session, store, max(clock.now(), store.installed_at)):
            _record(session, store, audit.STORE_DISCONNECTED, by)
        return _shown(session, store)


def listing(runtime: Runtime) -> list[Shown]:
    """Every store, oldest first."""
    with runtime.database.read() as session:
        return [_shown(session, store) for store in session.scalars(select(Store).order_by(Store.id))]


def show(runtime: Runtime, store_id: int) -> Shown:
    """One store.

    Raises:
        NotFound: there is no such store.
    """
    with runtime.database.read() as session:
        return _shown(session, _store(session, store_id))


def set_values(runtime: Runtime, store_id: int, values: Mapping[str, str]) -> dict[str, str]:
    """Set some settings, all or nothing, and return how they hold now, secrets masked.

    Raises:
        BadInput: no such setting, or a text that it cannot have; `field` is the key.
        NotFound: there is no such store.
    """
    with runtime.database.write() as session:
        store = _store(session, store_id)
        changes = settings.write(session, store, values, vault=runtime.vault)
        audit.record_settings(session, store.id, audit.OPERATOR, changes, now=clock.now())
        return {key: settings.read(store, key) for key in values}


def set_preset(runtime: Runtime, store_id: int, name: str) -> dict[str, str]:
    """Set what a well-known plugin keeps where, and return how those settings hold now.

    Raises:
        BadInput: there is no such preset; the text names them all.
        NotFound: there is no such store.
    """
    return set_values(runtime, store_id, presets.values_of(name))


def get_values(runtime: Runtime, store_id: int, key: str | None = None) -> dict[str, str]:
    """One setting or all of them as they hold now, secrets masked.

    Raises:
        BadInput: there is no such setting.
        NotFound: there is no such store.
    """
    with runtime.database.read() as session:
        store = _store(session, store_id)
        return settings.read_all(store) if key is None else {key: settings.read(store, key)}


def _connect(runtime: Runtime, prove: Callable[[datetime], Arrival]) -> Shown:
    with runtime.database.read() as session:
        now = wall_now(session)
    try:
        arrival = prove(now)
    except ConnectorError as error:
        kind = BadInput if error.permanent else Unreachable
        raise kind(f"The shop was not connected: {error}") from error
    with runtime.database.write() as session:
        store = install.complete(session, runtime.vault, arrival, clock.now())
        _record(session, store, audit.STORE_CONNECTED)
        return _shown(session, store)


def _remove_webhooks(runtime: Runtime, store: Store) -> None:
    """As far as the store lets us: a merchant who revoked the key first must be able to leave, too."""
    try:
        connections.storefront(runtime, store).unsubscribe_all()
    except ConnectorError as error:
        _log.warning("store %s: its webhooks could not be removed: %s", store.id, error)


def _record(session: Session, store: Store, action: str, by: Actor = audit.OPERATOR) -> None:
    audit.record(session, store.id, by, action, now=clock.now(), subject=store.domain)


def _store(session: Session, store_id: int) -> Store:
    store = session.get(Store, store_id)
    if store is None:
        raise NotFound(f"There is no store {store_id}.")
    return store


def _shown(session: Session, store: Store) -> Shown:
    done, total = backfills.progress(session, store.id)
    per_second, seconds_left = backfills.pace(session, store.id, clock.now())
    return {
        "id": store.id,
        "platform": store.platform,
        "domain": store.domain,
        "state": store.state,
        "webhooks": [{"topic": one["topic"], "state": one["state"]} for one in store.subscriptions],
        "backfill": {
            "done": done,
            "total": total,
            "per_second": per_second,
            "seconds_left": seconds_left,
            "orders_of_days": scopes.RECENT_DAYS if scopes.hides_older_orders(store) else None,
        },
    }
