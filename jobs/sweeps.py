"""What WooCommerce deletes without a word: every night the mirror's ids are asked for, some at a time.

What the shop does not list is only doubted: a look-up of its own must confirm that it is gone, so that a
page that fails or comes back cut short makes nothing look deleted.
"""

from collections import Counter
from datetime import datetime, time, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from app.mirror import sweeps
from app.models import Store
from app.stores import chores, connections, settings
from app.stores.chores import Held
from connectors.base import Resource
from connectors.present import Sweepable
from jobs import access
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
NIGHT = time(3)
"""By the store's own clock."""
MOST_DOUBTS = 500
"""The look-ups of one night; the rest of the mirror waits for the next."""
_IDS_A_PAGE = 100
_PAGES_A_ROUND = 20
_MOST_ROUNDS = 200


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Go on with the sweeps whose night has come, a round of pages at a time."""
    done: Counter[str] = Counter()
    for name, resource in chores.SWEEPS.items():
        with kit.runtime.database.read() as session:
            is_due = chores.is_due(session, name, now)
        for _ in range(_MOST_ROUNDS if is_due else 0):
            with kit.runtime.database.write() as session:
                held = chores.claim(session, name, now)
            if held is None:
                break
            done["swept"] += _round(kit, held, resource, now)
    return +done


def next_night(store: Store, now: datetime) -> datetime:
    """The store's next three o'clock in the morning."""
    local = now.astimezone(ZoneInfo(store.timezone or "UTC"))
    night = datetime.combine(local.date(), NIGHT, local.tzinfo)
    return night if night > local else datetime.combine(local.date() + timedelta(days=1), NIGHT, local.tzinfo)


def _next_sweep(store: Store, now: datetime) -> datetime:
    return next_night(store, now + timedelta(days=settings.number(store, "reconcile.sweep_days") - 1))


def _round(kit: Kit, held: Held, resource: Resource, now: datetime) -> int:
    with kit.runtime.database.read() as session:
        store = session.get_one(Store, held.store_id)
    result = run_guarded(partial(_sweep, kit, held, resource, store=store, now=now))
    if not isinstance(result, Failed):
        return result
    log.warning("sweep put off", store=store.id, sweep=held.name, error=result.summary)
    with kit.runtime.database.write() as session:
        chores.put_off(session, held, result.error, now)
    return 0


def _sweep(kit: Kit, held: Held, resource: Resource, *, store: Store, now: datetime) -> int:
    """Some pages, each moved on in the transaction that files its doubts; how many ids were asked for."""
    after, doubts, count = held.row.position or "", int(held.row.notes.get("doubts", 0)), 0
    sweepable: Sweepable | None = None
    for _ in range(_PAGES_A_ROUND):
        with kit.runtime.database.read() as session:
            ids = sweeps.part(session, store.id, resource, after=after, limit=_IDS_A_PAGE)
        if not ids:
            _end(kit, held, store, position=None, doubts=doubts, now=now)
            return count
        if doubts >= MOST_DOUBTS:
            _end(kit, held, store, position=after, doubts=doubts, now=now)
            return count
        with access.watched(kit, store, now):
            sweepable = sweepable or connections.sweepable(kit.runtime, store)
            missing = set(ids) - set(sweepable.present(resource, ids))
        after, doubts, count = ids[-1], doubts + len(missing), count + len(ids)
        with kit.runtime.database.write() as session:
            if not chores.move(session, held, position=after, notes={"doubts": doubts}, attempts=0):
                return count
            sweeps.doubt(session, store.id, resource, missing, now=now)
    with kit.runtime.database.write() as session:
        chores.release(session, held)
    return count


def _end(kit: Kit, held: Held, store: Store, *, position: str | None, doubts: int, now: datetime) -> None:
    """Done for tonight; with a position the rest of the mirror waits for the next night."""
    tell = log.debug if position is None else log.warning
    tell("sweep ended", store=store.id, sweep=held.name, doubts=doubts, is_whole=position is None)
    with kit.runtime.database.write() as session:
        # What was left over is not kept waiting for longer than a night.
        next_at = _next_sweep(store, now) if position is None else next_night(store, now)
        chores.finish(session, held, now=now, next_at=next_at, position=position, notes={"doubts": 0})
