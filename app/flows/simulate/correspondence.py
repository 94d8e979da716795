"""One person's messages in a dry run, and what left of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.messaging.conditions import SiblingFacts
from app.messaging.gate_facts import MessageFacts
from app.messaging.limits import Departure
from app.messaging.outbox import NewMessage
from app.models.message import QUEUED


@dataclass(slots=True, eq=False)
class Letter:
    """A message by the names of its row; `asked`: what the gate is told of it."""

    id: int
    key: str
    customer_id: int
    enrollment_id: int
    flow_key: str
    step: str
    channel: str
    purpose: str
    priority: int
    due_at: datetime
    expires_at: datetime
    next_at: datetime
    context: Mapping[str, Any]
    status: str = QUEUED
    reason: str | None = None
    sent_at: datetime | None = None
    is_assumed: bool = False
    asked: MessageFacts | None = None


@dataclass(slots=True)
class Correspondence:
    """The messages, each once by its key; `left`: how many of those that count for the caps left."""

    clicked: Mapping[str, datetime]
    letters: list[Letter] = field(default_factory=list)
    left: int = 0
    _keys: set[str] = field(default_factory=set)
    _of_journey: dict[int, list[Letter]] = field(default_factory=dict)
    _siblings: dict[int, dict[str, SiblingFacts]] = field(default_factory=dict)
    _week: list[Departure] = field(default_factory=list)

    def add(self, message: NewMessage, enrollment_id: int) -> Letter | None:
        """The message as it enters the outbox; None if it is there already."""
        key = message.key
        if key in self._keys:
            return None
        self._keys.add(key)
        letter = Letter(
            len(self.letters) + 1,
            key,
            message.customer_id,
            enrollment_id,
            message.flow_key,
            message.step,
            message.channel,
            message.purpose,
            message.priority,
            message.due_at,
            message.expires_at,
            message.due_at,
            message.context,
        )
        self.letters.append(letter)
        self._of_journey.setdefault(enrollment_id, []).append(letter)
        self._siblings.pop(enrollment_id, None)
        return letter

    def end(self, letter: Letter, status: str, reason: str | None, sent_at: datetime | None = None) -> None:
        """What became of a message."""
        letter.status, letter.reason, letter.sent_at = status, reason, sent_at
        self._siblings.pop(letter.enrollment_id, None)

    def count(self, departure: Departure) -> None:
        """It left just now, and counts for the caps."""
        self._week.append(departure)
        self.left += 1

    def left_after(self, since: datetime) -> list[Departure]:
        """What left and counts, the one list that it is kept in; nobody asks for an earlier time again."""
        week = self._week
        while week and week[0].sent_at <= since:
            del week[0]
        return week

    def siblings(self, enrollment_id: int, now: datetime) -> dict[str, SiblingFacts]:
        """What became of a journey's messages by now; who really clicked the same message, clicked."""
        if not self.clicked and (kept := self._siblings.get(enrollment_id)) is not None:
            return kept
        found = self._siblings[enrollment_id] = {
            letter.step: SiblingFacts(letter.status, self._is_clicked(letter, now))
            for letter in self._of_journey.get(enrollment_id, ())
        }
        return found

    def _is_clicked(self, letter: Letter, now: datetime) -> bool:
        clicked_at = self.clicked.get(letter.key)
        return clicked_at is not None and clicked_at <= now
