"""Merges that the shop tells of: kept until the shop itself has confirmed them, then known for good."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import tombstones
from app.crypto import Signer
from app.customers import aliases
from app.db import insert_new, table_of
from app.mirror import lookups
from app.models import CustomerMerge
from app.timers import NewTimer, set_timers
from connectors import base

MERGES = table_of(CustomerMerge)


def ask(
    session: Session, signer: Signer, store_id: int, record: base.CustomerMerge, *, now: datetime
) -> None:
    """Have the shop asked for both customers: nothing signs the topic of a delivery.

    Of an erased person nothing is left that could be merged, and nothing is written down; who was merged
    already stays with whom they were merged into.
    """
    gone = record.merged_external_id
    if tombstones.find(session, signer, store_id, [f"id:{gone}"]) or aliases.find(session, store_id, [gone]):
        return
    row = {
        "store_id": store_id,
        "merged_external_id": gone,
        "kept_external_id": record.kept_external_id,
        "told_at": record.occurred_at or now,
    }
    insert_new(session, MERGES, [row])
    mine = (MERGES.c.store_id == store_id, MERGES.c.merged_external_id == gone)
    told = select(MERGES.c.id).where(*mine, MERGES.c.kept_external_id == record.kept_external_id)
    # Told again, it is asked for again: the first question may have been lost with the shop's connection.
    set_timers(session, [NewTimer(store_id, now, lookups.MERGE, found) for found in session.scalars(told)])


def find(session: Session, store_id: int, merge_id: int) -> CustomerMerge | None:
    """A merge, told or carried out."""
    statement = select(CustomerMerge).where(CustomerMerge.store_id == store_id, CustomerMerge.id == merge_id)
    return session.scalars(statement).one_or_none()


def kept_now(session: Session, merge: CustomerMerge) -> str:
    """The platform's id of who is left: whoever was to be kept may have been merged since."""
    heirs = aliases.find(session, merge.store_id, [merge.kept_external_id])
    heir = heirs.get(merge.kept_external_id)
    return heir.external_id or merge.kept_external_id if heir is not None else merge.kept_external_id


def drop(session: Session, store_id: int, merge_id: int) -> None:
    """Forget what turned out not to be one, or not to be ours to carry out."""
    session.execute(delete(MERGES).where(MERGES.c.store_id == store_id, MERGES.c.id == merge_id))
