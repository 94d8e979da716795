"""Who says yes and no in turn so quickly that no yes is believed yet: bots, plugins that undo each other."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.db import Among, UtcDateTime, is_one_of, table_of
from app.models import Consent
from app.models.consent import SAID_NO

LEDGER = table_of(Consent)
MANY = 4
"""So many words, each the opposite of the one before. Who erred takes it back: a no and a yes are two."""
QUIET = timedelta(days=1)
"""Each came within so long of the one before; after so long without another, the last one is believed."""
(_NO,) = SAID_NO
_OF_THEM = (
    LEDGER.c.store_id == bindparam("store"),
    Among(LEDGER.c.customer_id, "people"),
    LEDGER.c.occurred_at > bindparam("since", type_=UtcDateTime),
)
_REFUSED = select(LEDGER.c.customer_id).where(*_OF_THEM, is_one_of(LEDGER.c.state, SAID_NO))
_SAID = (
    select(LEDGER.c.customer_id, LEDGER.c.channel, LEDGER.c.state, LEDGER.c.occurred_at)
    .where(*_OF_THEM)
    .order_by(LEDGER.c.customer_id, LEDGER.c.channel)
)


def ends(
    session: Session, store_id: int, states: Iterable[Any], now: datetime
) -> dict[tuple[int, str], datetime]:
    """When those of these people are believed again who flap, by customer and channel.

    The ledger is asked about hardly anybody but who agreed just now, and not at all where nobody did; for all
    that they said only where a no is among it, for each order repeats a yes.

    Args:
        states: what the ledger says now of each person and channel (`consent_states`).
    """
    asked = {(one.customer_id, one.channel) for one in states if may_flap(one, now)}
    if not asked:
        return {}
    values = {"store": store_id, "since": now - MANY * QUIET}
    people = sorted({customer_id for customer_id, _ in asked})
    refused = sorted(set(session.execute(_REFUSED, {**values, "people": people}).scalars()))
    if not refused:
        return {}
    rows = session.execute(_SAID, {**values, "people": refused})
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
