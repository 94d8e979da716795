"""One batch of a store's flows: timeline entries and timers in, journeys, timers and messages out.

Everything of a batch is read, decided and written in the caller's transaction, so a crash at any
point leaves either all of it or nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, bindparam, select, update
from sqlalchemy.orm import Session

from app import asides, timeline, timers
from app.db import Among, UtcDateTime, is_one_of, table_of, unindexed
from app.flows import facts, journeys, likely, live, published, writing
from app.flows.batch import Batch, Held
from app.flows.definition import Definition
from app.flows.facts import BatchFacts
from app.flows.foreseen import Foreseen
from app.flows.likely import Likely
from app.flows.shop import LiveShop
from app.models import CustomerEvent, Enrollment, Message, Store
from app.models.enrollment import ACTIVE
from app.models.message import WAITING_STATES
from app.models.set_aside import FLOWS
from app.named import named
from app.segments import classing, scoring, standing

EVENTS, ENROLLMENTS, MESSAGES = table_of(CustomerEvent), table_of(Enrollment), table_of(Message)

_STORE: BindParameter[Any] = bindparam("store")
_READ_OF_EVENTS = ("id", "customer_id", "type", "subject", "source_key", "occurred_at", "details")
_EVENTS = select(*(EVENTS.c[name] for name in _READ_OF_EVENTS)).where(EVENTS.c.store_id == _STORE)
_PENDING = (
    _EVENTS.where(EVENTS.c.is_pending, asides.is_none_of(FLOWS, EVENTS.c.customer_id))
    .order_by(EVENTS.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_PENDING_OF = (
    _EVENTS.where(
        # By an index of their own: that of what is pending leads to all of a backlog, that of customers to
        # all that ever happened to them.
        Among(EVENTS.c.customer_id, "people"),
        EVENTS.c.is_pending,
    )
    .order_by(EVENTS.c.customer_id, unindexed(EVENTS.c.occurred_at))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_MOST_OF_THEM = 20
"""How many times the entries that were asked for their customers may bring at once."""
_MOST_OF_ONE = 10_000
_MARK_READ = (
    update(EVENTS)
    # As for new rows (`app/changes.py`): no page is kept as it was before.
    .prefix_with("OR FAIL", dialect="sqlite")
    .where(EVENTS.c.store_id == _STORE, Among(EVENTS.c.id, "ids"))
    .values(is_pending=False)
)
_READ = (
    *("id", "flow_key", "version_id", "customer_id", "occurrence", "subject", "state", "step", "turn"),
    *("waits_for", "due_at", "entered_at", "exit_reason", "stopped_at", "context"),
)
_JOURNEYS = (
    select(*(ENROLLMENTS.c[name] for name in _READ))
    .where(ENROLLMENTS.c.store_id == _STORE)
    .order_by(ENROLLMENTS.c.id)
)
_BY_ID = _JOURNEYS.where(Among(ENROLLMENTS.c.id, "keys")).with_for_update()
_RUNNING = _JOURNEYS.where(
    Among(ENROLLMENTS.c.customer_id, "keys"), is_one_of(ENROLLMENTS.c.state, (ACTIVE,))
).with_for_update()
_UNSENT = _JOURNEYS.where(
    ENROLLMENTS.c.id.in_(
        select(MESSAGES.c.enrollment_id).where(
            MESSAGES.c.store_id == _STORE,
            Among(MESSAGES.c.customer_id, "keys"),
            is_one_of(MESSAGES.c.status, WAITING_STATES),
        )
    )
).with_for_update()
_ALREADY_READ = _EVENTS.where(
    Among(EVENTS.c.customer_id, "people"),
    EVENTS.c.occurred_at >= bindparam("earliest", type_=UtcDateTime),
    ~EVENTS.c.is_pending,
)


def run_batch(session: Session, store: Store, now: datetime, limit: int) -> int:
    """Do what is due for one store, about `limit` entries or timers; return how many.

    A wait that is over when it begins, because its news came late, ends in a further pass.
    """
    done, goes_on = 0, True
    while goes_on and done < limit:
        count, goes_on = _pass(session, store, now, limit - done)
        done += count
    return done


def _pass(session: Session, store: Store, now: datetime, limit: int) -> tuple[int, bool]:
    """One pass: how many entries and timers it did, and whether it made something due by now."""
    events, is_all = pending(session, store.id, limit)
    # While entries wait for a later batch, one of them may end what a timer would move on.
    due = timers.take_due(session, store.id, now, kind=writing.TIMER_KIND, limit=limit) if is_all else []
    return len(events) + len(due), advance(session, store, now, events=events, due=due)


def advance(session: Session, store: Store, now: datetime, *, events: list[Any], due: Sequence[Any]) -> bool:
    """Do these entries and timers, which were taken; whether it made something due by now."""
    if not events and not due:
        return False
    rows = journeys_of(session, store.id, events, sorted({timer.subject_id for timer in due}))
    batch = _batch(session, store, now, events=events, rows=rows, due_ids=_rung_for(rows, due))
    for item in in_order(batch, events, due):
        item.run(batch)
    writing.write(session, batch)
    came_back = standing.hear(session, store, events, now)
    _mark_read(session, store.id, [event.id for event in events])
    timers.settle_cursor(session, store.id)
    changed = [*batch.fresh.values(), *(held for held in batch.held.values() if held.is_changed)]
    waits = [held.journey.due_at for held in changed if held.journey.due_at is not None]
    return bool(came_back) or any(due_at <= now for due_at in waits)


def pending(session: Session, store_id: int, limit: int) -> tuple[list[Any], bool]:
    """Entries that nobody read, the oldest `limit` and others of their customers; whether these are all.

    Each customer's are read in the order of their moments, and no moment is cut in two: of a backlog that is
    too large for one batch, a customer's later moments are left.
    """
    first = named(session.execute(_PENDING, {"store": store_id, "most": limit}))
    if len(first) < limit:
        return first, True
    people = sorted({event.customer_id for event in first})
    most = limit * _MOST_OF_THEM
    found = named(session.execute(_PENDING_OF, {"store": store_id, "people": people, "most": most}))
    if len(found) == most:
        # The last moment may go on beyond. If it alone fills the batch, what is read of it counts later.
        cut = found[-1].customer_id, found[-1].occurred_at
        found = [event for event in found if (event.customer_id, event.occurred_at) != cut] or found
    return found, False


def entries_of(session: Session, store_id: int, person: int) -> list[Any]:
    """What one person has pending, set aside or not."""
    asked = {"store": store_id, "people": [person], "most": _MOST_OF_ONE}
    return named(session.execute(_PENDING_OF, asked))


def _mark_read(session: Session, store_id: int, ids: list[int]) -> None:
    if ids:
        session.execute(_MARK_READ, {"store": store_id, "ids": ids})


def journeys_of(session: Session, store_id: int, events: Iterable[Any], timer_ids: list[int]) -> list[Any]:
    """The journeys that the timers name, and of everybody in the events those that an exit may concern.

    These are the running ones, and the completed ones with a message that has not left yet.
    """
    people = sorted({event.customer_id for event in events})
    rows: dict[int, Any] = {}
    for statement, keys in ((_BY_ID, timer_ids), (_RUNNING, people), (_UNSENT, people)):
        if keys:
            found = named(session.execute(statement, {"store": store_id, "keys": keys}))
            rows |= {row.id: row for row in found}
    return list(rows.values())


def _rung_for(rows: Iterable[Any], due: Iterable[Any]) -> frozenset[int]:
    """The journeys that a timer moves on: one that ended, or went on by itself, leaves its timer behind."""
    turns = {row.id: row.turn for row in rows if row.state == ACTIVE}
    return frozenset(timer.subject_id for timer in due if turns.get(timer.subject_id) == timer.turn)


def _already_read(
    session: Session, store_id: int, events: Sequence[Any], people: Sequence[int]
) -> dict[int, list[Any]]:
    """What earlier runs read of these people and what happened since the earliest entry of this run."""
    found: dict[int, list[Any]] = {}
    if not events:
        return found
    earliest = min(event.occurred_at for event in events)
    asked = {"store": store_id, "people": people, "earliest": earliest}
    for row in named(session.execute(_ALREADY_READ, asked)):
        found.setdefault(row.customer_id, []).append(row)
    return found


def _batch(
    session: Session,
    store: Store,
    now: datetime,
    *,
    events: list[Any],
    rows: list[Any],
    due_ids: frozenset[int],
) -> Batch:
    """What the batch works on. Codes and sibling messages matter past a wait only."""
    told = likely.types_of(events)
    flows = published.flows_of(session, store.id)
    definitions = published.definitions_of(session, store.id, {row.version_id for row in rows})
    concerned = likely.concerned(rows, told, due_ids, definitions)
    begin = [flow.definition for flow in flows.values()]
    asked = likely.look(concerned, events, told, due_ids=due_ids, flows=begin, definitions=definitions)
    loaded = facts.load(
        session,
        store,
        customer_ids={row.customer_id for row in (*events, *concerned)},
        subjects=asked.goods | asked.subjects,
        enrollment_ids=sorted(asked.journeys),
    )
    _look_up_traits(session, store.id, loaded, [*begin, *definitions.values()], now=now)
    held = {row.id: _held(row) for row in concerned}
    return Batch(
        shop=_shop(session, store.id, loaded, asked),
        store=store,
        now=now,
        flows=flows,
        facts=loaded,
        held=held,
        known={(row.flow_key, row.customer_id, row.occurrence) for row in rows if row.id not in held},
        earlier=Foreseen(partial(_already_read, session, store.id, events), asked.beginners),
        definitions=definitions,
    )


def _shop(session: Session, store_id: int, loaded: BatchFacts, asked: Likely) -> LiveShop:
    orders, waiting = _orders(loaded, asked.goods), _orders(loaded, asked.waiting)
    return LiveShop(session, store_id, people=asked.people, orders=orders, waiting=waiting)


def _orders(loaded: BatchFacts, subjects: Iterable[str]) -> Iterator[int]:
    """The ids of the orders among these subjects, looked up when they are gone through."""
    orders = (facts.order_of(loaded, subject) for subject in subjects)
    return (order.id for order in orders if order is not None)


def _look_up_traits(
    session: Session, store_id: int, loaded: BatchFacts, asking: Sequence[Definition], *, now: datetime
) -> None:
    """The classes and scores of the batch's customers, where a flow asks for them."""
    if any(definition.asks_for_classes for definition in asking):
        loaded.classes = classing.kept(session, store_id, loaded.customers.values(), now)
    if any(definition.asks_for_scores for definition in asking):
        loaded.scores = scoring.scores_of(session, store_id, list(loaded.customers))


def _held(row: Any) -> Held:
    return Held(
        id=row.id,
        flow_key=row.flow_key,
        version_id=row.version_id,
        customer_id=row.customer_id,
        occurrence=row.occurrence,
        subject=row.subject,
        entered_at=row.entered_at,
        turn=row.turn,
        stopped_at=row.stopped_at,
        journey=journeys.from_row(row),
    )


def in_order(batch: Batch, events: Sequence[Any], due: Sequence[Any]) -> list[Any]:
    """Events and timers of each customer in the order of their moments; events first at the same one.

    No id takes part: it would tell which of two was written first.
    """
    if len(events) == 1 and not due:
        return [live.MomentItem(events)]
    if len(due) == 1 and not events:
        timer = due[0]
        held = batch.held.get(timer.subject_id)
        return [live.TimerItem(held, timer.turn, timer.due_at)] if held is not None else []
    told: dict[tuple[int, datetime], list[Any]] = {}
    for event in events:
        told.setdefault((event.customer_id, event.occurred_at), []).append(event)
    items: list[tuple[tuple[int, datetime, int, str, str], Any]] = [
        ((customer_id, moment, 0, "", ""), live.MomentItem(sorted(ones, key=timeline.place_of)))
        for (customer_id, moment), ones in told.items()
    ]
    for timer in due:
        held = batch.held.get(timer.subject_id)
        if held is not None:
            key = (held.customer_id, timer.due_at, 1, held.flow_key, held.occurrence)
            items.append((key, live.TimerItem(held, timer.turn, timer.due_at)))
    if len(items) > 1:
        items.sort(key=itemgetter(0))
    return [item for _, item in items]
