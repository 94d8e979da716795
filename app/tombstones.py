"""Whom a store must not know again: keyed hashes of what the shop calls those that were erased."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import table_of, upsert
from app.models import ErasedIdentity

TOMBSTONES = table_of(ErasedIdentity)
_PER_QUERY = 500
_ANY = select(TOMBSTONES.c.store_id).where(TOMBSTONES.c.store_id == bindparam("store_id")).limit(1)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Who was erased when; `customer_id` is None for somebody whom we had never heard of."""

    customer_id: int | None
    erased_at: datetime


def add(
    session: Session,
    signer: Signer,
    store_id: int,
    *,
    identities: Iterable[str],
    customer_id: int | None,
    erased_at: datetime,
) -> int:
    """Remember identities (`id:<external id>`, `email:<normalised e-mail>`) as erased; how many."""
    rows = [
        {
            "store_id": store_id,
            "identity_hash": _hash(signer, store_id, identity),
            "customer_id": customer_id,
            "erased_at": erased_at,
        }
        for identity in sorted(set(identities))
    ]
    upsert(
        session,
        TOMBSTONES,
        rows,
        key=("store_id", "identity_hash"),
        update=("customer_id", "erased_at"),
        newer_by="erased_at",
    )
    return len(rows)


def find(
    session: Session, signer: Signer, store_id: int, identities: Collection[str]
) -> Mapping[str, Tombstone]:
    """Those of the identities that were erased. A store that never erased anybody costs one short look."""
    if not identities or not _has_any(session, store_id):
        return {}
    hashes = {_hash(signer, store_id, identity): identity for identity in identities}
    wanted = sorted(hashes)
    found: dict[str, Tombstone] = {}
    for start in range(0, len(wanted), _PER_QUERY):
        statement = select(TOMBSTONES).where(
            TOMBSTONES.c.store_id == store_id,
            TOMBSTONES.c.identity_hash.in_(wanted[start : start + _PER_QUERY]),
        )
        for row in session.execute(statement):
            found[hashes[row.identity_hash]] = Tombstone(row.customer_id, row.erased_at)
    return found


def _has_any(session: Session, store_id: int) -> bool:
    return session.execute(_ANY, {"store_id": store_id}).first() is not None


def _hash(signer: Signer, store_id: int, identity: str) -> str:
    return signer.fingerprint("erased", f"{store_id}:{identity}")
