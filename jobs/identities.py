"""What a store says of itself, read once a day: name, money, permissions, order statuses, and its home.

And whether its webhooks arrive: reconciliation hides it well that none does.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import inbox
from app.db import table_of
from app.models import Order, Store
from app.stores import chores, connections, homes, install
from app.stores.chores import Held
from app.stores.platforms import SHOPIFY, WOOCOMMERCE
from connectors.base import StoreIdentity, StoreUpdate
from connectors.transport import StoreTransport
from jobs import access, upkeep
from jobs.kit import Kit

ORDERS = table_of(Order)
EVERY = timedelta(days=1)
_LONGEST_EMAIL = 320
_OF_SHOP = ("name", "timezone", "currency", "scopes", "email", "postal_address", "plugins")
_TOLD = (*_OF_SHOP, "other_home", "store_uid", "order_statuses")
"""What of a store's row its shop may change by what it says of itself."""


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Ask the stores whose day has passed."""
    return +Counter({"identities read": upkeep.run(kit, chores.IDENTITY, now, _read)})


def _read(kit: Kit, held: Held, store: Store, now: datetime) -> upkeep.Ending:
    over = connections.transport(kit.runtime)
    with access.watched(kit, store, now):
        identity = connections.storefront(kit.runtime, store, over).identity()
        statuses = _statuses(kit, store, over)
    take_over = partial(_take_over, identity=identity, statuses=statuses)
    return partial(_end, held=held, now=now, change=take_over if _changes(store, take_over) else None)


def _end(session: Session, *, held: Held, now: datetime, change: Callable[[Store], None] | None) -> int:
    """Note that the store was asked, and take over what it said where that is news."""
    found = session.get_one(Store, held.store_id, with_for_update=True) if change is not None else None
    notes = {chores.SILENT: _silent_orders(session, held.store_id, now)}
    if not chores.finish(session, held, now=now, next_at=now + EVERY, notes=notes):
        return 0
    if change is not None and found is not None:
        change(found)
    return 1


def _changes(store: Store, change: Callable[[Store], None]) -> bool:
    """Whether a row would hold something else after a change; most days none does. The row is not kept."""
    before = [getattr(store, name) for name in _TOLD]
    change(store)
    return before != [getattr(store, name) for name in _TOLD]


def _take_over(store: Store, *, identity: StoreIdentity, statuses: Sequence[tuple[str, str]]) -> None:
    news = StoreUpdate(
        name=identity.name,
        timezone=identity.timezone,
        currency=identity.currency,
        scopes=identity.scopes if store.platform == SHOPIFY and identity.scopes else None,
    )
    install.update_store(store, news)
    store.email = identity.email[:_LONGEST_EMAIL] or store.email
    install.note_traits(store, identity)
    _note_home(store, identity)
    store.order_statuses = [[slug, name] for slug, name in statuses]


def _statuses(kit: Kit, store: Store, over: StoreTransport) -> Sequence[tuple[str, str]]:
    """The store's own order statuses; Shopify's are the same everywhere."""
    if store.platform != WOOCOMMERCE:
        return ()
    return connections.sweepable(kit.runtime, store, over).order_statuses()


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
