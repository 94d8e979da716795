"""What signing in leaves behind goes once it is over: sessions, links, tries, mails, and who never came."""

from datetime import datetime, timedelta

from sqlalchemy import delete, or_
from sqlalchemy.orm import Session

from app.db import wall_now
from app.members import attempts, letters, people, sessions
from app.models import MemberSession, Membership, SignInAttempt, SignInLink

LINK, LETTER, NEVER_CAME = timedelta(days=1), timedelta(days=3), timedelta(days=30)


def purge(session: Session, now: datetime) -> int:
    """Delete what is over; how many rows went.

    Sessions when they end, links a day later, tries an hour later, mails after three days; who did not take
    an invitation up within thirty days of its end, and who is in no store any more.
    """
    moment = wall_now(session)
    is_over = or_(MemberSession.expires_at < moment, MemberSession.seen_at < moment - sessions.IDLE)
    gone = 0
    for statement in (
        delete(MemberSession).where(is_over).returning(MemberSession.id),
        delete(SignInLink).where(SignInLink.expires_at < moment - LINK).returning(SignInLink.token_hash),
        delete(SignInAttempt)
        .where(SignInAttempt.since < moment - 2 * attempts.LONGEST)
        .returning(SignInAttempt.subject),
        delete(Membership)
        .where(Membership.accepted_at.is_(None), Membership.invited_until < moment - NEVER_CAME)
        .returning(Membership.member_id),
    ):
        gone += len(session.execute(statement).all())
    return gone + letters.forget(session, now - LETTER) + people.forget_without_stores(session)
