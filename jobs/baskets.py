"""Asking the storefront about checkouts just before a message about them leaves, outside any transaction."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from app.customers import baskets
from app.messaging import claim
from app.messaging.claim import Asked, Claimed
from app.mirror import lookups
from app.mirror.apply import apply_records
from app.models import Store
from app.stores import connections
from connectors.base import ConnectorError, Record, Resource, Storefront
from jobs import access
from jobs.kit import Kit

_LATER = timedelta(minutes=10)


def ask(kit: Kit, store: Store, claimed: Claimed, now: datetime, *, call_by: float) -> None:
    """Believe what the storefront says of each checkout, and let the gate look at its messages again.

    Where it gives no answer nothing leaves: the messages wait, and end with their time-to-live. The first
    call that fails ends the round, and so does the end of the claim's time.
    """
    waiting = list(claimed.asked)
    while waiting and kit.stopwatch() <= call_by:
        asked, *waiting = waiting
        if not _ask_one(kit, store, asked, now):
            waiting = [asked, *waiting]
            break
        _release(kit, claimed, [asked], next_at=now)
    is_down = bool(waiting) and kit.stopwatch() <= call_by
    _release(kit, claimed, waiting, next_at=now + _LATER if is_down else now)


def _ask_one(kit: Kit, store: Store, asked: Asked, now: datetime) -> bool:
    """Ask and believe; False where there was no answer."""
    try:
        with access.watched(kit, store, now):
            record = _fetch(connections.storefront(kit.runtime, store), asked)
    except ConnectorError:
        return False
    with kit.database.of_store(store.id).write() as session:
        if record is not None:
            held = session.get_one(Store, store.id)
            since = held.installed_at
            apply_records(session, kit.runtime.signer, held, [record], now=now, history_until=since)
        elif not asked.becomes_order:
            lookups.mark_gone(session, store.id, Resource.CHECKOUTS, asked.external_id, now=now)
        baskets.note_asked(session, store.id, asked.external_id, now)
    return True


def _fetch(storefront: Storefront, asked: Asked) -> Record | None:
    """The checkout, or the order that it became where both have one id.

    WooCommerce sweeps drafts away a day after their last change, whose links go on working: that such a
    checkout is no more says nothing, and that there is no order of its id says that it was not bought.
    """
    record = storefront.fetch(Resource.CHECKOUTS, asked.external_id)
    if record is None and asked.becomes_order:
        return storefront.fetch(Resource.ORDERS, asked.external_id)
    return record


def _release(kit: Kit, claimed: Claimed, asked: Sequence[Asked], *, next_at: datetime) -> None:
    if asked:
        store_id, ids = asked[0].store_id, sorted(one.message_id for one in asked)
        with kit.database.of_store(store_id).write() as session:
            claim.release_unprepared(session, store_id, claimed.token, ids=ids, next_at=next_at)
