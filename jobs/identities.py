"""What a store says of itself, read once a day: name, money, permissions, order statuses, and its home.

And whether its webhooks arrive: reconciliation hides it well that none does.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import inbox
from app.db import table_of
from app.models import Order, Store
from app.stores import chores, connections, homes, install
from app.stores.chores import Held
from app.stores.platforms import SHOPIFY, WOOCOMMERCE
from connectors.base import StoreIdentity, StoreUpdate
from jobs import access, upkeep
from jobs.kit import Kit

ORDERS = table_of(Order)
EVERY = timedelta(days=1)
_LONGEST_EMAIL = 320


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Ask the stores whose day has passed."""
    return +Counter({"identities read": upkeep.run(kit, chores.IDENTITY, now, _read)})


def _read(kit: Kit, held: Held, store: Store, now: datetime) -> int:
    with access.watched(kit, store, now):
        identity = connections.storefront(kit.runtime, store).identity()
        statuses = _statuses(kit, store)
    with kit.database.of_store(store.id).write() as session:
        found = session.get_one(Store, store.id, with_for_update=True)
        notes = {chores.SILENT: _silent_orders(session, store.id, now)}
        if not chores.finish(session, held, now=now, next_at=now + EVERY, notes=notes):
            return 0
        news = StoreUpdate(
            name=identity.name,
            timezone=identity.timezone,
            currency=identity.currency,
            scopes=identity.scopes if store.platform == SHOPIFY and identity.scopes else None,
        )
        install.update_store(found, news)
        found.email = identity.email[:_LONGEST_EMAIL] or found.email
        install.note_traits(found, identity)
        _note_home(found, identity)
        found.order_statuses = [[slug, name] for slug, name in statuses]
    return 1


def _statuses(kit: Kit, store: Store) -> Sequence[tuple[str, str]]:
    """The store's own order statuses; Shopify's are the same everywhere."""
    if store.platform != WOOCOMMERCE:
        return ()
    return connections.sweepable(kit.runtime, store).order_statuses()


def _silent_orders(session: Session, store_id: int, now: datetime) -> int:
    """How many orders were placed in a day in which no webhook arrived; 0 where one did."""
    if inbox.arrived_since(session, store_id, now - EVERY):
        return 0
    placed = select(func.count()).where(
        ORDERS.c.store_id == store_id, ORDERS.c.placed_at >= now - EVERY, ORDERS.c.placed_at <= now
    )
    return session.execute(placed).scalar_one()


def _note_home(store: Store, identity: StoreIdentity) -> None:
    """A WooCommerce elsewhere moved or is a copy; a Shopify shop keeps its own domain."""
    if store.platform != WOOCOMMERCE:
        return
    is_other = bool(store.store_uid and identity.store_uid and store.store_uid != identity.store_uid)
    if is_other or homes.is_elsewhere(store, identity.home_url):
        homes.note(store, identity.home_url, homes.SHOP)
    store.store_uid = store.store_uid or identity.store_uid
