"""What a restore leaves to be done: nothing may be sent twice, and what was missed is asked for again.

In the transaction that puts the rows back, so that no worker ever sees them without it.
"""

from datetime import datetime

from sqlalchemy import Table, case, delete, func, insert, literal, select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.db import Base, UtcDateTime, table_of
from app.messaging import held
from app.mirror.pulls import BACKFILLS, RECONCILIATIONS
from app.models import (
    Customer,
    CustomerEvent,
    Heartbeat,
    InstallAttempt,
    JobRun,
    MachineStart,
    Member,
    MemberLetter,
    MemberSession,
    Message,
    Notice,
    Restore,
    SignInAttempt,
    SignInLink,
    Store,
)
from app.stores.chores import CHORES
from app.stores.notices import NOTICES, QUEUED

JUMP = 1_000_000_000
"""By how much ids go on: more than can have been given out since the backup.

Providers, links and programs outside know rows of that time by their ids, which must never be another's.
"""
_LEASED_APART = table_of(Message)
_PASSING = (Heartbeat, MachineStart, SignInLink, MemberSession, MemberLetter, SignInAttempt, InstallAttempt)
"""What must not outlive a restore: links may have been used and sessions ended since, and nobody listened."""
_OUTSIDE = (table_of(Message), table_of(Customer), table_of(Member), table_of(CustomerEvent))
"""On SQLite alone these have a counter of their own; every other id is one more than the largest."""


def settle(session: Session, *, backed_up_at: datetime, revision: str, now: datetime) -> int:
    """Hold, release, ask again and go on with fresh ids; how many messages are held."""
    count = held.hold_due(session, now)
    _free_leases(session)
    _look_again(session, backed_up_at, now)
    for model in _PASSING:
        session.execute(delete(table_of(model)))
    session.execute(delete(table_of(JobRun)).where(JobRun.ended_at.is_(None)))
    # A merchant may have been told in the meantime: better not at all than twice.
    session.execute(update(NOTICES).where(Notice.status == QUEUED).values(status="unknown"))
    _jump(session)
    row = {"backed_up_at": backed_up_at, "restored_at": now, "revision": revision, "held": count}
    session.execute(insert(table_of(Restore)).values(**row))
    told = {"backed_up_at": backed_up_at.isoformat()}
    for store_id in session.execute(select(Store.id).order_by(Store.id)).scalars():
        audit.record(session, store_id, audit.OPERATOR, audit.STORE_RESTORED, now=now, details=told)
    return count


def _free_leases(session: Session) -> None:
    """Whoever held a row is no more."""
    for table in Base.metadata.sorted_tables:
        if "lease_token" in table.c and table is not _LEASED_APART:
            free = update(table).values(lease_token=None, lease_until=None)
            session.execute(free.where(table.c.lease_token.is_not(None)))


def _look_again(session: Session, backed_up_at: datetime, now: datetime) -> None:
    """Everything since the backup is pulled at once, and what is tended for a store is tended."""
    since = literal(backed_up_at, UtcDateTime())
    earlier = case((RECONCILIATIONS.c.pulled_to > backed_up_at, since), else_=RECONCILIATIONS.c.pulled_to)
    session.execute(update(RECONCILIATIONS).values(pulled_to=earlier, next_at=now, attempts=0))
    session.execute(update(CHORES).values(next_at=now, attempts=0))
    session.execute(update(BACKFILLS).where(BACKFILLS.c.finished_at.is_(None)).values(next_at=now))


def _jump(session: Session) -> None:
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    tables = _OUTSIDE if is_sqlite else [table for table in Base.metadata.sorted_tables if "id" in table.c]
    for table in tables:
        last = (session.execute(select(func.max(table.c.id))).scalar_one() or 0) + JUMP
        (_set_sqlite if is_sqlite else _set_postgresql)(session, table, last)


def _set_sqlite(session: Session, table: Table, last: int) -> None:
    session.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": table.name})
    told = {"name": table.name, "last": last}
    session.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), told)


def _set_postgresql(session: Session, table: Table, last: int) -> None:
    session.execute(select(func.setval(func.pg_get_serial_sequence(table.name, "id"), last)))
