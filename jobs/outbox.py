"""The outbox's tick: owns both transactions of a send and the call between them."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam

from app.db import StoreScan, UtcDateTime, is_one_of, table_of
from app.messaging import claim, send, vouchers
from app.messaging.claim import Claimed
from app.messaging.vouchers import Wanted
from app.models import Message, Store
from app.models.message import OPEN_STATES, QUEUED, UNKNOWN
from app.stores import connections
from connectors.base import ConnectorError, OutgoingMessage, SendResult
from jobs import failpoints
from jobs.kit import Kit

MESSAGES = table_of(Message)
BATCH = 200
_SMALLEST_SHARE = 20
_LATER = timedelta(minutes=5)
_QUEUED = StoreScan(
    MESSAGES.c.store_id,
    is_one_of(MESSAGES.c.status, OPEN_STATES),
    MESSAGES.c.status == QUEUED,
    MESSAGES.c.next_at <= bindparam("now", type_=UtcDateTime),
)
_UNKNOWN = StoreScan(MESSAGES.c.store_id, MESSAGES.c.status == UNKNOWN)


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Settle what is unknown, sweep what lost its worker, then send what is due, fairly."""
    done: Counter[str] = Counter()
    with kit.runtime.database.read() as session:
        is_late = send.has_late(session)
        stores = _QUEUED.run(session, now=now)
        doubtful = _UNKNOWN.run(session)
    if is_late:
        with kit.runtime.database.write() as session:
            done["swept"] = send.sweep(session, now)
    for store_id in doubtful:
        done["settled"] += settle_unknown(kit, store_id, now)
    share = max(_SMALLEST_SHARE, BATCH // max(1, len(stores)))
    for store_id in stores:
        is_more = True
        while is_more:
            count, is_more = run_store(kit, store_id, now, share)
            done["decided"] += count
            is_more = is_more and not (len(stores) > 1 and count >= share)
    return +done


def run_store(kit: Kit, store_id: int, now: datetime, limit: int) -> tuple[int, bool]:
    """One round of a store: claim, mint what is wanted, call the channel, record.

    Returns:
        how many messages were looked at, and whether another round would find more.
    """
    with kit.runtime.database.write() as session:
        store = session.get(Store, store_id)
        if store is None:
            return 0, False
        claimed = claim.claim(session, kit.letters, store, now=now, limit=limit)
    if claimed.prepared_ids:
        _prepare(kit, store, claimed, now)
    if claimed.outgoing:
        _send(kit, store_id, claimed, now)
    return claimed.looked_at, bool(claimed.prepared_ids) or claimed.looked_at >= limit


def settle_unknown(kit: Kit, store_id: int, now: datetime) -> int:
    """Ask the channel about messages whose answer was lost; what it cannot say stays unknown."""
    with kit.runtime.database.read() as session:
        rows = send.unknown_rows(session, store_id)
    settled = 0
    for row in rows:
        result = kit.channel.look_up(str(row.id))
        if result is None:
            continue
        with kit.runtime.database.write() as session:
            send.settle(session, row, result, now)
        settled += 1
    return settled


def _send(kit: Kit, store_id: int, claimed: Claimed, now: datetime) -> None:
    failpoints.reached("outbox.before-call")
    results = kit.channel.send(claimed.outgoing)
    failpoints.reached("outbox.after-call")
    with kit.runtime.database.write() as session:
        paired = _paired(claimed.outgoing, results)
        send.record(session, store_id, claimed.token, results=paired, now=now)
    failpoints.reached("outbox.after-record")


def _paired(
    outgoing: Sequence[OutgoingMessage], results: Sequence[SendResult]
) -> list[tuple[int, SendResult]]:
    return [
        (int(message.message_id), result) for message, result in zip(outgoing, results, strict=True)
    ]


def _prepare(kit: Kit, store: Store, claimed: Claimed, now: datetime) -> None:
    """Mint outside any transaction; a message whose code could not be made waits, none leaves without."""
    minted: list[tuple[Wanted, str]] = []
    failed: set[int] = set()
    try:
        storefront = connections.storefront(kit.runtime, store)
        for wanted in claimed.wanted:
            minted.append((wanted, storefront.mint_voucher(wanted.spec)))
    except ConnectorError:
        done = {wanted.message_id for wanted, _ in minted}
        failed = {wanted.message_id for wanted in claimed.wanted} - done
    failpoints.reached("outbox.after-mint")
    with kit.runtime.database.write() as session:
        for wanted, external_id in minted:
            vouchers.mark_minted(session, store.id, wanted.voucher_id, external_id=external_id, now=now)
        ready = [message_id for message_id in claimed.prepared_ids if message_id not in failed]
        for ids, next_at in ((ready, now), (sorted(failed), now + _LATER)):
            claim.release_unprepared(session, store.id, claimed.token, ids=ids, next_at=next_at)

