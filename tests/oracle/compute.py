"""Plays a journal from its first advance to its last and says what a correct Ritorno holds at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from tests.oracle.attribution import attribute
from tests.oracle.catalogue import Pairs
from tests.oracle.dataset import check_orders
from tests.oracle.engine import Engine
from tests.oracle.evidence import Evidence
from tests.oracle.journal import Journal, Told, read_journal
from tests.oracle.mirror import Mirror
from tests.oracle.model import EnrollmentRow, Expected, MessageRow, OrderRow, StoreSettings
from tests.oracle.moments import DAY, HOUR, MINUTE, maybe_moment, moment, seconds_of
from tests.oracle.outbox import Outbox
from tests.oracle.rhythms import Rhythms
from tests.oracle.starts import plan_birthdays, starts
from tests.oracle.state import Message, Person
from tests.oracle.steps import Steps

BIRTHDAYS_AT, PAIRS_AT, RHYTHMS_AT = 0, 2 * HOUR, 2 * HOUR + 30 * MINUTE


def compute(
    journal_dir: Path,
    *,
    stores: Iterable[StoreSettings],
    activated_at: datetime,
    data: Path | None = None,
    told: Iterable[Told] = (),
) -> Expected:
    """What the database of a correct Ritorno holds after the journal's last advance.

    Args:
        journal_dir: the sandbox's folder.
        stores: the settings of one or both stores; a store that is not named is left out.
        activated_at: when all flows were switched on.
        data: the folder of the data set that the journal's orders come from and are checked by, if any.
        told: what a test told Ritorno besides.
    """
    journal = read_journal(journal_dir)
    journal.told += told
    referee = Referee(journal, {store.platform: store for store in stores}, seconds_of(activated_at))
    for tick in journal.ticks:
        referee.tick(tick)
    expected = referee.result()
    if data is not None:
        expected.problems += check_orders(journal, data)
    return expected


class Referee:
    """A correct Ritorno, played tick by tick."""

    def __init__(self, journal: Journal, stores: dict[str, StoreSettings], activated_at: int) -> None:
        self._evidence = Evidence(journal)
        self._mirror = Mirror(journal, stores, activated_at, self._evidence.redemption)
        self._outbox = Outbox(self._mirror, self._evidence)
        self._pairs = {platform: Pairs(store) for platform, store in self._mirror.stores.items()}
        self._rhythms = [Rhythms(store, activated_at) for store in self._mirror.stores.values()]
        steps = Steps(self._outbox, self._pairs)
        self._engine = Engine(self._mirror, starts(steps), steps.ring)
        self._journal = journal
        self._activated_at = activated_at
        # The slot of the day on which the flows are switched on is made up.
        self._before = activated_at - DAY
        self._told = iter(sorted(journal.told, key=lambda told: told.known_at))
        self._reactions = iter(sorted(journal.reactions, key=lambda reaction: reaction.at))
        self._next_told = next(self._told, None)
        self._next_reaction = next(self._reactions, None)
        self._shoppers = {shopper.email: shopper for shopper in journal.shoppers.values()}

    def tick(self, now: int) -> None:
        """Everything that is due at a moment: news, reactions, the calendar, flows, the outbox."""
        while self._next_told is not None and self._next_told.known_at <= now:
            self._mirror.tell(self._next_told)
            self._next_told = next(self._told, None)
        self._react(now)
        self._engine.now = now
        if now >= self._activated_at:
            self._run_calendar(now)
        self._engine.tick(now)
        self._outbox.tick(now)

    def result(self) -> Expected:
        """What is held now."""
        expected = Expected(problems=[*self._journal.repeated, *self._evidence.problems()])
        sent: dict[int, list[Message]] = defaultdict(list)
        for message in self._outbox.messages:
            sent[id(message.enrollment.person)].append(message)
            row = MessageRow(
                channel=message.channel,
                due_at=moment(message.due_at),
                status=message.status,
                reason=message.reason,
                sent_at=maybe_moment(message.sent_at),
                about=message.about,
            )
            expected.messages[message.key] = row
            if message.is_put_off:
                expected.put_off.add(message.key)
        for enrollment in self._engine.enrollments.values():
            expected.enrollments[enrollment.key] = EnrollmentRow(
                enrollment.state, moment(enrollment.entered_at)
            )
        for store in self._mirror.stores.values():
            for person in store.people.values():
                if person.is_known:
                    self._add_person(expected, person, sent[id(person)])
        for rhythms in self._rhythms:
            expected.rhythms |= rhythms.rows
        return expected

    def _run_calendar(self, now: int) -> None:
        for slot, kind in _slots(self._before, now):
            if kind == BIRTHDAYS_AT:
                plan_birthdays(self._engine, slot)
            elif kind == PAIRS_AT:
                for pairs in self._pairs.values():
                    pairs.add_new()
            else:
                for rhythms in self._rhythms:
                    if rhythms.is_night(slot):
                        rhythms.learn(now)
        self._before = now

    def _react(self, now: int) -> None:
        while self._next_reaction is not None and self._next_reaction.at <= now:
            reaction = self._next_reaction
            self._next_reaction = next(self._reactions, None)
            if reaction.kind == "click":
                message = self._evidence.clicked(reaction)
                if message is not None:
                    message.clicks.append(now)
                continue
            shopper = self._shoppers.get(reaction.to.lower())
            if shopper is not None and shopper.platform in self._mirror.stores:
                self._mirror.unsubscribe(self._mirror.person(shopper.platform, shopper.household), now)

    def _add_person(self, expected: Expected, person: Person, sent: list[Message]) -> None:
        key = (person.platform, person.shopper.key)
        expected.customers.add(key)
        for order in person.orders:
            expected.orders[person.platform, order.key] = OrderRow(
                customer=person.shopper.key,
                total_minor=order.fact.total_minor,
                refunded_minor=order.refunded_minor,
                is_paid=order.paid_at is not None,
                is_counted=order.is_counted,
            )
            attribution = attribute(order, sent, self._evidence)
            if attribution is not None:
                expected.attributions[person.platform, order.key] = attribution
        counted = [
            (order.paid_at, order.key) for order in person.orders if order.is_counted and order.paid_at
        ]
        if counted:
            expected.first_orders[key] = min(counted)[1]


def _slots(after: int, to: int) -> Iterator[tuple[int, int]]:
    """The calendar's slots in (after, to], in order."""
    for day in range(after - after % DAY, to + 1, DAY):
        for clock in (BIRTHDAYS_AT, PAIRS_AT, RHYTHMS_AT):
            if after < day + clock <= to:
                yield day + clock, clock
