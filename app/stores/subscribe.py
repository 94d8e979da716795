"""Registering a store's first webhooks, from a job: WooCommerce calls us back before it answers."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.db import table_of
from app.models import Store
from app.runtime import Runtime
from app.stores import connections, verification
from app.stores.platforms import CONNECTED, WOOCOMMERCE
from connectors.base import Subscription
from connectors.storefronts.shopify.topics import READERS
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS

STORES = table_of(Store)
_TO_EQUIP = (
    select(STORES.c.id)
    .where(STORES.c.state == CONNECTED, STORES.c.equipped_with != bindparam("equipment"))
    .order_by(STORES.c.id)
    .limit(bindparam("most"))
)
BY_APP = "app"
"""The state of a subscription that Shopify keeps because shopify.app.toml declares it."""


def stores_to_equip(session: Session, equipment: str, most: int) -> list[int]:
    """Connected stores that were last equipped with something else, at most so many."""
    return list(session.execute(_TO_EQUIP, {"equipment": equipment, "most": most}).scalars())


def declare(runtime: Runtime, store: Store) -> None:
    """Note the webhooks that Shopify keeps for a store because the app declares them."""
    url = connections.webhook_url(runtime, store)
    store.subscriptions = rows_of(
        Subscription(external_id="", topic=topic, url=url, state=BY_APP) for topic in sorted(READERS)
    )


def register_webhooks(runtime: Runtime, store_id: int) -> None:
    """Make the webhooks that a WooCommerce store lacks and note what it has; again, it changes nothing.

    The web side must be up.

    Raises:
        Unauthorized: the store must be reconnected.
        ConnectorError: the store did not answer as it should; what it has so far is kept.
    """
    with runtime.database.read() as session:
        store = session.get(Store, store_id)
    if store is None or store.state != CONNECTED or store.platform != WOOCOMMERCE:
        return
    _note(runtime, store_id, store.installed_at, _woocommerce(runtime, store))


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


def _note(runtime: Runtime, store_id: int, installed_at: datetime, found: Sequence[Subscription]) -> None:
    """Write what the store has, unless it was installed anew or uninstalled meanwhile."""
    with runtime.database.write() as session:
        session.execute(
            update(Store)
            .where(Store.id == store_id, Store.installed_at == installed_at, Store.state == CONNECTED)
            .values(subscriptions=rows_of(found))
        )
