"""A step's message as it goes into the outbox: its key, its moments, and what it will speak of."""

from datetime import timedelta
from typing import Any

from app.db import to_micros
from app.flows import engine
from app.flows.batch import Held
from app.flows.facts import BASKET
from app.messaging.outbox import NewMessage
from app.models import Store


def new_message(store: Store, held: Held, made: engine.MadeMessage) -> NewMessage:
    """The message that a journey brought forth."""
    context: dict[str, Any] = {"content": made.step.content, "only_if": list(made.step.only_if)}
    if held.subject.startswith("order:"):
        context["order"] = held.subject.removeprefix("order:")
    if held.subject.startswith(BASKET):
        context["checkout"] = held.subject.removeprefix(BASKET)
    if made.products:
        context["products"] = [dict(item) for item in made.products]
    if (terms := made.step.voucher) is not None:
        ends_at = held.journey.anchors[terms.ends_at] + timedelta(days=terms.ends_after_days)
        context["voucher"] = {
            "name": terms.name,
            "kind": terms.kind,
            "setting": terms.setting,
            **({"percent": terms.percent} if terms.percent is not None else {}),
            "ends_at": to_micros(ends_at),
        }
    return NewMessage(
        store.id,
        held.customer_id,
        held.id or 0,
        held.flow_key,
        held.version_id,
        made.step.name,
        held.occurrence,
        made.channel,
        made.step.purpose,
        made.step.priority,
        made.due_at,
        made.expires_at,
        context,
        tuple(held.journey.anchors.values()),
    )
