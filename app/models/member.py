"""Members: the people of a shop who sign in, and what each may do in which store."""

from datetime import datetime

from sqlalchemy import Boolean, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class Member(Base):
    """A person with a login of their own, for one store or several.

    Attributes:
        email: lower case; what they sign in with.
        language: it or en; "" follows their browser.
        password: Argon2id, as PHC text; "" until they choose one.
        is_operator: runs this installation: every store is theirs as its owner, and they may connect more.
        totp_secret: sealed; of a second factor that is being set up while `totp_at` is None.
        totp_step: the last half minute whose code was used: none opens twice.
        seen_at: when a page was last asked for, give or take some minutes.
    """

    __tablename__ = "members"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    language: Mapped[str] = mapped_column(String(2), default="")
    password: Mapped[str] = mapped_column(String(200), default="")
    is_operator: Mapped[bool] = mapped_column(Boolean, default=False)
    totp_secret: Mapped[str] = mapped_column(Text, default="", info={"is_sealed": True})
    totp_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    totp_step: Mapped[int] = mapped_column(Id, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    # The audit log names members by their number, which must never become another's.
    __table_args__ = ({"sqlite_autoincrement": True},)


class Membership(Base):
    """What a member may do in a store; it counts once they took the invitation up.

    Attributes:
        role: owner, marketer or reader.
        invitation: the hash of the link that was sent, None once it was taken up; good until `invited_until`.
    """

    __tablename__ = "memberships"

    store_id: Mapped[int] = mapped_column(Id, primary_key=True)
    member_id: Mapped[int] = mapped_column(Id, primary_key=True)
    role: Mapped[str] = mapped_column(String(10))
    invited_at: Mapped[datetime] = mapped_column(UtcDateTime)
    invitation: Mapped[str | None] = mapped_column(String(64))
    invited_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_memberships_member", "member_id", "store_id"),)


class RecoveryCode(Base):
    """A code that stands in for a lost second factor, once; kept as a keyed hash."""

    __tablename__ = "recovery_codes"

    member_id: Mapped[int] = mapped_column(Id, primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), primary_key=True)


class MemberLetter(Base):
    """A mail with a one-time link that waits to leave; it goes once the provider took it.

    Attributes:
        kind: invitation or password.
        sealed: the link and what the mail says beside it.
        status: queued, sending or failed.
        cut_off: calls of which nobody wrote down the answer; the first one is made once more.
        lease_until: until when somebody is sending it, by the clock of leases.
    """

    __tablename__ = "member_letters"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    member_id: Mapped[int] = mapped_column(Id)
    kind: Mapped[str] = mapped_column(String(20))
    sealed: Mapped[str] = mapped_column(Text, info={"is_sealed": True})
    status: Mapped[str] = mapped_column(String(10))
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cut_off: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_member_letters_next", "status", "next_at"),)
