"""The consents of two customers who are one: both histories, and of what they say now the strictest."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.orm import Session

from app import consent
from app.consent import LEDGER, STATES, NewConsent
from app.customers import agreeing
from app.messaging import addresses

SOURCE = "merge"
_STRICTEST_FIRST = ("unsubscribed", "pending", "subscribed")
_WITHOUT_ADDRESS = ("tracking",)


def move(session: Session, store_id: int, kept: Row[Any], gone: Any, *, merge_id: int, now: datetime) -> None:
    """Move the ledger, and write down what follows for each channel as a statement of its own.

    A no of either is a no. A yes of the merged customer was given for an address: it counts only if that is
    the kept one's, too.

    Args:
        gone: the merged customer's id, e-mail and phone.
    """
    states = _states(session, store_id, kept.id), _states(session, store_id, gone.id)
    if states[1]:
        statements = _statements(session, store_id, kept, gone, states=states, merge_id=merge_id, now=now)
        mine = (STATES.c.store_id == store_id, STATES.c.customer_id == gone.id)
        session.execute(delete(STATES).where(*mine))
    else:
        statements = []
    _move_ledger(session, store_id, kept.id, gone.id)
    consent.record(session, statements, now)


def strictest(kept: str | None, merged: str | None) -> str | None:
    """The stricter of two states; one that was never said says nothing."""
    said = [state for state in _STRICTEST_FIRST if state in (kept, merged)]
    return said[0] if said else None


def _states(session: Session, store_id: int, customer_id: int) -> Mapping[str, Row[Any]]:
    mine = (STATES.c.store_id == store_id, STATES.c.customer_id == customer_id)
    rows = session.execute(select(STATES).where(*mine).order_by(STATES.c.channel).with_for_update())
    return {row.channel: row for row in rows}


def _statements(
    session: Session,
    store_id: int,
    kept: Row[Any],
    gone: Any,
    *,
    states: tuple[Mapping[str, Row[Any]], Mapping[str, Row[Any]]],
    merge_id: int,
    now: datetime,
) -> list[NewConsent]:
    """What changes for the kept customer, channel by channel."""
    ours, theirs = states
    statements = []
    for channel, said in theirs.items():
        held = ours.get(channel)
        state = strictest(held.state if held else None, _told(kept, gone, said))
        if state is None or (held is not None and held.state == state):
            continue
        statements.append(
            NewConsent(
                store_id=store_id,
                customer_id=kept.id,
                channel=channel,
                state=state,
                basis=said.basis if state == "subscribed" else None,
                occurred_at=max(now, *(row.occurred_at for row in (held, said) if row is not None)),
                source=SOURCE,
                address=None if channel in _WITHOUT_ADDRESS else addresses.address_of(kept, channel),
                source_key=f"{SOURCE}:{merge_id}:{channel}:{gone.id}",
                # Nobody said yes today: no flow begins by it. A no ends what is under way, and the
                # shop, which may think otherwise of the kept one, is told of it.
                is_history=state != "unsubscribed",
                is_own=state == "unsubscribed",
            )
        )
    return statements


def _told(kept: Row[Any], gone: Any, said: Row[Any]) -> str | None:
    """What the merged customer's state says of the kept one; a yes for another address says nothing."""
    channel = said.channel
    if said.state == "unsubscribed" or channel in _WITHOUT_ADDRESS:
        return str(said.state)
    theirs, kepts = said.address or addresses.address_of(gone, channel), addresses.address_of(kept, channel)
    return str(said.state) if theirs and kepts and agreeing.is_same(theirs, kepts) else None


def _move_ledger(session: Session, store_id: int, kept_id: int, gone_id: int) -> None:
    """Both histories under one name. What both said at the same second stays twice, under another key."""
    keys = select(LEDGER.c.source_key).where(LEDGER.c.store_id == store_id, LEDGER.c.customer_id == kept_id)
    mine = (LEDGER.c.store_id == store_id, LEDGER.c.customer_id == gone_id)
    twice = select(LEDGER.c.id, LEDGER.c.source_key).where(*mine, LEDGER.c.source_key.in_(keys))
    renamed = [
        {"row_id": row.id, "new_key": f"{SOURCE}:{row.id}:{row.source_key}"[:_LONGEST_KEY]}
        for row in session.execute(twice)
    ]
    if renamed:
        one = update(LEDGER).where(LEDGER.c.store_id == store_id, LEDGER.c.id == bindparam("row_id"))
        session.connection().execute(one.values(source_key=bindparam("new_key")), renamed)
    session.execute(update(LEDGER).where(*mine).values(customer_id=kept_id))


_LONGEST_KEY = 200
