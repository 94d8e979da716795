"""Signing in: one-time links, sessions, and how often somebody tried."""

from datetime import datetime

from sqlalchemy import Boolean, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, Id, UtcDateTime


class SignInLink(Base):
    """A single-use link, kept as a hash.

    Attributes:
        member_id: who may choose a password by it; None for the operator's own (printed by `make run`), which
            signs its reader in.
    """

    __tablename__ = "sign_in_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    member_id: Mapped[int | None] = mapped_column(Id)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MemberSession(Base):
    """A browser that is signed in; all moments by the database's clock.

    Attributes:
        token_hash: of what stands in the browser's cookie.
        member_id: whose it is; None for the operator's one-time link.
        is_half: the password was right and the second factor is still to come; it opens nothing.
        agent: what the browser says it is.
    """

    __tablename__ = "member_sessions"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    member_id: Mapped[int | None] = mapped_column(Id)
    is_half: Mapped[bool] = mapped_column(Boolean, default=False)
    agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_member_sessions_member", "member_id"),)


class SignInAttempt(Base):
    """How often something was tried in a stretch of time: with an address, or by a client.

    Attributes:
        subject: a keyed hash of the address or client and of what was tried.
        since: when the stretch began, by the database's clock.
    """

    __tablename__ = "sign_in_attempts"

    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    n: Mapped[int] = mapped_column(default=1)
