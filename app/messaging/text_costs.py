"""What text messages cost a store in a month: reckoned before each leaves, corrected by the provider's price.

A limit is a limit on what is reckoned, so an estimate is rather too high than too low. Money is counted in
millionths of the currency's unit: one part of a text costs fractions of a cent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from sqlalchemy import Row, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.db import UtcDateTime, insert_new, is_one_of, table_of
from app.messaging import sms
from app.messaging.allowances import OVER_COST, Budget
from app.models import Message, Sender, Store, TextCost
from app.models.message import OPEN_STATES, QUEUED
from app.money import MICROS, micros_to_minor, minor_to_micros
from app.scans import StoreScan
from app.stores import notices, settings
from connectors.base import Outcome, SendResult
from connectors.channels.twilio.prices import TextPrice

COSTS, SENDERS, MESSAGES = table_of(TextCost), table_of(Sender), table_of(Message)
CHANNEL = "sms"
WARN_AT = 0.8
"""From which share of the limit on the merchant is told."""
WAITING = StoreScan(
    COSTS.c.store_id,
    COSTS.c.ask_at.is_not(None),
    COSTS.c.ask_at <= bindparam("now", type_=UtcDateTime),
)
"""The stores of which a text's price is to be asked."""
_GUESS_MINOR = Decimal(10)
"""What a part of a text is reckoned at while nobody said a price: rather too much, as a limit wants it."""
_FIRST_LOOK, _ASKED_FOR = timedelta(hours=1), timedelta(days=3)
_STAYED = frozenset(Outcome) - {Outcome.ACCEPTED, Outcome.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Spending:
    """What texts cost in a month so far, and may; in millionths of the unit.

    Attributes:
        most: 0 is no limit.
        part: what one part of a text is reckoned at.
        billed_in: the provider's currency where it is another one, so that its prices correct nothing.
    """

    spent: int
    most: int
    currency: str
    part: int
    billed_in: str | None = None

    @property
    def words(self) -> str:
        """The limit as the gate tells it."""
        return f"texts a month: {self.most // MICROS} {self.currency}"

    @property
    def percent(self) -> int:
        """How much of the limit is used; 100 once not one part more fits."""
        if not self.most or self.spent + self.part > self.most:
            return 100
        return self.spent * 100 // self.most

    @property
    def shown(self) -> tuple[int, int]:
        """What was spent and what may be, in minor units."""
        return micros_to_minor(self.spent, self.currency), micros_to_minor(self.most, self.currency)

    @property
    def is_near(self) -> bool:
        """Whether it is time to tell the merchant."""
        return bool(self.most) and self.spent >= self.most * WARN_AT


def subject_of(message_id: str) -> str:
    """What a message's cost is filed under; `message_id` as the channel knows it, a trial's too."""
    return message_id if message_id.startswith("trial-") else f"message-{message_id}"


def spending(session: Session, store: Store, row: Row[Any] | None, today: date) -> Spending:
    """What the store's texts cost in the month of that day; `row` is its sender's."""
    currency = settings.read(store, "sending.sms_price_currency")
    this_month = (
        COSTS.c.store_id == store.id,
        COSTS.c.spent_on >= today.replace(day=1),
        COSTS.c.currency == currency,
    )
    spent = session.execute(select(func.coalesce(func.sum(COSTS.c.micros), 0)).where(*this_month))
    most = settings.number(store, "sending.sms_spend_per_month") * MICROS
    billed_in = row.billed_in if row is not None and row.billed_in != currency else None
    part = _part_micros(store, row, currency)
    return Spending(int(spent.scalar_one()), most, currency, part, billed_in)


def budget(session: Session, store: Store, row: Row[Any], now: datetime) -> Budget:
    """What the store's texts may still cost this month; `row` is its sender's, and is locked."""
    found = spending(session, store, row, now.date())
    return Budget(
        left=found.most - found.spent if found.most else None,
        part=found.part,
        currency=found.currency,
        refill_at=_next_month(now),
        words=found.words,
    )


def spend(session: Session, store: Store, texts: Mapping[str, str], *, within: Budget, now: datetime) -> None:
    """Reckon texts, by their subjects, that are about to leave, and warn when most of the month is spent.

    It counts before the call, so that neither a claim beside this one nor a process that dies makes the sum
    wrong. One that leaves again because its answer was lost may be paid for twice, and is reckoned so.
    """
    if not texts:
        return
    rows = [_row(store.id, subject, text, within=within, now=now) for subject, text in texts.items()]
    new = {row.subject for row in insert_new(session, COSTS, rows, COSTS.c.subject)}
    again = [{"again": row["subject"], "more": row["micros"]} for row in rows if row["subject"] not in new]
    if again:
        mine = (COSTS.c.store_id == store.id, COSTS.c.subject == bindparam("again"))
        raised = update(COSTS).where(*mine).values(micros=COSTS.c.micros + bindparam("more"))
        session.connection().execute(raised, again)
    if spending(session, store, None, now.date()).is_near:
        month = datetime.combine(now.date().replace(day=1), time(), UTC)
        notices.raise_once(session, store.id, notices.TEXT_BUDGET, since=month, now=now)


def note_answers(session: Session, store_id: int, answered: Iterable[tuple[str, SendResult]]) -> None:
    """What did not leave costs nothing; what did is known by the provider's own id from now on."""
    told = list(answered)
    stayed = [subject for subject, result in told if result.outcome in _STAYED]
    if stayed:
        session.execute(delete(COSTS).where(COSTS.c.store_id == store_id, COSTS.c.subject.in_(stayed)))
    named = [
        {"sent": subject, "theirs": result.provider_message_id}
        for subject, result in told
        if result.outcome is Outcome.ACCEPTED and result.provider_message_id
    ]
    if named:
        mine = (COSTS.c.store_id == store_id, COSTS.c.subject == bindparam("sent"))
        known = update(COSTS).where(*mine).values(provider_message_id=bindparam("theirs"))
        session.connection().execute(known, named)


def unpriced(session: Session, store_id: int) -> Sequence[Row[Any]]:
    """The store's texts whose price is not known yet."""
    statement = select(COSTS).where(COSTS.c.store_id == store_id, COSTS.c.ask_at.is_not(None))
    return session.execute(statement).all()


def settle(session: Session, store_id: int, prices: Mapping[str, TextPrice], now: datetime) -> int:
    """Put the provider's prices in the place of estimates; what has none is asked for later, for three days.

    Returns:
        how many prices were taken over.
    """
    # The sender first, as a claim does: two who lock in another order wait for each other for ever.
    sender = (SENDERS.c.store_id == store_id, SENDERS.c.channel == CHANNEL)
    session.execute(select(SENDERS.c.store_id).where(*sender).with_for_update())
    mine = (COSTS.c.store_id == store_id, COSTS.c.ask_at.is_not(None))
    rows = session.execute(select(COSTS).where(*mine).with_for_update()).all()
    known = [(row, prices[row.provider_message_id]) for row in rows if row.provider_message_id in prices]
    for row, price in known:
        is_same = price.currency == row.currency
        taken = {"micros": price.micros, "priced_at": now} if is_same else {}
        _write(session, row, {"ask_at": None, **taken})
    priced = {row.subject for row, _ in known}
    for row in rows:
        if row.subject not in priced and row.ask_at <= now:
            age = now - datetime.combine(row.spent_on, time(), UTC)
            later = now + max(_FIRST_LOOK, age / 4) if age < _ASKED_FOR else None
            _write(session, row, {"ask_at": later})
    if known:
        dearest = max((price for _, price in known), key=lambda price: price.micros / price.parts)
        _learn(session, store_id, dearest)
    if any(price.micros < row.micros for row, price in known):
        _wake(session, store_id, now)
    return len(known)


def _part_micros(store: Store, row: Row[Any] | None, currency: str) -> int:
    """What one part is reckoned at: the dearer of the merchant's word and the provider's, else a guess."""
    said = settings.read(store, "sending.sms_price_minor")
    told = minor_to_micros(Decimal(said), currency) if said else 0
    is_told = row is not None and row.part_micros is not None and row.billed_in == currency
    billed = row.part_micros if row is not None and is_told else 0
    return max(told, billed) or minor_to_micros(_GUESS_MINOR, currency)


def _row(store_id: int, subject: str, text: str, *, within: Budget, now: datetime) -> dict[str, Any]:
    parts = sms.segments(text).count
    return {
        "store_id": store_id,
        "subject": subject,
        "spent_on": now.date(),
        "currency": within.currency,
        "micros": parts * within.part,
        "parts": parts,
        "provider_message_id": None,
        "ask_at": now + _FIRST_LOOK,
        "priced_at": None,
    }


def _learn(session: Session, store_id: int, price: TextPrice) -> None:
    """What a part costs, for the estimates to come."""
    mine = (SENDERS.c.store_id == store_id, SENDERS.c.channel == CHANNEL)
    part = ceil(price.micros / price.parts)
    session.execute(update(SENDERS).where(*mine).values(part_micros=part, billed_in=price.currency))


def _wake(session: Session, store_id: int, now: datetime) -> None:
    """Less was spent than was reckoned: what waits for money is looked at again."""
    session.execute(
        update(MESSAGES)
        .where(
            MESSAGES.c.store_id == store_id,
            is_one_of(MESSAGES.c.status, OPEN_STATES),
            MESSAGES.c.status == QUEUED,
            MESSAGES.c.reason == OVER_COST,
        )
        .values(next_at=now)
    )


def _write(session: Session, row: Row[Any], values: Mapping[str, Any]) -> None:
    mine = (COSTS.c.store_id == row.store_id, COSTS.c.subject == row.subject)
    session.execute(update(COSTS).where(*mine).values(**values))


def _next_month(now: datetime) -> datetime:
    first = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return (first + timedelta(days=32)).replace(day=1)
