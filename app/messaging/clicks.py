"""Clicks: where a link leads, a visit as it is kept, and what follows from visits once they are read.

Whoever answers a visit only looks its link up and keeps the visit, like any delivery (`webhooks/links.py`).
The worker lets it take effect: a person's click reaches the message and the timeline, a scanner's counts for
nothing. Whether many links at once were a program's is only seen at the second: what counted before is taken
back.
"""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from app import timeline
from app.db import Among, UtcDateTime, insert_new_columns, is_among, table_of, update_rows
from app.messaging import scanners, tallies
from app.models import DeliveryEvent, Message, Store
from app.models.message import SENDING, SENT, UNKNOWN
from app.timeline import NewEvent
from connectors import exact_json

MESSAGES, EVENTS = table_of(Message), table_of(DeliveryEvent)
STORES = table_of(Store)
SOURCE, TOPIC = "link", "click"
"""How the inbox calls a kept visit."""
CLICKED, SCANNED = "clicked", "scanned"
ENTRY = "message.clicked"
"""The timeline's entry of each human click; a click that is taken back takes it along."""
BURST = "burst"
"""Why a visit that called itself a browser's is taken for a program's."""
_ABOUT = "message:"
_UNPROVEN = (UNKNOWN, SENDING)


class Click(NamedTuple):
    """One visit to a link of a message, by GET."""

    message_id: int
    url: str
    occurred_at: datetime
    is_human: bool


def packed(click: Click) -> bytes:
    """A click as it is kept; its moment is the delivery's own."""
    told = {"message": click.message_id, "url": click.url, "is_human": click.is_human}
    return exact_json.encoded(told)


def unpacked(body: bytes, occurred_at: datetime) -> Click:
    """What `packed` made."""
    told = json.loads(body)
    return Click(told["message"], told["url"], occurred_at, told["is_human"])


def apply(session: Session, store_id: int, clicks: Sequence[Click], now: datetime) -> None:
    """Let the clicks of one store take effect, in their order; a message of another store has none."""
    visited = _visited(session, store_id, clicks)
    for click in clicks:
        if click.message_id in visited:
            visited[click.message_id].take(click)
    _keep(session, store_id, visited.values())
    _tell_messages(session, store_id, visited.values())
    _tell_timeline(session, store_id, visited.values(), now)


def message_in(subject: str) -> int:
    """The message that an entry of the timeline is about."""
    return int(subject.removeprefix(_ABOUT))


def front_page(url: str, domain: str) -> str:
    """Where a link leads whose message is not kept any more."""
    return url if "://" in url else f"https://{domain}"


@dataclass(slots=True)
class _Event:
    """A row of the table of events: one that is there (`id`), or one that is to be kept."""

    key: str
    type: str
    occurred_at: datetime
    url: str | None
    reason: str | None = None
    id: int | None = None
    is_changed: bool = False

    @property
    def tells_of_others(self) -> bool:
        """A gateway that says what it is tells nothing of who else opens the mail at that moment."""
        return self.type == CLICKED or self.reason == BURST


@dataclass(slots=True)
class _Visited:
    """A message and what is known of the visits to it, of late and now, by the keys of their events."""

    row: Any
    events: dict[str, _Event] = field(default_factory=dict)
    is_proven: bool = False

    def take(self, click: Click) -> None:
        """One more click; the same link in the same second is the same click."""
        # What erasure or retention took must not come back by a click that waited meanwhile.
        url = click.url if self.row.has_content else front_page(self.row.url, self.row.domain)
        since = self._burst_since(url, click.occurred_at) if click.is_human else None
        if since is not None:
            self._take_back(since)
        kind = CLICKED if click.is_human and since is None else SCANNED
        link = hashlib.blake2s(url.encode(), digest_size=8).hexdigest()
        key = f"{kind}:{self.row.id}:{int(click.occurred_at.timestamp())}:{link}"
        if key in self.events:
            return
        reason = BURST if since is not None else None
        self.events[key] = _Event(key, kind, click.occurred_at, url, reason)
        self.is_proven |= kind == CLICKED

    def of_kind(self, kind: str, *, is_new: bool) -> list[_Event]:
        """Its events of a kind that are to be kept now, or those that were there and are changed."""
        events = (event for event in self.events.values() if event.type == kind)
        return [event for event in events if (event.id is None if is_new else event.is_changed)]

    def _burst_since(self, url: str, at: datetime) -> datetime | None:
        since = at - scanners.LONGEST_BURST
        lately = [event for event in self.events.values() if event.occurred_at >= since]
        told = [(event.url or "", event.occurred_at) for event in lately if event.tells_of_others]
        return scanners.burst_since(url, at, told)

    def _take_back(self, since: datetime) -> None:
        """These clicks were a program's after all."""
        for event in self.events.values():
            if event.type == CLICKED and event.occurred_at >= since:
                event.type, event.reason, event.is_changed = SCANNED, BURST, event.id is not None


_MESSAGES_VISITED = (
    select(
        *(MESSAGES.c[name] for name in ("id", "customer_id", "flow_key", "step", "status", "clicked_at")),
        MESSAGES.c.is_tallied,
        *(MESSAGES.c.content.is_not(None).label("has_content"), STORES.c.url, STORES.c.domain),
    )
    .join(STORES, STORES.c.id == MESSAGES.c.store_id)
    .where(MESSAGES.c.store_id == bindparam("store"), Among(MESSAGES.c.id, "messages"))
    .order_by(MESSAGES.c.id)
    .with_for_update(of=MESSAGES)
)
_LATE_EVENTS = select(
    *(EVENTS.c[name] for name in ("message_id", "event_key", "type", "occurred_at", "url", "reason", "id"))
).where(
    EVENTS.c.store_id == bindparam("store"),
    Among(EVENTS.c.message_id, "messages"),
    EVENTS.c.occurred_at >= bindparam("since", type_=UtcDateTime),
)


def _visited(session: Session, store_id: int, clicks: Sequence[Click]) -> dict[int, _Visited]:
    """The messages, locked so that clicks of one moment see each other; with what people did of late."""
    asked = {"store": store_id, "messages": sorted({click.message_id for click in clicks})}
    found = {row.id: _Visited(row) for row in session.execute(_MESSAGES_VISITED, asked)}
    moments = [click.occurred_at for click in clicks if click.is_human]
    if found and moments:
        asked = {"store": store_id, "messages": list(found), "since": min(moments) - scanners.LONGEST_BURST}
        for number, *told in session.execute(_LATE_EVENTS, asked):
            event = _Event(*told)
            found[number].events[event.key] = event
    return found


def _keep(session: Session, store_id: int, visited: Collection[_Visited]) -> None:
    """Write the events down, and which of the earlier ones were a program's."""
    new = [
        {
            "store_id": store_id,
            "message_id": one.row.id,
            "type": kind,
            "occurred_at": event.occurred_at,
            "event_key": event.key,
            "is_human": kind == CLICKED,
            "url": event.url,
            "reason": event.reason,
        }
        for one in visited
        for kind in (CLICKED, SCANNED)
        for event in one.of_kind(kind, is_new=True)
    ]
    if new:
        columns = {name: [row[name] for row in new] for name in new[0]}
        insert_new_columns(session, EVENTS, {**columns, **timeline.numbers(session, len(new))})
    changed = [event for one in visited for event in one.of_kind(SCANNED, is_new=False)]
    if changed:
        mine = (EVENTS.c.store_id == store_id, EVENTS.c.id.in_([event.id for event in changed]))
        session.execute(update(EVENTS).where(*mine).values(type=SCANNED, is_human=False, reason=BURST))


def _tell_messages(session: Session, store_id: int, visited: Collection[_Visited]) -> None:
    """The first click of each message, which surely left."""
    tallies.take_back(session, store_id, [one.row.id for one in visited if one.row.is_tallied])
    first = [
        {"store_id": store_id, "id": one.row.id, "clicked_at": new[0].occurred_at}
        for one in visited
        if one.row.clicked_at is None and (new := one.of_kind(CLICKED, is_new=True))
    ]
    update_rows(session, MESSAGES, first)
    proven = [one.row.id for one in visited if one.is_proven and one.row.status in _UNPROVEN]
    if proven:
        mine = (MESSAGES.c.store_id == store_id, is_among(session, MESSAGES.c.id, proven))
        left = {"status": SENT, "unknown_since": None, "lease_token": None, "lease_until": None}
        session.execute(update(MESSAGES).where(*mine).values(left))
    for one in visited:
        if one.of_kind(SCANNED, is_new=False):
            _count_again(session, store_id, one.row.id)


def _count_again(session: Session, store_id: int, message_id: int) -> None:
    """Set the first click of a message of whose clicks some were taken back."""
    theirs = (EVENTS.c.store_id == store_id, EVENTS.c.message_id == message_id, EVENTS.c.type == CLICKED)
    first = select(func.min(EVENTS.c.occurred_at)).where(*theirs).scalar_subquery()
    mine = (MESSAGES.c.store_id == store_id, MESSAGES.c.id == message_id)
    session.execute(update(MESSAGES).where(*mine).values(clicked_at=first))


def _tell_timeline(session: Session, store_id: int, visited: Collection[_Visited], now: datetime) -> None:
    """What people did enters the timeline; what was taken back leaves it."""
    entries = [
        NewEvent(
            store_id=store_id,
            customer_id=one.row.customer_id,
            type=ENTRY,
            subject=f"{_ABOUT}{one.row.id}",
            source_key=_entry_key(event),
            occurred_at=event.occurred_at,
            details={"flow": one.row.flow_key, "step": one.row.step, "url": event.url},
        )
        for one in visited
        for event in one.of_kind(CLICKED, is_new=True)
    ]
    timeline.record(session, entries, now)
    gone = [_entry_key(event) for one in visited for event in one.of_kind(SCANNED, is_new=False)]
    if gone:
        timeline.retract(session, store_id, gone)


def _entry_key(event: _Event) -> str:
    return f"message.{event.key}"
