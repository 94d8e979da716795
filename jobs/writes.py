"""The writer's tick: what was said to us is told to the storefront, outside any transaction, each alone."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import bindparam
from sqlalchemy.orm import Session

from app import clock, consent, failpoints
from app.analytics import engagement
from app.customers import agreeing, tagging
from app.db import UtcDateTime, is_one_of
from app.flows import effects, switch
from app.models import Store
from app.models.store_write import DONE, FAILED, QUEUED, SKIPPED
from app.scans import StoreScan
from app.stores import connections, rows, scopes, settings, writes
from app.stores.writes import Held
from connectors import hooks
from connectors.base import ConnectorError, Resource, Unauthorized
from connectors.hooks import Call
from connectors.transport import Limits, StoreTransport
from connectors.writing import NotSupported, StoreWriter
from jobs import access
from jobs.guard import Failed, pause_after, rounds, run_guarded
from jobs.kit import Kit
from jobs.schedule import is_connected

_SHARE = 20
_MOST_ROUNDS = 200
_SOON, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_QUEUED = StoreScan(
    writes.WRITES.c.store_id,
    is_one_of(writes.WRITES.c.state, (QUEUED,)),
    writes.WRITES.c.next_at <= bindparam("now", type_=UtcDateTime),
)


@dataclass(frozen=True, slots=True)
class _Telling:
    """What the storefront is told: the call, and whose existence a refusal may be about."""

    call: Callable[[StoreWriter], None]
    customer_external_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Ending:
    """What became of a write."""

    state: str
    reason: str | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of write.

    Attributes:
        scope: what Shopify must have granted for it.
        read: what is to be told now, or why nothing is.
        is_elsewhere: it is not the shop that is told: its silence says nothing of what else waits.
    """

    scope: str
    read: Callable[[Session, Kit, Store, str], _Telling | str]
    is_elsewhere: bool = False


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Write what is due, round after round with a fair share of every store."""
    return +Counter({"written back": rounds(partial(_round, kit, now), _MOST_ROUNDS)})


def _round(kit: Kit, now: datetime, failures: dict[int, Failed]) -> int:
    """One share of each connected store that has something due; the others keep theirs."""
    with kit.database.over_all_stores().read() as session:
        due = [store_id for store_id in _QUEUED.run(session, now=now) if store_id not in failures]
        stores = [store for store_id in due if (store := rows.find(session, store_id)) is not None]
    settled = 0
    for store in filter(is_connected, stores):
        result = run_guarded(partial(_run_store, kit, store, now), store=store.id)
        if isinstance(result, Failed):
            failures[store.id] = result
        else:
            settled += result
    return settled


def _run_store(kit: Kit, store: Store, now: datetime) -> int:
    """One share of a store; a shop that does not answer ends it, and what is left waits a little."""
    with kit.database.of_store(store.id).write() as session:
        token, ids = writes.claim(session, store.id, now, _SHARE)
    if not ids:
        return 0
    settled, next_at = 0, now
    try:
        with access.refusals_noted(kit, store, now):
            writer = connections.writer(kit.runtime, store)
            for write_id in ids:
                with kit.database.of_store(store.id).read() as session:
                    held = writes.held(session, store.id, write_id, token)
                if held is not None:
                    _write(kit, store, writer, held=held, now=now)
                    settled += 1
    except ConnectorError as error:
        next_at = now + _pause_of(error)
    if settled < len(ids):
        # What was settled was given back with it.
        with kit.database.of_store(store.id).write() as session:
            writes.release(session, store.id, token, next_at=next_at)
    return settled


def _pause_of(error: ConnectorError) -> timedelta:
    if error.retry_after_seconds is None:
        return _SOON
    return min(timedelta(seconds=error.retry_after_seconds), _LONGEST_PAUSE)


def _write(kit: Kit, store: Store, writer: StoreWriter, *, held: Held, now: datetime) -> None:
    """Tell one thing and note what became of it.

    Raises:
        ConnectorError: the shop does not answer now, or refuses us altogether: whatever comes next waits.
    """
    result = run_guarded(partial(_tell, kit, store, writer, held))
    if not isinstance(result, Failed):
        with kit.database.of_store(store.id).write() as session:
            writes.finish(session, held, result.state, reason=result.reason, error=result.error, now=now)
        return
    error = result.error
    is_ours_to_wait = isinstance(error, ConnectorError) and error.retry_after_seconds is not None
    if isinstance(error, Unauthorized) or is_ours_to_wait:
        raise error
    pause = pause_after(held.attempts)
    shown = result.summary if isinstance(error, ConnectorError) else result.trace
    with kit.database.of_store(store.id).write() as session:
        writes.put_off(session, held, shown, next_at=now + pause if pause else None, now=now)
    if isinstance(error, ConnectorError) and not _KINDS[held.kind].is_elsewhere:
        raise error


def _tell(kit: Kit, store: Store, writer: StoreWriter, held: Held) -> _Ending:
    """Read what is to be told now and tell it.

    The turn was read before: whatever comes to be said from here on counts it up, and is told after this.

    Raises:
        ConnectorError: the shop does not answer now, or refuses us altogether.
    """
    kind = _KINDS[held.kind]
    with kit.database.of_store(store.id).read() as session:
        telling = kind.read(session, kit, store, held.subject)
    if isinstance(telling, str):
        return _Ending(SKIPPED, telling)
    if scopes.lacks(store, kind.scope):
        return _Ending(FAILED, scopes.LACKING)
    failpoints.reached("writes.before-call")
    try:
        telling.call(writer)
    except NotSupported:
        return _Ending(SKIPPED, "unsupported")
    except ConnectorError as error:
        if isinstance(error, Unauthorized) or not error.permanent:
            raise
        if _is_gone(kit, store, telling.customer_external_id):
            return _Ending(SKIPPED, "gone")
        return _Ending(FAILED, "refused", str(error))
    failpoints.reached("writes.after-call")
    return _Ending(DONE)


def _is_gone(kit: Kit, store: Store, customer_external_id: str | None) -> bool:
    """Whether the shop refused because it has no such customer any more."""
    if customer_external_id is None:
        return False
    storefront = connections.storefront(kit.runtime, store)
    return storefront.fetch(Resource.CUSTOMERS, customer_external_id) is None


def _consent(session: Session, _kit: Kit, store: Store, subject: str) -> _Telling | str:
    change = agreeing.to_tell(session, store.id, subject)
    if isinstance(change, str):
        return change
    return _Telling(lambda writer: writer.write_consent(change), change.customer_external_id)


def _tags(session: Session, _kit: Kit, store: Store, subject: str) -> _Telling | str:
    change = tagging.to_tell(session, store.id, subject)
    if isinstance(change, str):
        return change
    return _Telling(lambda writer: writer.write_tags(change), change.customer_external_id)


def _activity(session: Session, kit: Kit, store: Store, subject: str) -> _Telling | str:
    activity = engagement.activity_of(session, store, subject, kit.runtime.settings.base_url)
    return _Telling(lambda writer: writer.report_activity(activity)) if activity else "gone"


def _engagement(session: Session, kit: Kit, store: Store, subject: str) -> _Telling | str:
    flow_key, day = engagement.day_of(session, store, subject)
    activity = engagement.activity_of(session, store, flow_key, kit.runtime.settings.base_url)
    return _Telling(lambda writer: writer.report_engagement(activity, day)) if activity else "gone"


def _hook(session: Session, kit: Kit, store: Store, subject: str) -> _Telling | str:
    payload = writes.payload_of(session, store.id, effects.WRITE, subject)
    secret = settings.secret(kit.runtime.vault, store, "hooks.secret")
    call = Call(f"{kit.runtime.signer.installation}:{store.id}:{subject}", payload["url"], payload["told"])
    transport = StoreTransport(allow_private=kit.runtime.settings.allow_private_stores, limits=_OF_A_HOOK)
    return _Telling(lambda _: hooks.post(transport, call, secret, clock.now()))


_OF_A_HOOK = Limits(connect_seconds=5, read_seconds=10, total_seconds=15, max_bytes=64 * 1024)

_KINDS = {
    consent.WRITE: _Kind("write_customers", _consent),
    tagging.WRITE: _Kind("write_customers", _tags),
    switch.WRITE: _Kind(engagement.SCOPE, _activity),
    engagement.WRITE: _Kind(engagement.SCOPE, _engagement),
    effects.WRITE: _Kind("", _hook, is_elsewhere=True),
}
