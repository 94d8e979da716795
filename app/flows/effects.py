"""What steps do beside messages, in the transaction that writes the journey: tags, points, calls.

Each is done once for a journey and step, however often a batch runs: tags are wishes of which the last
counts, points and calls have a key.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.customers import tagging
from app.flows.batch import Held
from app.flows.steps import Score, Tag, Webhook
from app.models import Store
from app.segments import scoring
from app.segments.scoring import Points
from app.stores import writes
from app.stores.writes import NewWrite

WRITE = "webhook"
"""The kind of the writes that are calls to an address of the merchant's."""
EVENT = "flow.step"


def carry_out(session: Session, store: Store, journeys: Sequence[Held], now: datetime) -> None:
    """Do what the steps of these journeys came to, each of which has its id by now."""
    points: list[Points] = []
    calls: list[NewWrite] = []
    for held in journeys:
        for effect in held.effects:
            if isinstance(effect, Tag):
                tagging.change_tags(
                    session, store.id, held.customer_id, now=now, added=effect.add, removed=effect.remove
                )
            elif isinstance(effect, Score):
                points.append(_points(store.id, held, effect, now))
            else:
                calls.append(_call(store.id, held, effect, now))
    if points:
        scoring.add(session, points)
    writes.enqueue_once(session, calls, now)


def _points(store_id: int, held: Held, step: Score, now: datetime) -> Points:
    return Points(
        store_id=store_id,
        customer_id=held.customer_id,
        programme=step.programme,
        points=step.points,
        source_key=f"flow:{held.id}:{step.id}",
        occurred_at=now,
    )


def _call(store_id: int, held: Held, step: Webhook, now: datetime) -> NewWrite:
    """The call with its whole body: a later try must say the very same.

    It names the customer by ids; whoever needs an address asks the API for it, and finds none once they
    were erased.
    """
    told: dict[str, Any] = {
        "type": EVENT,
        "flow": held.flow_key,
        "step": step.id,
        "customer_id": held.customer_id,
        "subject": held.subject,
        "occurrence": held.occurrence,
        "entered_at": held.entered_at.isoformat(),
        "occurred_at": now.isoformat(),
    }
    payload = {"url": step.url, "told": told}
    return NewWrite(store_id, WRITE, f"{held.id}:{step.id}", held.customer_id, payload)
