"""A batch's results become rows: journeys, timers, messages and decisions."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.db import insert_new, table_of, update_rows
from app.flows import effects, engine, journeys
from app.flows.batch import Batch, Held
from app.messaging import outbox
from app.models import Enrollment
from app.segments import standing
from app.segments.standing import Offer
from app.timers import NewTimer, set_timers

ENROLLMENTS = table_of(Enrollment)
TIMER_KIND = "enrollment"


def write(session: Session, batch: Batch) -> None:
    """Write every changed journey. One whose occurrence exists already brings nothing forth."""
    changed = [held for held in batch.held.values() if held.is_changed]
    _update(session, batch, changed)
    created = _insert(session, batch)
    alive = changed + created
    offers = [
        Offer(held.customer_id, held.entered_at, is_tried=held.journey.state != engine.HELD_OUT)
        for held in created
        if held.state is not None
    ]
    standing.offer(session, batch.store.id, offers, batch.now)
    set_timers(
        session,
        [
            NewTimer(batch.store.id, held.journey.due_at, TIMER_KIND, held.id or 0, held.turn)
            for held in alive
            if held.journey.due_at is not None
        ],
    )
    effects.carry_out(session, batch.store, [held for held in alive if held.effects], batch.now)
    outbox.enqueue(session, [message for held in alive for message in held.messages], batch.now)
    decisions = [decision for held in alive for decision in held.decisions]
    outbox.note(session, [*batch.notes, *decisions], batch.now)


def _update(session: Session, batch: Batch, changed: list[Held]) -> None:
    rows = [
        {
            "store_id": batch.store.id,
            "id": held.id,
            **journeys.to_columns(held.journey, turn=held.turn, at=batch.now, stopped_at=held.stopped_at),
        }
        for held in changed
    ]
    update_rows(session, ENROLLMENTS, rows)


def _insert(session: Session, batch: Batch) -> list[Held]:
    rows = [
        {
            "store_id": batch.store.id,
            "flow_key": held.flow_key,
            "version_id": held.version_id,
            "customer_id": held.customer_id,
            "occurrence": held.occurrence,
            "subject": held.subject,
            "entered_at": held.entered_at,
            **journeys.to_columns(held.journey, turn=held.turn, at=batch.now, stopped_at=held.stopped_at),
        }
        for held in batch.fresh.values()
    ]
    columns = (
        ENROLLMENTS.c.id,
        ENROLLMENTS.c.flow_key,
        ENROLLMENTS.c.customer_id,
        ENROLLMENTS.c.occurrence,
    )
    new: Sequence[Any] = insert_new(session, ENROLLMENTS, rows, *columns)
    ids = {(flow_key, customer_id, occurrence): number for number, flow_key, customer_id, occurrence in new}
    created = [held for key, held in batch.fresh.items() if key in ids]
    for held in created:
        held.id = ids[held.key]
        held.messages = [message._replace(enrollment_id=held.id) for message in held.messages]
    return created
