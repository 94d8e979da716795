"""The outbox of one person in a dry run: the gate decides, nothing leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.crypto import Signer
from app.flows.batch import Held
from app.flows.simulate import baskets
from app.flows.simulate.memory import wishes_of
from app.flows.simulate.question import LONG_AGO, Question, Report
from app.flows.simulate.standing import ConsentThen, Standing
from app.messaging import claim, facts, gate, vouchers
from app.messaging.cases import FORGOTTEN, OPENED
from app.messaging.conditions import SiblingFacts
from app.messaging.fact_rows import Traits
from app.messaging.facts import Loaded
from app.messaging.gate import ANSWER, StepVerdict, Verdict
from app.messaging.gate_facts import StoreFacts
from app.messaging.limits import WEEK, Departure
from app.messaging.outbox import NewMessage
from app.messaging.reviewed import CONDITION, MUTED
from app.models.message import EXPIRED, QUEUED, SENT, STOPPED
from app.models.review import LOW
from app.money import to_minor
from app.segments import classing

_READY = {
    allowed: StoreFacts(
        state="connected",
        is_copy=False,
        is_flow_active=True,
        sender_pause=None,
        sender_problem=None,
        allows_soft_opt_in=allowed,
    )
    for allowed in (False, True)
}
"""The dry run is made before the switch is: sender, store and switches count as they would then."""


@dataclass(slots=True, eq=False)
class Letter:
    """A message by the names of its row."""

    id: int
    key: str
    customer_id: int
    enrollment_id: int
    flow_key: str
    step: str
    channel: str
    purpose: str
    priority: int
    due_at: datetime
    expires_at: datetime
    next_at: datetime
    context: Mapping[str, Any]
    status: str = QUEUED
    reason: str | None = None
    sent_at: datetime | None = None
    is_assumed: bool = False

    @classmethod
    def queued(cls, message: NewMessage, number: int, enrollment_id: int) -> "Letter":
        """The message as it enters the outbox."""
        return cls(
            id=number,
            key=message.key,
            customer_id=message.customer_id,
            enrollment_id=enrollment_id,
            flow_key=message.flow_key,
            step=message.step,
            channel=message.channel,
            purpose=message.purpose,
            priority=message.priority,
            due_at=message.due_at,
            expires_at=message.expires_at,
            next_at=message.due_at,
            context=message.context,
        )


@dataclass(slots=True)
class Outbox:
    """One person's messages and what left of them."""

    question: Question
    signer: Signer
    suppressed: Mapping[tuple[str, str], Row[Any]]
    standing: Standing
    report: Report
    mean_total: float
    mean_shipping: float
    letters: list[Letter] = field(default_factory=list)
    of_journey: dict[int, list[Letter]] = field(default_factory=dict)
    departures: list[Departure] = field(default_factory=list)
    minted: set[tuple[int, str]] = field(default_factory=set)
    _keys: set[str] = field(default_factory=set)
    _asked: dict[str, datetime] = field(default_factory=dict)
    _open: list[Letter] = field(default_factory=list)
    _kept: Loaded | None = None
    _week_begins: int = 0

    def enqueue(self, message: NewMessage, enrollment_id: int) -> None:
        """Queue what is not there yet."""
        letter = Letter.queued(message, len(self.letters) + 1, enrollment_id)
        if letter.key in self._keys:
            return
        self._keys.add(letter.key)
        self.letters.append(letter)
        self.of_journey.setdefault(enrollment_id, []).append(letter)
        self._open.append(letter)

    def next_at(self) -> datetime | None:
        """When the first waiting message is looked at again."""
        return min([letter.next_at for letter in self._open]) if self._open else None

    def waiting(self) -> set[int]:
        """The journeys of which something waits."""
        return {letter.enrollment_id for letter in self._open}

    def siblings(self, enrollment_id: int, now: datetime) -> dict[str, SiblingFacts]:
        """What became of a journey's messages by now; who really clicked the same message, clicked."""
        clicked = self.standing.person.clicked
        return {
            letter.step: SiblingFacts(
                letter.status, (at := clicked.get(letter.key)) is not None and at <= now
            )
            for letter in self.of_journey.get(enrollment_id, ())
        }

    def run(self, journeys: Mapping[int, Held], now: datetime) -> bool:
        """Decide about all that is due; what was asked about first is decided again, as in the claim.

        Returns:
            whether anything left.
        """
        if not self._open:
            return False
        before = len(self.departures)
        while due := [letter for letter in self._open if letter.next_at <= now]:
            loaded = self._loaded(due, journeys, now)
            is_alone = len(due) == 1
            for letter in due if is_alone else sorted(due, key=claim.turn):
                self._decide(loaded, letter, now, is_alone=is_alone)
            self._open = [letter for letter in self._open if letter.status == QUEUED]
        return len(self.departures) > before

    def _decide(self, loaded: Loaded, letter: Letter, now: datetime, *, is_alone: bool) -> None:
        """Ask the gate, and again in the claim; where nothing else is due it would say what it said."""
        refused = gate.refusal(facts.facts_of(loaded, letter), now)
        consent = loaded.consents.get((letter.customer_id, letter.channel))
        letter.is_assumed = isinstance(consent, ConsentThen) and consent.is_assumed
        if refused is not None:
            self._refuse(letter, refused, now)
            return
        asks_first = self._asks_first(letter, now)
        while asks_first and is_alone:
            asks_first = self._asks_first(letter, now)
        if not asks_first:
            letter.status, letter.reason, letter.sent_at = SENT, None, now
            if letter.purpose != ANSWER:
                self.departures.append(Departure(now, letter.channel, letter.step))
        if letter.purpose != ANSWER and not is_alone:
            left = Departure(now, letter.channel, letter.step, True)
            loaded.departures.setdefault(letter.customer_id, []).append(left)

    def _asks_first(self, letter: Letter, now: datetime) -> bool:
        """Whether the storefront is asked first, about the basket or for a code, and the gate once more."""
        basket = letter.context.get("checkout")
        if basket is not None and now - self._asked.get(basket, LONG_AGO) >= claim.FRESH:
            self._asked[basket] = now
            return True
        terms = letter.context.get("voucher")
        if terms is None or (name := (letter.enrollment_id, terms["name"])) in self.minted:
            return False
        self.minted.add(name)
        if letter.flow_key == self.question.flow_key:
            self._count_code(terms, now)
        return True

    def _refuse(self, letter: Letter, refused: StepVerdict, now: datetime) -> None:
        letter.reason = refused.reason
        if refused.verdict is Verdict.POSTPONE:
            letter.next_at = refused.next_at or now
        else:
            letter.status = EXPIRED if refused.reason == "expired" else STOPPED

    def _count_code(self, terms: Mapping[str, Any], now: datetime) -> None:
        """A code would be minted; it costs what it is worth, used once on an order like the shop's others."""
        kind, value = vouchers.worth(self.question.store, terms, self.standing.customer, now)
        self.report.vouchers += 1
        if kind == "percentage":
            self.report.vouchers_cost += self.mean_total * float(value) / 100
        elif kind == "free_shipping":
            self.report.vouchers_cost += self.mean_shipping
        else:
            self.report.vouchers_cost += to_minor(value, self.question.store.currency)

    def _loaded(self, due: list[Letter], journeys: Mapping[int, Held], now: datetime) -> Loaded:
        """The rows of a claim, as they were."""
        customer_id, standing, person = self.standing.customer.id, self.standing, self.standing.person
        concerned = {letter.enrollment_id for letter in due}
        loaded = self._kept = self._kept or self._at_first(journeys)
        loaded.now = now
        # Rows in all that the gate reads of them: the same names, as they were.
        consents: dict[Any, Any] = standing.consents(now)
        loaded.consents = consents
        loaded.flapping = standing.flapping(now)
        if self.suppressed:
            loaded.suppressed = {key: row for key, row in self.suppressed.items() if row.created_at <= now}
        if person.baskets:
            loaded.baskets = baskets.open_at(standing, now, is_asked=True)
        loaded.redeemed = standing.redeemed
        loaded.siblings = {id_: self.siblings(id_, now) for id_ in concerned}
        loaded.departures = {customer_id: self._departed_after(now - WEEK)}
        loaded.states = {customer_id: standing.state}
        if self.question.asks_for_classes:
            loaded.traits = self._traits(now)
        if person.reviews:
            loaded.answered = self._answered(due, now)
            loaded.unhappy = frozenset({customer_id} if self._is_unhappy(now) else ())
        if person.cases:
            loaded.open_cases = frozenset({customer_id} if self._has_open_case(now) else ())
        if person.wishes is not None:
            loaded.wishes = {customer_id: wishes_of(person, now)}
        return loaded

    def _departed_after(self, since: datetime) -> list[Departure]:
        """They are in the order of their moments, and nobody asks for an earlier one again."""
        left, place = self.departures, self._week_begins
        while place < len(left) and left[place].sent_at <= since:
            place += 1
        self._week_begins = place
        return left[place:]

    def _at_first(self, journeys: Mapping[int, Held]) -> Loaded:
        """What stays the same from claim to claim, and nothing of what a person may never have had."""
        kinds = ("consents", "suppressed", "baskets", "siblings", "vouchers", "departures", "wishes")
        rows: dict[str, Any] = {
            "customers": {self.standing.customer.id: self.standing.customer},
            "enrollments": journeys,
            "orders": self.standing.orders,
            **{kind: {} for kind in kinds},
        }
        return Loaded(
            store=self.question.store,
            signer=self.signer,
            **rows,
            states={},
            answered=frozenset(),
            unhappy=frozenset(),
            open_cases=frozenset(),
            active_flows=self.question.active_flows,
            allows_soft_opt_in=self.question.allows_soft_opt_in,
            now=LONG_AGO,
            terms=self.question.terms,
            as_if=_READY[self.question.allows_soft_opt_in],
        )

    def _traits(self, now: datetime) -> dict[int, Traits]:
        customer = self.standing.customer
        return {customer.id: Traits(frozenset(classing.by_sums(customer, now)))}

    def _is_unhappy(self, now: datetime) -> bool:
        """Whether they gave three stars or fewer in the last 30 days."""
        return any(
            row.rating in LOW
            and any(at is not None and now - MUTED < at <= now for at in (row.written_at, row.edited_at))
            for row in self.standing.person.reviews
        )

    def _has_open_case(self, now: datetime) -> bool:
        """Whether they waited for an answer of the shop; the last word of each case counts."""
        last = {
            str(event.details.get("case", "")): event.type
            for event in self.standing.person.cases
            if event.tick <= now and event.occurred_at > now - FORGOTTEN
        }
        return OPENED in last.values()

    def _answered(self, due: list[Letter], now: datetime) -> frozenset[int]:
        """The asks that a review written by now has answered."""
        reviews = self.standing.person.reviews
        reviewed = {row.product_external_id for row in reviews if row.written_at <= now}
        if not reviewed:
            return frozenset()
        return frozenset(
            letter.id
            for letter in due
            if CONDITION in letter.context.get("only_if", ())
            and reviewed & {item["external_id"] for item in letter.context.get("products", ())}
        )
