"""The tick of privacy: people are forgotten at once, shops after their second proof, each with its record."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import bindparam, select

from app import access_log, audit, failpoints, inbox
from app.db import UtcDateTime
from app.errors import NotFound
from app.inbox import BODIES, EVENTS, OF_EVENT
from app.mirror import petitions
from app.models import PrivacyRequest, Store
from app.models.privacy_request import REFUSED
from app.privacy import deliveries, erasure, requests, shops
from app.scans import StoreScan
from app.stores import install, refusals
from app.stores.platforms import UNINSTALLED
from connectors.base import PrivacyKind
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit
from jobs.proof import has_left

REQUESTS = requests.REQUESTS
_LATER, _AFTER_FAILURE = timedelta(hours=1), timedelta(minutes=10)
_BATCH = 500
_KINDS = {
    "customers/data_request": PrivacyKind.ACCESS,
    "customers/redact": PrivacyKind.ERASE_CUSTOMER,
    "shop/redact": PrivacyKind.ERASE_SHOP,
}
_ANY_OF_NOBODY = select(BODIES.c.id).where(BODIES.c.store_id == inbox.NOBODY).limit(1)
_SOME_OF_NOBODY = (
    select(EVENTS.c.id, EVENTS.c.topic)
    .join_from(BODIES, EVENTS, OF_EVENT)
    .where(BODIES.c.store_id == inbox.NOBODY)
    .limit(_BATCH)
    .with_for_update(skip_locked=True, of=EVENTS)
)
_OPEN = StoreScan(
    REQUESTS.c.store_id,
    REQUESTS.c.done_at.is_(None),
    REQUESTS.c.next_at <= bindparam("now", type_=UtcDateTime),
)


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Carry out every request whose time has come; one that fails stops only itself."""
    done: Counter[str] = Counter()
    done["strangers"] = _forget_strangers(kit, now)
    with kit.database.over_all_stores().read() as session:
        waiting = [
            request
            for store_id in _OPEN.run(session, now=now)
            for request in requests.open_requests(session, store_id, now)
        ]
    failures: list[Failed] = []
    for request in waiting:
        result = run_guarded(partial(_carry_out, kit, request, now), privacy_request=request.id)
        if isinstance(result, Failed):
            failures.append(result)
            _put_off(kit, request, now=now, next_at=now + _AFTER_FAILURE)
        elif result:
            done["erased"] += 1
            kit.unscrubbed.append(now)
    if kit.unscrubbed and kit.database.scrub():
        kit.unscrubbed.clear()
    if failures:
        raise failures[0].error
    return +done


def _carry_out(kit: Kit, request: PrivacyRequest, now: datetime) -> bool:
    """Do one request; False if its time has not come after all."""
    if request.kind == PrivacyKind.ERASE_SHOP:
        return _erase_shop(kit, request, now)
    return _erase_customer(kit, request, now)


def _erase_customer(kit: Kit, request: PrivacyRequest, now: datetime) -> bool:
    store_id, customer_id = request.store_id, request.customer_id or 0
    database = kit.database.of_store(store_id)
    with database.read() as session:
        scanned = deliveries.scan(session, store_id, customer_id)
    failpoints.reached("privacy.scanned")
    with database.write() as session:
        held = requests.lock(session, store_id, request.id)
        if held is None:
            return False
        try:
            erased = erasure.erase_customer(
                session, kit.runtime.signer, store_id, customer_id, now=now, scanned=scanned
            )
        except NotFound:
            requests.mark_done(held, proof={"stored": 0}, now=now)
            return True
        requests.mark_done(held, proof=erased.counts, now=now)
        by, how = audit.PLATFORM, access_log.PLATFORM
        requests.log_erasure(session, store_id, customer_id, by=by, how=how, now=now)
        failpoints.reached("privacy.erased")
    return True


def _erase_shop(kit: Kit, request: PrivacyRequest, now: datetime) -> bool:
    """A shop that left is erased 48 hours after; one that looks connected is asked whether it still is."""
    with kit.database.of_store(request.store_id).read() as session:
        store = session.get(Store, request.store_id)
    if store is not None and store.state == UNINSTALLED:
        may_go_at = (store.uninstalled_at or request.received_at) + shops.SOFT_DELETE
        if now < may_go_at:
            _put_off(kit, request, now=now, next_at=may_go_at)
            return False
    elif store is not None and not _has_left(kit, request, store, now):
        return False
    while _erase_some(kit, request, now):
        failpoints.reached("privacy.some-erased")
    return True


def _has_left(kit: Kit, request: PrivacyRequest, store: Store, now: datetime) -> bool:
    """The second proof, of a shop that nobody said was uninstalled: it has refused us for 48 hours."""
    is_gone = has_left(kit, store)
    if is_gone is None:
        _put_off(kit, request, now=now, next_at=now + _LATER)
        return False
    with kit.database.of_store(request.store_id).write() as session:
        held = requests.lock(session, store.id, request.id)
        shop = session.get(Store, store.id, with_for_update=True)
        if held is None or shop is None:
            return False
        if not is_gone:
            proof = {"reason": "the shop still answers to our credentials"}
            requests.mark_done(held, proof=proof, now=now, outcome=REFUSED)
            return False
        since = datetime.fromisoformat(held.proof.get("refused_since", now.isoformat()))
        if now < since + shops.SOFT_DELETE:
            refusals.note(session, shop, "", now)
            requests.put_off(held, since + shops.SOFT_DELETE, refused_since=since.isoformat())
            return False
        if install.uninstall(session, shop, now):
            gone = audit.STORE_DISCONNECTED
            audit.record(session, shop.id, audit.PLATFORM, gone, now=now, subject=shop.domain)
        return True


def _erase_some(kit: Kit, request: PrivacyRequest, now: datetime) -> bool:
    """One batch of a shop's rows with its count, in a transaction of its own; whether there may be more."""
    with kit.database.of_store(request.store_id).write() as session:
        held = requests.lock(session, request.store_id, request.id)
        if held is None:
            return False
        store = session.get(Store, request.store_id, with_for_update=True)
        if store is None:
            requests.mark_done(held, proof={"stored": 0, **held.proof}, now=now)
            return False
        if store.state != UNINSTALLED:
            proof = {**held.proof, "reason": "the shop was installed again"}
            requests.mark_done(held, proof=proof, now=now, outcome=REFUSED)
            return False
        for table, count in shops.erase_once(session, store).items():
            held.proof = {**held.proof, table: held.proof.get(table, 0) + count}
        if shops.STORES.name in held.proof:
            requests.mark_done(held, proof=held.proof, now=now)
            requests.close_rest(session, request.store_id, now)
            return False
    return True


def _put_off(kit: Kit, request: PrivacyRequest, *, now: datetime, next_at: datetime) -> None:
    with kit.database.of_store(request.store_id).write() as session:
        held = requests.lock(session, request.store_id, request.id)
        if held is not None:
            requests.put_off(held, next_at, looked_at=now.isoformat())


def _forget_strangers(kit: Kit, now: datetime) -> int:
    """Deliveries of shops that we do not know: nothing is kept of them but that they came.

    Their requests under privacy law are done by that, and written down like any other.
    """
    with kit.database.of_store(inbox.NOBODY).read() as session:
        if session.execute(_ANY_OF_NOBODY).first() is None:
            return 0
    with kit.database.of_store(inbox.NOBODY).write() as session:
        rows = session.execute(_SOME_OF_NOBODY).all()
        for row in rows:
            if row.topic in _KINDS:
                petitions.keep(
                    session,
                    inbox.NOBODY,
                    _KINDS[row.topic],
                    None,
                    source="platform",
                    now=now,
                    is_unknown=True,
                )
        inbox.forget(session, inbox.NOBODY, [row.id for row in rows])
    return len(rows)
