"""The preferences of one person: read for their page, changed by it, and what waits because of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app import timeline
from app.db import table_of, to_micros, upsert
from app.messaging import fact_rows
from app.messaging.wishes import PAUSE_DAYS, Wishes, topics_of
from app.models import Flow, Message, Preference
from app.models.message import QUEUED
from app.timeline import NewEvent

MESSAGES, PREFERENCES = table_of(Message), table_of(Preference)
KEEP, RESUME = "keep", "resume"
PAUSES = (KEEP, RESUME, *(str(days) for days in PAUSE_DAYS))
"""What may become of a pause: stay as it is, end, or last so many days from now."""
_PAUSED = "paused-by-customer"
_FLOWS = select(Flow.key).where(Flow.store_id == bindparam("store"))
SAVED = "preferences.saved"
"""The entry of somebody who answered on their preference page."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person ticked: of the topics that were `asked` those `wanted`, and how much and when."""

    asked: frozenset[str]
    wanted: frozenset[str]
    is_fewer: bool
    pause: str


def topics_asked(session: Session, store_id: int) -> tuple[str, ...]:
    """What a store's messages are about, as its flows say."""
    return topics_of(session.execute(_FLOWS, {"store": store_id}).scalars())


def wishes_of(session: Session, store_id: int, customer_id: int) -> Wishes:
    """What a person wishes now."""
    return fact_rows.wishes(session, store_id, [customer_id]).get(customer_id, Wishes())


def save(session: Session, store_id: int, customer_id: int, *, answers: Answers, now: datetime) -> Wishes:
    """Keep what a person wishes; of topics that were not asked nothing changes."""
    held = wishes_of(session, store_id, customer_id)
    wished = Wishes(
        paused_until=_paused_until(held, answers.pause, now),
        topics_off=(held.topics_off - answers.asked) | (answers.asked - answers.wanted),
        is_fewer=answers.is_fewer,
    )
    write(session, store_id, customer_id, wished=wished, now=now)
    _tell(session, store_id, customer_id, now)
    if wished.paused_until is None:
        _wake(session, store_id, customer_id, now)
    return wished


def write(session: Session, store_id: int, customer_id: int, *, wished: Wishes, now: datetime) -> None:
    """Keep a person's wishes as they are given."""
    row = {
        "store_id": store_id,
        "customer_id": customer_id,
        "paused_until": wished.paused_until,
        "topics_off": sorted(wished.topics_off),
        "is_fewer": wished.is_fewer,
        "updated_at": now,
    }
    changed: Sequence[str] = ("paused_until", "topics_off", "is_fewer", "updated_at")
    upsert(session, PREFERENCES, [row], key=("store_id", "customer_id"), update=changed)


def _paused_until(held: Wishes, pause: str, now: datetime) -> datetime | None:
    if pause == KEEP:
        is_over = held.paused_until is None or held.paused_until <= now
        return None if is_over else held.paused_until
    return None if pause == RESUME else now + timedelta(days=int(pause))


def _tell(session: Session, store_id: int, customer_id: int, now: datetime) -> None:
    """Whoever answers is there, once a minute; what they wish is nobody's business but the gate's."""
    event = NewEvent(
        store_id=store_id,
        customer_id=customer_id,
        type=SAVED,
        subject="preferences",
        source_key=f"{SAVED}:{customer_id}:{to_micros(now.replace(second=0, microsecond=0))}",
        occurred_at=now,
    )
    timeline.record(session, [event], now)


def _wake(session: Session, store_id: int, customer_id: int, now: datetime) -> None:
    """What waits for the end of a pause is looked at again."""
    waiting = (
        MESSAGES.c.store_id == store_id,
        MESSAGES.c.customer_id == customer_id,
        MESSAGES.c.status == QUEUED,
        MESSAGES.c.reason == _PAUSED,
    )
    session.execute(update(MESSAGES).where(*waiting).values(next_at=now))
