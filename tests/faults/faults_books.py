"""The books of both sides: what the database says became of each message, and what the providers accepted."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from app.db import Database, table_of
from app.models import Message, MessageAttempt, SenderDay
from tests.bars.sizes import Note

MESSAGES, ATTEMPTS = table_of(Message), table_of(MessageAttempt)
_NAMED_ENDS = ("sent", "delivered", "bounced", "failed", "stopped", "expired", "cancelled", "held", "unknown")


@dataclass(frozen=True)
class Books:
    """What both sides say in the end.

    Attributes:
        twice: D, messages that a provider accepted more than once.
        lost: S, messages neither accepted nor in a named final state.
        unknown: U, all that rest so.
        wrongly_unknown: of these, those that a provider accepted.
        wrongly_sent: messages that count as gone and that no provider accepted.
        counted: what the shop's counters say that left. settled: attempts without an answer of their own.
    """

    messages: int
    accepted: int
    statuses: Mapping[str, int]
    twice: set[int]
    lost: set[int]
    unknown: set[int]
    wrongly_unknown: set[int]
    wrongly_sent: set[int]
    counted: int
    settled: int

    def note(self, note: Note) -> None:
        """The figures of a bar."""
        note("messages", self.messages)
        note("accepted twice (D)", len(self.twice))
        note("lost (S)", len(self.lost))
        note("unknown (U), each listed", len(self.unknown))
        note("unknown though accepted", len(self.wrongly_unknown))
        note("counted as sent though not accepted", len(self.wrongly_sent))

    def line(self, title: str, **more: object) -> str:
        """The run in one line."""
        told = "".join(f", {name} {value}" for name, value in more.items())
        return (
            f"{title}: {self.messages} messages, {self.accepted} accepted, D={len(self.twice)} "
            f"S={len(self.lost)} U={len(self.unknown)}, {self.settled} attempts without an answer, "
            f"{self.counted} counted as sent, {dict(sorted(self.statuses.items()))}{told}"
        )


def count_books(database: Database, store_id: int, queued: Sequence[int], times: Mapping[int, int]) -> Books:
    """What the database says, against the providers' own log.

    Args:
        queued: every message that was put into the outbox.
        times: how often the providers accepted each message.
    """
    with database.read() as session:
        mine = MESSAGES.c.store_id == store_id
        rows = session.execute(select(MESSAGES.c.id, MESSAGES.c.status).where(mine)).all()
        days = session.execute(select(SenderDay.sent).where(SenderDay.store_id == store_id))
        sent = sum(days.scalars())
        doubted = ATTEMPTS.c.outcome.in_(("arrived", "lost", "unknown"))
        attempts = select(func.count()).where(ATTEMPTS.c.store_id == store_id, doubted)
        settled = session.execute(attempts).scalar_one()
    status = {row.id: row.status for row in rows}
    unknown = {id_ for id_ in status if status[id_] == "unknown"}
    gone = {id_ for id_ in status if status[id_] in ("sent", "delivered", "bounced")}
    return Books(
        messages=len(status),
        accepted=len(times),
        statuses=Counter(status.values()),
        twice={id_ for id_, number in times.items() if number > 1},
        lost={id_ for id_ in queued if status.get(id_) not in _NAMED_ENDS and id_ not in times},
        unknown=unknown,
        wrongly_unknown=unknown & set(times),
        wrongly_sent=gone - set(times),
        counted=sent,
        settled=settled,
    )


def tell(line: str) -> None:
    """Write a run's figures down: `pytest -s` shows them, and `-rP` afterwards."""
    sys.stdout.write(f"{line}\n")
