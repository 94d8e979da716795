"""What signing in leaves behind goes once it is over: sessions, links, tries, mails, and who never came."""

from datetime import datetime, timedelta

from sqlalchemy import and_, bindparam, delete, exists, or_, select
from sqlalchemy.orm import Session

from app.db import UtcDateTime, table_of, wall_now
from app.members import attempts, letters, people, sessions
from app.models import MemberSession, Membership, SignInAttempt, SignInLink

SESSIONS, LINKS = table_of(MemberSession), table_of(SignInLink)
ATTEMPTS, MEMBERSHIPS = table_of(SignInAttempt), table_of(Membership)
LINK, LETTER, NEVER_CAME = timedelta(days=1), timedelta(days=3), timedelta(days=30)

_MOMENT, _IDLE_SINCE, _LINK_OVER, _TRIED_BEFORE, _INVITED_UNTIL = (
    bindparam(name, type_=UtcDateTime)
    for name in ("moment", "idle_since", "link_over", "tried_before", "invited_until")
)
_AGES = {
    "moment": timedelta(0),
    "idle_since": sessions.IDLE,
    "link_over": LINK,
    "tried_before": 2 * attempts.LONGEST,
    "invited_until": NEVER_CAME,
}
"""How long before now each of these moments lies."""
_HAS_ENDED = or_(SESSIONS.c.expires_at < _MOMENT, SESSIONS.c.seen_at < _IDLE_SINCE)
_LEADS_NOWHERE = LINKS.c.expires_at < _LINK_OVER
_IS_FORGIVEN = ATTEMPTS.c.since < _TRIED_BEFORE
_NEVER_CAME = and_(MEMBERSHIPS.c.accepted_at.is_(None), MEMBERSHIPS.c.invited_until < _INVITED_UNTIL)
_OVER = (
    delete(SESSIONS).where(_HAS_ENDED).returning(SESSIONS.c.id),
    delete(LINKS).where(_LEADS_NOWHERE).returning(LINKS.c.token_hash),
    delete(ATTEMPTS).where(_IS_FORGIVEN).returning(ATTEMPTS.c.subject),
    delete(MEMBERSHIPS).where(_NEVER_CAME).returning(MEMBERSHIPS.c.member_id),
)
_CONDITIONS = (_HAS_ENDED, _LEADS_NOWHERE, _IS_FORGIVEN, _NEVER_CAME, letters.IS_OLD, people.WITHOUT_STORES)
_ANY = select(or_(*(exists().where(one) for one in _CONDITIONS)))


def is_due(session: Session, now: datetime) -> bool:
    """Whether `purge` would find anything, by one statement for all."""
    moments = _moments(session) | {"queued_before": now - LETTER}
    return bool(session.execute(_ANY, moments).scalar_one())


def purge(session: Session, now: datetime) -> int:
    """Delete what is over; how many rows went.

    Sessions when they end, links a day later, tries an hour later, mails after three days; who did not take
    an invitation up within thirty days of its end, and who is in no store any more.
    """
    moments = _moments(session)
    gone = sum(len(session.execute(one, moments).all()) for one in _OVER)
    return gone + letters.forget(session, now - LETTER) + people.forget_without_stores(session)


def _moments(session: Session) -> dict[str, datetime]:
    moment = wall_now(session)
    return {name: moment - age for name, age in _AGES.items()}
