"""How a person stood at a moment of the replay: orders, sums, consents, as far as they were known then."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from app.customers.baskets import UNBOUGHT
from app.flows.simulate.memory import WHO, Happening, Remembered
from app.flows.simulate.question import LONG_AGO, Question
from app.messaging import flapping
from app.segments.state_facts import ACTS
from app.segments.states import ACTIVE

_FOR_EVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class OrderThen:
    """An order as the mirror showed it, by the names of its row; `is_bought`: no test, and no failure."""

    id: int
    external_id: str
    total_minor: int
    is_test: bool
    is_discounted: bool
    gone_at: datetime | None
    placed_at: datetime
    is_bought: bool
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    deleted_at: datetime | None = None
    refunded_minor: int = 0
    is_counted: bool = False

    def count(self) -> None:
        """Whether it counts now: paid, not cancelled or deleted, not wholly refunded, not a test."""
        is_gone = self.cancelled_at is not None or self.deleted_at is not None
        is_refunded = self.refunded_minor >= self.total_minor > 0
        self.is_counted = self.paid_at is not None and not is_gone and not is_refunded and not self.is_test


@dataclass(slots=True)
class CustomerThen:
    """A customer's row as it was, as far as the past of a column is known; the rest as it is today.

    It begins with the columns of `WHO`, in their order.
    """

    id: int
    external_id: str | None
    email: str | None
    phone: str | None
    country: str | None
    region: str | None
    birth_year: int | None
    birth_month: int | None
    birth_day: int | None
    birth_known_at: datetime | None
    earlier_orders: int
    erased_at: datetime | None
    locale: str | None
    first_name: str | None
    last_name: str | None
    orders_count: int = 0
    discounted_count: int = 0
    first_paid_at: datetime | None = None
    last_paid_at: datetime | None = None


class ConsentThen(NamedTuple):
    """What the ledger said of a channel."""

    state: str
    basis: str | None
    occurred_at: datetime
    is_own: bool
    address: str | None
    is_assumed: bool = False


class _Said(NamedTuple):
    """What the ledger says from a moment on until another."""

    since: datetime
    until: datetime
    word: ConsentThen | None


class Words(NamedTuple):
    """What the ledger says of all channels from a moment on until another, by person and channel.

    `new_until`: how long a yes of theirs may be one of many (`app/messaging/flapping.py`).
    """

    since: datetime
    until: datetime
    words: dict[tuple[int, str], ConsentThen]
    new_until: datetime


@dataclass(slots=True)
class Standing:
    """A person as of the last happening that was told; `paid`: when which of the orders that count was.

    `to_delete`: known orders that the shop deleted at some time.
    """

    question: Question
    person: Remembered
    customer: CustomerThen
    orders: dict[str, OrderThen] = field(default_factory=dict)
    redeemed: dict[int, set[str]] = field(default_factory=dict)
    paid: Mapping[int, datetime] = field(default_factory=dict)
    state: str = ACTIVE
    state_since: datetime = LONG_AGO
    last_act_at: datetime | None = None
    to_delete: list[OrderThen] = field(default_factory=list)
    _said: dict[str, _Said] = field(default_factory=dict)
    _words: Words | None = None

    @classmethod
    def at_the_start(cls, question: Question, person: Remembered) -> "Standing":
        """Nothing has been told yet."""
        return cls(question, person, CustomerThen(*person.customer[: len(WHO)]))

    def learn(self, event: Happening) -> None:
        """What an entry of the timeline changes in the mirror; it was written in the same transaction."""
        if event.type.startswith("order."):
            self._learn_order(event)
        elif event.type in ACTS:
            self.last_act_at = max(self.last_act_at or LONG_AGO, event.occurred_at)
        elif event.type == "state.changed":
            self.state = event.details["to"]
        elif event.type == "voucher.redeemed":
            voucher = self.person.vouchers.get(int(event.subject.removeprefix("voucher:")))
            if voucher is not None:
                self.redeemed.setdefault(voucher.enrollment_id, set()).add(voucher.name)

    def consents(self, now: datetime) -> dict[tuple[int, str], ConsentThen]:
        """What the ledger said then of each channel of which somebody had said anything."""
        return self.said(now).words

    def said(self, now: datetime) -> Words:
        """What the ledger said then of all channels."""
        held = self._words
        if held is None or not held.since <= now < held.until:
            words = {
                (self.customer.id, channel): word
                for channel in self.person.ledger
                if (word := self.consent(channel, now)) is not None
            }
            until = min([self._said[channel].until for channel in self.person.ledger], default=_FOR_EVER)
            # What is taken to have held before it was said is no word of theirs yet.
            said = [flapping.is_new_until(word) for word in words.values() if not word.is_assumed]
            new_until = max([one for one in said if one is not None], default=LONG_AGO)
            held = self._words = Words(now, until, words, new_until)
        return held

    def consent(self, channel: str, now: datetime) -> ConsentThen | None:
        """What the ledger said then, or None while nobody had said anything.

        Before the coverage the platform's moments count, and where the first entry is later still, it is
        taken to have held before.
        """
        if channel not in self.person.ledger:
            return None
        held = self._said.get(channel)
        if held is None or not held.since <= now < held.until:
            held = self._said[channel] = self._look_up(channel, now)
        return held.word

    def flapping(self, now: datetime) -> dict[tuple[int, str], datetime]:
        """Until when their yes to a channel was not believed then (`app/messaging/flapping.py`)."""
        held = self.said(now)
        if held.new_until <= now:
            return {}
        found = {
            place: flapping.end_of(self._said_by(place[1], now), now)
            for place, word in held.words.items()
            if flapping.may_flap(word, now)
        }
        return {place: end for place, end in found.items() if end is not None}

    def _said_by(self, channel: str, now: datetime) -> list[Any]:
        """The entries of the ledger that were known then."""
        is_covered = now >= self.question.covered_since
        entries = self.person.ledger[channel]
        return [one for one in entries if (one.recorded_at if is_covered else one.occurred_at) <= now]

    def _look_up(self, channel: str, now: datetime) -> _Said:
        """What the ledger said then, and until when it said so."""
        covered_since = self.question.covered_since
        is_covered = now >= covered_since
        until = _FOR_EVER if is_covered else covered_since
        entries, newest = self.person.ledger[channel], None
        for entry in entries:
            told_at = entry.recorded_at if is_covered else entry.occurred_at
            if told_at > now:
                until = min(until, told_at)
            elif newest is None or _rank(newest) <= _rank(entry):
                newest = entry
        is_assumed = newest is None and not is_covered
        if is_assumed:
            newest = min(entries, key=_rank)
        if newest is None:
            return _Said(now, until, None)
        own = self.person.own_states.get(channel)
        is_own = own is not None and (own.state, own.occurred_at) == (newest.state, newest.occurred_at)
        word = ConsentThen(newest.state, newest.basis, newest.occurred_at, is_own, newest.address, is_assumed)
        return _Said(now, until, word)

    def delete_gone(self, now: datetime) -> None:
        """Orders that the shop deleted leave no entry."""
        for order in self.to_delete:
            if order.gone_at is not None and order.deleted_at is None and order.gone_at <= now:
                order.deleted_at = order.gone_at
                self._sum_up(order)

    def _learn_order(self, event: Happening) -> None:
        name = event.subject.removeprefix("order:")
        order = self.orders.get(name)
        if order is None:
            row = self.person.orders.get(name)
            if row is None:
                return
            order = self.orders[name] = OrderThen(
                row.id,
                name,
                row.total_minor,
                row.is_test,
                row.is_discounted,
                row.deleted_at,
                row.placed_at,
                not row.is_test and row.financial_status != UNBOUGHT,
            )
            if order.gone_at is not None:
                self.to_delete.append(order)
        if event.type == "order.paid":
            order.paid_at = event.occurred_at
        elif event.type == "order.cancelled":
            order.cancelled_at = event.occurred_at
        elif event.type == "order.refunded":
            order.refunded_minor = int(event.source_key.rpartition(":")[2])
        else:
            return
        self._sum_up(order)

    def _sum_up(self, changed: OrderThen) -> None:
        changed.count()
        counted = [order for order in self.orders.values() if order.is_counted]
        paid = self.paid = {order.id: order.paid_at for order in counted if order.paid_at is not None}
        self.customer.orders_count = len(counted)
        self.customer.discounted_count = sum([order.is_discounted for order in counted])
        self.customer.first_paid_at = min(paid.values(), default=None)
        self.customer.last_paid_at = max(paid.values(), default=None)


def _rank(entry: Any) -> tuple[datetime, bool]:
    """The newest statement counts; at the same moment the refusal."""
    return entry.occurred_at, entry.state == "unsubscribed"
