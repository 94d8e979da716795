"""What is done for a store again and again, and what became of its webhooks, for the activity screen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import Chore, Reconciliation, Store
from app.stores import chores, mending


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is done: `name` is a chore or a resource that is pulled; `error` why it waits longer."""

    name: str
    last_at: datetime | None
    next_at: datetime
    attempts: int
    error: str | None


@dataclass(frozen=True, slots=True)
class Remade:
    """One webhook that was made anew, when and why."""

    topic: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Upkeep:
    """All of it; `paused` are the topics of the webhooks that the merchant paused."""

    rows: Sequence[Row]
    remade: Sequence[Remade]
    paused: Sequence[str]


def of_store(session: Session, store: Store) -> Upkeep:
    """What is looked after for one store."""
    tended = session.scalars(select(Chore).where(Chore.store_id == store.id).order_by(Chore.name)).all()
    pulled = session.scalars(
        select(Reconciliation)
        .where(Reconciliation.store_id == store.id)
        .order_by(Reconciliation.resource.desc())
    )
    rows = [
        *(Row(one.resource, one.pulled_to, one.next_at, one.attempts, one.error) for one in pulled),
        *(Row(one.name, one.done_at, one.next_at, one.attempts, one.error) for one in tended),
    ]
    told: list[dict[str, str]] = next(
        (one.notes.get("remade", []) for one in tended if one.name == chores.WEBHOOKS), []
    )
    remade = [Remade(one["topic"], one["reason"], datetime.fromisoformat(one["at"])) for one in told]
    return Upkeep(rows, remade, paused_topics(store))


def paused_topics(store: Store) -> list[str]:
    """The topics whose webhook the merchant paused in the shop."""
    return sorted(one["topic"] for one in store.subscriptions if one["state"] == mending.PAUSED)
