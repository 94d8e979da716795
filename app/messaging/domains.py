"""The domain that a store's mails come from, as its DNS and SendGrid last showed it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.db import table_of, upsert
from app.models import SenderDay, SenderDomain

DOMAINS, DAYS = table_of(SenderDomain), table_of(SenderDay)
_GONE = delete(DOMAINS).where(DOMAINS.c.store_id == bindparam("store"))
MISSING, UNASKED = "missing", "unasked"
MAY_NOT_ASK, NOT_THERE = "key may not ask", "not at SendGrid"
"""Why there are no records to show."""
WEAK = (MISSING, "none", "unreadable")
"""Policies that are told as a warning; none of them stops a mail."""


@dataclass(frozen=True, slots=True)
class DomainFacts:
    """What was found; the columns of the table."""

    domain: str
    dmarc: str
    records: Sequence[Mapping[str, Any]] = ()
    is_valid: bool | None = None
    problem: str | None = None
    daily: int | None = None


def keep(session: Session, store_id: int, facts: DomainFacts | None, now: datetime) -> None:
    """Remember what was found; nothing for a store without a sender or an account."""
    if facts is None:
        session.execute(_GONE, {"store": store_id})
        return
    moments = {"since": _since(session, store_id, facts.domain, now.date()), "checked_at": now}
    values = asdict(facts) | {"records": [dict(one) for one in facts.records], **moments}
    upsert(session, DOMAINS, [{"store_id": store_id, **values}], key=("store_id",), update=list(values))


def of_store(session: Session, store_id: int) -> Row[Any] | None:
    """What is known of a store's domain."""
    return session.execute(select(DOMAINS).where(DOMAINS.c.store_id == store_id)).one_or_none()


def forget_account(session: Session, store_id: int) -> None:
    """Forget what another account delivered."""
    session.execute(update(DOMAINS).where(DOMAINS.c.store_id == store_id).values(daily=None))


def _since(session: Session, store_id: int, domain: str, today: date) -> date:
    """Since when the store sends from the domain; one that was never looked at was the one from the first."""
    held = of_store(session, store_id)
    if held is not None:
        return held.since if held.domain == domain else today
    first = select(func.min(DAYS.c.day)).where(
        DAYS.c.store_id == store_id, DAYS.c.channel == "email", DAYS.c.sent > 0
    )
    return session.execute(first).scalar_one() or today
