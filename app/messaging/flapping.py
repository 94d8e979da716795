"""Who says yes and no in turn so quickly that no yes is believed yet: bots, plugins that undo each other."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, table_of
from app.models import Consent

LEDGER = table_of(Consent)
MANY = 4
"""So many words, each the opposite of the one before. Who erred takes it back: a no and a yes are two."""
QUIET = timedelta(days=1)
"""Each came within so long of the one before; after so long without another, the last one is believed."""
_NO = "unsubscribed"
_SAID = (
    select(LEDGER.c.customer_id, LEDGER.c.channel, LEDGER.c.state, LEDGER.c.occurred_at)
    .where(
        LEDGER.c.store_id == bindparam("store"),
        Among(LEDGER.c.customer_id, "people"),
        LEDGER.c.occurred_at > bindparam("since", type_=UtcDateTime),
    )
    .order_by(LEDGER.c.customer_id, LEDGER.c.channel)
)


def ends(
    session: Session, store_id: int, states: Iterable[Any], now: datetime
) -> dict[tuple[int, str], datetime]:
    """When those of these people are believed again who flap, by customer and channel.

    The ledger is asked about hardly anybody but who agreed just now, and not at all where nobody did.

    Args:
        states: what the ledger says now of each person and channel (`consent_states`).
    """
    asked = {(one.customer_id, one.channel) for one in states if may_flap(one, now)}
    if not asked:
        return {}
    people = sorted({customer_id for customer_id, _ in asked})
    rows = session.execute(_SAID, {"store": store_id, "people": people, "since": now - MANY * QUIET})
    words = groupby(rows, key=lambda row: (row.customer_id, row.channel))
    found = {place: end_of(said, now) for place, said in words if place in asked}
    return {place: end for place, end in found.items() if end is not None}


def may_flap(state: Any, now: datetime) -> bool:
    """Whether a yes is so new that it may be one of many; a no holds at once, however often it was said."""
    until = is_new_until(state)
    return until is not None and now < until


def is_new_until(state: Any) -> datetime | None:
    """How long a yes may be one of many; None of a no."""
    until: datetime = state.occurred_at + QUIET
    return until if state.state != _NO else None


def end_of(said: Iterable[Any], now: datetime) -> datetime | None:
    """When somebody of these words (state, occurred_at) is believed again; None if they do not flap."""
    count, last, was_no = 0, now - MANY * QUIET, None
    for word in sorted(said, key=lambda one: (one.occurred_at, one.state == _NO)):
        is_no = word.state == _NO
        if is_no == was_no or word.occurred_at <= now - MANY * QUIET:
            continue
        count = count + 1 if word.occurred_at < last + QUIET else 1
        last, was_no = word.occurred_at, is_no
    return last + QUIET if count >= MANY and now < last + QUIET else None
