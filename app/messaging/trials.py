"""Trials: a mail or text sent to the merchant's own address. No message: nobody's consent, no tracking.

What is asked for is a row; the worker's `jobs/trials.py` calls, once. A text costs money like any other: it
is reckoned, and counts towards the month's limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import insert_new, lease_now, table_of
from app.errors import BadInput
from app.messaging import addresses, senders, sms, terms, text_costs
from app.messaging.copies import read_content
from app.messaging.letters import Letter
from app.models import Store, Suppression, Trial
from app.stores import settings
from connectors.base import Outcome, OutgoingMessage, SendResult

TRIALS, SUPPRESSIONS = table_of(Trial), table_of(Suppression)
QUEUED, SENDING, SENT, FAILED, UNKNOWN = "queued", "sending", "sent", "failed", "unknown"
ADDRESSES = {"email": ("notices.email", "sender.email"), "sms": ("notices.phone",)}
"""The settings that name an address of the merchant's own, by channel; a trial goes nowhere else."""

MOST_A_DAY = {"email": 20, "sms": 5}
_A_DAY, _KEPT, _CUT_OFF = timedelta(days=1), timedelta(days=30), timedelta(minutes=10)
_SHOWN = 5
_MARKS = {"it": "[Prova]", "en": "[Test]"}
_STATUS = {Outcome.ACCEPTED: SENT, Outcome.UNKNOWN: UNKNOWN}


class NotPossible(BadInput):
    """A trial cannot be sent; `why` is too-many, sender, address, refused or over-cost."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no trial can be sent: {why}")
        self.why = why


@dataclass(frozen=True, slots=True)
class NewTrial:
    """A trial that a form asked for; `setting` is one of ADDRESSES of the letter's channel."""

    token: str
    name: str
    locale: str
    setting: str
    letter: Letter


def own_addresses(store: Store, channel: str) -> dict[str, str]:
    """Where trials may go on a channel, by setting."""
    named = {key: settings.read(store, key) for key in ADDRESSES[channel]}
    return {key: text for key, text in named.items() if addresses.problem(channel, text) is None}


def ask(session: Session, signer: Signer, store_id: int, *, trial: NewTrial, now: datetime) -> None:
    """Queue a trial; the same form twice is one.

    Raises:
        NotPossible: the shop has not said who sends, the address is none of its own or refused its texts, it
            had its share of the day, or the month's money for texts is used up.
    """
    store = session.get_one(Store, store_id, with_for_update=True, populate_existing=True)
    channel = trial.letter.outgoing.channel
    to_address = own_addresses(store, channel).get(trial.setting)
    if to_address is None:
        raise NotPossible("address")
    if terms.sender_problem(store, channel) is not None:
        raise NotPossible("sender")
    if channel == text_costs.CHANNEL and _is_refused(session, signer, store_id, to_address):
        raise NotPossible("refused")
    lately = (TRIALS.c.store_id == store_id, TRIALS.c.channel == channel, TRIALS.c.asked_at > now - _A_DAY)
    others = select(func.count()).select_from(TRIALS).where(*lately, TRIALS.c.token != trial.token)
    if session.execute(others).scalar_one() >= MOST_A_DAY[channel]:
        raise NotPossible("too-many")
    session.execute(delete(TRIALS).where(TRIALS.c.store_id == store_id, TRIALS.c.asked_at <= now - _KEPT))
    row = {
        "store_id": store_id,
        "token": trial.token,
        "name": trial.name,
        "locale": trial.locale,
        "channel": channel,
        "to_address": to_address,
        "letter": trial.letter.content,
        "status": QUEUED,
        "asked_at": now,
    }
    for made in insert_new(session, TRIALS, [row], TRIALS.c.id):
        _reckon(session, store, f"trial-{made.id}", trial=trial, now=now)


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
    """What a trial sends, marked as one. Its id is no message's, so that events about it are nobody's."""
    kept = read_content(row.letter) or {}
    mark, is_text = _MARKS[row.locale], row.channel == text_costs.CHANNEL
    return OutgoingMessage(
        message_id=f"trial-{row.id}",
        channel=row.channel,
        to_address=row.to_address,
        from_address=settings.read(store, "sender.email"),
        from_name=settings.read(store, "sender.name"),
        subject="" if is_text else f"{mark} {kept['subject']}",
        text=_marked(kept["text"], row.locale) if is_text else kept["text"],
        html=kept["html"],
        headers=kept["headers"],
        labels=("trial",),
    )


def note(session: Session, row: Row[Any], result: SendResult) -> None:
    """What the one call came to; anything but a plain yes or no is not known, and never tried again."""
    status = _STATUS.get(result.outcome, FAILED)
    _write(session, row, {"status": status, "error": result.error or None, "letter": None})
    if row.channel == text_costs.CHANNEL:
        text_costs.note_answers(session, row.store_id, [(f"trial-{row.id}", result)])


def latest(session: Session, store_id: int, name: str) -> list[Any]:
    """The last trials of a content, the newest first: locale, to_address, status, error, asked_at."""
    statement = (
        select(
            TRIALS.c.locale,
            TRIALS.c.channel,
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


def _is_refused(session: Session, signer: Signer, store_id: int, number: str) -> bool:
    """Whether somebody at that number wants no texts of the shop: a typed number may be anybody's."""
    hashed = addresses.suppression_hash(signer, text_costs.CHANNEL, number)
    held = select(SUPPRESSIONS.c.reason).where(
        SUPPRESSIONS.c.store_id == store_id,
        SUPPRESSIONS.c.channel == text_costs.CHANNEL,
        SUPPRESSIONS.c.address_hash == hashed,
    )
    return session.execute(held).first() is not None


def _reckon(session: Session, store: Store, subject: str, *, trial: NewTrial, now: datetime) -> None:
    """Have a text's cost count, where an account carries texts.

    Raises:
        NotPossible: the month's money is used up.
    """
    if trial.letter.outgoing.channel != text_costs.CHANNEL:
        return
    way = senders.locked(session, store.id, text_costs.CHANNEL)
    if way is None:
        return
    text = _marked(trial.letter.outgoing.text, trial.locale)
    budget = text_costs.budget(session, store, way, now)
    if not budget.bears(sms.segments(text).count):
        raise NotPossible("over-cost")
    text_costs.spend(session, store, {subject: text}, within=budget, now=now)


def _marked(text: str, locale: str) -> str:
    return f"{_MARKS[locale]} {text}"


def _write(session: Session, row: Row[Any], values: dict[str, Any]) -> None:
    session.execute(
        update(TRIALS).where(TRIALS.c.store_id == row.store_id, TRIALS.c.id == row.id).values(**values)
    )
