"""The raw deliveries that name a person: found by their subject and by what they say, and emptied."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, select, update
from sqlalchemy.orm import Session

from app import inbox
from app.inbox import BODIES, EVENTS, OF_EVENT
from app.mirror import lookups
from app.models.inbound_event import IGNORED, OPEN
from app.privacy.marks import Marks, marks_of
from connectors.base import Resource

COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
_WHY = "the customer was erased"
_PER_QUERY = 500
_BODIES_AT_ONCE = 100

# Beside the resource's own id, which is the delivery's subject. On lower-case bytes; PHP writes \/ for /.
_GID = rb"gid:\\?/\\?/shopify\\?/"
_PEOPLE = re.compile(
    rb'"customer_id"\s*:\s*"?(\d+)|"customer"\s*:\s*\{\s*"id"\s*:\s*"?(\d+)|' + _GID + rb"customer\\?/(\d+)"
)
_ORDERS = re.compile(rb'"order_id"\s*:\s*"?(\d+)|' + _GID + rb"order\\?/(\d+)")


@dataclass(frozen=True, slots=True)
class Scan:
    """The deliveries up to the id `up_to` that name somebody."""

    ids: frozenset[int] = frozenset()
    up_to: int = 0


def scan(session: Session, store_id: int, customer_id: int) -> Scan:
    """Read every body that is still kept for what names the customer.

    Cost: the bodies of 48 hours. So it is done before the transaction that erases, which then has only
    the newest ones left to read.
    """
    return _scan(session, store_id, marks_of(session, store_id, customer_id), Scan())


def empty(session: Session, store_id: int, marks: Marks, *, before: Scan, now: datetime) -> int:
    """Empty the deliveries that name the person; return how many.

    One that was not read yet is not read any more: its order is asked for at the storefront instead, so
    that nothing of the order is lost. A request under privacy law is still read, and emptied then.
    """
    found = _scan(session, store_id, marks, before).ids | _by_subject(session, store_id, marks)
    rows = list(_locked(session, store_id, found))
    for row in rows:
        if row.status in OPEN:
            for order_id in _orders_of(row):
                lookups.ask(session, store_id, Resource.ORDERS, order_id, now=now)
    waiting = [row.id for row in rows if row.status in OPEN]
    for part in _parts([row.id for row in rows]):
        inbox.remove_bodies(session, store_id, part)
    _write(session, store_id, [row.id for row in rows], {"error": _WHY})
    _write(session, store_id, waiting, {"status": IGNORED, "done_at": now})
    of_person = [row.id for row in rows if row.topic.startswith("customer")]
    _write(session, store_id, of_person, {"subject_external_id": None})
    return len(rows)


def _scan(session: Session, store_id: int, marks: Marks, before: Scan) -> Scan:
    spellings = sorted({spelling for address in marks.addresses for spelling in _spellings(address)})
    statement = (
        select(BODIES.c.id, BODIES.c.body)
        .where(BODIES.c.store_id == store_id, BODIES.c.id > before.up_to)
        .execution_options(yield_per=_BODIES_AT_ONCE)
    )
    found, last = set(before.ids), before.up_to
    for row in session.execute(statement):
        last = max(last, row.id)
        if _names(bytes(row.body).lower(), marks, spellings):
            found.add(row.id)
    return Scan(frozenset(found), last)


def _spellings(address: str) -> set[bytes]:
    """How JSON may write a text: as it is, in ASCII, with PHP's slashes, with Ruby's angle brackets."""
    plain = json.dumps(address)[1:-1]
    ruby = plain.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return {text.encode() for text in (address, plain, plain.replace("/", "\\/"), ruby)}


def _names(body: bytes, marks: Marks, spellings: Iterable[bytes]) -> bool:
    if any(spelling in body for spelling in spellings):
        return True
    return bool(marks.external_ids & _ids(_PEOPLE, body) or marks.order_ids & _ids(_ORDERS, body))


def _ids(pattern: re.Pattern[bytes], body: bytes) -> set[str]:
    return {group.decode() for match in pattern.findall(body) for group in match if group}


def _by_subject(session: Session, store_id: int, marks: Marks) -> set[int]:
    """By the resource's own id. Ids of one kind may be those of another in WordPress, so the topic counts."""
    found: set[int] = set()
    for prefix, ids in (("customer", marks.external_ids), ("order", marks.order_ids)):
        for part in _parts(sorted(ids)):
            statement = select(EVENTS.c.id).where(
                EVENTS.c.store_id == store_id,
                EVENTS.c.subject_external_id.in_(part),
                EVENTS.c.topic.startswith(prefix),
                *(() if prefix == "customer" else (exists().where(OF_EVENT),)),
            )
            found |= set(session.execute(statement).scalars())
    return found


def _locked(session: Session, store_id: int, ids: Iterable[int]) -> Iterator[Any]:
    """The rows as they stand once no worker is at them any more, without requests that wait to be read."""
    names = (EVENTS.c.id, EVENTS.c.topic, EVENTS.c.status, EVENTS.c.subject_external_id, BODIES.c.body)
    is_waiting_request = and_(EVENTS.c.topic.in_(COMPLIANCE), EVENTS.c.status.in_(OPEN))
    for part in _parts(sorted(ids)):
        statement = (
            select(*names)
            .outerjoin_from(EVENTS, BODIES, OF_EVENT)
            .where(EVENTS.c.store_id == store_id, EVENTS.c.id.in_(part), ~is_waiting_request)
            .order_by(EVENTS.c.id)
            .with_for_update(of=EVENTS)
        )
        yield from session.execute(statement)


def _orders_of(row: Any) -> set[str]:
    named = _ids(_ORDERS, bytes(row.body or b"").lower())
    is_order = row.topic.startswith("order") and row.subject_external_id
    return named | {row.subject_external_id} if is_order else named


def _write(session: Session, store_id: int, ids: list[int], values: dict[str, Any]) -> None:
    for part in _parts(ids):
        statement = update(EVENTS).where(EVENTS.c.store_id == store_id, EVENTS.c.id.in_(part))
        session.execute(statement.values(**values))


def _parts(items: list[Any]) -> Iterator[list[Any]]:
    for start in range(0, len(items), _PER_QUERY):
        yield items[start : start + _PER_QUERY]
