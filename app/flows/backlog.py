"""Those who were silent before the flow was on: released little by little, never all at once.

They are the dormant customers of whom the flow was not told: their silence began while it was off, or was
seen only afterwards, after an import for instance. Only who may be written to is counted and released.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, and_, func, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.flows import facts, live, published, writing
from app.flows.batch import Batch, Held
from app.flows.engine import Journey
from app.flows.shop import LiveShop
from app.models import Customer, CustomerState, Store
from app.segments import reach, standing, states
from app.segments.standing import Offer
from app.segments.state_facts import FLOW

CUSTOMERS, STATES = table_of(Customer), table_of(CustomerState)
_IS_SILENT = (STATES.c.state == states.DORMANT, STATES.c.offered_at.is_(None))
SHARE_PERCENT = 2
"""Of all who may be written to, so many begin in a day. Source: PRODUCT.md, rails of every flow."""


def waiting(session: Session, store: Store) -> int:
    """How many customers are silent and were not written to about it: whom switching on concerns."""
    silent = select(STATES.c.customer_id).where(STATES.c.store_id == store.id, *_IS_SILENT)
    # As a list of its own, from which SQLite begins; joined, it would begin with all who said something.
    theirs = (CUSTOMERS.c.id.in_(silent), *reach.conditions(store))
    return int(
        session.execute(select(func.count()).select_from(reach.people(store)).where(*theirs)).scalar_one()
    )


def a_day(session: Session, store: Store) -> int:
    """How many of them are released in a day, as far as pages tell it: of long lists as of the last hour."""
    return share_of(reach.about(session, store))


def share_of(reachable: int) -> int:
    """How many begin in a day, of a list of so many who may be written to."""
    return max(1, reachable * SHARE_PERCENT // 100)


def release(session: Session, store: Store, *, now: datetime) -> int:
    """Let a day's share of the backlog in, who fell silent last first; how many began.

    Each is looked at anew first: what is known of the shop's rhythm may have changed. Whoever was tried twice
    in a year counts as told as well, so that nobody behind them waits for ever.
    """
    flow = published.flows_of(session, store.id).get(FLOW)
    if flow is None or not flow.is_active:
        return 0
    share = share_of(reach.count(session, store))
    people = [row.customer_id for row in _next(session, store, share)]
    standing.settle(session, store, people, now)
    rows = [row for row in _next(session, store, len(people)) if row.customer_id in people]
    standing.offer(session, store.id, [Offer(row.customer_id, now, is_tried=False) for row in rows], now)
    loaded = facts.load(session, store, customer_ids=[row.customer_id for row in rows])
    shop = LiveShop(session, store.id)
    batch = Batch(shop=shop, store=store, now=now, flows={FLOW: flow}, facts=loaded, held={})
    for row in rows:
        if states.may_try(standing.attempts_of(row), now):
            let_in(batch, row.customer_id, row.since)
    writing.write(session, batch)
    return len(batch.fresh)


def is_waiting(session: Session, store: Store) -> bool:
    """Whether anybody is silent who may be written to and was not."""
    return bool(_next(session, store, 1))


def let_in(batch: Batch, customer_id: int, since: datetime) -> None:
    """Begin the attempt to win somebody back who has been silent since then."""
    flow = batch.flows[FLOW]
    entry, subject = flow.definition.entries[0], standing.subject_of(states.DORMANT, since)
    held = Held(
        id=None,
        flow_key=FLOW,
        version_id=flow.version_id,
        customer_id=customer_id,
        occurrence=subject,
        subject=subject,
        entered_at=batch.now,
        turn=0,
        journey=Journey(entry.id, entry.steps[0].id, {"entered": batch.now}),
    )
    live.enter(batch, entry, held)


def _next(session: Session, store: Store, limit: int) -> list[Row[Any]]:
    statement = (
        select(STATES)
        .select_from(_silent(store))
        .where(STATES.c.store_id == store.id, *_IS_SILENT, *reach.conditions(store))
        .order_by(STATES.c.since.desc(), STATES.c.customer_id)
        .limit(limit)
    )
    return list(session.execute(statement).all())


def _silent(store: Store) -> Any:
    mine = and_(STATES.c.store_id == store.id, STATES.c.customer_id == CUSTOMERS.c.id)
    return reach.people(store).join(STATES, mine)
