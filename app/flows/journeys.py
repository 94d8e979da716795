"""Between enrollment rows and the engine's journeys."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.db import from_micros, to_micros
from app.flows.engine import Journey


def from_row(row: Any) -> Journey:
    """The journey of an enrollment's row."""
    context: Mapping[str, Any] = row.context
    return Journey(
        entry_id=context["entry"],
        step=row.step,
        anchors={name: from_micros(micros) for name, micros in context["anchors"].items()},
        state=row.state,
        waits_for=row.waits_for,
        due_at=row.due_at,
        exit_reason=row.exit_reason,
        products=tuple(context.get("products", ())),
        arms=context.get("arms", {}),
        done=tuple(context.get("done", ())),
    )


def to_columns(journey: Journey, *, turn: int, at: datetime, stopped_at: datetime | None) -> dict[str, Any]:
    """The columns of a journey; `at` is the business moment of the change."""
    return {
        "state": journey.state,
        "step": journey.step,
        "turn": turn,
        "waits_for": journey.waits_for,
        "due_at": journey.due_at,
        "ended_at": None if journey.state == "active" else at,
        "exit_reason": journey.exit_reason,
        "stopped_at": stopped_at,
        "context": {
            "entry": journey.entry_id,
            "anchors": {name: to_micros(moment) for name, moment in journey.anchors.items()},
            **({"arms": dict(journey.arms)} if journey.arms else {}),
            **({"done": list(journey.done)} if journey.done else {}),
            **({"products": [dict(item) for item in journey.products]} if journey.products else {}),
        },
    }
