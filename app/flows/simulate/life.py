"""One person's past, replayed tick by tick through the flows' own functions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from app.crypto import Signer
from app.flows import backlog, birthdays, engine, work
from app.flows.batch import Batch, Held
from app.flows.birthdays import Slots
from app.flows.simulate import baskets
from app.flows.simulate.calendar import birthday_slots
from app.flows.simulate.claims import Claims
from app.flows.simulate.correspondence import Correspondence
from app.flows.simulate.history import History
from app.flows.simulate.memory import Happening, Memory, Remembered
from app.flows.simulate.news import News
from app.flows.simulate.past_facts import PastFacts
from app.flows.simulate.past_shop import PastShop
from app.flows.simulate.question import Question, Released, Report
from app.flows.simulate.sending import Outbox
from app.flows.simulate.silence import Silence
from app.flows.simulate.standing import Standing
from app.segments.state_facts import FLOW

_DAY = timedelta(days=1)


class _Due(NamedTuple):
    """A timer that is due, by the names of its row."""

    due_at: datetime
    subject_id: int
    turn: int


@dataclass(slots=True)
class Life:
    """The replay of one person. Journeys that were really made carry their ids, the others negative ones.

    `_due_at`: when the first of those that are under way goes on.
    """

    question: Question
    person: Remembered
    standing: Standing
    outbox: Outbox
    shop: PastShop
    news: News
    facts: PastFacts
    batch: Batch
    journeys: dict[int, Held] = field(default_factory=dict)
    silence: Silence | None = None
    _alive: dict[int, Held] = field(default_factory=dict)
    _due_at: datetime | None = None
    _ended: set[int] = field(default_factory=set)
    _keys: set[tuple[str, int, str]] = field(default_factory=set)
    release_at: datetime | None = None
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
        mail = Correspondence(person.clicked)
        claims = Claims(question, signer, memory.suppressed_of(person), standing, mail)
        outbox = Outbox(
            question=question,
            standing=standing,
            mail=mail,
            claims=claims,
            report=report,
            mean_total=history.mean_total,
            mean_shipping=history.mean_shipping,
        )
        shop = PastShop(history, memory.goods, standing, question.begin, mail.letters)
        is_about_silence = FLOW in question.flows
        silence = Silence.of(question, standing, mail.letters, shop) if is_about_silence else None
        news = News(person.events)
        facts = PastFacts(question, standing, mail, can_text)
        batch = _batch(question, shop, facts, memory)
        life = cls(
            question, person, standing, outbox, shop, news, facts, batch, silence=silence, _alive=batch.held
        )
        life._recall()
        return life

    def run(self) -> None:
        """Live through everything up to the end."""
        silence, report = self.silence if self.question.flow_key == FLOW else None, self.outbox.report
        while (tick := self._next_tick()) is not None and tick <= self.question.until:
            if silence is not None:
                silence.look_back(tick, report)
            self._live(tick)
            if silence is not None:
                silence.note_stay(tick)
        if silence is not None:
            silence.look_back(self.question.since, report)

    def _recall(self) -> None:
        """Keys that were used before a flow of the replay lets anybody in; slots that may hold a birthday."""
        for (flow_key, occurrence), row in self.person.enrolled.items():
            since = self.question.flows[flow_key].active_since
            if since is not None and row.entered_at < since:
                self._keys.add((flow_key, row.customer_id, occurrence))
        self._slots = sorted(birthday_slots(self.question, self.standing.customer))

    def _next_tick(self) -> datetime | None:
        """The first tick at which anything is due, planned, or known to somebody whom it concerns."""
        first, moment = self._due_at, self.outbox.next_at
        if first is None or (moment is not None and moment < first):
            first = moment
        if self.silence is not None and (moment := self.silence.look_at) is not None:
            first = moment if first is None else min(first, moment)
        due = self.question.tick_at(first) if first is not None else None
        if self.release_at is not None and (due is None or self.release_at < due):
            due = self.release_at
        if self._slots and (due is None or self._slots[0][0] < due):
            due = self._slots[0][0]
        return self.news.next_at(due, self._wakes) or due

    def _wakes(self, entry: Happening) -> bool:
        """Whether the stages have anything to do when an entry becomes known."""
        if entry.is_heard and self._concerns(entry.type):
            return True
        return self.silence is not None and self.silence.stirs(entry)

    def _concerns(self, kind: str) -> bool:
        """Whether entries of a type let somebody in, or move or end a journey that is under way."""
        if kind in self.question.starts:
            return True
        for held in self._alive.values():
            if held.journey.waits_for == kind or kind in self.batch.entry_of(held).exits_on:
                return True
        return False

    def _live(self, now: datetime) -> None:
        """One tick: news, the calendar, the flows, the outbox, in the order of the stages."""
        fresh, standing, silence = self.news.tell(now), self.standing, self.silence
        for event in fresh:
            standing.learn(event)
        self.shop.now = now
        if standing.to_delete:
            standing.delete_gone(now)
        while self._slots and self._slots[0][0] <= now:
            self._plan(self._slots.pop(0)[1], now)
        told = self._release(now) if self.release_at is not None and self.release_at <= now else []
        # What became known before this tick found nobody whom it concerned.
        heard = told + [event for event in fresh if event.is_heard and event.tick == now]
        if silence is not None:
            heard += self.news.note(silence.look(fresh, now))
        due = self._due(now)
        while heard or due:
            if due or any(self._concerns(entry.type) for entry in heard):
                self._pass(heard, due, now)
            heard = self.news.note(silence.hear(heard, now)) if silence is not None else []
            due = self._due(now)
        if self.outbox.next_at is not None and self.outbox.next_at <= now:
            has_left = self.outbox.run(self.journeys, now)
            if silence is not None and has_left:
                silence.look_again(now)
        if self._ended:
            self._bury()

    def _bury(self) -> None:
        """Let go of journeys that ended and wait for nothing: no exit, timer or message comes to them."""
        ended, waiting = self._ended, self.outbox.waiting()
        self._ended = ended & waiting
        for id_ in ended - waiting:
            held = self._alive.pop(id_, None)
            if held is not None:
                self.batch.let_go(held)

    def _due(self, now: datetime) -> list[_Due]:
        if self._due_at is None or self._due_at > now:
            return []
        return [
            _Due(at, id_, held.turn)
            for id_, held in self._alive.items()
            if (at := held.journey.due_at) is not None and at <= now
        ]

    def _plan(self, slot: datetime, now: datetime) -> None:
        """The calendar's plan of one day, for this person."""
        batch = self._again(now)
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
        self._take()

    def _release(self, now: datetime) -> list[Happening]:
        """The calendar lets the person in, who was silent before; what the look at them told."""
        self.release_at = None
        if self.silence is None:
            return []
        told, is_tried = self.silence.take_turn(now)
        if is_tried:
            backlog.let_in(self._again(now), self.standing.customer.id, self.standing.state_since)
            self.outbox.report.released.append(Released(self.standing.customer.id, now))
            self._take()
        return self.news.note(told)

    def _pass(self, heard: list[Happening], due: list[_Due], now: datetime) -> None:
        """One pass of the engine over what became known and what is due."""
        going_on = [row.subject_id for row in due] if due else []
        if heard:
            types = {entry.type for entry in heard}
            going_on += [id_ for id_, held in self._alive.items() if held.journey.waits_for in types]
        batch = self._again(now, going_on)
        if heard:
            batch.already_read = {self.standing.customer.id: self.news.already_read(heard)}
        for item in work.in_order(batch, heard, due):
            item.run(batch)
        self._take()

    def _again(self, now: datetime, going_on: Sequence[int] = ()) -> Batch:
        """The one batch of a life, as a new one would be: with the journeys in hand and what is known now."""
        self.batch.again(now)
        self.facts.at(now, going_on)
        return self.batch

    def _take(self) -> None:
        """What the writer would write: new journeys by their keys, changed ones, their messages."""
        batch = self.batch
        for key, held in batch.fresh.items():
            if key in self._keys:
                batch.let_go(held)
                continue
            self._keys.add(key)
            if baskets.is_forgotten(self.standing, held.subject):
                self.outbox.report.forgotten_baskets += held.flow_key == self.question.flow_key
                batch.let_go(held)
                continue
            real = self.person.enrolled.get((held.flow_key, held.occurrence))
            held.id = real.id if real is not None else -len(self.journeys) - 1
            self.journeys[held.id] = self._alive[held.id] = held
            self._count(held)
            if held.state is not None and self.silence is not None:
                self.silence.begin_attempt(held, batch.now)
            self._settle(held)
        first = None
        for held in self._alive.values():
            if held.is_changed:
                self._settle(held)
                if self.silence is not None and held.flow_key == FLOW and held.journey.state != engine.ACTIVE:
                    self.silence.end_attempt(batch.now)
            due_at = held.journey.due_at
            if due_at is not None and (first is None or due_at < first):
                first = due_at
        self._due_at = first

    def _count(self, held: Held) -> None:
        if held.flow_key == self.question.flow_key:
            self.outbox.report.enrolled += 1
            self.outbox.report.held_out += held.journey.state == engine.HELD_OUT

    def _settle(self, held: Held) -> None:
        """A journey as its row would be read again: nothing of this pass clings to it."""
        if held.messages:
            for message in held.messages:
                self.outbox.enqueue(message, held.id or 0)
            held.messages = []
        if held.decisions:
            held.decisions = []
        held.is_changed = False
        held.journey = held.journey.settled()
        if held.journey.state != engine.ACTIVE:
            self._ended.add(held.id or 0)


def _batch(question: Question, shop: PastShop, facts: PastFacts, memory: Memory) -> Batch:
    """The batch of a life as it begins, with no journey in hand."""
    return Batch(
        shop=shop,
        store=question.store,
        now=question.begin,
        flows=question.flows,
        facts=facts.at(question.begin, ()),
        held={},
    )
