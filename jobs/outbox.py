"""The outbox's tick: owns both transactions of a send and the call between them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import bindparam

from app.db import UtcDateTime, is_one_of, table_of
from app.messaging import claim, send, vouchers
from app.messaging.claim import Claimed
from app.messaging.vouchers import Wanted
from app.models import Message, Store
from app.models.message import OPEN_STATES, QUEUED, UNKNOWN
from app.scans import StoreScan
from app.stores import connections, install
from connectors.base import ConnectorError, OutgoingMessage, SendResult, Storefront, Unauthorized
from jobs import failpoints
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

MESSAGES = table_of(Message)
BATCH = 200
_SMALLEST_SHARE = 20
_MOST_ROUNDS = 200
_SOON, _LATER = timedelta(minutes=1), timedelta(minutes=5)
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
        doubtful = _UNKNOWN.run(session)
    if is_late:
        with kit.runtime.database.write() as session:
            done["swept"] = send.sweep(session, now)
    for store_id in doubtful:
        done["settled"] += settle_unknown(kit, store_id, now)
    failures: dict[int, Failed] = {}
    for _ in range(_MOST_ROUNDS):
        count = _round(kit, now, failures)
        done["decided"] += count
        if not count:
            break
    for failure in failures.values():
        raise failure.error
    return +done


def _round(kit: Kit, now: datetime, failures: dict[int, Failed]) -> int:
    """One share of each store that has something due; a store that failed is left for the next run."""
    with kit.runtime.database.read() as session:
        stores = [store_id for store_id in _QUEUED.run(session, now=now) if store_id not in failures]
    share = max(_SMALLEST_SHARE, BATCH // max(1, len(stores)))
    looked_at = 0
    for store_id in stores:
        result = run_guarded(partial(run_store, kit, store_id, now, share))
        if isinstance(result, Failed):
            failures[store_id] = result
        else:
            looked_at += result[0]
    return looked_at


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
    return [(int(message.message_id), result) for message, result in zip(outgoing, results, strict=True)]


def _prepare(kit: Kit, store: Store, claimed: Claimed, now: datetime) -> None:
    """Mint outside any transaction; a message whose code could not be made waits, none leaves without."""
    minting = _Minting()
    try:
        storefront = connections.storefront(kit.runtime, store)
        for wanted in claimed.wanted:
            minting.mint(storefront, wanted)
    except ConnectorError as error:
        minting.error = error
    failpoints.reached("outbox.after-mint")
    undone = {wanted.message_id for wanted in claimed.wanted} - minting.external_ids.keys()
    with kit.runtime.database.write() as session:
        for wanted in claimed.wanted:
            external_id = minting.external_ids.get(wanted.message_id)
            if external_id is not None:
                vouchers.mark_minted(session, store.id, wanted.voucher_id, external_id=external_id, now=now)
        if isinstance(minting.error, Unauthorized):
            install.ask_to_reconnect(session, store.id)
        ready = [message_id for message_id in claimed.prepared_ids if message_id not in undone]
        for ids, next_at in (
            (ready, now),
            (sorted(undone - minting.failed_ids), now + _SOON),
            (sorted(minting.failed_ids), now + _LATER),
        ):
            claim.release_unprepared(session, store.id, claimed.token, ids=ids, next_at=next_at)


@dataclass(slots=True)
class _Minting:
    """What became of the codes of one claim: their ids in the shop, by message, and what went wrong.

    A code that the shop refuses stops only itself. Any other failure ends the round; the messages
    after it wait a little, the one that failed longer, so that it is not the first again.
    """

    external_ids: dict[int, str] = field(default_factory=dict)
    failed_ids: set[int] = field(default_factory=set)
    error: ConnectorError | None = None

    def mint(self, storefront: Storefront, wanted: Wanted) -> None:
        """Make one code.

        Raises:
            ConnectorError: the shop does not answer, or refuses us altogether.
        """
        try:
            self.external_ids[wanted.message_id] = storefront.mint_voucher(wanted.spec)
        except ConnectorError as error:
            self.failed_ids.add(wanted.message_id)
            if isinstance(error, Unauthorized) or not error.permanent:
                raise
