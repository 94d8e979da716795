"""What of a store needs its merchant, most urgent first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.messaging import domains
from app.models import Backfill, Chore, InboundEvent, Message, PrivacyRequest, Review, Store, StoreWrite
from app.models.inbound_event import DEAD
from app.models.message import FAILED, HELD, UNKNOWN
from app.models.review import LOW, PENDING, WRITTEN
from app.models.store_write import RESTING
from app.stores import chores, mending, notices, scopes
from app.stores.platforms import NEEDS_RECONNECT, UNINSTALLED
from app.web import senders, upkeep
from app.web.context import count_up_to, literals
from app.web.senders import View

_CAP = 999
_STATES = (NEEDS_RECONNECT, UNINSTALLED)
_REFUSALS = ("key", "owner", "read-only", "locked", "clock")
"""Why a shop turns us away, where the merchant is told in so many words."""
_WHOLE = 100
_RESTING = (UNKNOWN, FAILED, HELD)


@dataclass(frozen=True, slots=True)
class Item:
    """One line: which words, how many, and the screen that mends it.

    Attributes:
        key: the text is `attention.<key>`.
        tone: bad (something is broken), warn (a person must decide) or calm (a step of the set-up).
        path: where the line leads.
        until: the last day for it, if there is one.
        channel, problem: of a sender that stands still.
    """

    key: str
    tone: str
    n: int
    path: str
    until: datetime | None = None
    channel: str = ""
    problem: str = ""


def of_store(
    session: Session,
    store: Store,
    *,
    has_sender: bool,
    active_flows: int,
    grant_url: str,
    ways_out: Sequence[View],
) -> list[Item]:
    """Every line of one store; `grant_url` is where its merchant grants what we need."""
    items = [
        *_connection(session, store),
        *(Item(f"scope.{scope}", "bad", 0, grant_url) for scope in scopes.missing(store)),
        *_webhooks(session, store),
        *_inbox(session, store.id),
        *_privacy(session, store.id),
        *_reviews(session, store.id),
        *_senders(ways_out),
        *_notices(session, store.id),
        *_messages(session, store.id),
        *_writes(session, store.id),
    ]
    if scopes.hides_older_orders(store):
        items.append(Item("recent_orders", "calm", scopes.RECENT_DAYS, "/app/activity"))
    if not has_sender:
        items.append(Item("no_sender", "calm", 0, "/app/settings#identity"))
    if not active_flows:
        items.append(Item("no_flow", "calm", 0, "/app/flows"))
    return items


_CONNECTION = "/app/settings#connection"
"""Where the button is that connects again."""


def _connection(session: Session, store: Store) -> Iterator[Item]:
    if store.state == NEEDS_RECONNECT and store.refusal in _REFUSALS:
        yield Item(f"reconnect.{store.refusal}", "bad", 0, _CONNECTION)
    elif store.state in _STATES:
        yield Item(store.state, "bad", 0, _CONNECTION)
    elif store.refusals:
        yield Item("refused", "warn", store.refusals, "/app/activity#upkeep")
    if store.other_home:
        yield Item("other_home", "bad", 0, "/app/settings#home")
    if store.is_copy:
        yield Item("copy", "warn", 0, "/app/settings")
    stuck = select(Backfill.resource).where(
        Backfill.store_id == store.id, Backfill.finished_at.is_(None), Backfill.error.is_not(None)
    )
    if session.execute(stuck.limit(1)).first() is not None:
        yield Item("backfill", "warn", 0, "/app/activity")


def _webhooks(session: Session, store: Store) -> Iterator[Item]:
    found = select(Chore.name, Chore.notes).where(Chore.store_id == store.id)
    notes = {row.name: row.notes for row in session.execute(found)}
    if mending.is_unreached(notes.get(chores.WEBHOOKS, {})):
        yield Item("webhooks_unreached", "bad", 0, "/app/activity#upkeep")
    silent = notes.get(chores.IDENTITY, {}).get(chores.SILENT, 0)
    if silent:
        yield Item("webhooks_silent", "bad", silent, "/app/activity#inbound")
    n = len(upkeep.paused_topics(store))
    if n:
        yield Item("webhooks_paused", "warn", n, "/app/activity#upkeep")


def _inbox(session: Session, store_id: int) -> Iterator[Item]:
    dead = select(InboundEvent.id).where(
        InboundEvent.store_id == store_id, InboundEvent.status.in_(literals((DEAD,)))
    )
    n = count_up_to(session, dead, _CAP)
    if n:
        yield Item("dead", "bad", n, "/app/activity?status=dead#inbound")


def _privacy(session: Session, store_id: int) -> Iterator[Item]:
    is_open = (PrivacyRequest.store_id == store_id, PrivacyRequest.done_at.is_(None))
    n = count_up_to(session, select(PrivacyRequest.id).where(*is_open), _CAP)
    if n:
        until = session.execute(select(func.min(PrivacyRequest.due_at)).where(*is_open)).scalar_one()
        yield Item("privacy", "warn", n, "/app/privacy", until)


def _reviews(session: Session, store_id: int) -> Iterator[Item]:
    """Somebody is unhappy, and nobody has looked at it yet."""
    low = select(Review.id).where(
        Review.store_id == store_id,
        Review.state == PENDING,
        Review.rating.in_(LOW),
        Review.status.in_(WRITTEN),
    )
    n = count_up_to(session, low, _CAP)
    if n:
        yield Item("low_ratings", "warn", n, "/app/reviews?show=low")


def _senders(ways_out: Sequence[View]) -> Iterator[Item]:
    for key, channel, problem in senders.in_trouble(ways_out):
        tone = "warn" if key == "sender_paused" else "bad"
        yield Item(key, tone, 0, "/app/settings#senders", channel=channel, problem=problem)
    for view in ways_out:
        if view.warming is not None:
            day = f"{view.warming.day}/{view.warming.days}"
            yield Item("warming", "calm", view.warming.most, "/app/settings#senders", problem=day)
        if view.quota and view.used >= view.quota:
            words = f"a month: {view.quota}"
            yield Item("quota", "warn", 0, "/app/settings#senders", channel=view.channel, problem=words)
        if view.spending is not None and view.spending.is_near:
            share = view.spending.percent
            key, tone = ("text_budget_full", "bad") if share >= _WHOLE else ("text_budget", "warn")
            yield Item(key, tone, share, "/app/settings#senders", problem=view.spending.words)
        if view.domain is not None and view.domain.dmarc == domains.MISSING:
            yield Item("no_dmarc", "calm", 0, "/app/settings#senders")


def _notices(session: Session, store_id: int) -> Iterator[Item]:
    for row in notices.of_store(session, store_id):
        if row.status in notices.UNSENT:
            yield Item(f"notice_{row.status}", "warn", 0, "/app/settings#identity")


def _messages(session: Session, store_id: int) -> Iterator[Item]:
    for status, tone in _tones():
        resting = select(Message.id).where(Message.store_id == store_id, Message.status == status)
        n = count_up_to(session, resting, _CAP)
        if n:
            yield Item(status, tone, n, f"/app/outbox?status={status}")


def _writes(session: Session, store_id: int) -> Iterator[Item]:
    resting = select(StoreWrite.id).where(
        StoreWrite.store_id == store_id, StoreWrite.state.in_(literals(RESTING))
    )
    n = count_up_to(session, resting, _CAP)
    if n:
        yield Item("writes", "warn", n, "/app/activity#written-back")


def _tones() -> Sequence[tuple[str, str]]:
    return [(status, "bad" if status == FAILED else "warn") for status in _RESTING]
