"""Where a person stood with the shop: the states' stage (`app/segments/standing.py`) in memory."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.customers import agreeing
from app.flows import engine
from app.flows.batch import Held
from app.flows.simulate.correspondence import Letter
from app.flows.simulate.memory import Happening
from app.flows.simulate.past_shop import PastShop
from app.flows.simulate.question import Question, Report, Stay
from app.flows.simulate.standing import Standing
from app.messaging.gate import TRANSACTIONAL
from app.models.message import QUEUED, SENT
from app.segments import states
from app.segments.classes import percentile_gap
from app.segments.standing import FRESH, HEARD, midnight_from, subject_of
from app.segments.state_facts import FEW_ORDERS, FLOW, LAST_QUESTION
from app.segments.states import DORMANT, REACTIVATING, StateFacts

CHANGED = "state.changed"
_INSTANT = timedelta(microseconds=1)
_AFTER_ALL = 1 << 62
"""Ids from here on are those of entries that the replay itself makes."""


@dataclass(slots=True)
class Silence:
    """One person's state as the replay made it; `look_at`: when it is looked at next."""

    question: Question
    standing: Standing
    letters: Sequence[Letter]
    shop: PastShop
    is_known: bool = False
    look_at: datetime | None = None
    attempts: list[datetime] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    _told_of: datetime | None = None
    _is_on: bool = False
    _over_at: datetime | None = None
    _told: int = 0
    _own_gap: timedelta | None = None
    _gap_of: Mapping[int, datetime] | None = None

    @classmethod
    def of(
        cls, question: Question, standing: Standing, letters: Sequence[Letter], shop: PastShop
    ) -> "Silence":
        """As it was noted when the replay begins, or from the person's first day where nothing was."""
        found = cls(question, standing, letters, shop)
        person = standing.person
        standing.state_since = person.customer.created_at
        if question.begin >= question.covered_since:
            found.look_at = question.tick_at(question.begin)
            for event in person.events:
                if event.type == CHANGED and event.tick < question.begin:
                    found.is_known = True
                    standing.state, standing.state_since = event.details["to"], event.occurred_at
        person.events = [event for event in person.events if event.type != CHANGED]
        found.attempts = sorted(
            row.entered_at
            for (flow_key, _), row in person.enrolled.items()
            if flow_key == FLOW and row.entered_at < question.begin and row.state != engine.HELD_OUT
        )
        return found

    def stirs(self, event: Happening) -> bool:
        """Whether an entry may change the state, whoever listens to it."""
        return event.type in HEARD or event.type.startswith("order.")

    def look(self, fresh: Iterable[Happening], now: datetime) -> list[Happening]:
        """The states' stage: who bought is looked at, and whose time has come; what changed."""
        is_touched = any(event.type.startswith("order.") for event in fresh)
        return self._settle(now) if is_touched or (self.look_at is not None and self.look_at <= now) else []

    def hear(self, events: Iterable[Happening], now: datetime) -> list[Happening]:
        """What the entries that the flows just read bring back; nothing to who is active."""
        if self.standing.state != states.ACTIVE and any(event.type in HEARD for event in events):
            return self._settle(now)
        return []

    def look_back(self, tick: datetime, report: Report) -> None:
        """Before the flow's first tick: whether they may be written to, and were silent before already."""
        now, told = self.question.since, self.standing.person.told_of_silence
        if self._is_on or tick < now:
            return
        self._is_on = True
        if told is not None and told.offered_at <= now:
            self._told_of = told.since
        if self._may_get_mails(now):
            report.reachable += 1
            report.silent_before += self._waits()
        self.note_stay(now)

    def note_stay(self, now: datetime) -> None:
        """Whether they wait to be let in from now on (see `app/flows/backlog.py`)."""
        if not self._is_on or not (self.stays or self.standing.state == DORMANT):
            return
        since = self.standing.state_since
        waits = self._waits() and self._may_get_mails(now)
        stay = self.stays[-1] if self.stays and self.stays[-1].left_at is None else None
        if stay is not None and not (waits and stay.since == since):
            self.stays[-1], stay = stay._replace(left_at=now), None
        if waits and stay is None:
            self.stays.append(Stay(since, now))

    def take_turn(self, now: datetime) -> tuple[list[Happening], bool]:
        """Their turn has come: they are looked at anew; what changed, and whether they are written to."""
        told = self._settle(now)
        is_turn = self._waits() and self._may_get_mails(now)
        if is_turn:
            self._told_of = self.standing.state_since
        return told, is_turn and states.may_try(self.attempts, now)

    def begin_attempt(self, held: Held, now: datetime) -> None:
        """The flow was told of the silence; with whom it tries to win back, the attempt begins."""
        self._told_of = self.standing.state_since
        if self.standing.state == DORMANT and held.journey.state != engine.HELD_OUT:
            self.standing.state, self.standing.state_since = REACTIVATING, held.entered_at
            self.attempts.append(held.entered_at)
            self._over_at = None
            self.look_again(now)

    def end_attempt(self, now: datetime) -> None:
        """The journey that tried ended."""
        self._over_at = now

    def look_again(self, now: datetime) -> None:
        """Have the next run of the stage look."""
        moment = now + _INSTANT
        self.look_at = moment if self.look_at is None else min(self.look_at, moment)

    def is_reachable(self, now: datetime) -> bool:
        """Whether there is a basis to write mails: consent, or the soft opt-in of a sale."""
        address = self.standing.customer.email
        state = agreeing.stands(self.standing.consent("email", now), address)
        if state in ("subscribed", "unsubscribed"):
            return state == "subscribed"
        return self._has_bought() and self.question.allows_soft_opt_in

    def _waits(self) -> bool:
        """Whether they are silent and the flow was not told of it."""
        return self.standing.state == DORMANT and self._told_of != self.standing.state_since

    def _may_get_mails(self, now: datetime) -> bool:
        return self.standing.customer.email is not None and self.is_reachable(now)

    def _settle(self, now: datetime) -> list[Happening]:
        facts = self._facts(now)
        *changes, seen = states.changes(facts, now)
        told, before = [], facts.state
        for one in changes:
            is_history = not self.is_known or one.since < now - FRESH
            may_try = self.is_reachable(now) and states.may_try(self.attempts, now)
            details = {"from": before, "to": one.state, "may_try": may_try}
            told.append(self._event(one, details, now, is_heard=not is_history))
            before = one.state
        self.standing.state, self.standing.state_since, self.is_known = seen.state, seen.since, True
        held = self.look_at if self.look_at is not None and self.look_at > now else None
        moments = [moment for moment in (seen.next_at, held) if moment is not None and moment > now]
        self.look_at = midnight_from(min(moments)) if moments else None
        return told

    def _facts(self, now: datetime) -> StateFacts:
        standing = self.standing
        tracking, mail = standing.consent("tracking", now), standing.consent("email", now)
        measured_since = tracking.occurred_at if tracking and tracking.state == "subscribed" else None
        own_yes_at = mail.occurred_at if mail and mail.is_own and mail.state == "subscribed" else None
        acts = [moment for moment in (standing.last_act_at, own_yes_at) if moment is not None]
        asked_at, over_at = self._attempt()
        return StateFacts(
            state=standing.state,
            since=standing.state_since,
            has_bought=self._has_bought(),
            last_order_at=standing.customer.last_paid_at,
            gap=self._gap(now),
            measured_since=measured_since,
            last_act_at=max(acts, default=None),
            mails=() if self._has_bought() or measured_since is None else self._mails(),
            asked_at=asked_at,
            over_at=over_at,
        )

    def _gap(self, now: datetime) -> timedelta | None:
        """Their own rhythm from three orders on, before that what they bought last, else the shop's."""
        paid = self.standing.paid
        if len(paid) < FEW_ORDERS:
            latest = max(paid.values(), default=None)
            last_bought = [id_ for id_, moment in paid.items() if moment == latest]
            return self.shop.long_gap(last_bought, now) or self.shop.history.shop_gap
        if self._gap_of is not paid:
            self._gap_of, self._own_gap = paid, percentile_gap(list(paid.values()))
        return self._own_gap or self.shop.history.shop_gap

    def _mails(self) -> list[datetime]:
        left = [
            letter.sent_at
            for letter in self.letters
            if letter.status == SENT and letter.channel == "email" and letter.purpose != TRANSACTIONAL
        ]
        return [*self.standing.person.mailed, *(moment for moment in left if moment is not None)]

    def _attempt(self) -> tuple[datetime | None, datetime | None]:
        """Of who is being won back: when the last question left, or when the attempt ended without it."""
        if self.standing.state != REACTIVATING:
            return None, None
        mine = [letter for letter in self.letters if letter.flow_key == FLOW]
        since = self.standing.state_since
        asked = [letter.sent_at for letter in mine if letter.step == LAST_QUESTION and letter.sent_at]
        is_waiting = any(letter.status == QUEUED for letter in mine)
        asked_at = max((moment for moment in asked if moment >= since), default=None)
        return asked_at, None if is_waiting else self._over_at

    def _has_bought(self) -> bool:
        return self.standing.customer.orders_count + self.standing.customer.earlier_orders > 0

    def _event(
        self, seen: states.Seen, details: dict[str, Any], now: datetime, *, is_heard: bool
    ) -> Happening:
        self._told += 1
        subject = subject_of(seen.state, seen.since)
        return Happening(
            id=_AFTER_ALL + self._told,
            customer_id=self.standing.customer.id,
            type=CHANGED,
            subject=subject,
            occurred_at=seen.since,
            source_key=f"{subject}:{self.standing.customer.id}",
            details=details,
            tick=now,
            is_heard=is_heard and now >= self.question.begin,
        )
