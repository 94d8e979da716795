"""One person's past, replayed tick by tick through the flows' own functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from app.crypto import Signer
from app.flows import birthdays, engine, work
from app.flows.batch import Batch, Held
from app.flows.birthdays import Slots
from app.flows.facts import BatchFacts
from app.flows.moments import Place
from app.flows.simulate.history import History
from app.flows.simulate.memory import Happening, Memory, Remembered
from app.flows.simulate.past_shop import PastShop
from app.flows.simulate.question import Question, Report
from app.flows.simulate.sending import Outbox
from app.flows.simulate.standing import Standing
from app.segments import classing

_DAY = timedelta(days=1)


class _Due(NamedTuple):
    """A timer that is due, by the names of its row."""

    due_at: datetime
    subject_id: int
    turn: int


@dataclass(slots=True)
class Life:
    """The replay of one person. Journeys that were really made carry their ids, the others negative ones."""

    question: Question
    person: Remembered
    standing: Standing
    outbox: Outbox
    shop: PastShop
    memory: Memory
    can_text: bool
    place: dict[int, Place] = field(default_factory=dict)
    journeys: dict[int, Held] = field(default_factory=dict)
    _keys: set[tuple[str, int, str]] = field(default_factory=set)
    _fed: int = 0
    _heard: int = 0
    _slots: list[tuple[datetime, datetime]] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        question: Question,
        signer: Signer,
        history: History,
        memory: Memory,
        *,
        person: Remembered,
        report: Report,
        can_text: bool,
    ) -> "Life":
        """Everything of a person at the beginning."""
        standing = Standing.at_the_start(question, person)
        outbox = Outbox(
            question=question,
            signer=signer,
            memory=memory,
            standing=standing,
            report=report,
            mean_total=history.mean_total,
            mean_shipping=history.mean_shipping,
        )
        shop = PastShop(history, memory.goods, standing, question.begin, outbox.letters)
        life = cls(question, person, standing, outbox, shop, memory, can_text)
        life._recall()
        return life

    def run(self) -> None:
        """Live through everything up to the end."""
        while (tick := self._next_tick()) is not None and tick <= self.question.until:
            self._live(tick)

    def _recall(self) -> None:
        """Keys that were used before a flow of the replay lets anybody in; slots that may hold a birthday."""
        for (flow_key, occurrence), row in self.person.enrolled.items():
            since = self.question.flows[flow_key].active_since
            if since is not None and row.entered_at < since:
                self._keys.add((flow_key, row.customer_id, occurrence))
        self._slots = sorted(self._birthday_slots())

    def _birthday_slots(self) -> Iterator[tuple[datetime, datetime]]:
        """The ticks of the daily slots in which a first birthday mail is due, with the slot."""
        flow, row = self.question.flows.get(birthdays.FLOW), self.standing.customer
        if flow is None or flow.active_since is None or row.birth_month is None or row.birth_known_at is None:
            return
        entry = flow.definition.entries[0]
        place = self._batch(self.question.begin).place_of(row)
        for year in range(self.question.begin.year, self.question.until.year + 2):
            for _, due in birthdays.dues(entry, row, place, around=year)[1:2]:
                slot = due.replace(hour=0, minute=0, second=0, microsecond=0)
                tick = self.question.tick_at(slot)
                if slot >= flow.active_since and tick is not None:
                    yield tick, slot

    def _next_tick(self) -> datetime | None:
        """The first tick at which anything is known, due or planned."""
        events = self.person.events
        while self._heard < len(events) and (self._heard < self._fed or not events[self._heard].is_heard):
            self._heard += 1
        found = [events[self._heard].tick] if self._heard < len(events) else []
        if self._slots:
            found.append(self._slots[0][0])
        waits = [held.journey.due_at for held in self.journeys.values() if held.journey.due_at is not None]
        for moment in (min(waits, default=None), self.outbox.next_at()):
            tick = self.question.tick_at(moment) if moment is not None else None
            if tick is not None:
                found.append(tick)
        return min(found, default=None)

    def _live(self, now: datetime) -> None:
        """One tick: news, the calendar, the flows, the outbox, in the order of the stages."""
        fresh = self._learn(now)
        self.shop.now = now
        self.standing.delete_gone(now)
        while self._slots and self._slots[0][0] <= now:
            self._plan(self._slots.pop(0)[1], now)
        heard = [event for event in fresh if event.is_heard]
        while heard or self._due(now):
            self._pass(heard, self._due(now), now)
            heard = []
        self.outbox.run(self.journeys, now)

    def _learn(self, now: datetime) -> list[Happening]:
        start = self._fed
        while self._fed < len(self.person.events) and self.person.events[self._fed].tick <= now:
            self.standing.learn(self.person.events[self._fed])
            self._fed += 1
        return self.person.events[start : self._fed]

    def _due(self, now: datetime) -> list[_Due]:
        return [
            _Due(held.journey.due_at, id_, held.turn)
            for id_, held in self.journeys.items()
            if held.journey.due_at is not None and held.journey.due_at <= now
        ]

    def _plan(self, slot: datetime, now: datetime) -> None:
        """The calendar's plan of one day, for this person."""
        batch = self._batch(now, flows={birthdays.FLOW})
        earlier = {
            row.occurrence: row.entered_at
            for (flow_key, _), row in self.person.enrolled.items()
            if flow_key == birthdays.FLOW and (flow_key, row.customer_id, row.occurrence) in self._keys
        }
        earlier |= {
            held.occurrence: held.entered_at
            for held in self.journeys.values()
            if held.flow_key == birthdays.FLOW
        }
        recent = {name: at for name, at in earlier.items() if at > slot - birthdays.BETWEEN}
        birthdays.consider(batch, Slots(slot, slot, slot + _DAY), self.standing.customer, recent)
        self._take(batch)

    def _pass(self, heard: list[Happening], due: list[_Due], now: datetime) -> None:
        """One pass of the engine over what became known and what is due."""
        due_ids = {row.subject_id for row in due}
        concerned = {
            id_: held
            for id_, held in self.journeys.items()
            if id_ in due_ids or held.journey.state == engine.ACTIVE or self.outbox.has_open(id_)
        }
        batch = self._batch(now, held=concerned, due_ids=due_ids)
        orders = work.with_goods(heard, list(concerned.values()), due_ids, batch.facts.orders)
        batch.goods = {id_: self.memory.goods[id_] for id_ in orders if id_ in self.memory.goods}
        if heard:
            batch.already_read = {self.standing.customer.id: self._already_read(heard)}
        for item in work.in_order(batch, heard, due):
            item.run(batch)
        self._take(batch)

    def _already_read(self, heard: list[Happening]) -> list[Happening]:
        """What earlier passes read and what happened after the earliest entry of this one."""
        earliest = min(event.occurred_at for event in heard)
        pending = {event.id for event in heard}
        later = [
            event
            for event in self.person.events[: self._fed]
            if event.occurred_at > earliest and event.id not in pending
        ]
        return sorted(later, key=lambda event: (event.occurred_at, event.id))

    def _batch(
        self,
        now: datetime,
        *,
        held: Mapping[int, Held] | None = None,
        due_ids: set[int] | frozenset[int] = frozenset(),
        flows: set[str] | None = None,
    ) -> Batch:
        customer = self.standing.customer
        said = self.standing.consent("sms", now) if self.can_text else None
        is_texted = said is not None and said.state == "subscribed"
        # Rows in all that the engine reads of them: the same names, as they were.
        customers: dict[int, Any] = {customer.id: customer}
        orders: dict[str, Any] = dict(self.standing.orders)
        facts = BatchFacts(
            customers=customers,
            orders=orders,
            baskets={},
            siblings={id_: self.outbox.siblings(id_, now) for id_ in due_ids},
            redeemed={id_: frozenset(self.standing.redeemed.get(id_, ())) for id_ in due_ids},
            sms=frozenset({customer.id}) if is_texted else frozenset(),
            classes={customer.id: classing.by_sums(customer, now)},
        )
        known = self.question.flows
        return Batch(
            shop=self.shop,
            store=self.question.store,
            now=now,
            flows=known if flows is None else {key: known[key] for key in flows},
            facts=facts,
            held=dict(held or {}),
            places=self.place,
        )

    def _take(self, batch: Batch) -> None:
        """What the writer would write: new journeys by their keys, changed ones, their messages."""
        for held in batch.fresh.values():
            if held.key in self._keys:
                continue
            self._keys.add(held.key)
            real = self.person.enrolled.get((held.flow_key, held.occurrence))
            held.id = real.id if real is not None else -len(self.journeys) - 1
            self.journeys[held.id] = held
            self._count(held)
            self._settle(held)
        for held in batch.held.values():
            if held.is_changed:
                self._settle(held)

    def _count(self, held: Held) -> None:
        if held.flow_key == self.question.flow_key:
            self.outbox.report.enrolled += 1
            self.outbox.report.held_out += held.journey.state == engine.HELD_OUT

    def _settle(self, held: Held) -> None:
        """A journey as its row would be read again: nothing of this pass clings to it."""
        for message in held.messages:
            self.outbox.enqueue(message, held.id or 0)
        held.messages, held.decisions, held.is_changed = [], [], False
        if held.journey.arrived_by is not None:
            held.journey = replace(held.journey, arrived_by=None)
