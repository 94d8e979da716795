"""The statements that fetch a batch's rows for the gate, one a kind."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Row, Select, Table, bindparam, select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import Among, UtcDateTime, table_of, unindexed
from app.messaging import addresses
from app.messaging.conditions import OF_CLASSES, OF_CODES, OF_SCORES, OF_SIBLINGS, SiblingFacts, asks_for
from app.messaging.limits import WEEK, Departure
from app.messaging.wishes import Wishes
from app.models import (
    ConsentState,
    CustomerState,
    Enrollment,
    Flow,
    Message,
    Order,
    Preference,
    Suppression,
    Voucher,
)
from app.models.message import COUNTED_STATES
from app.segments import classing, scoring
from app.segments.states import ACTIVE

MESSAGES, SUPPRESSIONS = table_of(Message), table_of(Suppression)
ENROLLMENTS, ORDERS, VOUCHERS = table_of(Enrollment), table_of(Order), table_of(Voucher)
PREFERENCES, STATES, CONSENTS = table_of(Preference), table_of(CustomerState), table_of(ConsentState)
_PER_QUERY = 500
_STORE: BindParameter[Any] = bindparam("store")
_ACTIVE_FLOWS = select(Flow.key).where(Flow.store_id == _STORE, Flow.is_active)
_SUPPRESSED = select(SUPPRESSIONS).where(
    SUPPRESSIONS.c.store_id == _STORE,
    SUPPRESSIONS.c.channel == bindparam("channel"),
    Among(SUPPRESSIONS.c.address_hash, "keys"),
)
# Of journeys and orders without what they hold as JSON, which would only be read to be thrown away.
_JOURNEYS = select(ENROLLMENTS.c.id, ENROLLMENTS.c.entered_at, ENROLLMENTS.c.stopped_at).where(
    ENROLLMENTS.c.store_id == _STORE, Among(ENROLLMENTS.c.id, "keys")
)
_KNOWN_OF_AN_ORDER = (
    *("external_id", "number", "placed_at", "paid_at", "is_counted"),
    *("cancelled_at", "deleted_at", "refunded_minor"),
)
_ORDERS = select(*(ORDERS.c[name] for name in _KNOWN_OF_AN_ORDER)).where(
    ORDERS.c.store_id == _STORE, Among(ORDERS.c.external_id, "keys")
)
_SIBLINGS = select(
    MESSAGES.c.enrollment_id,
    MESSAGES.c.step,
    MESSAGES.c.status,
    MESSAGES.c.clicked_at.is_not(None).label("is_clicked"),
).where(MESSAGES.c.store_id == _STORE, Among(MESSAGES.c.enrollment_id, "keys"))
_DEPARTURES = select(MESSAGES.c.customer_id, MESSAGES.c.sent_at, MESSAGES.c.channel, MESSAGES.c.step).where(
    MESSAGES.c.store_id == _STORE,
    Among(MESSAGES.c.customer_id, "keys"),
    MESSAGES.c.sent_at > bindparam("since", type_=UtcDateTime),
    unindexed(MESSAGES.c.status).in_(COUNTED_STATES),
    MESSAGES.c.purpose.in_(("marketing", "service")),
)
_STATES = select(STATES.c.customer_id, STATES.c.state).where(
    STATES.c.store_id == _STORE, Among(STATES.c.customer_id, "keys"), STATES.c.state != ACTIVE
)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a customer is to the shop, as far as a message's conditions ask."""

    classes: frozenset[str] = frozenset()
    scores: Mapping[str, int] = field(default_factory=dict)


def consents(session: Session, store_id: int, people: Sequence[int]) -> dict[tuple[int, str], Row[Any]]:
    """What the ledger says now of these people, by customer and channel."""
    rows = in_parts(session, CONSENTS, "customer_id", store_id=store_id, keys=people)
    return {(row.customer_id, row.channel): row for row in rows}


def suppressed(
    session: Session,
    signer: Signer,
    store_id: int,
    customers: Iterable[Any],
    *,
    channels: Collection[str] = ("email", "sms"),
) -> dict[tuple[str, str], Row[Any]]:
    """Which of these customers' addresses must not be written to: reason and moment, by channel and hash."""
    people = list(customers)
    found: dict[tuple[str, str], Row[Any]] = {}
    for channel in sorted(channels):
        listed = [addresses.address_of(one, channel) for one in people]
        hashes = [addresses.suppression_hash(signer, channel, address) for address in listed if address]
        rows = _in_parts(session, _SUPPRESSED, store_id, hashes, channel=channel)
        found |= {(channel, row.address_hash): row for row in rows}
    return found


def journeys(session: Session, store_id: int, rows: Sequence[Any]) -> dict[int, Row[Any]]:
    """When the journeys of these messages began and ended."""
    return {row.id: row for row in _in_parts(session, _JOURNEYS, store_id, _journeys_of(rows))}


def orders(session: Session, store_id: int, external_ids: Sequence[str]) -> dict[str, Row[Any]]:
    """These orders, by their ids in the shop."""
    return {row.external_id: row for row in _in_parts(session, _ORDERS, store_id, external_ids)}


def vouchers(session: Session, store_id: int, rows: Sequence[Any]) -> dict[tuple[int, str], Row[Any]]:
    """The codes, by journey and name, of those messages that bring one or ask about one."""
    about = [row for row in rows if "voucher" in row.context or _asks(row, OF_CODES)]
    found = in_parts(session, VOUCHERS, "enrollment_id", store_id=store_id, keys=_journeys_of(about))
    return {(row.enrollment_id, row.name): row for row in found}


def siblings(session: Session, store_id: int, journeys: Sequence[int]) -> dict[int, dict[str, SiblingFacts]]:
    """What became of a journey's messages; without their contents, which are most of such a row."""
    found: dict[int, dict[str, SiblingFacts]] = {}
    for row in _in_parts(session, _SIBLINGS, store_id, journeys):
        found.setdefault(row.enrollment_id, {})[row.step] = SiblingFacts(row.status, row.is_clicked)
    return found


def departures(
    session: Session, store_id: int, people: Sequence[int], now: datetime
) -> dict[int, list[Departure]]:
    """What left for each of these people within a week, as far as the caps count it."""
    found: dict[int, list[Departure]] = {}
    for row in _in_parts(session, _DEPARTURES, store_id, people, since=now - WEEK):
        departure = Departure(row.sent_at, row.channel, row.step)
        found.setdefault(row.customer_id, []).append(departure)
    return found


def wishes(session: Session, store_id: int, people: Sequence[int]) -> dict[int, Wishes]:
    """What those of these people wish who ever said so."""
    rows = in_parts(session, PREFERENCES, "customer_id", store_id=store_id, keys=people)
    return {
        row.customer_id: Wishes(row.paused_until, frozenset(row.topics_off), row.is_fewer) for row in rows
    }


def states(session: Session, store_id: int, people: Sequence[int]) -> dict[int, str]:
    """Where those of these people stand who are not simply active."""
    return {row.customer_id: row.state for row in _in_parts(session, _STATES, store_id, people)}


def traits(
    session: Session, store_id: int, rows: Sequence[Any], customers: Mapping[int, Any], *, now: datetime
) -> dict[int, Traits]:
    """The classes and scores of those to whose messages they matter."""
    by_class = [customers[one] for one in _asking(rows, OF_CLASSES) & customers.keys()]
    classes = classing.kept(session, store_id, by_class, now)
    scores = scoring.scores_of(session, store_id, sorted(_asking(rows, OF_SCORES)))
    return {
        one: Traits(frozenset(classes.get(one, ())), scores.get(one, {}))
        for one in classes.keys() | scores.keys()
    }


def _asking(rows: Sequence[Any], names: frozenset[str]) -> set[int]:
    """The customers of the messages that ask one of these conditions."""
    return {row.customer_id for row in rows if _asks(row, names)}


def asking_of_siblings(rows: Iterable[Any]) -> list[int]:
    """The journeys of those messages that ask what became of another one."""
    return _journeys_of([row for row in rows if _asks(row, OF_SIBLINGS)])


def _asks(row: Any, names: frozenset[str]) -> bool:
    return asks_for(row.context.get("only_if", ()), names)


def _journeys_of(rows: Iterable[Any]) -> list[int]:
    return sorted({row.enrollment_id for row in rows if row.enrollment_id})


def in_parts(
    session: Session, table: Table, name: str, *, store_id: int, keys: Sequence[Any], lock: bool = False
) -> list[Row[Any]]:
    """The store's rows of a table whose column holds one of these keys."""
    return _in_parts(session, _rows_by(table, name, lock), store_id, keys)


def _in_parts(
    session: Session, statement: Select[Any], store_id: int, keys: Sequence[Any], **more: Any
) -> list[Row[Any]]:
    rows: list[Row[Any]] = []
    for start in range(0, len(keys), _PER_QUERY):
        values = {"store": store_id, "keys": keys[start : start + _PER_QUERY], **more}
        rows += session.execute(statement, values).all()
    return rows


@cache
def _rows_by(table: Table, name: str, lock: bool) -> Select[Any]:
    statement = select(table).where(table.c.store_id == _STORE, Among(table.c[name], "keys"))
    return statement.order_by(table.c[name]).with_for_update() if lock else statement


def active_flows(session: Session, store_id: int) -> frozenset[str]:
    """The keys of the flows that are switched on."""
    return frozenset(session.execute(_ACTIVE_FLOWS, {"store": store_id}).scalars())
