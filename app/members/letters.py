"""Mails with one-time links to members: queued sealed, claimed, and gone once the provider took them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, or_, select, update
from sqlalchemy.orm import Session

from app.config import Settings
from app.crypto import UnreadableSecret, Vault
from app.db import UtcDateTime, lease_now
from app.models import Member, MemberLetter

INVITATION, PASSWORD = "invitation", "password"
QUEUED, SENDING, FAILED = "queued", "sending", "failed"
AGAIN = timedelta(minutes=2)
_LEASE = timedelta(minutes=5)

IS_OLD = MemberLetter.queued_at < bindparam("queued_before", type_=UtcDateTime)
_OLD = delete(MemberLetter).where(IS_OLD).returning(MemberLetter.id)


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail that is to leave now.

    Attributes:
        url: the one-time link.
        store: what it invites into; "" for a new password.
        language: it or en.
    """

    id: int
    kind: str
    to_address: str
    url: str
    store: str
    language: str


def can_leave(settings: Settings) -> bool:
    """Whether there is an account and an address to write to merchants with."""
    return bool(settings.sendgrid_api_key and settings.notice_from)


def queue(
    session: Session,
    vault: Vault,
    member_id: int,
    kind: str,
    *,
    url: str,
    language: str,
    now: datetime,
    store: str = "",
) -> None:
    """Have a link sent; what could not be sent before is forgotten."""
    lost = (MemberLetter.member_id == member_id, MemberLetter.kind == kind, MemberLetter.status == FAILED)
    session.execute(delete(MemberLetter).where(*lost))
    sealed = vault.seal({"url": url, "store": store, "language": language})
    row = MemberLetter(
        member_id=member_id, kind=kind, sealed=sealed, status=QUEUED, queued_at=now, next_at=now
    )
    session.add(row)
    session.flush()


def is_due(session: Session, now: datetime) -> bool:
    """Whether a mail waits, or was cut off."""
    return session.execute(select(MemberLetter.id).where(_waits(session, now)).limit(1)).first() is not None


def claim(session: Session, vault: Vault, now: datetime) -> Sequence[Letter]:
    """The mails that are to leave now.

    What was cut off between claim and answer is sent once more: the link in it is good once either way.
    """
    waiting = select(MemberLetter, Member.email).join(Member, Member.id == MemberLetter.member_id)
    rows = session.execute(waiting.where(_waits(session, now)).with_for_update(skip_locked=True)).all()
    until, claimed = lease_now(session) + _LEASE, []
    for row, email in rows:
        if row.status == SENDING and row.cut_off:
            row.status = FAILED
            continue
        try:
            told = vault.open(row.sealed)
        except UnreadableSecret:
            # Its key was taken away. Whoever wants the link asks for another; the others' letters leave.
            row.status = FAILED
            continue
        row.cut_off += row.status == SENDING
        row.status, row.lease_until = SENDING, until
        claimed.append(Letter(row.id, row.kind, email, **told))
    session.flush()
    return claimed


def sent(session: Session, letter_id: int) -> None:
    """Forget a mail that the provider took."""
    session.execute(delete(MemberLetter).where(MemberLetter.id == letter_id))


def not_sent(session: Session, letter_id: int, *, again_at: datetime | None) -> None:
    """Try again then, or never (None)."""
    values: dict[str, Any] = {"status": FAILED if again_at is None else QUEUED, "lease_until": None}
    if again_at is not None:
        values["next_at"] = again_at
    session.execute(update(MemberLetter).where(MemberLetter.id == letter_id).values(values))


def failed_for(session: Session, member_ids: Sequence[int]) -> set[int]:
    """The members to whom an invitation could not be sent."""
    lost = select(MemberLetter.member_id).where(
        MemberLetter.member_id.in_(member_ids), MemberLetter.kind == INVITATION, MemberLetter.status == FAILED
    )
    return set(session.scalars(lost))


def forget(session: Session, before: datetime) -> int:
    """Delete the mails that were queued before; what their links led to is over."""
    return len(session.execute(_OLD, {"queued_before": before}).all())


def _waits(session: Session, now: datetime) -> ColumnElement[bool]:
    is_left = and_(MemberLetter.status == SENDING, MemberLetter.lease_until < lease_now(session))
    return or_(and_(MemberLetter.status == QUEUED, MemberLetter.next_at <= now), is_left)
