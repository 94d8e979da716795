"""What WooCommerce deletes without a word: every night the mirror's ids are asked for, some at a time.

What the shop does not list is only doubted: a look-up of its own must confirm that it is gone, so that a
page that fails or comes back cut short makes nothing look deleted.
"""

from collections import Counter
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from app.mirror import sweeps
from app.models import Store
from app.stores import chores, connections, settings
from app.stores.chores import Held
from jobs import access, upkeep
from jobs.kit import Kit

log = structlog.get_logger()
NIGHT = time(3)
"""By the store's own clock."""
MOST_DOUBTS = 500
"""The look-ups of one night; the rest of the mirror waits for the next."""
_IDS_A_PAGE = 100
_PAGES_A_ROUND = 20


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Go on with the sweeps whose night has come, a round of pages at a time."""
    return +Counter({"swept": sum(upkeep.run(kit, name, now, _sweep) for name in chores.SWEEPS)})


def next_night(store: Store, now: datetime) -> datetime:
    """The store's next three o'clock in the morning."""
    local = now.astimezone(ZoneInfo(store.timezone or "UTC"))
    night = datetime.combine(local.date(), NIGHT, local.tzinfo)
    return night if night > local else datetime.combine(local.date() + timedelta(days=1), NIGHT, local.tzinfo)


def _next_sweep(store: Store, now: datetime) -> datetime:
    return next_night(store, now + timedelta(days=settings.number(store, "reconcile.sweep_days") - 1))


def _sweep(kit: Kit, held: Held, store: Store, now: datetime) -> int:
    """Some pages, each moved on in the transaction that files its doubts; how many ids were asked for."""
    after, doubts, count = held.row.position or "", int(held.row.notes.get("doubts", 0)), 0
    resource, sweepable = chores.SWEEPS[held.name], None
    for _ in range(_PAGES_A_ROUND):
        with kit.database.of_store(store.id).read() as session:
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
        with kit.database.of_store(store.id).write() as session:
            if not chores.move(session, held, position=after, notes={"doubts": doubts}, attempts=0):
                return count
            sweeps.doubt(session, store.id, resource, missing, now=now)
    with kit.database.of_store(store.id).write() as session:
        chores.release(session, held)
    return count


def _end(kit: Kit, held: Held, store: Store, *, position: str | None, doubts: int, now: datetime) -> None:
    """Done for tonight; with a position the rest of the mirror waits for the next night."""
    tell = log.debug if position is None else log.warning
    tell("sweep ended", store=store.id, sweep=held.name, doubts=doubts, is_whole=position is None)
    with kit.database.of_store(store.id).write() as session:
        # What was left over is not kept waiting for longer than a night.
        next_at = _next_sweep(store, now) if position is None else next_night(store, now)
        chores.finish(session, held, now=now, next_at=next_at, position=position, notes={"doubts": 0})
