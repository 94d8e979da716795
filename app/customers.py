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
_MOMENTS = ("source_created_at", "source_updated_at", "birth_known_at")
_COUNT = ("platform_orders_count", "platform_orders_at")
_TOLD = (*_FIELDS, *_BIRTH, *_MOMENTS, *_COUNT, "external_id", "identity", "tags")
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
    told = _by_identity(records)
    if not told:
        return {}
    known = _known(session, store_id, told)
    fresh = _joined({identity: told[identity] for identity in told if identity not in known})
    created = _insert(session, store_id, fresh, now)
    _announce(session, store_id, created, fresh, now=now, history_until=history_until)
    missing = {identity: told[identity] for identity in fresh if identity not in created}
    if missing:
        # Another worker was faster: what it wrote is known by now.
        known |= _known(session, store_id, missing)
    people = _update(session, store_id, known, told, now=now) | created
    return people | {
        identity: people[main]
        for main, joined in fresh.items()
        for record in joined
        if (identity := identity_of(record)) is not None
    }


def _by_identity(records: Sequence[CustomerRecord]) -> dict[str, list[CustomerRecord]]:
    """What is told of each person, the oldest first; records without a moment are older than all."""
    told: dict[str, list[CustomerRecord]] = {}
    for record in sorted(records, key=_moment):
        identity = identity_of(record)
        if identity is not None:
            told.setdefault(identity, []).append(record)
    return told


def _joined(fresh: Mapping[str, list[CustomerRecord]]) -> dict[str, list[CustomerRecord]]:
    """New people, a guest being the account of the same batch that has the address."""
    account_of = {
        email: identity
        for identity in sorted(fresh, reverse=True)
        for record in fresh[identity]
        if identity.startswith("id:") and (email := normalise_email(record.email)) is not None
    }
    joined: dict[str, list[CustomerRecord]] = {}
    for identity, records in fresh.items():
        joined.setdefault(account_of.get(identity.removeprefix("email:"), identity), []).extend(records)
    return {identity: sorted(records, key=_moment) for identity, records in joined.items()}


def _moment(record: CustomerRecord) -> float:
    return record.updated_at.timestamp() if record.updated_at else 0.0


def _known(session: Session, store_id: int, told: Mapping[str, list[CustomerRecord]]) -> dict[str, Row[Any]]:
    """Existing rows by the identity asked for, following guests to the account with their e-mail."""
    emails = {normalise_email(record.email) for records in told.values() for record in records} - {None}
    found: dict[str, Row[Any]] = {}
    by_email: dict[str, Row[Any]] = {}
    for row in _in_chunks(session, store_id, list(told), sorted(filter(None, emails))):
        found[row.identity] = row
        if row.email is not None and (row.external_id or row.email not in by_email):
            by_email[row.email] = row
    result: dict[str, Row[Any]] = {}
    registered: set[int] = set()
    for identity in sorted(told):
        match = found.get(identity) or _by_email(identity, told[identity][-1], by_email)
        if match is None or (identity.startswith("id:") and match.id in registered):
            continue
        result[identity] = match
        if identity.startswith("id:"):
            registered.add(match.id)
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
    session: Session, store_id: int, fresh: Mapping[str, list[CustomerRecord]], now: datetime
) -> dict[str, Person]:
    rows = [
        {"store_id": store_id, "created_at": now, **_heard(_nobody(identity), records, now)}
        for identity, records in sorted(fresh.items())
    ]
    columns = (CUSTOMERS.c.id, CUSTOMERS.c.identity, CUSTOMERS.c.email, CUSTOMERS.c.external_id)
    inserted = insert_new(session, CUSTOMERS, rows, *columns)
    return {
        row.identity: Person(id=row.id, email=row.email, external_id=row.external_id, is_erased=False)
        for row in inserted
    }


def _nobody(identity: str) -> dict[str, Any]:
    """A row of which nothing was told yet."""
    return {**dict.fromkeys(_TOLD), "identity": identity, "tags": []}


def _values(record: CustomerRecord) -> dict[str, Any]:
    """What the record states; None means that it says nothing."""
    values = {name: getattr(record, name) for name in (*_FIELDS, *_BIRTH, "platform_orders_count")}
    values["email"] = normalise_email(record.email)
    values["tags"] = None if record.tags is None else list(record.tags)
    return {name: value for name, value in values.items() if value is not None}


def _known_since(record: CustomerRecord, now: datetime) -> datetime:
    """When the birthday was told: the platform's moment of the news, never later than now."""
    moment = record.updated_at or record.created_at or now
    return min(moment, now)


def _announce(
    session: Session,
    store_id: int,
    created: Mapping[str, Person],
    fresh: Mapping[str, list[CustomerRecord]],
    *,
    now: datetime,
    history_until: datetime | None,
) -> None:
    events = []
    for identity, person in sorted(created.items()):
        moments = [record.created_at for record in fresh[identity] if record.created_at is not None]
        occurred_at = min(moments, default=now)
        event = NewEvent(
            store_id=store_id,
            customer_id=person.id,
            type="customer.created",
            subject=f"customer:{person.id}",
            source_key=f"customer.created:{person.id}",
            occurred_at=occurred_at,
            is_history=timeline.is_history(occurred_at, history_until),
        )
        events.append(event)
    timeline.record(session, events, now)


def _update(
    session: Session,
    store_id: int,
    known: Mapping[str, Row[Any]],
    told: Mapping[str, list[CustomerRecord]],
    *,
    now: datetime,
) -> dict[str, Person]:
    """Write what changed of the rows that exist; return whom each identity stands for."""
    records_of: dict[int, list[CustomerRecord]] = {}
    for identity, row in known.items():
        records_of.setdefault(row.id, []).extend(told[identity])
    people: dict[int, Person] = {}
    changed: list[dict[str, Any]] = []
    for row in sorted({row.id: row for row in known.values()}.values(), key=lambda row: row.id):
        held = {name: row._mapping[name] for name in _TOLD}
        values = held
        if row.erased_at is None:
            values = _heard(held, sorted(records_of[row.id], key=_moment), now)
        if values != held:
            changed.append({"row_id": row.id, **values})
        people[row.id] = Person(
            row.id, values["email"], values["external_id"], is_erased=row.erased_at is not None
        )
    if changed:
        statement = (
            update(CUSTOMERS)
            .where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == bindparam("row_id"))
            .values({name: bindparam(name) for name in _TOLD})
        )
        session.connection().execute(statement, changed)
    return {identity: people[row.id] for identity, row in known.items()}


def _heard(held: Mapping[str, Any], records: Sequence[CustomerRecord], now: datetime) -> dict[str, Any]:
    """The row's values after these news; what is older than the row fills its gaps only."""
    values = dict(held)
    for record in records:
        stated = _values(record)
        told_at = values["source_updated_at"]
        if told_at is not None and _moment(record) < told_at.timestamp():
            stated = {name: value for name, value in stated.items() if values[name] is None}
        values["birth_known_at"] = _birth_known_at(values, stated, record, now)
        if (
            stated.get("platform_orders_count", values["platform_orders_count"])
            != values["platform_orders_count"]
        ):
            values["platform_orders_at"] = now
        values |= stated
        values["source_updated_at"] = max(filter(None, (told_at, record.updated_at)), default=None)
        values["source_created_at"] = values["source_created_at"] or record.created_at
        if values["external_id"] is None and record.external_id is not None:
            values |= {"external_id": record.external_id, "identity": f"id:{record.external_id}"}
    return values


def _birth_known_at(
    values: Mapping[str, Any], stated: Mapping[str, Any], record: CustomerRecord, now: datetime
) -> datetime | None:
    """Since when the birthday is known: each of its tellings proves that it was known by then."""
    held: datetime | None = values["birth_known_at"]
    birthday = {name: stated.get(name, values[name]) for name in ("birth_month", "birth_day")}
    if any(birthday[name] != values[name] for name in birthday):
        return _known_since(record, now)
    is_told_again = all(getattr(record, name) == birthday[name] for name in birthday)
    return min(held, _known_since(record, now)) if held is not None and is_told_again else held
