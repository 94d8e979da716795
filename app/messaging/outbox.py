"""The outbox: messages enter it once, by their key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.db import insert_new, insert_rows, table_of
from app.messaging import held
from app.messaging.held import Gap
from app.models import Decision, Message
from app.models.message import HELD, QUEUED, REVIEW_ASK

MESSAGES, DECISIONS = table_of(Message), table_of(Decision)


class NewMessage(NamedTuple):
    """A message to be queued; of no enrollment if no flow made it. `key` is flow:step:customer:occurrence.

    `moments` are what it hangs on: after a restore they tell whether it may have left before.
    """

    store_id: int
    customer_id: int
    enrollment_id: int | None
    flow_key: str
    version_id: int | None
    step: str
    occurrence: str
    channel: str
    purpose: str
    priority: int
    due_at: datetime
    expires_at: datetime
    context: Mapping[str, Any]
    moments: Sequence[datetime] = ()

    @property
    def key(self) -> str:
        """What makes the message unique for ever."""
        return f"{self.flow_key}:{self.step}:{self.customer_id}:{self.occurrence}"


@dataclass(frozen=True, slots=True)
class NewDecision:
    """Why something was not made or not sent, outside the gate (a skipped step, the holdout)."""

    store_id: int
    customer_id: int
    flow_key: str
    step: str
    verdict: str
    reason: str
    value: str


def enqueue(session: Session, messages: Sequence[NewMessage], now: datetime) -> None:
    """Queue what is not there yet; a key that exists is left alone, whatever became of it.

    What may have left in a time that a restore took from us is held instead.
    """
    gaps = held.gaps(session) if messages else []
    rows = [
        {
            "store_id": message.store_id,
            "key": message.key,
            "customer_id": message.customer_id,
            "enrollment_id": message.enrollment_id,
            "flow_key": message.flow_key,
            "version_id": message.version_id,
            "step": message.step,
            "channel": message.channel,
            "purpose": message.purpose,
            "priority": message.priority,
            **_beginning(message, gaps, now),
            "due_at": message.due_at,
            "expires_at": message.expires_at,
            "next_at": message.due_at,
            "created_at": now,
            "context": dict(message.context),
            "asks_about": _asks_about(message),
        }
        for message in messages
    ]
    insert_new(session, MESSAGES, rows)


def _asks_about(message: NewMessage) -> str | None:
    """The products of a message that asks for reviews, as JSON."""
    if (message.flow_key, message.step) != REVIEW_ASK:
        return None
    return json.dumps([item["external_id"] for item in message.context.get("products", ())])


def _beginning(message: NewMessage, gaps: Sequence[Gap], now: datetime) -> dict[str, Any]:
    is_anchored = message.enrollment_id is not None
    is_doubtful = any(
        gap.is_doubtful(message.due_at, message.moments, is_anchored=is_anchored) for gap in gaps
    )
    if is_doubtful and message.expires_at > now:
        return {"status": HELD, "reason": held.RESTORED}
    return {"status": QUEUED, "reason": None}


def note(session: Session, decisions: Sequence[NewDecision], now: datetime) -> None:
    """Write decisions that no message carries."""
    rows = [
        {
            "store_id": decision.store_id,
            "customer_id": decision.customer_id,
            "message_id": None,
            "flow_key": decision.flow_key,
            "step": decision.step,
            "decided_at": now,
            "verdict": decision.verdict,
            "reason": decision.reason,
            "steps": [
                {
                    "step": "flow",
                    "verdict": decision.verdict,
                    "reason": decision.reason,
                    "value": decision.value,
                }
            ],
        }
        for decision in decisions
    ]
    insert_rows(session, DECISIONS, rows)
