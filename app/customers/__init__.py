"""Who a person is: registered by the platform's id, guests by their normalised e-mail."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, union
from sqlalchemy.orm import Session

from app import timeline, tombstones
from app.crypto import Signer
from app.customers import aliases
from app.customers.people import People, Person, Telling
from app.customers.rows import TOLD, heard, identity_of, moment, nobody, normalise_email
from app.db import Among, insert_new, table_of, update_rows
from app.models import Customer
from app.timeline import NewEvent
from connectors.base import CustomerRecord

__all__ = [
    "CUSTOMERS",
    "People",
    "Person",
    "Telling",
    "identity_of",
    "lock",
    "normalise_email",
    "upsert_customers",
]

CUSTOMERS = table_of(Customer)
_PER_QUERY = 500
_SOUGHT = CUSTOMERS.alias()
_OF_STORE = _SOUGHT.c.store_id == bindparam("store_id")
_HELD = (
    select(CUSTOMERS.c.id, CUSTOMERS.c.erased_at, *(CUSTOMERS.c[name] for name in TOLD))
    .where(
        CUSTOMERS.c.id.in_(
            union(
                select(_SOUGHT.c.id).where(_OF_STORE, Among(_SOUGHT.c.identity, "identities")),
                select(_SOUGHT.c.id).where(_OF_STORE, Among(_SOUGHT.c.email, "emails")),
            )
        )
    )
    .order_by(CUSTOMERS.c.id)
    .with_for_update()
)
_MINE = CUSTOMERS.c.store_id == bindparam("store_id")
_THEIRS = select(CUSTOMERS.c.id).where(_MINE, Among(CUSTOMERS.c.id, "ids"))
_LOCKED = _THEIRS.order_by(CUSTOMERS.c.id).with_for_update()


def lock(session: Session, store_id: int, ids: Sequence[int]) -> None:
    """Keep these people's rows from others until this transaction ends; on SQLite it has all rows anyhow."""
    if session.get_bind().dialect.name != "sqlite":
        session.execute(_LOCKED, {"store_id": store_id, "ids": ids})


def upsert_customers(
    session: Session,
    signer: Signer,
    store_id: int,
    tellings: Sequence[Telling],
    *,
    now: datetime,
    history_until: datetime | None = None,
) -> People:
    """Mirror people and return whom the news are about.

    A guest whose e-mail belongs to a registered customer is that customer; a guest who registers
    keeps the row and the history. Older facts never overwrite newer ones; of erased people nothing is
    written, however late the news come. News of an id that was merged into another are about that one,
    of whom they say nothing.
    """
    told, known, former = _sorted(session, store_id, _by_identity(tellings))
    if not told:
        return People(former, {})
    # Looked for after the rows: an erasure that locked them first has put its tombstones up by then.
    stones = tombstones.find(session, signer, store_id, _erasable(told, known))
    people = People(dict.fromkeys(known), stones)
    if stones:
        living = [telling for telling in tellings if not people.is_erased(*telling)]
        told, known, _ = _sorted(session, store_id, _by_identity(living), former)
    fresh = _joined({identity: told[identity] for identity in told if identity not in known})
    created = _insert(session, store_id, fresh, now)
    _announce(session, store_id, created, fresh, now=now, history_until=history_until)
    missing = {identity: told[identity] for identity in fresh if identity not in created}
    if missing:
        # Another worker was faster: what it wrote is known by now.
        known |= _known(session, store_id, missing)
    mirrored = _update(session, store_id, known, told, now=now) | created
    joined_to = {
        identity: mirrored[main]
        for main, joined in fresh.items()
        for record in joined
        if (identity := identity_of(record)) is not None
    }
    return People({**mirrored, **joined_to, **former}, stones)


def _by_identity(tellings: Iterable[Telling]) -> dict[str, list[CustomerRecord]]:
    """What is told of each person, the oldest first; records without a moment are older than all."""
    told: dict[str, list[CustomerRecord]] = {}
    for record in sorted((telling.record for telling in tellings), key=moment):
        identity = identity_of(record)
        if identity is not None:
            told.setdefault(identity, []).append(record)
    return told


def _sorted(
    session: Session,
    store_id: int,
    told: dict[str, list[CustomerRecord]],
    former: Mapping[str, Person] | None = None,
) -> tuple[dict[str, list[CustomerRecord]], dict[str, Row[Any]], Mapping[str, Person]]:
    """What is told of people under their present names, their rows, and whom former names stand for.

    Former names are looked for after the rows: a merge that locked them first has named the heir by then. A
    guest's row that has the address is not the account's own, so accounts found by it are asked for, too.
    """
    known = _known(session, store_id, told) if told else {}
    if former is None:
        asked = [
            identity.removeprefix("id:")
            for identity in told
            if identity.startswith("id:") and (identity not in known or known[identity].identity != identity)
        ]
        found = aliases.find(session, store_id, asked)
        former = {f"id:{external_id}": person for external_id, person in found.items()}
    if not former.keys() & told.keys():
        return told, known, former
    present = {identity: records for identity, records in told.items() if identity not in former}
    return present, _known(session, store_id, present) if present else {}, former


def _erasable(told: Mapping[str, list[CustomerRecord]], known: Mapping[str, Row[Any]]) -> set[str]:
    """What may stand on a tombstone: whom no row knows, and every address that stands for itself."""
    asked = {identity for identity in told if identity not in known or identity.startswith("email:")}
    emails = {normalise_email(record.email) for identity in asked for record in told[identity]} - {None}
    return asked | {f"email:{email}" for email in emails}


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
    return {identity: sorted(records, key=moment) for identity, records in joined.items()}


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
        asked = {"store_id": store_id, "identities": identities[part], "emails": emails[part]}
        rows |= {row.id: row for row in session.execute(_HELD, asked).all()}
    return list(rows.values())


def _insert(
    session: Session, store_id: int, fresh: Mapping[str, list[CustomerRecord]], now: datetime
) -> dict[str, Person]:
    rows = [
        {"store_id": store_id, "created_at": now, **heard(nobody(identity), records, now)}
        for identity, records in sorted(fresh.items())
    ]
    columns = (CUSTOMERS.c.id, CUSTOMERS.c.identity, CUSTOMERS.c.email, CUSTOMERS.c.external_id)
    inserted = insert_new(session, CUSTOMERS, rows, *columns)
    return {row.identity: Person(id=row.id, email=row.email, external_id=row.external_id) for row in inserted}


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
        held = dict(zip(TOLD, row[-len(TOLD) :], strict=True))
        values = held
        if row.erased_at is None:
            values = heard(held, sorted(records_of[row.id], key=moment), now)
        if values != held:
            changed.append({"store_id": store_id, "id": row.id, **values})
        people[row.id] = Person(
            row.id, values["email"], values["external_id"], is_erased=row.erased_at is not None
        )
    update_rows(session, CUSTOMERS, changed)
    return {identity: people[row.id] for identity, row in known.items()}
