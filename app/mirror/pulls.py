"""The rows that say what is to be pulled from a storefront: claimed with a lease, moved with its token."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import chain
from typing import Any
from uuid import uuid4

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    Update,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from app.db import Among, UtcDateTime, insert_new, lease_now, table_of
from app.models import Backfill, Reconciliation, Store
from app.stores import settings
from connectors.base import ConnectorError, RecordPage, Resource

BACKFILLS, RECONCILIATIONS = table_of(Backfill), table_of(Reconciliation)
LEASE = timedelta(seconds=120)
OVERLAP = timedelta(minutes=10)
_LONGEST_PAUSE = timedelta(hours=1)
_EVERY = dict.fromkeys(("products", "customers", "reviews"), timedelta(hours=1))
_WOO_CUSTOMERS = timedelta(days=1)
_RESOURCES = (Resource.ORDERS, Resource.PRODUCTS, Resource.CUSTOMERS, Resource.CHECKOUTS)
_WHOLE = {"woocommerce": (Resource.REVIEWS,)}
"""What only some platforms have, and is pulled from its beginning: a few, of which nothing is backfilled."""
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)

_NOW = bindparam("now", type_=UtcDateTime)
_BACKFILL_DUE = (
    select(BACKFILLS.c.store_id)
    .where(BACKFILLS.c.finished_at.is_(None), BACKFILLS.c.next_at <= _NOW)
    .limit(1)
)
_STORES_DUE = (
    select(RECONCILIATIONS.c.store_id)
    .where(RECONCILIATIONS.c.next_at <= _NOW)
    .group_by(RECONCILIATIONS.c.store_id)
    .order_by(func.min(RECONCILIATIONS.c.next_at), RECONCILIATIONS.c.store_id)
    .limit(bindparam("most"))
)


def _free(table: Table, *conditions: Any) -> Select[Any]:
    """The rows that wait and that nobody holds, the longest waiting first."""
    free = or_(table.c.lease_until.is_(None), table.c.lease_until < bindparam("moment", type_=UtcDateTime))
    return (
        select(table)
        .where(table.c.next_at <= _NOW, free, *conditions)
        .order_by(table.c.next_at, table.c.store_id, table.c.resource.desc())
        .with_for_update(skip_locked=True)
    )


def _lease_of(table: Table) -> Update:
    """Takes rows of a store."""
    return (
        update(table)
        .where(table.c.store_id == bindparam("store"), Among(table.c.resource, "pulled"))
        .values(lease_token=bindparam("token"), lease_until=bindparam("until"))
    )


_FIRST_BACKFILL = _free(BACKFILLS, BACKFILLS.c.finished_at.is_(None)).limit(1)
_ALL_OF_STORE = _free(RECONCILIATIONS, RECONCILIATIONS.c.store_id == bindparam("store"))
_LEASES = {table: _lease_of(table) for table in (BACKFILLS, RECONCILIATIONS)}
_STILL_HELD = (
    select(RECONCILIATIONS.c.resource)
    .where(
        RECONCILIATIONS.c.store_id == bindparam("store"), RECONCILIATIONS.c.lease_token == bindparam("token")
    )
    .with_for_update()
)
_FINISHED = (
    update(RECONCILIATIONS)
    .where(
        RECONCILIATIONS.c.store_id == bindparam("store"),
        RECONCILIATIONS.c.resource == bindparam("pulled"),
        RECONCILIATIONS.c.lease_token == bindparam("token"),
    )
    .values(
        pulled_to=bindparam("to"),
        next_at=bindparam("next"),
        attempts=0,
        error=None,
        lease_token=None,
        lease_until=None,
    )
)


@dataclass(frozen=True, slots=True)
class Pull:
    """A claimed row; `token` guards every later write of it."""

    store_id: int
    resource: Resource
    token: str
    row: Row[Any]


def has_backfill(session: Session, now: datetime) -> bool:
    """Whether a backfill may be due."""
    return session.execute(_BACKFILL_DUE, {"now": now}).first() is not None


def stores_to_reconcile(session: Session, now: datetime, most: int) -> list[int]:
    """The stores of which something may be due to be looked at again, the longest waiting first."""
    return list(session.execute(_STORES_DUE, {"now": now, "most": most}).scalars())


def claim_backfill(session: Session, now: datetime) -> Pull | None:
    """One resource whose history is still to be read, or None."""
    return next(iter(_claim(session, _FIRST_BACKFILL, BACKFILLS, {"now": now})), None)


def claim_reconciliations(session: Session, store_id: int, now: datetime) -> list[Pull]:
    """All resources of a store that are to be looked at again."""
    return _claim(session, _ALL_OF_STORE, RECONCILIATIONS, {"now": now, "store": store_id})


def kinds() -> tuple[str, ...]:
    """Everything that is pulled of one platform or another."""
    return tuple(f"pull {one.value}" for one in chain(_RESOURCES, *_WHOLE.values()))


def ensure_reconciliations(session: Session, store: Store, now: datetime) -> None:
    """Give a connected store its rows; the first pull begins where the install did."""
    wholes = _WHOLE.get(store.platform, ())
    rows = [
        {
            "store_id": store.id,
            "resource": resource.value,
            "pulled_to": _BEGINNING if resource in wholes else store.installed_at,
            "next_at": now + interval(store, resource),
            "lease_token": None,
            "lease_until": None,
            "attempts": 0,
            "error": None,
        }
        for resource in (*_RESOURCES, *wholes)
    ]
    insert_new(session, RECONCILIATIONS, rows)


def interval(store: Store, resource: Resource) -> timedelta:
    """How long between two pulls. WooCommerce lists customers only as a whole, so once a day."""
    base = timedelta(minutes=settings.number(store, "reconcile.every_minutes"))
    if resource is Resource.CUSTOMERS and store.platform == "woocommerce":
        return max(base, _WOO_CUSTOMERS)
    return max(base, _EVERY.get(resource.value, base))


def move_backfill(
    session: Session, pull: Pull, page: RecordPage, *, total: int | None, now: datetime
) -> bool:
    """Write how far the history was read; False when the lease is somebody else's by now.

    A page that waits gives the row back until its time has come.
    """
    values = {
        "cursor": page.cursor,
        "done": len(page.records) if page.is_restart else BACKFILLS.c.done + len(page.records),
        "total": total if total is not None else BACKFILLS.c.total,
        "lease_until": lease_now(session) + LEASE,
        "attempts": 0,
        "error": None,
    }
    if page.cursor is None:
        values |= {"finished_at": now, "lease_token": None, "lease_until": None}
    elif page.wait_seconds is not None:
        next_at = now + timedelta(seconds=page.wait_seconds)
        values |= {"next_at": next_at, "lease_token": None, "lease_until": None}
    return _write(session, BACKFILLS, pull, values)


def hold_reconciliation(session: Session, pull: Pull) -> bool:
    """Keep others from it for a lease from now on; False when it is somebody else's by now."""
    return _write(session, RECONCILIATIONS, pull, {"lease_until": lease_now(session) + LEASE})


def finish_reconciliations(
    session: Session, pulls: Sequence[Pull], store: Store, *, pulled_to: datetime, now: datetime
) -> frozenset[Resource]:
    """These resources of one claim were pulled as of `pulled_to`; the next pulls are set.

    Returns:
        those that were still ours; of the others nothing is written.
    """
    all_of = {"store": store.id, "token": pulls[0].token, "to": pulled_to}
    still_held = set(session.execute(_STILL_HELD, all_of).scalars())
    ours = frozenset(pull.resource for pull in pulls if pull.resource.value in still_held)
    if ours:
        ended = [{**all_of, "pulled": one.value, "next": now + interval(store, one)} for one in ours]
        session.execute(_FINISHED, ended)
    return ours


def catch_up(session: Session, store_id: int, resource: Resource, *, since: datetime, now: datetime) -> None:
    """Have a resource pulled at once from `since` on, or from where it was pulled to if that is earlier.

    A pull that is under way loses its lease, so that its end does not put this off.
    """
    earlier = case(
        (RECONCILIATIONS.c.pulled_to > since, literal(since, UtcDateTime())),
        else_=RECONCILIATIONS.c.pulled_to,
    )
    session.execute(
        update(RECONCILIATIONS)
        .where(RECONCILIATIONS.c.store_id == store_id, RECONCILIATIONS.c.resource == resource.value)
        .values(pulled_to=earlier, next_at=now, lease_token=None, lease_until=None)
    )


def put_off(session: Session, pull: Pull, *, error: ConnectorError, now: datetime, is_backfill: bool) -> None:
    """The storefront failed; try again when it asks us to, or later, slower each time."""
    pause = min(timedelta(seconds=30) * 2 ** min(pull.row.attempts, 10), _LONGEST_PAUSE)
    if error.retry_after_seconds is not None:
        pause = min(timedelta(seconds=error.retry_after_seconds), _LONGEST_PAUSE)
    values = {
        "next_at": now + pause,
        "attempts": pull.row.attempts + 1,
        "error": str(error)[:2000],
        "lease_token": None,
        "lease_until": None,
    }
    _write(session, BACKFILLS if is_backfill else RECONCILIATIONS, pull, values)


def give_back(session: Session, pulls: Sequence[Pull]) -> None:
    """Let others look at what was claimed and not begun."""
    for pull in pulls:
        _write(session, RECONCILIATIONS, pull, {"lease_token": None, "lease_until": None})


def release(session: Session, pull: Pull) -> None:
    """Give the row back after a round; the next round goes on from its cursor."""
    _write(session, BACKFILLS, pull, {"lease_token": None, "lease_until": None})


def release_own(session: Session, store_id: int) -> None:
    """Give back what a killed process held, where nobody else works on the database."""
    for table in (BACKFILLS, RECONCILIATIONS):
        session.execute(
            update(table).where(table.c.store_id == store_id).values(lease_token=None, lease_until=None)
        )


def _claim(session: Session, free: Select[Any], table: Table, asked: Mapping[str, Any]) -> list[Pull]:
    """Take rows of one store, all by one token: with its resource it names one of them."""
    moment, token = lease_now(session), uuid4().hex
    found = session.execute(free, {**asked, "moment": moment}).all()
    if found:
        taken = [row.resource for row in found]
        held = {"store": found[0].store_id, "pulled": taken, "token": token, "until": moment + LEASE}
        session.execute(_LEASES[table], held)
    return [Pull(row.store_id, Resource(row.resource), token, row) for row in found]


def _write(session: Session, table: Table, pull: Pull, values: dict[str, Any]) -> bool:
    # What is reckoned from the row is part of the statement.
    reckoned = {name: value for name, value in values.items() if isinstance(value, ColumnElement)}
    statement = _writing(table, tuple(values.keys() - reckoned.keys()))
    key = {"store": pull.store_id, "pulled": pull.resource.value, "token": pull.token}
    given = {name: value for name, value in values.items() if name not in reckoned}
    return bool(session.execute(statement.values(reckoned) if reckoned else statement, key | given).all())


@cache
def _writing(table: Table, names: tuple[str, ...]) -> ReturningUpdate[Any]:
    """Writes these columns of a row that is still held."""
    return (
        update(table)
        .where(
            table.c.store_id == bindparam("store"),
            table.c.resource == bindparam("pulled"),
            table.c.lease_token == bindparam("token"),
        )
        .values({name: bindparam(name, type_=table.c[name].type) for name in names})
        .returning(table.c.store_id)
    )
