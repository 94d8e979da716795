"""What is no longer needed goes, in small batches: raw bodies, message contents, old keys, attempts, proofs.

One statement asks for a store's oldest row of every kind, and only kinds with something old are gone through:
a night without old rows costs next to nothing, however many kinds there are and however long the history is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BindParameter,
    Column,
    ColumnElement,
    CompoundSelect,
    Date,
    Integer,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy.orm import Session

from app.consent import LEDGER, STATES
from app.db import Among, Id, UtcDateTime, table_of
from app.inbox import NOBODY
from app.models import (
    AccessEntry,
    AuditEntry,
    Checkout,
    Confirmation,
    InboundBody,
    InboundEvent,
    Message,
    MessageAttempt,
    SetAside,
    Store,
    StoreWrite,
    TextCost,
)
from app.models.inbound_event import STATES as DELIVERY_STATES
from app.models.store_write import DEAD, DONE, FAILED, SKIPPED

EVENTS, BODIES = table_of(InboundEvent), table_of(InboundBody)
MESSAGES, ATTEMPTS = table_of(Message), table_of(MessageAttempt)
WRITES, CHECKOUTS, CONFIRMATIONS = table_of(StoreWrite), table_of(Checkout), table_of(Confirmation)
ACCESSES, AUDITS = table_of(AccessEntry), table_of(AuditEntry)
COSTS, ASIDES = table_of(TextCost), table_of(SetAside)
STORES = table_of(Store)
BODY = timedelta(hours=48)
KEY = timedelta(days=90)
CONTENT = timedelta(days=30)
ATTEMPT = timedelta(days=90)
WRITE = timedelta(days=90)
CHECKOUT = timedelta(days=30)
CONFIRMATION, ASIDE = timedelta(days=2), timedelta(days=2)
ACCESS = timedelta(days=365)
AUDIT = timedelta(days=730)
TEXT_COST = timedelta(days=396)
BATCH = 2000
_PROOFS = 400
"""The smallest batch: a kind of which fewer rows went has no more of them tonight."""


Oldest = Callable[[ColumnElement[Any]], Select[Any]]


@dataclass(frozen=True, slots=True)
class Purge:
    """A kind of rows that go, or that are emptied.

    Attributes:
        oldest: the moment from which the oldest one of a store ages; nothing or NULL where there is none.
        age: how old they may become.
        run: removes or empties a batch of a store's rows; how many there were.
    """

    oldest: Oldest
    age: timedelta
    run: Callable[[Session, int, datetime], int]


def waiting_in_all(session: Session, now: datetime) -> dict[int, list[Purge]]:
    """The kinds of which each store, or nobody, may have something past its age, by one statement for all."""
    found: dict[int, list[Purge]] = {}
    for store_id, number in sorted(session.execute(_ANY_OLD_OF_ALL, _limits(now)).all()):
        found.setdefault(store_id, []).append(PURGES[number])
    return found


def waiting(session: Session, store_id: int, now: datetime) -> list[Purge]:
    """Those of one store."""
    found = session.execute(_ANY_OLD, _limits(now) | {"store": store_id}).all()
    return [PURGES[number] for _, number in sorted(found)]


def purge_once(
    session: Session, store_id: int, now: datetime, purges: Sequence[Purge] | None = None
) -> tuple[int, Sequence[Purge]]:
    """Remove one batch of each kind of a store; how many rows went or were emptied, and where more may be.

    Bodies of deliveries 48 h after they were done, their keys after 90 days; the content of messages
    after 30 days, attempts after 90, and what was written back (or could not be) after 90; who was asked to
    confirm a consent after 2, and so what was set aside and is due no more; checkouts 30 days after their
    last change, however they ended; who looked at whose data after a year, who changed what after two; what
    proves a consent 24 months after it ended; what a text cost after 13. Counts and figures stay.

    Source: RELIABILITY.md section 5.
    """
    purges = waiting(session, store_id, now) if purges is None else purges
    counts = [(purge, purge.run(session, store_id, now)) for purge in purges]
    fewest = min(BATCH, _PROOFS)
    return sum(count for _, count in counts), [purge for purge, count in counts if count >= fewest]


_STORE: BindParameter[Any] = bindparam("store")
_MOST: BindParameter[Any] = bindparam("most")
_IDS = "ids"
_BEFORE = bindparam("before", type_=UtcDateTime)
_BEFORE_OF = "before_"
"""Before the names of parameters that say for a kind from when on its rows are too young."""


def _oldest(by: Column[Any], *conditions: ColumnElement[bool]) -> Oldest:
    """The least moment of a store's rows, which an index leads to."""
    return lambda store: select(func.min(by)).where(by.table.c.store_id == store, *conditions)


def _emptying(column: Column[Any], by: Column[Any], age: timedelta) -> Purge:
    """Takes a column's value away from rows that are older than that."""
    table = column.table
    of_store = table.c.store_id == _STORE
    old = select(table.c.id).where(of_store, by < _BEFORE, column.is_not(None)).limit(_MOST)
    emptied = update(table).where(of_store, Among(table.c.id, _IDS)).values({column: None})

    def _purge(session: Session, store_id: int, now: datetime) -> int:
        ids = list(session.execute(old, _values(store_id, now - age)).scalars())
        if ids:
            session.execute(emptied, {"store": store_id, _IDS: ids})
        return len(ids)

    return Purge(_oldest(by, column.is_not(None)), age, _purge)


def _removing(key: Column[Any], by: Column[Any], age: timedelta, *others: ColumnElement[bool]) -> Purge:
    """Takes the oldest of the rows that are older than that."""
    table = key.table
    old = (table.c.store_id == _STORE, by < _BEFORE, *others)
    some = select(key).where(*old).order_by(by).limit(_MOST)
    removed = delete(table).where(*old, key.in_(some)).returning(key)

    def _purge(session: Session, store_id: int, now: datetime) -> int:
        return len(session.execute(removed, _values(store_id, now - age)).all())

    return Purge(_oldest(by, *others), age, _purge)


def _values(store_id: int, before: datetime) -> dict[str, Any]:
    return {"store": store_id, "before": before, "most": BATCH}


# None is done before it came, so the index by when they came holds few that must wait.
_OLD_BODIES = (
    select(BODIES.c.id)
    .join_from(BODIES, EVENTS, and_(EVENTS.c.store_id == BODIES.c.store_id, EVENTS.c.id == BODIES.c.id))
    .where(BODIES.c.store_id == _STORE, BODIES.c.received_at < _BEFORE, EVENTS.c.done_at < _BEFORE)
    .order_by(BODIES.c.received_at)
    .limit(_MOST)
)
_BODIES_REMOVED = delete(BODIES).where(BODIES.c.store_id == _STORE, Among(BODIES.c.id, _IDS))


def _bodies(session: Session, store_id: int, now: datetime) -> int:
    """What deliveries said that were done long enough ago."""
    ids = list(session.execute(_OLD_BODIES, _values(store_id, now - BODY)).scalars())
    if ids:
        session.execute(_BODIES_REMOVED, {"store": store_id, _IDS: ids})
    return len(ids)


_STATE: BindParameter[Any] = bindparam("state")
_PAST = or_(EVENTS.c.done_at < _BEFORE, EVENTS.c.received_at < bindparam("long_before", type_=UtcDateTime))
_OLDEST = (
    select(EVENTS.c.id, EVENTS.c.received_at)
    .where(EVENTS.c.store_id == _STORE, EVENTS.c.status == _STATE)
    .order_by(EVENTS.c.id)
    .limit(_MOST)
    .subquery()
)
# Of two thousand a night's share came long enough ago; what came later need not be asked about.
_OLD_AMONG_OLDEST = select(_OLDEST.c.id).where(_OLDEST.c.received_at < _BEFORE).order_by(_OLDEST.c.id)
_PAST_AMONG = (
    select(EVENTS.c.id)
    .where(EVENTS.c.store_id == _STORE, EVENTS.c.status == _STATE, Among(EVENTS.c.id, _IDS), _PAST)
    .with_for_update()
)
_KEYS_REMOVED = delete(EVENTS).where(EVENTS.c.store_id == _STORE, Among(EVENTS.c.id, _IDS))


def _keys_of(status: str) -> Purge:
    """The oldest deliveries of a status; one that never was done (dead, say) goes by when it came."""

    # They came in the order of their ids, and none was done before it came.
    def _oldest_key(store: ColumnElement[Any]) -> Select[Any]:
        mine = (EVENTS.c.store_id == store, EVENTS.c.status == status)
        return select(EVENTS.c.received_at).where(*mine).order_by(EVENTS.c.id).limit(1)

    def _purge(session: Session, store_id: int, now: datetime) -> int:
        values = _values(store_id, now - KEY) | {"long_before": now - 2 * KEY, "state": status}
        ids: list[int] = []
        # Most nights a few are old: more are read only where all of so many are.
        for most in (_PROOFS, BATCH):
            ids = list(session.execute(_OLD_AMONG_OLDEST, values | {"most": most}).scalars())
            if len(ids) < most:
                break
        past = list(session.execute(_PAST_AMONG, {**values, _IDS: ids}).scalars()) if ids else []
        for removed in (_BODIES_REMOVED, _KEYS_REMOVED) if past else ():
            session.execute(removed, {"store": store_id, _IDS: past})
        return len(past)

    return Purge(_oldest_key, KEY, _purge)


_ENDED_PROOFS = (
    select(STATES.c.customer_id, STATES.c.channel)
    .where(STATES.c.store_id == _STORE, STATES.c.proof_until < _BEFORE)
    .order_by(STATES.c.proof_until)
    .limit(_MOST)
    .with_for_update()
)


def _proofs(session: Session, store_id: int, now: datetime) -> int:
    """What proved a consent that ended: address, wording and evidence; that it was said, and when, stays."""
    ended = session.execute(_ENDED_PROOFS, _values(store_id, now) | {"most": _PROOFS})
    places = [(row.customer_id, row.channel) for row in ended]
    if places:
        said = (LEDGER.c.store_id == store_id, tuple_(LEDGER.c.customer_id, LEDGER.c.channel).in_(places))
        session.execute(update(LEDGER).where(*said).values(address=None, wording=None, evidence=None))
        held = (STATES.c.store_id == store_id, tuple_(STATES.c.customer_id, STATES.c.channel).in_(places))
        session.execute(update(STATES).where(*held).values(proof_until=None, address=None))
    return len(places)


_OLD_COSTS = (COSTS.c.store_id == _STORE, COSTS.c.spent_on < bindparam("day", type_=Date))
_SOME_COSTS = select(COSTS.c.subject).where(*_OLD_COSTS).order_by(COSTS.c.spent_on).limit(_MOST)
_COSTS_REMOVED = delete(COSTS).where(*_OLD_COSTS, COSTS.c.subject.in_(_SOME_COSTS)).returning(COSTS.c.subject)


def _text_costs(session: Session, store_id: int, now: datetime) -> int:
    values = {"store": store_id, "day": (now - TEXT_COST).date(), "most": BATCH}
    return len(session.execute(_COSTS_REMOVED, values).all())


# What waits to be written stays, however long the shop is away.
_ENDED = (DONE, SKIPPED, FAILED, DEAD)
PURGES: Sequence[Purge] = (
    Purge(_oldest(BODIES.c.received_at), BODY, _bodies),
    *map(_keys_of, DELIVERY_STATES),
    _emptying(MESSAGES.c.content, MESSAGES.c.sent_at, CONTENT),
    _removing(ATTEMPTS.c.id, ATTEMPTS.c.started_at, ATTEMPT),
    *(_removing(WRITES.c.id, WRITES.c.done_at, WRITE, WRITES.c.state == state) for state in _ENDED),
    _removing(CHECKOUTS.c.id, CHECKOUTS.c.source_updated_at, CHECKOUT),
    _removing(CONFIRMATIONS.c.address_hash, CONFIRMATIONS.c.asked_at, CONFIRMATION),
    _removing(ASIDES.c.subject_id, ASIDES.c.next_at, ASIDE),
    _removing(ACCESSES.c.id, ACCESSES.c.at, ACCESS),
    _removing(AUDITS.c.id, AUDITS.c.at, AUDIT),
    Purge(_oldest(STATES.c.proof_until, STATES.c.proof_until.is_not(None)), timedelta(0), _proofs),
    Purge(_oldest(COSTS.c.spent_on), TEXT_COST, _text_costs),
)


def _limits(now: datetime) -> dict[str, datetime]:
    return {f"{_BEFORE_OF}{number}": now - purge.age for number, purge in enumerate(PURGES)}


def _any_old(store: ColumnElement[Any]) -> CompoundSelect[Any]:
    """The store with the number of each kind of which it may have something that is past its age."""
    return union_all(
        *(
            select(store, literal_column(str(number), Integer)).where(
                purge.oldest(store).scalar_subquery() < bindparam(f"{_BEFORE_OF}{number}")
            )
            for number, purge in enumerate(PURGES)
        )
    )


# Deliveries of shops that we do not know are nobody's.
_OWNERS = union_all(select(STORES.c.id), select(literal_column(str(NOBODY), Integer))).subquery()
_ANY_OLD, _ANY_OLD_OF_ALL = _any_old(bindparam("store", type_=Id)), _any_old(_OWNERS.c.id)
