"""Minting the codes of claimed messages in the storefront, outside any transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import failpoints
from app.messaging import claim, vouchers
from app.messaging.claim import Claimed
from app.messaging.vouchers import Wanted
from app.models import Store
from app.stores import connections, refusals
from connectors.base import ConnectorError, Unauthorized
from connectors.writing import VoucherResult
from jobs.kit import Kit

_AT_ONCE, _SOON, _LATER = timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=5)


def mint(kit: Kit, store: Store, claimed: Claimed, now: datetime) -> None:
    """Mint what the claim wants; a message whose code is not there for certain waits, none leaves without.

    A failure of the shop itself ends the round; the messages that it met wait longer than those after them,
    so that they are not the first again.
    """
    failpoints.reached("outbox.before-mint")
    results = _mint(kit, store, claimed)
    failpoints.reached("outbox.after-mint")
    with kit.database.of_store(store.id).write() as session:
        _note_refusal(session, store, list(results.values()), now)
        _note(session, store.id, claimed.wanted, results=results, now=now)
        by_moment: dict[datetime, list[int]] = {}
        for wanted in claimed.wanted:
            pause = _pause_after(results.get(wanted.spec.code))
            by_moment.setdefault(now + pause, []).append(wanted.message_id)
        waiting = {wanted.message_id for wanted in claimed.wanted}
        by_moment.setdefault(now, []).extend(id_ for id_ in claimed.prepared_ids if id_ not in waiting)
        for next_at, ids in sorted(by_moment.items()):
            claim.release_unprepared(session, store.id, claimed.token, ids=sorted(ids), next_at=next_at)
    failpoints.reached("outbox.after-prepare")


def _note_refusal(session: Session, store: Store, results: Sequence[VoucherResult], now: datetime) -> None:
    """Whether the shop took our credentials, as its answers show."""
    refused = next((one.error for one in results if isinstance(one.error, Unauthorized)), None)
    if refused is not None:
        refusals.note(session, store, refused.reason, now)
    elif store.refusals and any(one.external_id is not None for one in results):
        refusals.forget(session, store.id)


def _mint(kit: Kit, store: Store, claimed: Claimed) -> dict[str, VoucherResult]:
    """What became of the codes that were asked for; messages of one journey may share one."""
    specs = {wanted.spec.code: wanted.spec for wanted in claimed.wanted}
    try:
        writer = connections.writer(kit.runtime, store)
    except ConnectorError as error:
        first = next(iter(specs), "")
        return {first: VoucherResult(first, error=error)}
    return {result.code: result for result in writer.mint_vouchers(list(specs.values()))}


def _note(
    session: Session,
    store_id: int,
    wanted: Sequence[Wanted],
    *,
    results: Mapping[str, VoucherResult],
    now: datetime,
) -> None:
    minted: dict[int, str] = {}
    for one in wanted:
        result = results.get(one.spec.code)
        if result is None or result.error is not None:
            continue
        if result.external_id is None:
            vouchers.note_creation(session, store_id, one.voucher_id, result.creation)
        else:
            minted[one.voucher_id] = result.external_id
    vouchers.mark_minted(session, store_id, minted, now)


def _pause_after(result: VoucherResult | None) -> timedelta:
    """How long the message waits for its code: not at all once the code is there."""
    if result is None:
        return _SOON
    if result.error is not None:
        asked = result.error.retry_after_seconds
        return _LATER if asked is None else min(timedelta(seconds=asked), _LATER)
    return timedelta(0) if result.external_id is not None else _AT_ONCE
