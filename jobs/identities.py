"""What a store says of itself, read once a day: name, money, permissions, order statuses, and its home.

And whether its webhooks arrive: reconciliation hides it well that none does.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import inbox
from app.db import table_of
from app.models import Order, Store
from app.stores import chores, connections, homes, install
from app.stores.chores import Held
from app.stores.platforms import SHOPIFY, WOOCOMMERCE
from connectors.base import StoreIdentity, StoreUpdate
from jobs import access
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
ORDERS = table_of(Order)
EVERY = timedelta(days=1)
_MOST_STORES = 200


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Ask the stores whose day has passed."""
    done: Counter[str] = Counter()
    with kit.runtime.database.read() as session:
        is_due = chores.is_due(session, chores.IDENTITY, now)
    for _ in range(_MOST_STORES if is_due else 0):
        with kit.runtime.database.write() as session:
            held = chores.claim(session, chores.IDENTITY, now)
        if held is None:
            break
        result = run_guarded(partial(_read, kit, held, now))
        if isinstance(result, Failed):
            log.warning("identity not read", store=held.store_id, error=result.summary)
            with kit.runtime.database.write() as session:
                chores.put_off(session, held, result.error, now)
        else:
            done["identities read"] += 1
    return +done


def _read(kit: Kit, held: Held, now: datetime) -> None:
    with kit.runtime.database.read() as session:
        store = session.get_one(Store, held.store_id)
    with access.watched(kit, store, now):
        identity = connections.storefront(kit.runtime, store).identity()
        statuses = _statuses(kit, store)
    with kit.runtime.database.write() as session:
        found = session.get_one(Store, store.id, with_for_update=True)
        notes = {chores.SILENT: _silent_orders(session, store.id, now)}
        if not chores.finish(session, held, now=now, next_at=now + EVERY, notes=notes):
            return
        news = StoreUpdate(
            name=identity.name,
            timezone=identity.timezone,
            currency=identity.currency,
            scopes=identity.scopes if store.platform == SHOPIFY and identity.scopes else None,
        )
        install.update_store(found, news)
        _note_home(found, identity)
        found.order_statuses = [[slug, name] for slug, name in statuses]


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
