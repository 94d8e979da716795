"""What WooCommerce deletes without a word: every night the mirror's ids are asked for, some at a time.

What the shop does not list is only doubted: a look-up of its own must confirm that it is gone, so that a
page that fails or comes back cut short makes nothing look deleted.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial

import structlog
from sqlalchemy.orm import Session

from app.messaging import zones
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
    local = now.astimezone(zones.zone_named(store.timezone))
    night = datetime.combine(local.date(), NIGHT, local.tzinfo)
    return night if night > local else datetime.combine(local.date() + timedelta(days=1), NIGHT, local.tzinfo)


def _next_sweep(store: Store, now: datetime) -> datetime:
    return next_night(store, now + timedelta(days=settings.number(store, "reconcile.sweep_days") - 1))


def _sweep(kit: Kit, held: Held, store: Store, now: datetime) -> upkeep.Ending:
    """Some pages, each moved on in the transaction that files its doubts; it counts the ids asked for."""
    after, doubts, count = held.row.position or "", int(held.row.notes.get("doubts", 0)), 0
    resource, sweepable = chores.SWEEPS[held.name], None
    for _ in range(_PAGES_A_ROUND):
        with kit.database.of_store(store.id).read() as session:
            ids = sweeps.part(session, store.id, resource, after=after, limit=_IDS_A_PAGE)
        if not ids or doubts >= MOST_DOUBTS:
            night = _Night(store, position=after if ids else None, doubts=doubts, count=count)
            return partial(_end, held=held, night=night, now=now)
        with access.watched(kit, store, now):
            sweepable = sweepable or connections.sweepable(kit.runtime, store)
            missing = set(ids) - set(sweepable.present(resource, ids))
        after, doubts, count = ids[-1], doubts + len(missing), count + len(ids)
        with kit.database.of_store(store.id).write() as session:
            if not chores.move(session, held, position=after, notes={"doubts": doubts}, attempts=0):
                break
            sweeps.doubt(session, store.id, resource, missing, now=now)
    return partial(_rest, held=held, count=count)


@dataclass(frozen=True, slots=True)
class _Night:
    """How far a night's sweep came; with a position the rest of the mirror waits for the next night."""

    store: Store
    position: str | None
    doubts: int
    count: int


def _rest(session: Session, *, held: Held, count: int) -> int:
    chores.release(session, held)
    return count


def _end(session: Session, *, held: Held, night: _Night, now: datetime) -> int:
    """Done for tonight."""
    is_whole, store = night.position is None, night.store
    tell = log.debug if is_whole else log.warning
    tell("sweep ended", store=store.id, sweep=held.name, doubts=night.doubts, is_whole=is_whole)
    # What was left over is not kept waiting for longer than a night.
    next_at = _next_sweep(store, now) if is_whole else next_night(store, now)
    chores.finish(session, held, now=now, next_at=next_at, position=night.position, notes={"doubts": 0})
    return night.count
