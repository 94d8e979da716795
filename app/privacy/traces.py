"""What a person left in messages, journeys, consents, entries and decisions, and how each is emptied."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_, bindparam, delete, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app import timeline, timers
from app.db import table_of
from app.models import (
    Checkout,
    Consent,
    ConsentState,
    CustomerEvent,
    CustomerMerge,
    CustomerState,
    Decision,
    DeliveryEvent,
    Enrollment,
    Message,
    MessageAttempt,
    Preference,
    Review,
    ScoreEntry,
    StoreWrite,
)
from app.models.enrollment import ACTIVE, EXITED
from app.models.message import CANCELLED, HELD, PREPARING, QUEUED
from app.privacy.marks import Marks
from connectors.base import Resource

MESSAGES, ATTEMPTS, CLICKS = table_of(Message), table_of(MessageAttempt), table_of(DeliveryEvent)
ENROLLMENTS, LEDGER, STANDING = table_of(Enrollment), table_of(Consent), table_of(ConsentState)
EVENTS, DECISIONS = table_of(CustomerEvent), table_of(Decision)
MERGES, REVIEWS = table_of(CustomerMerge), table_of(Review)
WRITES, CHECKOUTS, PREFERENCES = table_of(StoreWrite), table_of(Checkout), table_of(Preference)
STATES, SCORES = table_of(CustomerState), table_of(ScoreEntry)

ERASED = "erased"
_TELLING = ("to_address", "subject", "content")
_WORDED = ("address", "wording", "evidence")
_PLANNED = (QUEUED, PREPARING, HELD)
_TELLING_STEPS = frozenset({"address", "content", "flow"})
_BIRTHDAY = frozenset({"birthday", "code_ends"})
_PER_QUERY = 500


def erase_messages(session: Session, store_id: int, customer_id: int) -> Counter[str]:
    """Call off what has not left, empty everything else; row, day, flow and status stay.

    What is being sent right now is left to be settled by the provider's answer, without its content.
    """
    mine = and_(MESSAGES.c.store_id == store_id, MESSAGES.c.customer_id == customer_id)
    held = session.execute(
        select(MESSAGES.c.id, MESSAGES.c.status).where(mine).order_by(MESSAGES.c.id).with_for_update()
    ).all()
    told = or_(*(MESSAGES.c[name].is_not(None) for name in _TELLING))
    planned = [row.id for row in held if row.status in _PLANNED]
    called_off = {"status": CANCELLED, "reason": ERASED, "lease_token": None, "lease_until": None}
    ids = [row.id for row in held]
    for part in _parts(planned):
        _set(session, MESSAGES, and_(mine, MESSAGES.c.id.in_(part)), called_off)
    emptied = _set(session, MESSAGES, and_(mine, told), dict.fromkeys(_TELLING))
    for part in _parts(ids):
        of_them = and_(ATTEMPTS.c.store_id == store_id, ATTEMPTS.c.message_id.in_(part))
        _set(session, ATTEMPTS, of_them, {"error": None})
        of_them = and_(CLICKS.c.store_id == store_id, CLICKS.c.message_id.in_(part))
        _set(session, CLICKS, of_them, {"url": None})
    return Counter({"messages_cancelled": len(planned), "messages_emptied": emptied})


def end_journeys(session: Session, store_id: int, customer: Row[Any], now: datetime) -> Counter[str]:
    """Exit what is running, drop what waits for it, and take birthdays out of what has ended."""
    mine = and_(ENROLLMENTS.c.store_id == store_id, ENROLLMENTS.c.customer_id == customer.id)
    rows = session.execute(select(ENROLLMENTS).where(mine).order_by(ENROLLMENTS.c.id).with_for_update()).all()
    active = [row for row in rows if row.state == ACTIVE]
    for part in _parts([row.id for row in active]):
        ended = {"state": EXITED, "exit_reason": timeline.ERASED, "ended_at": now, "stopped_at": now}
        still = {"turn": ENROLLMENTS.c.turn + 1, "waits_for": None, "due_at": None}
        _set(session, ENROLLMENTS, and_(mine, ENROLLMENTS.c.id.in_(part)), ended | still)
    _rewrite(session, ENROLLMENTS, store_id, name="context", values=dict(_without_birthday(rows)))
    _drop_timers(session, store_id, [row.id for row in active], customer.external_id)
    return Counter({"journeys_ended": len(active)})


def erase_words(session: Session, store_id: int, customer_id: int) -> Counter[str]:
    """Addresses, wordings, proofs, what other systems told, where clicks led, what the gate saw."""
    of_person = and_(LEDGER.c.store_id == store_id, LEDGER.c.customer_id == customer_id)
    worded = or_(*(LEDGER.c[name].is_not(None) for name in _WORDED))
    consents = _set(session, LEDGER, and_(of_person, worded), dict.fromkeys(_WORDED))
    standing = and_(STANDING.c.store_id == store_id, STANDING.c.customer_id == customer_id)
    _set(session, STANDING, and_(standing, STANDING.c.address.is_not(None)), {"address": None})
    entries = dict(_entries(session, store_id, customer_id))
    _rewrite(session, EVENTS, store_id, name="details", values=entries)
    decisions = dict(_decisions(session, store_id, customer_id))
    _rewrite(session, DECISIONS, store_id, name="steps", values=decisions)
    return Counter({"consents": consents, "entries": len(entries), "decisions": len(decisions)})


def erase_merges(session: Session, store_id: int, customer_id: int) -> Counter[str]:
    """The names of those who were merged into the person; their tombstones are up by now."""
    mine = (MERGES.c.store_id == store_id, MERGES.c.customer_id == customer_id)
    gone = session.execute(delete(MERGES).where(*mine).returning(MERGES.c.id)).all()
    return Counter({"merges": len(gone)})


def erase_reviews(
    session: Session, store_id: int, customer_id: int, addresses: Collection[str]
) -> Counter[str]:
    """What they wrote, under any address that they had; the stars stay, as the shop's own page shows them."""
    theirs = or_(REVIEWS.c.customer_id == customer_id, REVIEWS.c.email.in_(sorted(addresses)))
    emptied = {"email": None, "display_name": None, "text": None}
    told = or_(*(REVIEWS.c[name].is_not(None) for name in emptied))
    return Counter(
        {"reviews": _set(session, REVIEWS, and_(REVIEWS.c.store_id == store_id, theirs, told), emptied)}
    )


def drop_checkouts(session: Session, store_id: int, customer_id: int, marks: Marks) -> Counter[str]:
    """What they left in checkouts, under any address that they had; no figure counts them."""
    theirs = or_(
        CHECKOUTS.c.customer_id == customer_id,
        CHECKOUTS.c.customer_external_id.in_(sorted(marks.external_ids)),
        CHECKOUTS.c.email.in_(sorted(marks.addresses)),
        CHECKOUTS.c.phone.in_(sorted(marks.addresses)),
    )
    gone = delete(CHECKOUTS).where(CHECKOUTS.c.store_id == store_id, theirs).returning(CHECKOUTS.c.id)
    return Counter({"checkouts": len(session.execute(gone).all())})


def drop_writes(session: Session, store_id: int, customer_id: int) -> Counter[str]:
    """What the storefront was told of them or was to be told goes; a call under way leaves no row behind."""
    mine = (WRITES.c.store_id == store_id, WRITES.c.customer_id == customer_id)
    gone = session.execute(delete(WRITES).where(*mine).returning(WRITES.c.id)).all()
    return Counter({"writes": len(gone)})


def drop_preferences(session: Session, store_id: int, customer_id: int) -> Counter[str]:
    """What they wished to hear of; that they wish nothing at all is kept among the suppressions."""
    mine = (PREFERENCES.c.store_id == store_id, PREFERENCES.c.customer_id == customer_id)
    gone = session.execute(delete(PREFERENCES).where(*mine).returning(PREFERENCES.c.customer_id)).all()
    return Counter({"preferences": len(gone)})


def drop_state(session: Session, store_id: int, customer_id: int) -> Counter[str]:
    """Where they stood with the shop."""
    mine = (STATES.c.store_id == store_id, STATES.c.customer_id == customer_id)
    gone = session.execute(delete(STATES).where(*mine).returning(STATES.c.customer_id)).all()
    return Counter({"states": len(gone)})


def drop_scores(session: Session, store_id: int, customer_id: int) -> Counter[str]:
    """What they were given points for."""
    mine = (SCORES.c.store_id == store_id, SCORES.c.customer_id == customer_id)
    gone = session.execute(delete(SCORES).where(*mine).returning(SCORES.c.id)).all()
    return Counter({"scores": len(gone)})


def _without_birthday(rows: Sequence[Row[Any]]) -> Iterator[tuple[int, Any]]:
    for row in rows:
        anchors = row.context.get("anchors", {})
        if _BIRTHDAY & anchors.keys():
            kept = {name: moment for name, moment in anchors.items() if name not in _BIRTHDAY}
            yield row.id, {**row.context, "anchors": kept}


def _drop_timers(session: Session, store_id: int, enrollment_ids: list[int], external_id: str | None) -> None:
    """The journeys' timers, and a look-up of the person, whose number is the platform's id."""
    named = [("enrollment", number) for number in enrollment_ids]
    if external_id and external_id.isascii() and external_id.isdigit():
        named.append((f"look-up.{Resource.CUSTOMERS.value}", int(external_id)))
    table = timers.TIMERS
    for part in _parts(named):
        kind_and_number = tuple_(table.c.kind, table.c.subject_id)
        session.execute(delete(table).where(table.c.store_id == store_id, kind_and_number.in_(part)))
    timers.settle_cursor(session, store_id)


def _entries(session: Session, store_id: int, customer_id: int) -> Iterator[tuple[int, Any]]:
    """The entries whose details name somebody or lead somewhere.

    They are another system's words (`api:`), the id of a customer who was merged, a click's address.
    """
    statement = select(EVENTS.c.id, EVENTS.c.type, EVENTS.c.source_key, EVENTS.c.details).where(
        EVENTS.c.store_id == store_id, EVENTS.c.customer_id == customer_id
    )
    for row in session.execute(statement):
        if row.details and (row.source_key.startswith("api:") or row.type == timeline.MERGED):
            yield row.id, {}
        elif "url" in row.details:
            yield row.id, {name: value for name, value in row.details.items() if name != "url"}


def _decisions(session: Session, store_id: int, customer_id: int) -> Iterator[tuple[int, Any]]:
    """The decisions in which a step that is not passed quotes an address, a content or a birthday."""
    statement = select(DECISIONS.c.id, DECISIONS.c.steps).where(
        DECISIONS.c.store_id == store_id, DECISIONS.c.customer_id == customer_id
    )
    for row in session.execute(statement):
        steps = [_without_value(step) for step in row.steps]
        if steps != row.steps:
            yield row.id, steps


def _without_value(step: Mapping[str, Any]) -> Mapping[str, Any]:
    tells = step["step"] in _TELLING_STEPS and step["verdict"] != "pass"
    return {**step, "value": ERASED} if tells else step


def _rewrite(session: Session, table: Table, store_id: int, *, name: str, values: Mapping[int, Any]) -> None:
    """Give one column of some rows a value each."""
    if values:
        statement = (
            update(table)
            .where(table.c.store_id == store_id, table.c.id == bindparam("row_id"))
            .values({name: bindparam("new", type_=table.c[name].type)})
        )
        rows = [{"row_id": row_id, "new": value} for row_id, value in values.items()]
        session.connection().execute(statement, rows)


def _set(session: Session, table: Table, where: ColumnElement[bool], values: Mapping[str, Any]) -> int:
    """Give all of some rows, which `where` binds to a store, the same values; how many there were."""
    changed = session.execute(update(table).where(where).values(**values).returning(table.c.store_id))
    return len(changed.all())


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _PER_QUERY):
        yield items[start : start + _PER_QUERY]
