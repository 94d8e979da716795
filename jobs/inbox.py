"""The inbox's tick: deliveries become rows and timeline entries, committed with their mark."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import bindparam
from sqlalchemy.orm import Session

from app import clock, failpoints, inbox
from app.db import UtcDateTime, is_one_of, narrow
from app.inbox import Delivery
from app.messaging import clicks
from app.mirror import forgotten
from app.mirror.apply import apply_records
from app.mirror.parcels import OrderNotMirrored
from app.models import Store
from app.models.inbound_event import OPEN
from app.scans import StoreScan
from app.stores import connections, homes, refusals, rows
from app.stores.platforms import WOOCOMMERCE
from connectors.base import PrivacyRequest, Record, Uninstalled, UnreadablePayload
from connectors.readers import READERS
from connectors.storefronts.woocommerce.records import OwnerDemoted
from connectors.storefronts.woocommerce.webhook import home_in
from jobs import provider_posts, strangers
from jobs.guard import Failed, pause_after, run_guarded
from jobs.kit import Kit

EVENTS = inbox.EVENTS
BATCH = 300
"""So many deliveries of a store are one transaction at most: on SQLite who posts waits for its end."""
_OURS = {*provider_posts.CHANNELS, clicks.SOURCE}
"""The sources that are no shop's platform."""
_ROUND, _SMALLEST_SHARE = 600, 20
"""How many deliveries a round reads of all stores together, as long as each has its smallest share."""
_MOST_ROUNDS = 200
WAITING = StoreScan(
    EVENTS.c.store_id,
    is_one_of(EVENTS.c.status, OPEN),
    EVENTS.c.next_at <= bindparam("now", type_=UtcDateTime),
    along=(EVENTS.c.next_at, EVENTS.c.id),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the deliveries of a batch say, by row id; `unreadable` with the reason.

    `elsewhere` has those that another address sent, with it: the shop moved, or a copy of it delivers.
    """

    told: dict[int, list[Record]]
    unreadable: dict[int, str]
    is_demoted: bool
    elsewhere: dict[int, str]


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Read what waits, round after round with a fair share of every store.

    Each round looks at what came by then: who comes amid another store's storm has a share of the next one.
    """
    done: Counter[str] = Counter()
    moment = clock.going_on(now)
    for _ in range(_MOST_ROUNDS):
        count = 0 if kit.stopping.is_set() else _round(kit, moment())
        done["received"] += count
        if not count:
            break
    return +done


def _round(kit: Kit, now: datetime) -> int:
    """One share of each store that has something waiting now, so that a storm keeps nobody waiting."""
    with kit.database.over_all_stores().read() as session:
        stores = WAITING.run(session, now=now)
    share = min(BATCH, max(_SMALLEST_SHARE, _ROUND // max(1, len(stores))))
    return sum(_one_batch(kit, store_id, now, share) for store_id in stores)


def _one_batch(kit: Kit, store_id: int, now: datetime, limit: int) -> int:
    result = run_guarded(lambda: _apply(kit, store_id, now, limit=limit), store=store_id)
    if not isinstance(result, Failed):
        return result
    with kit.database.of_store(store_id).read() as session:
        ids = [event.id for event in inbox.waiting(session, store_id, now, limit=limit)]
    for event_id in ids:
        alone = run_guarded(
            partial(_apply, kit, store_id, now, limit=1, only=event_id), store=store_id, inbound=event_id
        )
        if isinstance(alone, Failed):
            _put_off(kit, store_id, event_id, now=now, failure=alone)
    return len(ids)


def _apply(kit: Kit, store_id: int, now: datetime, *, limit: int, only: int | None = None) -> int:
    """One transaction: the rows' marks and everything that follows from them."""
    # All stores are seen until it is known whose each delivery is. What came for nobody may be the operator's
    # account with a provider, which tells of all of them.
    with kit.database.over_all_stores().write() as session:
        store = rows.find(session, store_id)
        arrived = inbox.waiting(session, store_id, now, limit=limit, only=only)
        foreign = {} if store is None else strangers.among(session, store, arrived)
        if store_id != inbox.NOBODY:
            narrow(session, store_id)
        for event_id, reason in foreign.items():
            inbox.mark_dead(session, store_id, [event_id], reason)
        own = [event for event in arrived if event.id not in foreign]
        _take_effect(session, kit, store, store_id, arrived=own, now=now)
        if arrived:
            failpoints.reached("inbox.in-apply")
    if arrived:
        failpoints.reached("inbox.after-apply")
    return len(arrived)


def _take_effect(
    session: Session,
    kit: Kit,
    store: Store | None,
    store_id: int,
    *,
    arrived: Sequence[Delivery],
    now: datetime,
) -> None:
    posts = [event for event in arrived if event.source in provider_posts.CHANNELS]
    provider_posts.apply(session, kit.runtime.signer, store_id, posts=posts, now=now)
    visits = [event for event in arrived if event.source == clicks.SOURCE]
    if visits:
        _count(session, store_id, visits, now)
    events = [event for event in arrived if event.source not in _OURS]
    if store is None:
        ids = [event.id for event in events]
        inbox.forget(session, store_id, ids)
        inbox.mark_ignored(session, store_id, ids, now=now, reason="unknown shop")
    elif events:
        _mirror(session, kit, store, events=events, now=now)


def _count(session: Session, store_id: int, visits: Sequence[Delivery], now: datetime) -> None:
    """Clicks take effect; what was kept of them meanwhile is not kept any longer."""
    told = [clicks.unpacked(visit.body, visit.received_at) for visit in visits if visit.body]
    clicks.apply(session, store_id, told, now)
    inbox.mark_done(session, store_id, [visit.id for visit in visits], now, is_forgotten=True)


def _mirror(session: Session, kit: Kit, store: Store, *, events: Sequence[Delivery], now: datetime) -> None:
    """What the store's own deliveries say becomes rows."""
    reading = _read(store, events)
    for home in reading.elsewhere.values():
        homes.note(store, home, homes.DELIVERY)
    inbox.mark_ignored(session, store.id, list(reading.elsewhere), now=now, reason="from another address")
    if reading.is_demoted:
        refusals.note(session, store, "owner", now)
    welcome = {
        event_id: [record for record in records if _is_welcome(store, record)]
        for event_id, records in reading.told.items()
    }
    records = [record for told in welcome.values() for record in told]
    people = apply_records(session, kit.runtime.signer, store, records, now=now)
    unwelcome = [event_id for event_id, told in reading.told.items() if told and not welcome[event_id]]
    inbox.mark_ignored(session, store.id, unwelcome, now=now, reason="the shop removed the app")
    inbox.mark_done(session, store.id, sorted(reading.told.keys() - set(unwelcome)), now)
    signer = kit.runtime.signer
    inbox.forget(session, store.id, forgotten.among(session, signer, store.id, welcome, people=people))
    for event_id, reason in reading.unreadable.items():
        inbox.mark_dead(session, store.id, [event_id], reason)


def _read(store: Store, events: Sequence[Delivery]) -> Reading:
    told: dict[int, list[Record]] = {}
    unreadable: dict[int, str] = {}
    mapping = connections.meta_mapping(store)
    is_demoted = False
    elsewhere: dict[int, str] = {}
    for event in events:
        home = home_in(event.body or b"") if event.source == WOOCOMMERCE else ""
        if homes.is_elsewhere(store, home):
            elsewhere[event.id] = home
            continue
        try:
            read = READERS[event.source]
            told[event.id] = read(event.topic, event.body or b"", mapping, event.triggered_at)
        except OwnerDemoted as reason:
            is_demoted = True
            unreadable[event.id] = str(reason)
        except UnreadablePayload as reason:
            unreadable[event.id] = str(reason) or "unreadable"
    return Reading(told, unreadable, is_demoted, elsewhere)


def _is_welcome(store: Store, record: Record) -> bool:
    """A shop that removed the app tells us nothing any more, but privacy requests are still done."""
    return store.state != "uninstalled" or isinstance(record, PrivacyRequest | Uninstalled)


def _put_off(kit: Kit, store_id: int, event_id: int, *, now: datetime, failure: Failed) -> None:
    with kit.database.of_store(store_id).write() as session:
        event = next(iter(inbox.waiting(session, store_id, now, limit=1, only=event_id)), None)
        if event is None:
            return
        pause = pause_after(event.attempts)
        is_early = isinstance(failure.error, OrderNotMirrored)
        text = failure.summary if is_early else failure.trace
        if pause is None:
            inbox.mark_dead(session, store_id, [event.id], text)
        else:
            inbox.mark_retry(session, store_id, event, next_at=now + pause, error=text)
