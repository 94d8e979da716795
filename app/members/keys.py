"""API keys: what opens /api/v1 of one store to a program. Shown once, kept as a hash, revoked for good."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.errors import NotFound
from app.members.links import digest
from app.models import ApiKey

PREFIX = "rit_"
LONGEST_NAME = 100
_NOTED_EVERY = timedelta(minutes=5)
_MOST = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """The door that a key opened. `is_stale`: it is time to write down that it was used."""

    store_id: int
    key_id: int
    is_stale: bool


def make(session: Session, store_id: int, name: str, now: datetime) -> str:
    """Make a key of one store and return it; only its hash is kept."""
    key = PREFIX + secrets.token_urlsafe(32)
    row = ApiKey(store_id=store_id, name=name[:LONGEST_NAME], key_hash=digest(key), created_at=now)
    session.add(row)
    session.flush()
    return key


def of_store(session: Session, store_id: int) -> Sequence[ApiKey]:
    """The newest keys of a store, revoked ones among them; what opens the door is kept nowhere."""
    mine = select(ApiKey).where(ApiKey.store_id == store_id)
    return session.scalars(mine.order_by(ApiKey.id.desc()).limit(_MOST)).all()


def revoke(session: Session, store_id: int, key_id: int, now: datetime) -> ApiKey:
    """Let a key open nothing any more.

    Raises:
        NotFound: the store has no such key, or it was revoked before.
    """
    mine = (ApiKey.store_id == store_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    key = session.scalars(select(ApiKey).where(*mine).with_for_update()).one_or_none()
    if key is None:
        raise NotFound(f"store {store_id} has no key {key_id} that opens anything")
    key.revoked_at = now
    return key


def find(session: Session, key: str, now: datetime) -> Opened | None:
    """What a key opens, or None: revoked, or never ours."""
    opened = select(ApiKey.store_id, ApiKey.id, ApiKey.used_at).where(ApiKey.key_hash == digest(key))
    found = session.execute(opened.where(ApiKey.revoked_at.is_(None))).one_or_none()
    if found is None:
        return None
    is_stale = found.used_at is None or found.used_at < now - _NOTED_EVERY
    return Opened(found.store_id, found.id, is_stale)


def still_opens(session: Session, store_id: int, key_id: int) -> bool:
    """Whether a key was not revoked meanwhile; it cannot be from here to the end of this transaction."""
    mine = (ApiKey.store_id == store_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
    return session.scalar(select(ApiKey.id).where(*mine).with_for_update(read=True)) is not None


def touch(session: Session, opened: Opened, now: datetime) -> None:
    """Write down that a key was used."""
    mine = (ApiKey.store_id == opened.store_id, ApiKey.id == opened.key_id)
    session.execute(update(ApiKey).where(*mine).values(used_at=now))
