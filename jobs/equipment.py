"""What each connected store is given: flows, pulls and chores; also when a new version knows more of them."""

from collections import Counter
from datetime import datetime
from hashlib import sha256

from app.flows import switch
from app.flows.definition import recipe_keys
from app.mirror import pulls
from app.models import Store
from app.stores import chores, subscribe
from app.stores.platforms import CONNECTED, SHOPIFY
from jobs.guard import each_store
from jobs.kit import Kit

_MOST_A_ROUND = 100
_WORDS = (*recipe_keys(), *pulls.kinds(), *chores.kinds())
EQUIPMENT = sha256(" ".join(sorted(_WORDS)).encode()).hexdigest()[:16]
"""What this version gives, in short."""


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Equip stores that are new, or were last equipped by another version.

    WooCommerce's webhooks are made by jobs/webhook_checks.py, which waits longer after each failure.
    """
    with kit.database.read() as session:
        waiting = subscribe.stores_to_equip(session, EQUIPMENT, _MOST_A_ROUND)
    return +Counter({"equipped": each_store(waiting, lambda store_id: _equip(kit, store_id, now))})


def _equip(kit: Kit, store_id: int, now: datetime) -> int:
    """Give a store what it lacks; what it has stays as it is."""
    with kit.database.of_store(store_id).write() as session:
        store = session.get_one(Store, store_id, with_for_update=True)
        if store.state != CONNECTED:
            return 0
        switch.ensure_flows(session, store_id, now)
        pulls.ensure_reconciliations(session, store, now)
        chores.ensure(session, store, now)
        if store.platform == SHOPIFY:
            subscribe.declare(kit.runtime, store)
        store.equipped_with = EQUIPMENT
    return 1
