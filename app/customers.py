"""Who a person is: registered by the platform's id, guests by their normalised e-mail."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, or_, select, update
from sqlalchemy.orm import Session

from app import timeline
from app.db import insert_new, table_of
from app.models import Customer
from app.timeline import NewEvent
from connectors.base import CustomerRecord

CUSTOMERS = table_of(Customer)
_FIELDS = ("email", "phone", "first_name", "last_name", "locale", "country", "region", "city")
_BIRTH = ("birth_year", "birth_month", "birth_day")
_PER_QUERY = 500


@dataclass(frozen=True, slots=True)
class Person:
    """A mirrored customer, as the mirror's later steps need it."""

    id: int
    email: str | None
    external_id: str | None
    is_erased: bool


def normalise_email(text: str | None) -> str | None:
    """Lower case and trimmed; None when there is no address in it."""
    trimmed = (text or "").strip().lower()
    return trimmed if "@" in trimmed and len(trimmed) <= 320 else None


def identity_of(record: CustomerRecord) -> str | None:
    """What makes the person unique in a store, or None for somebody without id and e-mail."""
    if record.external_id:
        return f"id:{record.external_id}"
    email = normalise_email(record.email)
    return f"email:{email}" if email else None


def upsert_customers(
    session: Session,
    store_id: int,
    records: Sequence[CustomerRecord],
    now: datetime,
    *,
    history_until: datetime | None = None,
) -> dict[str, Person]:
    """Mirror people and return them by `identity_of` their record.

    A guest whose e-mail belongs to a registered customer is that customer; a guest who registers
    keeps the row and the history. Older facts never overwrite newer ones; erased people stay erased.
    """
    newest = _merged_by_identity(records)
    if not newest:
        return {}
    known = _known(session, store_id, newest)
    fresh = {identity: record for identity, record in newest.items() if identity not in known}
    created = _insert(session, store_id, fresh, now)
    _announce(session, store_id, created, fresh, now, history_until=history_until)
    _update(session, {i: (known[i], newest[i]) for i in newest if i in known}, now)
    missing = [identity for identity in fresh if identity not in created]
    if missing:
        known |= _known(session, store_id, {identity: newest[identity] for identity in missing})
    people = {identity: _person(row) for identity, row in known.items()}
    return people | created


def by_external_id(session: Session, store_id: int, external_ids: Sequence[str]) -> dict[str, Person]:
    """Registered customers by the platform's id."""
    rows = _select(session, store_id, CUSTOMERS.c.identity.in_([f"id:{value}" for value in external_ids]))
    return {str(row.external_id): _person(row) for row in rows}


def _merged_by_identity(records: Sequence[CustomerRecord]) -> dict[str, CustomerRecord]:
    """One record a person: the newest; records without a moment lose against those with one."""
    newest: dict[str, CustomerRecord] = {}
    for record in records:
        identity = identity_of(record)
        if identity is None:
            continue
        held = newest.get(identity)
        if held is None or _moment(held) <= _moment(record):
            newest[identity] = record
    return newest


def _moment(record: CustomerRecord) -> float:
    return record.updated_at.timestamp() if record.updated_at else 0.0


def _known(session: Session, store_id: int, records: Mapping[str, CustomerRecord]) -> dict[str, Row[Any]]:
    """Existing rows by the identity asked for, following guests to the account with their e-mail."""
    emails = {normalise_email(record.email) for record in records.values()} - {None}
    found: dict[str, Row[Any]] = {}
    by_email: dict[str, Row[Any]] = {}
    for row in _in_chunks(session, store_id, list(records), sorted(filter(None, emails))):
        found[row.identity] = row
        if row.email is not None and (row.external_id or row.email not in by_email):
            by_email[row.email] = row
    result: dict[str, Row[Any]] = {}
    for identity, record in records.items():
        match = found.get(identity) or _by_email(identity, record, by_email)
        if match is not None:
            result[identity] = match
    return result


def _by_email(identity: str, record: CustomerRecord, by_email: Mapping[str, Row[Any]]) -> Row[Any] | None:
    row = by_email.get(normalise_email(record.email) or "")
    if row is None or identity.startswith("email:"):
        return row
    return row if row.external_id is None else None


def _in_chunks(session: Session, store_id: int, identities: list[str], emails: list[str]) -> list[Row[Any]]:
    rows: dict[int, Row[Any]] = {}
    for start in range(0, max(len(identities), len(emails)), _PER_QUERY):
        part = slice(start, start + _PER_QUERY)
        condition = or_(CUSTOMERS.c.identity.in_(identities[part]), CUSTOMERS.c.email.in_(emails[part]))
        rows |= {row.id: row for row in _select(session, store_id, condition)}
    return list(rows.values())


def _select(session: Session, store_id: int, condition: Any) -> Sequence[Row[Any]]:
    statement = (
        select(CUSTOMERS)
        .where(CUSTOMERS.c.store_id == store_id, condition)
        .order_by(CUSTOMERS.c.id)
        .with_for_update()
    )
    return session.execute(statement).all()


def _insert(
    session: Session, store_id: int, fresh: Mapping[str, CustomerRecord], now: datetime
) -> dict[str, Person]:
    rows = [_new_row(store_id, identity, record, now) for identity, record in sorted(fresh.items())]
    columns = (CUSTOMERS.c.id, CUSTOMERS.c.identity, CUSTOMERS.c.email, CUSTOMERS.c.external_id)
    inserted = insert_new(session, CUSTOMERS, rows, *columns)
    return {
        row.identity: Person(id=row.id, email=row.email, external_id=row.external_id, is_erased=False)
        for row in inserted
    }


def _new_row(store_id: int, identity: str, record: CustomerRecord, now: datetime) -> dict[str, Any]:
    values = _values(record)
    return {
        "store_id": store_id,
        "identity": identity,
        "external_id": record.external_id,
        "tags": list(record.tags or ()),
        "platform_orders_count": record.platform_orders_count,
        "source_created_at": record.created_at,
        "source_updated_at": record.updated_at,
        "created_at": now,
        "birth_known_at": _known_since(record, now) if record.birth_month else None,
        **{name: values.get(name) for name in (*_FIELDS, *_BIRTH)},
    }


def _values(record: CustomerRecord) -> dict[str, Any]:
    """What the record states; None means that it says nothing."""
    values = {name: getattr(record, name) for name in (*_FIELDS, *_BIRTH)}
    values["email"] = normalise_email(record.email)
    return {name: value for name, value in values.items() if value is not None}


def _known_since(record: CustomerRecord, now: datetime) -> datetime:
    """When the birthday was told: the platform's moment of the news, never later than now."""
    moment = record.updated_at or record.created_at or now
    return min(moment, now)


def _announce(
    session: Session,
    store_id: int,
    created: Mapping[str, Person],
    fresh: Mapping[str, CustomerRecord],
    now: datetime,
    *,
    history_until: datetime | None,
) -> None:
    events = [
        NewEvent(
            store_id=store_id,
            customer_id=person.id,
            type="customer.created",
            subject=f"customer:{person.id}",
            source_key=f"customer.created:{person.id}",
            occurred_at=fresh[identity].created_at or now,
            is_history=timeline.is_history(fresh[identity].created_at or now, history_until),
        )
        for identity, person in sorted(created.items())
    ]
    timeline.record(session, events, now)


def _update(
    session: Session, pairs: Mapping[str, tuple[Row[Any], CustomerRecord]], now: datetime
) -> None:
    changed: dict[int, dict[str, Any]] = {}
    for row, record in pairs.values():
        new = _changed(row, record, now)
        if new is not None:
            changed[row.id] = new
    if not changed:
        return
    names = [name for name in next(iter(changed.values())) if name != "row_id"]
    statement = (
        update(CUSTOMERS)
        .where(CUSTOMERS.c.id == bindparam("row_id"))
        .values({name: bindparam(name) for name in names})
    )
    session.connection().execute(statement, [changed[key] for key in sorted(changed)])


def _changed(row: Row[Any], record: CustomerRecord, now: datetime) -> dict[str, Any] | None:
    """The row's new values, or None when nothing changes."""
    if row.erased_at is not None:
        return None
    held = row._mapping
    stated = _values(record)
    if row.source_updated_at and _moment(record) < row.source_updated_at.timestamp():
        stated = {name: value for name, value in stated.items() if held[name] is None}
    values = {name: stated.get(name, held[name]) for name in (*_FIELDS, *_BIRTH)}
    values["external_id"] = row.external_id or record.external_id
    values["identity"] = f"id:{values['external_id']}" if values["external_id"] else row.identity
    values["tags"] = list(record.tags) if record.tags is not None else row.tags
    values["platform_orders_count"] = record.platform_orders_count or row.platform_orders_count
    values["birth_known_at"] = row.birth_known_at
    if any(values[name] != held[name] for name in ("birth_month", "birth_day")):
        values["birth_known_at"] = _known_since(record, now)
    if all(values[name] == held[name] for name in values):
        return None
    values["source_updated_at"] = max(filter(None, (row.source_updated_at, record.updated_at)), default=None)
    return {"row_id": row.id, **values}


def _person(row: Row[Any]) -> Person:
    return Person(
        id=row.id, email=row.email, external_id=row.external_id, is_erased=row.erased_at is not None
    )
