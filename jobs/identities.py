"""What a WooCommerce store says of itself, read once a day: name, money, order statuses, and its home."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

import structlog

from app.models import Store
from app.stores import chores, connections, homes, install
from app.stores.chores import Held
from connectors.base import StoreUpdate
from jobs import access
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
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
        statuses = connections.sweepable(kit.runtime, store).order_statuses()
    with kit.runtime.database.write() as session:
        found = session.get_one(Store, store.id, with_for_update=True)
        if not chores.finish(session, held, now=now, next_at=now + EVERY):
            return
        news = StoreUpdate(name=identity.name, timezone=identity.timezone, currency=identity.currency)
        install.update_store(found, news)
        is_other = bool(found.store_uid and identity.store_uid and found.store_uid != identity.store_uid)
        if is_other or homes.is_elsewhere(found, identity.home_url):
            homes.note(found, identity.home_url, homes.SHOP)
        found.store_uid = found.store_uid or identity.store_uid
        found.order_statuses = [[slug, name] for slug, name in statuses]
