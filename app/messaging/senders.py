"""How a store's way out stands on each channel: its account, pauses, pace and reputation.

The rows are those of `app/models/sender.py`; a channel that no provider carries has none, and no limit.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.db import insert_new, is_one_of, table_of, upsert
from app.messaging import domains, pace, text_costs
from app.messaging.allowances import SenderFacts
from app.models import Message, Sender, SenderDay, Store
from app.models.message import OPEN_STATES, QUEUED
from app.stores import settings
from app.stores.accounts import Account, StoreAccounts
from connectors.base import Outcome, SendResult

SENDERS, DAYS, MESSAGES = table_of(Sender), table_of(SenderDay), table_of(Message)
_OF_STORE = select(SENDERS).where(SENDERS.c.store_id == bindparam("store")).order_by(SENDERS.c.channel)
_OF_CHANNEL = select(SENDERS).where(
    SENDERS.c.store_id == bindparam("store"), SENDERS.c.channel == bindparam("channel")
)
_LOCKED = _OF_CHANNEL.with_for_update()
COUNTED = ("sent", "delivered", "bounced", "blocked", "complained", "unsubscribed")
UNDECIDED = "no word on the earlier list"
"""Why nobody is written to before the merchant said what became of an earlier service's refusals."""
_REPUTATION = timedelta(days=7)
_FEWEST_SENT = 200
_MOST_BOUNCED, _MOST_COMPLAINED = 0.02, 0.003
"""Shares from which mailbox providers begin to refuse a sender: facts of Gmail and Yahoo, 2024 to 2026."""
_SILENT_BATCHES = 3
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
_SENDER_PAUSE = timedelta(hours=1)
_WAITING = ("sender-paused", "sender-not-ready")
_KNOWN_OF_AN_ACCOUNT = (
    *("problem", "pause", "paused_until", "refilled_at", "trusted_from", "checked_at"),
    *("part_micros", "billed_in"),
)
_ANSWERED = (Outcome.ACCEPTED, Outcome.FAILED, Outcome.SUPPRESS)


@dataclass(frozen=True, slots=True)
class Reputation:
    """What left in the last seven days and what of it came back."""

    sent: int
    bounced: int
    complained: int

    @property
    def problem(self) -> str | None:
        """Why it would be unwise to go on, in words to show."""
        if self.sent < _FEWEST_SENT:
            return None
        if self.complained > self.sent * _MOST_COMPLAINED:
            return f"called spam: {self.complained} / {self.sent}"
        if self.bounced > self.sent * _MOST_BOUNCED:
            return f"came back: {self.bounced} / {self.sent}"
        return None


def load(
    session: Session, store: Store, accounts: StoreAccounts, *, channels: Iterable[str], now: datetime
) -> dict[str, SenderFacts]:
    """What the gate must know of the channels that a batch of messages wants; locks the senders' rows."""
    if accounts.is_local:
        return {}
    if not settings.read(store, "consent.import"):
        # Who unsubscribed at the merchant's earlier service is not known here yet.
        return dict.fromkeys(channels, SenderFacts(problem=UNDECIDED))
    found: dict[str, SenderFacts] = {}
    for channel in sorted(set(channels)):
        account = accounts.by_channel.get(channel)
        if account is None:
            found[channel] = SenderFacts(problem=f"no account: {channel}")
            continue
        row = _row(session, store.id, channel, account.fingerprint)
        found[channel] = _facts(session, store, row, account=account, now=now)
    return found


def note_left(
    session: Session, store_id: int, channel: str, *, answers: Sequence[SendResult], now: datetime
) -> None:
    """Remember how the provider answered a batch: what stayed here, and whether it is to be left alone."""
    row = session.execute(_OF_CHANNEL, {"store": store_id, "channel": channel}).one_or_none()
    if row is None:
        return
    outcomes = Counter(answer.outcome for answer in answers)
    # Seldom anything changes; a lock for nothing would wait for the claim beside this one.
    if _standing(row, answers, outcomes, now):
        held = locked(session, store_id, channel) or row
        if values := _standing(held, answers, outcomes, now):
            _write(session, store_id, channel, values)
    stayed = len(answers) - outcomes[Outcome.ACCEPTED] - outcomes[Outcome.UNKNOWN]
    if stayed:
        count(session, store_id, channel, day=now.date(), counts={"sent": -stayed})


def spend(session: Session, store_id: int, used: Mapping[str, int], now: datetime) -> None:
    """Take what a claim is about to send from the pace's tokens, and count it as sent.

    It counts before the call, so that neither a claim beside this one nor a process that dies before the
    answer is written down makes the day's limit and the shares of what came back wrong.
    """
    for channel, number in sorted(used.items()):
        count(session, store_id, channel, day=now.date(), counts={"sent": number})
        session.execute(
            update(SENDERS)
            .where(
                SENDERS.c.store_id == store_id,
                SENDERS.c.channel == channel,
                SENDERS.c.refilled_at.is_not(None),
            )
            .values(tokens=SENDERS.c.tokens - number)
        )


def count(session: Session, store_id: int, channel: str, *, day: date, counts: Mapping[str, int]) -> None:
    """Add to the counters of a day."""
    key = {"store_id": store_id, "channel": channel, "day": day}
    insert_new(session, DAYS, [key | dict.fromkeys(COUNTED, 0)])
    session.execute(
        update(DAYS)
        .where(DAYS.c.store_id == store_id, DAYS.c.channel == channel, DAYS.c.day == day)
        .values({name: DAYS.c[name] + number for name, number in counts.items()})
    )


def pause(session: Session, store_id: int, channel: str, *, why: str, until: datetime) -> None:
    """Send nothing on the channel before that moment."""
    _write(session, store_id, channel, {"pause": why, "paused_until": until})


def note_check(session: Session, store_id: int, channel: str, *, problem: str | None, now: datetime) -> None:
    """What the provider said of the account just now; without a problem a pause is over, too."""
    values: dict[str, Any] = {"problem": problem, "checked_at": now}
    if problem is None:
        values |= {"pause": None, "paused_until": None, "failures": 0}
        _wake(session, store_id, channel, now)
    _write(session, store_id, channel, values)


def trust(session: Session, store_id: int, channel: str, today: date) -> None:
    """The merchant looked at what came back and goes on: earlier days count no more."""
    _write(session, store_id, channel, {"trusted_from": today})


def of_store(session: Session, store_id: int) -> Sequence[Row[Any]]:
    """Every sender of a store."""
    return session.execute(_OF_STORE, {"store": store_id}).all()


def locked(session: Session, store_id: int, channel: str) -> Row[Any] | None:
    """The store's sender on a channel, so that nobody else spends of its pace or money meanwhile."""
    return session.execute(_LOCKED, {"store": store_id, "channel": channel}).one_or_none()


def sync(session: Session, store_id: int, accounts: StoreAccounts) -> None:
    """Have a row for each channel that an account carries now, and for no other."""
    for row in of_store(session, store_id):
        if row.channel not in accounts.by_channel:
            session.execute(
                delete(SENDERS).where(SENDERS.c.store_id == store_id, SENDERS.c.channel == row.channel)
            )
    for channel, account in sorted(accounts.by_channel.items()):
        _row(session, store_id, channel, account.fingerprint)


def is_in_step(session: Session, store_id: int, accounts: StoreAccounts) -> bool:
    """Whether there is a row for each account's channel already, and for no other."""
    held = {row.channel: row.account for row in of_store(session, store_id)}
    return held == {channel: account.fingerprint for channel, account in accounts.by_channel.items()}


def can_text(session: Session, store_id: int) -> bool:
    """Whether text messages have a way out: an account, or the local outbox of a store without any."""
    channels = {row.channel for row in of_store(session, store_id)}
    return not channels or "sms" in channels


def reputation(session: Session, store_id: int, channel: str, *, row: Row[Any], now: datetime) -> Reputation:
    """The sums of the last seven days, or since the merchant went on."""
    since = (now - _REPUTATION).date()
    if row.trusted_from is not None:
        since = max(since, row.trusted_from)
    sums = [func.coalesce(func.sum(DAYS.c[name]), 0) for name in ("sent", "bounced", "complained")]
    statement = select(*sums).where(
        DAYS.c.store_id == store_id, DAYS.c.channel == channel, DAYS.c.day >= since
    )
    return Reputation(*(int(number) for number in session.execute(statement).one()))


def ensure(session: Session, store_id: int, channel: str, fingerprint: str) -> None:
    """Have a row for the account that carries the channel now; what was known of another one is dropped."""
    fresh = dict.fromkeys(_KNOWN_OF_AN_ACCOUNT)
    row = {"store_id": store_id, "channel": channel, "account": fingerprint, "failures": 0, "tokens": 0.0}
    upsert(
        session, SENDERS, [row | fresh], key=("store_id", "channel"), update=[*fresh, "account", "failures"]
    )


def _row(session: Session, store_id: int, channel: str, fingerprint: str) -> Row[Any]:
    row = locked(session, store_id, channel)
    if row is None or row.account != fingerprint:
        if row is not None and channel == "email":
            domains.forget_account(session, store_id)
        ensure(session, store_id, channel, fingerprint)
        row = session.execute(_LOCKED, {"store": store_id, "channel": channel}).one()
    return row


def _facts(session: Session, store: Store, row: Row[Any], *, account: Account, now: datetime) -> SenderFacts:
    limit = pace.limit(session, store, row, account=account, now=now)
    is_paused = row.paused_until is not None and row.paused_until > now
    return SenderFacts(
        problem=row.problem,
        pause=row.pause if is_paused else None,
        paused_until=row.paused_until if is_paused else None,
        breaker=reputation(session, store.id, row.channel, row=row, now=now).problem,
        allowance=limit.left if limit is not None else None,
        refill_at=limit.refill_at if limit is not None else None,
        pace=limit.words if limit is not None else "no limit",
        budget=text_costs.budget(session, store, row, now) if row.channel == text_costs.CHANNEL else None,
    )


def _standing(
    row: Row[Any], answers: Sequence[SendResult], outcomes: Counter[Outcome], now: datetime
) -> dict[str, Any]:
    """What changes in the sender's row after these answers."""
    if outcomes[Outcome.PAUSE_SENDER]:
        why = next(one.error for one in answers if one.outcome is Outcome.PAUSE_SENDER)
        return {"pause": f"the provider refuses the account: {why}", "paused_until": now + _SENDER_PAUSE}
    if any(outcomes[outcome] for outcome in _ANSWERED):
        return {"failures": 0, "pause": None, "paused_until": None} if row.failures or row.pause else {}
    failures = row.failures + 1
    if failures < _SILENT_BATCHES:
        return {"failures": failures}
    rest = min(_FIRST_PAUSE * 2 ** min(failures - _SILENT_BATCHES, 10), _LONGEST_PAUSE)
    return {"failures": failures, "pause": "the provider does not answer", "paused_until": now + rest}


def _wake(session: Session, store_id: int, channel: str, now: datetime) -> None:
    """What waited for the account is looked at again at once."""
    session.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.store_id == store_id,
            is_one_of(MESSAGES.c.status, OPEN_STATES),
            MESSAGES.c.status == QUEUED,
            MESSAGES.c.channel == channel,
            MESSAGES.c.reason.in_(_WAITING),
        )
        .values(next_at=now)
    )


def _write(session: Session, store_id: int, channel: str, values: Mapping[str, Any]) -> None:
    session.execute(
        update(SENDERS).where(SENDERS.c.store_id == store_id, SENDERS.c.channel == channel).values(**values)
    )
