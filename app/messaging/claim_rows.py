"""What a claim changes, collected and written in a handful of statements."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db import insert_rows, table_of, update_rows
from app.messaging.gate import Decision, Verdict
from app.messaging.letters import Letter
from app.models import Decision as DecisionRow
from app.models import Message, MessageAttempt
from app.models.message import EXPIRED, PREPARING, QUEUED, SENDING, STOPPED

MESSAGES, ATTEMPTS, DECISIONS = table_of(Message), table_of(MessageAttempt), table_of(DecisionRow)


@dataclass(slots=True)
class Outcome:
    """Collects the verdicts of one claim. `lease_until` is on the clock of leases."""

    store_id: int
    now: datetime
    token: str
    lease_until: datetime
    changes: list[dict[str, Any]] = field(default_factory=list)
    sends: list[dict[str, Any]] = field(default_factory=list)
    attempts: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[dict[str, Any]] = field(default_factory=list)

    def refuse(self, row: Any, decision: Decision) -> None:
        """Put the message off or end it, with the reason; a repeated postponement adds no decision."""
        reason = decision.reason
        if decision.verdict is Verdict.POSTPONE:
            self._change(row, QUEUED, reason, decision.next_at or self.now)
            if row.reason != reason:
                self._decide(row, decision)
            return
        self._change(row, EXPIRED if reason == "expired" else STOPPED, reason, row.next_at)
        self._decide(row, decision)

    def prepare(self, row: Any) -> None:
        """The storefront must do something first; the lease keeps others away."""
        self._change(row, PREPARING, None, row.next_at, leased=True)

    def begin(self, row: Any, decision: Decision, letter: Letter) -> None:
        """Write `sending` down before anybody calls the provider."""
        self.sends.append(
            {
                "store_id": self.store_id,
                "id": row.id,
                "status": SENDING,
                "reason": None,
                "sent_at": self.now,
                "to_address": letter.outgoing.to_address,
                "subject": letter.outgoing.subject,
                "content": letter.content,
                "attempts": row.attempts + 1,
                "lease_token": self.token,
                "lease_until": self.lease_until,
            }
        )
        self.attempts.append({"store_id": self.store_id, "message_id": row.id, "started_at": self.now})
        self._decide(row, decision)

    def write(self, session: Session) -> None:
        """Write everything; rows are locked by the claim, so no guard is needed here."""
        update_rows(session, MESSAGES, self.changes)
        update_rows(session, MESSAGES, self.sends)
        insert_rows(session, ATTEMPTS, self.attempts)
        insert_rows(session, DECISIONS, self.decisions)

    def _change(
        self, row: Any, status: str, reason: str | None, next_at: datetime, *, leased: bool = False
    ) -> None:
        self.changes.append(
            {
                "store_id": self.store_id,
                "id": row.id,
                "status": status,
                "reason": reason,
                "next_at": next_at,
                "lease_token": self.token if leased else None,
                "lease_until": self.lease_until if leased else None,
            }
        )

    def _decide(self, row: Any, decision: Decision) -> None:
        self.decisions.append(
            {
                "store_id": self.store_id,
                "customer_id": row.customer_id,
                "message_id": row.id,
                "flow_key": row.flow_key,
                "step": row.step,
                "decided_at": self.now,
                "verdict": decision.verdict.value,
                "reason": decision.reason,
                "steps": [
                    {"step": step, "verdict": verdict, "reason": reason, "value": value}
                    for step, verdict, reason, value, _ in decision.steps
                ],
            }
        )
