"""Trials: a text sent to the merchant's own address. No message: nobody's consent, no counter, no tracking.

What is asked for is a row; the worker's `jobs/trials.py` calls, once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.orm import Session

from app.db import insert_new, lease_now, table_of
from app.errors import BadInput
from app.messaging import addresses, terms
from app.messaging.letters import Letter, read_content
from app.models import Store, Trial
from app.stores import settings
from connectors.base import Outcome, OutgoingMessage, SendResult

TRIALS = table_of(Trial)
QUEUED, SENDING, SENT, FAILED, UNKNOWN = "queued", "sending", "sent", "failed", "unknown"
ADDRESSES = ("notices.email", "sender.email")
"""The settings that name an address of the merchant's own; a trial goes nowhere else."""

MOST_A_DAY = 20
_A_DAY, _KEPT, _CUT_OFF = timedelta(days=1), timedelta(days=30), timedelta(minutes=10)
_SHOWN = 5
_MARKS = {"it": "[Prova]", "en": "[Test]"}
_STATUS = {Outcome.ACCEPTED: SENT, Outcome.UNKNOWN: UNKNOWN}


class NotPossible(BadInput):
    """A trial cannot be sent; `why` is too-many, sender or address."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no trial can be sent: {why}")
        self.why = why


@dataclass(frozen=True, slots=True)
class NewTrial:
    """A trial that a form asked for; `setting` is one of ADDRESSES."""

    token: str
    name: str
    locale: str
    setting: str
    letter: Letter


def own_addresses(store: Store) -> dict[str, str]:
    """Where trials may go, by setting."""
    named = {key: settings.read(store, key) for key in ADDRESSES}
    return {key: text for key, text in named.items() if addresses.problem("email", text) is None}


def ask(session: Session, store_id: int, trial: NewTrial, now: datetime) -> None:
    """Queue a trial; the same form twice is one.

    Raises:
        NotPossible: the shop has not said who sends, the address is none of its own, or it had its share.
    """
    store = session.get_one(Store, store_id, with_for_update=True, populate_existing=True)
    to_address = own_addresses(store).get(trial.setting)
    if to_address is None:
        raise NotPossible("address")
    if terms.sender_problem(store, "email") is not None:
        raise NotPossible("sender")
    lately = (TRIALS.c.store_id == store_id, TRIALS.c.asked_at > now - _A_DAY)
    others = select(func.count()).select_from(TRIALS).where(*lately, TRIALS.c.token != trial.token)
    if session.execute(others).scalar_one() >= MOST_A_DAY:
        raise NotPossible("too-many")
    session.execute(delete(TRIALS).where(TRIALS.c.store_id == store_id, TRIALS.c.asked_at <= now - _KEPT))
    row = {
        "store_id": store_id,
        "token": trial.token,
        "name": trial.name,
        "locale": trial.locale,
        "to_address": to_address,
        "letter": trial.letter.content,
        "status": QUEUED,
        "asked_at": now,
    }
    insert_new(session, TRIALS, [row])


def claim(session: Session, store_id: int) -> Sequence[Row[Any]]:
    """A store's trials that are to be sent; what is cut off from here on is never sent again."""
    due = (
        select(TRIALS)
        .where(TRIALS.c.store_id == store_id, TRIALS.c.status == QUEUED)
        .order_by(TRIALS.c.id)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(due).all()
    for row in rows:
        _write(session, row, {"status": SENDING, "claimed_at": lease_now(session)})
    return rows


def outgoing(store: Store, row: Row[Any]) -> OutgoingMessage:
    """The mail of a trial, marked as one. Its id is no message's, so that events about it are nobody's."""
    kept = read_content(row.letter) or {}
    return OutgoingMessage(
        message_id=f"trial-{row.id}",
        channel="email",
        to_address=row.to_address,
        from_address=settings.read(store, "sender.email"),
        from_name=settings.read(store, "sender.name"),
        subject=f"{_MARKS[row.locale]} {kept['subject']}",
        text=kept["text"],
        html=kept["html"],
        headers=kept["headers"],
        labels=("trial",),
    )


def note(session: Session, row: Row[Any], result: SendResult) -> None:
    """What the one call came to; anything but a plain yes or no is not known, and never tried again."""
    status = _STATUS.get(result.outcome, FAILED)
    _write(session, row, {"status": status, "error": result.error or None, "letter": None})


def latest(session: Session, store_id: int, name: str) -> list[Any]:
    """The last trials of a content, the newest first: locale, to_address, status, error, asked_at."""
    statement = (
        select(
            TRIALS.c.locale,
            TRIALS.c.to_address,
            TRIALS.c.status,
            TRIALS.c.error,
            TRIALS.c.asked_at,
            TRIALS.c.claimed_at,
        )
        .where(TRIALS.c.store_id == store_id, TRIALS.c.name == name)
        .order_by(TRIALS.c.id.desc())
        .limit(_SHOWN)
    )
    return list(session.execute(statement))


def status_of(row: Any, moment: datetime) -> str:
    """How far a trial is; one whose worker went away in the middle is not known. `moment`: the database's."""
    is_cut_off = row.status == SENDING and row.claimed_at < moment - _CUT_OFF
    return UNKNOWN if is_cut_off else str(row.status)


def _write(session: Session, row: Row[Any], values: dict[str, Any]) -> None:
    session.execute(
        update(TRIALS).where(TRIALS.c.store_id == row.store_id, TRIALS.c.id == row.id).values(**values)
    )
