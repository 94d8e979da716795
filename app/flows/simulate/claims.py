"""What the gate is told of one person in a dry run; what cannot have changed is put together once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.crypto import Signer
from app.flows.batch import Held
from app.flows.simulate import baskets
from app.flows.simulate.correspondence import Correspondence, Letter
from app.flows.simulate.memory import wishes_of
from app.flows.simulate.question import LONG_AGO, Question
from app.flows.simulate.standing import Standing, Words
from app.messaging import facts, gate
from app.messaging.allowances import LOCAL
from app.messaging.cases import FORGOTTEN, OPENED
from app.messaging.fact_rows import Traits
from app.messaging.facts import Loaded
from app.messaging.gate import StepVerdict
from app.messaging.gate_facts import Facts, PersonFacts, StoreFacts
from app.messaging.limits import WEEK, Rails
from app.messaging.reviewed import CONDITION, MUTED
from app.messaging.wishes import NO_WISHES
from app.models.review import LOW
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


@dataclass(slots=True)
class Claims:
    """One person's claims.

    `_standing`: what was known of them, by what the message is and whether they bought, as long as what they
    said holds; only where nothing but the message's moments could be refused (`gate.is_standing`).
    """

    question: Question
    signer: Signer
    suppressed: Mapping[tuple[str, str], Row[Any]]
    standing: Standing
    mail: Correspondence
    _kept: Loaded | None = None
    _said: Words | None = None
    _standing: dict[tuple[str, str, str, bool], PersonFacts] = field(default_factory=dict)
    _rails: dict[str, Rails] = field(default_factory=dict)
    _has_more: bool = field(init=False)

    def __post_init__(self) -> None:
        """Whether they have any of what hardly anybody has is looked at once."""
        person = self.standing.person
        rare = (self.suppressed, person.baskets, person.reviews, person.cases, person.wishes)
        self._has_more = self.question.asks_for_classes or any(rare)

    def of(self, due: Sequence[Letter], journeys: Mapping[int, Held], now: datetime) -> Loaded:
        """The rows of a claim of these letters."""
        customer_id, standing = self.standing.customer.id, self.standing
        loaded = self._kept = self._kept or self._at_first(journeys)
        loaded.now = now
        said = standing.said(now)
        if said is not self._said:
            # Rows in all that the gate reads of them: the same names, as they were.
            words: dict[Any, Any] = said.words
            self._said, loaded.consents = said, words
            self._standing.clear()
        loaded.flapping = standing.flapping(now) if said.new_until > now else {}
        loaded.redeemed = standing.redeemed
        loaded.siblings = {one.enrollment_id: self.mail.siblings(one.enrollment_id, now) for one in due}
        left = self.mail.left_after(now - WEEK)
        # Of several that are due the first to leave stands in the others' way in this claim alone.
        loaded.departures = {customer_id: left if len(due) == 1 else [*left]}
        loaded.states = {customer_id: standing.state}
        if self._has_more:
            self._tell_more(loaded, due, now)
        return loaded

    def _tell_more(self, loaded: Loaded, due: Sequence[Letter], now: datetime) -> None:
        """What hardly anybody has."""
        customer_id, standing, person = self.standing.customer.id, self.standing, self.standing.person
        loaded.suppressed = {key: row for key, row in self.suppressed.items() if row.created_at <= now}
        if person.baskets:
            loaded.baskets = baskets.open_at(standing, now, is_asked=True)
        if self.question.asks_for_classes:
            loaded.traits = {customer_id: Traits(frozenset(classing.by_sums(standing.customer, now)))}
        if person.reviews:
            loaded.answered = self._answered(due, now)
            loaded.unhappy = frozenset({customer_id} if self._is_unhappy(now) else ())
        if person.cases:
            loaded.open_cases = frozenset({customer_id} if self._has_open_case(now) else ())
        if person.wishes is not None:
            loaded.wishes = {customer_id: wishes_of(person, now)}

    def refusal(self, loaded: Loaded, letter: Letter, *, is_alone: bool) -> StepVerdict | None:
        """What the gate says against a letter, told what `facts.facts_of` would put together."""
        has_bought, now = self.standing.customer.orders_count > 0, loaded.now
        key = letter.flow_key, letter.channel, letter.purpose, has_bought
        known = None if loaded.flapping else self._standing.get(key)
        told = Facts(
            letter.asked or facts.message_of(loaded, letter),
            _READY[self.question.allows_soft_opt_in],
            known or facts.person_of(loaded, letter),
            facts.conditions_of(loaded, letter),
            self._limits(loaded, letter) if is_alone else facts.rails_of(loaded, letter),
            LOCAL,
            loaded.wishes.get(letter.customer_id, NO_WISHES),
        )
        letter.asked = told.message
        if known is None and not self._may_change(loaded, told) and gate.is_standing(told, now):
            self._standing[key] = told.person
        return gate.refusal(told, now, stands=known is not None)

    def _may_change(self, loaded: Loaded, told: Facts) -> bool:
        """Whether what is known of them may be something else later, though they say nothing."""
        lapses_after = loaded.terms_for(told.message.channel).lapses_after
        is_free = not (self.suppressed or loaded.flapping) and self.standing.person.wishes is None
        return told.person.is_minor or lapses_after is not None or not is_free

    def _limits(self, loaded: Loaded, letter: Letter) -> Rails:
        """With what left in the week before, which is kept in one list; who never wished keeps their caps."""
        if self.standing.person.wishes is not None:
            return facts.rails_of(loaded, letter)
        found = self._rails.get(letter.channel)
        if found is None:
            found = self._rails[letter.channel] = facts.rails_of(loaded, letter)
        return found

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

    def _answered(self, due: Sequence[Letter], now: datetime) -> frozenset[int]:
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
