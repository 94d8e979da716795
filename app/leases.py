"""The two clocks that nothing simulates: the one that leases go by, and the one on the wall.

PostgreSQL's clock is both, for all machines. SQLite has none, and its file is one machine's: there leases
are dated by how long the machine has been up, which no correction of the time and no wrong clock of one
process changes. The first process after a start of the machine writes down which moment that start is to
be, never before one that a lease was dated by: so leases' time does not run backwards, whatever the clock
on the wall says by then.
"""

import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from sqlalchemy import column, func, select, table, text, true, union_all
from sqlalchemy.orm import Session

from app import engines

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""Linux: another one at each start of the machine, the same in all of its containers."""
DATED_BY_LEASES: Final = {
    "backfills": "lease_until",
    "chores": "lease_until",
    "member_letters": "lease_until",
    "messages": "lease_until",
    "notices": "lease_until",
    "reconciliations": "lease_until",
    "rehearsals": "lease_until",
    "senders": "refilled_at",
    "store_writes": "lease_until",
    "trials": "claimed_at",
}
"""Where moments of leases are kept, each on that clock alone."""
# Not unixepoch('subsec'): SQLite knows it from 3.42 on only.
_WALL = text("SELECT CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)")
_START = text("SELECT started_at FROM machine_starts WHERE boot_id = :boot")
_NEW_START = text("INSERT INTO machine_starts (boot_id, started_at) VALUES (:boot, :started)")
# Of messages the open ones alone may be leased, and have an index by that very condition.
_OPEN = {"messages": text("status IN ('queued', 'preparing', 'sending')")}
_LATEST = select(
    func.max(
        union_all(
            *(
                select(func.max(column(dated)).label("latest"))
                .select_from(table(name))
                .where(_OPEN.get(name, true()))
                for name, dated in DATED_BY_LEASES.items()
            )
        )
        .subquery()
        .c.latest
    )
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITTEN = "ritorno_machine_start_written"


def lease_now(session: Session) -> datetime:
    """The moment that leases are dated and compared by, and nothing else; never simulated.

    On SQLite it is asked of the machine, not of the file, once a process knows when the machine started.
    """
    bind = session.get_bind()
    boot = _boot_id() if bind.dialect.name == "sqlite" else None
    if boot is None:
        return wall_now(session)
    known = bind.get_execution_options()[engines.MACHINE_START]
    started = known.get(boot)
    if started is None:
        started = _start_of(session, boot, known)
    return _moment(started + _uptime())


def wall_now(session: Session) -> datetime:
    """The database's wall clock, as people and platforms have it: for expiries, codes; never simulated."""
    if session.get_bind().dialect.name == "sqlite":
        return _moment(session.execute(_WALL).scalar_one())
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment


def _start_of(session: Session, boot: str, known: dict[str, int]) -> int:
    """When the machine started, in microseconds since 1970: as it is written down, or is from now on.

    A transaction that only reads writes nothing: it finds no lease of this start either. What this one has
    written may yet be undone, so that a later one is the first to rely on it.
    """
    found = session.execute(_START, {"boot": boot}).scalar_one_or_none()
    if found is not None:
        if _WRITTEN not in session.info:
            known[boot] = found
        return int(found)
    latest = session.execute(_LATEST).scalar_one() or 0
    started = max(session.execute(_WALL).scalar_one(), latest) - _uptime()
    if not session.get_bind().get_execution_options().get(engines.READ_ONLY):
        session.execute(_NEW_START, {"boot": boot, "started": started})
        session.info[_WRITTEN] = True
    return int(started)


@cache
def _boot_id() -> str | None:
    """Which start of the machine this is; None where it does not say, or has no clock of its uptime."""
    if not hasattr(time, "CLOCK_BOOTTIME") or not BOOT_ID.exists():
        return None
    return BOOT_ID.read_text().strip()


def _uptime() -> int:
    """Microseconds since the machine started, those asleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


def _moment(micros: Any) -> datetime:
    return _EPOCH + timedelta(microseconds=int(micros))
