"""The append-only consent ledger and what it says now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import timeline
from app.db import insert_new, table_of, upsert
from app.models import Consent, ConsentState
from app.timeline import NewEvent

LEDGER = table_of(Consent)
STATES = table_of(ConsentState)
_KEY = ("store_id", "customer_id", "channel")


@dataclass(frozen=True, slots=True)
class NewConsent:
    """One statement of a person about a channel.

    Attributes:
        state: subscribed, pending or unsubscribed.
        source_key: equal for the same statement told twice; derived from its content if empty.
        is_history: came by backfill or import; kept with the platform's moment, starts no flow.
    """

    store_id: int
    customer_id: int
    channel: str
    state: str
    basis: str | None
    occurred_at: datetime
    source: str
    address: str | None = None
    wording: str | None = None
    source_key: str = ""
    is_history: bool = False

    @property
    def key(self) -> str:
        """The same for the same statement, whoever tells it."""
        return self.source_key or f"{self.channel}:{self.state}:{int(self.occurred_at.timestamp())}"


def record(session: Session, statements: Sequence[NewConsent], now: datetime) -> None:
    """Append what is new to the ledger, move the derived state forward, write the timeline.

    The newest statement decides; at the same moment a refusal wins over a grant.
    """
    if not statements:
        return
    rows = [_ledger_row(statement, now) for statement in statements]
    inserted = insert_new(session, LEDGER, rows, LEDGER.c.customer_id, LEDGER.c.source_key)
    new = {(row.customer_id, row.source_key) for row in inserted}
    fresh = [statement for statement in statements if (statement.customer_id, statement.key) in new]
    changed = _move_states(session, fresh)
    timeline.record(session, [_event(statement) for statement in changed], now)


def state_of(session: Session, store_id: int, customer_id: int, channel: str) -> ConsentState | None:
    """What the ledger says now, or None when nothing was ever said."""
    return session.get(ConsentState, (store_id, customer_id, channel))


def withdraw(
    session: Session, store_id: int, customer_id: int, channel: str, *, source: str, now: datetime
) -> None:
    """Take a consent back, by the person's own act."""
    statement = NewConsent(
        store_id=store_id,
        customer_id=customer_id,
        channel=channel,
        state="unsubscribed",
        basis=None,
        occurred_at=now,
        source=source,
    )
    record(session, [statement], now)


def _ledger_row(statement: NewConsent, now: datetime) -> dict[str, object]:
    return {
        "store_id": statement.store_id,
        "customer_id": statement.customer_id,
        "channel": statement.channel,
        "state": statement.state,
        "basis": statement.basis,
        "occurred_at": statement.occurred_at,
        "recorded_at": now,
        "source": statement.source,
        "source_key": statement.key,
        "address": statement.address,
        "wording": statement.wording,
    }


def _move_states(session: Session, fresh: Sequence[NewConsent]) -> list[NewConsent]:
    """Store the newest statement of each person and channel; return those that changed the state."""
    newest: dict[tuple[int, int, str], NewConsent] = {}
    for statement in sorted(fresh, key=lambda item: (item.occurred_at, item.state == "unsubscribed")):
        newest[(statement.store_id, statement.customer_id, statement.channel)] = statement
    held = _held(session, newest)
    winners = [
        statement
        for key, statement in newest.items()
        if key not in held
        or (held[key][1], held[key][0] == "unsubscribed")
        <= (statement.occurred_at, statement.state == "unsubscribed")
    ]
    rows = [
        {
            "store_id": statement.store_id,
            "customer_id": statement.customer_id,
            "channel": statement.channel,
            "state": statement.state,
            "basis": statement.basis,
            "occurred_at": statement.occurred_at,
        }
        for statement in winners
    ]
    upsert(session, STATES, rows, key=_KEY, update=("state", "basis", "occurred_at"))
    return [
        statement
        for statement in winners
        if held.get((statement.store_id, statement.customer_id, statement.channel), ("", None))[0]
        != statement.state
    ]


def _held(
    session: Session, newest: dict[tuple[int, int, str], NewConsent]
) -> dict[tuple[int, int, str], tuple[str, datetime]]:
    held: dict[tuple[int, int, str], tuple[str, datetime]] = {}
    for store_id in {key[0] for key in newest}:
        people = sorted({key[1] for key in newest if key[0] == store_id})
        statement = (
            select(STATES)
            .where(STATES.c.store_id == store_id, STATES.c.customer_id.in_(people))
            .with_for_update()
        )
        for row in session.execute(statement):
            held[(store_id, row.customer_id, row.channel)] = (row.state, row.occurred_at)
    return held


def _event(statement: NewConsent) -> NewEvent:
    return NewEvent(
        store_id=statement.store_id,
        customer_id=statement.customer_id,
        type="consent.changed",
        subject=f"consent:{statement.channel}",
        source_key=f"consent:{statement.customer_id}:{statement.key}",
        occurred_at=statement.occurred_at,
        details={"channel": statement.channel, "state": statement.state, "source": statement.source},
        is_history=statement.is_history,
    )
