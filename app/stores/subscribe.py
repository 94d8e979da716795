"""Registering a store's first webhooks, from a job: WooCommerce calls us back before it answers."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Text, cast, select, update
from sqlalchemy.orm import Session

from app.models import Store
from app.runtime import Runtime
from app.stores import connections, verification
from app.stores.platforms import CONNECTED, WOOCOMMERCE
from connectors.base import Subscription
from connectors.storefronts.shopify.topics import READERS
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS

BY_APP = "app"
"""The state of a subscription that Shopify keeps because shopify.app.toml declares it."""


def stores_without_webhooks(session: Session) -> list[int]:
    """The connected stores whose webhooks are still to be registered."""
    statement = select(Store.id).where(Store.state == CONNECTED, cast(Store.subscriptions, Text) == "[]")
    return list(session.scalars(statement.order_by(Store.id)))


def register_webhooks(runtime: Runtime, store_id: int) -> None:
    """Make the webhooks that a store lacks and note what it has; running it again changes nothing.

    The web side must be up. Shopify needs nothing: its subscriptions are declared with the app.

    Raises:
        Unauthorized: the store must be reconnected.
        ConnectorError: the store did not answer as it should; what it has so far is kept.
    """
    with runtime.database.read() as session:
        store = session.get(Store, store_id)
    if store is None or store.state != CONNECTED:
        return
    found = _woocommerce(runtime, store) if store.platform == WOOCOMMERCE else _declared(runtime, store)
    _note(runtime, store_id, store.installed_at, found)


def rows_of(found: Iterable[Subscription]) -> list[dict[str, str]]:
    """How webhooks are noted in `stores.subscriptions`."""
    return [
        {"external_id": one.external_id, "topic": one.topic, "url": one.url, "state": one.state}
        for one in found
    ]


def _woocommerce(runtime: Runtime, store: Store) -> list[Subscription]:
    storefront = connections.storefront(runtime, store)
    url = connections.webhook_url(runtime, store)
    present = list(storefront.subscriptions())
    if any(found.url != url for found in present):
        # Left over from an earlier install or address: their secret is no longer known.
        storefront.unsubscribe_all()
        present = []
    for topic in _lacking(present):
        secret = verification.woocommerce_secret(runtime, store, topic)
        present = list(storefront.subscribe({topic: url}, secret))
    return present


def _lacking(present: Sequence[Subscription]) -> Iterator[str]:
    """The topics without a webhook that works; a paused one is the merchant's wish."""
    served = {found.topic for found in present if found.state != "disabled"}
    return (topic for topic in MINIMUM_TOPICS if topic not in served)


def _declared(runtime: Runtime, store: Store) -> list[Subscription]:
    url = connections.webhook_url(runtime, store)
    return [Subscription(external_id="", topic=topic, url=url, state=BY_APP) for topic in sorted(READERS)]


def _note(runtime: Runtime, store_id: int, installed_at: datetime, found: Sequence[Subscription]) -> None:
    """Write what the store has, unless it was installed anew or uninstalled meanwhile."""
    with runtime.database.write() as session:
        session.execute(
            update(Store)
            .where(Store.id == store_id, Store.installed_at == installed_at, Store.state == CONNECTED)
            .values(subscriptions=rows_of(found))
        )
