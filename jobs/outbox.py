"""The outbox's tick: owns both transactions of a send and the call between them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import bindparam
from sqlalchemy.orm import Session

from app import asides, clock, failpoints, watching
from app.db import UtcDateTime, is_one_of, table_of
from app.messaging import receipts, send, senders, settling, text_costs
from app.messaging.claim import Claimed
from app.models import Message, Store
from app.models.message import OPEN_STATES, QUEUED
from app.models.set_aside import OUTBOX
from app.scans import StoreScan
from connectors.base import Outcome, OutgoingMessage, SendResult
from jobs import baskets, last_looks, minting
from jobs.claims import Claims
from jobs.guard import Failed, rounds, run_guarded
from jobs.kit import Kit
from jobs.last_looks import LastLook
from jobs.wire import Wire, Work

MESSAGES = table_of(Message)
BATCH = 256
"""Four rounds of the 64 calls that a channel makes at a time, so that none of them waits for a few others."""
_SMALLEST_SHARE = 20
_MOST_AGAIN = 2
"""First a basket may be asked about, then a code be minted; then the message leaves."""
_MOST_ROUNDS = 200
_NOT_CALLED = SendResult(Outcome.RETRY, error="the account was taken away")
_TOO_LATE = SendResult(Outcome.RETRY, error="not called: the claim was held for too long")
_CALL_WITHIN_SECONDS = 55.0
"""From the claim on: a batch that begins by then ends, its slowest call included, within the lease.

A process that was stopped in between, as a whole machine may be, finds that its messages may be another's.
"""
_QUEUED = StoreScan(
    MESSAGES.c.store_id,
    is_one_of(MESSAGES.c.status, OPEN_STATES),
    MESSAGES.c.status == QUEUED,
    MESSAGES.c.next_at <= bindparam("now", type_=UtcDateTime),
)


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Sweep what lost its worker, then send what is due, fairly; each round looks at what is due by then."""
    done: Counter[str] = Counter()
    with kit.database.over_all_stores().read() as session:
        is_late = settling.has_late(session)
    if is_late:
        with kit.database.over_all_stores().write() as session:
            done["swept"] = settling.sweep(session, now)
            failpoints.reached("outbox.in-sweep")
    moment = clock.going_on(now)
    with Wire() as wire:
        done["decided"] = rounds(lambda failures: _round(kit, wire, moment(), failures), _MOST_ROUNDS)
    return +done


def _round(kit: Kit, wire: Wire, now: datetime, failures: dict[int, Failed]) -> int:
    """One share of each store that has something to do; a store that failed is left for the next run."""
    with kit.database.over_all_stores().read() as session:
        again = asides.stores_due(session, OUTBOX, now)
        stores = sorted({*_QUEUED.run(session, now=now), *again} - failures.keys())
    share = max(_SMALLEST_SHARE, BATCH // max(1, len(stores)))
    looked_at = 0
    for store_id in stores:
        if kit.stopping.is_set():
            looked_at = 0
            break
        work = partial(run_store, kit, store_id, now, share, is_again=store_id in again)
        if not kit.database.is_sqlite:
            # On SQLite the claim beside it would keep what is recorded, and all other writers, waiting.
            work = partial(work, calling=partial(wire.carry_out, store_id, failures))
        result = run_guarded(work, store=store_id)
        if isinstance(result, Failed):
            failures[store_id] = result
        else:
            looked_at += result[0]
    if not looked_at:
        wire.wait(failures)
    return looked_at


def run_store(
    kit: Kit,
    store_id: int,
    now: datetime,
    limit: int,
    *,
    calling: Callable[[Work], None] = lambda work: work(),
    is_again: bool = False,
) -> tuple[int, bool]:
    """One round of a store: claim, ask about baskets, mint what is wanted, call the channel, record.

    What waited for the storefront leaves in the same call as the others, where a claim took all that is due.

    Args:
        calling: carries out the calls and what is recorded of them, at once or beside the next claim.
        is_again: somebody's messages were set aside in this store, and are to be tried again.

    Returns:
        how many messages were looked at, and whether another round would find more.
    """
    call_by, claims = kit.stopwatch() + _CALL_WITHIN_SECONDS, Claims(kit, store_id, now, is_again)
    if (taken := claims.take(limit)) is None:
        return 0, False
    store, claimed = taken
    try:
        is_waiting = _ask_storefront(kit, store, claimed, now, call_by=call_by)
        for _ in range(_MOST_AGAIN):
            if not is_waiting or claimed.looked_at >= limit or kit.stopwatch() > call_by:
                break
            if (taken := claims.take(limit - claimed.looked_at, claimed.token)) is None:
                break
            store, again = taken
            claimed.add(again)
            is_waiting = _ask_storefront(kit, store, again, now, call_by=call_by)
    finally:
        # Whatever became of those that waited: what was claimed before is `sending`, and is called out.
        if claimed.outgoing:
            calling(partial(_send, kit, store, claimed, now, call_by=call_by))
    return claimed.looked_at, is_waiting or claimed.looked_at >= limit


def _ask_storefront(kit: Kit, store: Store, claimed: Claimed, now: datetime, *, call_by: float) -> bool:
    """Ask about baskets and mint codes; whether any message waited for that."""
    if claimed.asked:
        baskets.ask(kit, store, claimed, now, call_by=call_by)
    if claimed.prepared_ids:
        minting.mint(kit, store, claimed, now)
    return bool(claimed.asked or claimed.prepared_ids)


def _send(kit: Kit, store: Store, claimed: Claimed, now: datetime, *, call_by: float) -> None:
    """Call each channel outside any transaction, and write down what it said before calling the next."""
    by_channel: dict[str, list[OutgoingMessage]] = {}
    for message in claimed.outgoing:
        by_channel.setdefault(message.channel, []).append(message)
    for name, messages in sorted(by_channel.items()):
        channel = kit.carriers.of(store, name)
        failpoints.reached("outbox.before-call")
        with last_looks.over(
            kit.database.of_store(store.id), store.id, messages, kit.stopwatch, since=claimed.mark
        ) as look:
            kept = _kept_back(
                messages, look, has_channel=channel is not None, is_late=kit.stopwatch() > call_by
            )
            called = [message for message in messages if message.message_id not in kept]
            failpoints.reached("outbox.after-last-look")
            with watching.span("provider call", store=store.id, channel=name, messages=len(called)):
                answers = iter(channel.send(called, look.lets) if channel is not None and called else ())
        results = [kept.get(message.message_id) or next(answers) for message in messages]
        failpoints.reached("outbox.after-call")
        with kit.database.of_store(store.id).write() as session:
            _record(session, kit, store.id, claimed, answered=_paired(messages, results), now=now)
            failpoints.reached("outbox.in-record")
        failpoints.reached("outbox.after-record")


def _kept_back(
    messages: Sequence[OutgoingMessage], look: LastLook, *, has_channel: bool, is_late: bool
) -> Mapping[str, SendResult]:
    """What of a claim is not to be called out any more, and why."""
    if has_channel and not is_late:
        return look.kept_back
    return dict.fromkeys([one.message_id for one in messages], _TOO_LATE if has_channel else _NOT_CALLED)


def _record(
    session: Session,
    kit: Kit,
    store_id: int,
    claimed: Claimed,
    *,
    answered: Sequence[tuple[OutgoingMessage, SendResult]],
    now: datetime,
) -> None:
    results = [(int(message.message_id), result) for message, result in answered]
    send.record(session, store_id, claimed.token, results=results, now=now)
    if not claimed.is_local:
        answers = [result for _, result in answered]
        senders.note_left(session, store_id, answered[0][0].channel, answers=answers, now=now)
    text_costs.note_answers(
        session,
        store_id,
        [
            (text_costs.subject_of(message.message_id), result)
            for message, result in answered
            if message.channel == text_costs.CHANNEL
        ],
    )
    for message, result in answered:
        if result.outcome is Outcome.SUPPRESS:
            receipts.suppress(
                session,
                kit.runtime.signer,
                store_id,
                channel=message.channel,
                address=message.to_address,
                reason="provider",
                now=now,
            )


def _paired(
    messages: Sequence[OutgoingMessage], results: Sequence[SendResult]
) -> list[tuple[OutgoingMessage, SendResult]]:
    return list(zip(messages, results, strict=True))
