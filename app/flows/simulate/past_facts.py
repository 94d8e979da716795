"""What the engine must know of one person in a batch, as it was at a moment (see `app/flows/facts.py`)."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.flows.facts import BatchFacts
from app.flows.simulate import baskets
from app.flows.simulate.correspondence import Correspondence
from app.flows.simulate.question import Question
from app.flows.simulate.standing import Standing
from app.segments import classing


@dataclass(slots=True)
class PastFacts:
    """The rows of a person's batches; those that stay the same are put together once."""

    question: Question
    standing: Standing
    mail: Correspondence
    can_text: bool
    _kept: BatchFacts | None = None
    _has_more: bool = field(init=False)

    def __post_init__(self) -> None:
        """Whether they have any of what hardly anybody has is looked at once."""
        self._has_more = self.can_text or self.question.asks_for_classes or bool(self.standing.person.baskets)

    def at(self, now: datetime, going_on: Collection[int]) -> BatchFacts:
        """As of now, with what became of the messages and codes of the journeys whose wait may be over."""
        standing = self.standing
        facts = self._kept = self._kept or self._at_first()
        facts.siblings = {id_: self.mail.siblings(id_, now) for id_ in going_on} if going_on else {}
        if facts.made:
            facts.made = {}
        if standing.redeemed:
            facts.redeemed = {id_: frozenset(standing.redeemed.get(id_, ())) for id_ in going_on}
        if self._has_more:
            self._tell_more(facts, now)
        return facts

    def _tell_more(self, facts: BatchFacts, now: datetime) -> None:
        """What hardly anybody has."""
        customer, standing = self.standing.customer, self.standing
        if standing.person.baskets:
            facts.baskets = baskets.open_at(standing, now, is_asked=False)
        if self.can_text:
            said = standing.consent("sms", now)
            is_texted = said is not None and said.state == "subscribed"
            facts.sms = frozenset({customer.id}) if is_texted else frozenset()
        if self.question.asks_for_classes:
            facts.classes = {customer.id: classing.by_sums(customer, now)}

    def _at_first(self) -> BatchFacts:
        """With nothing of what a person may never have had."""
        # Rows in all that the engine reads of them: the same names, as they were.
        customers: dict[int, Any] = {self.standing.customer.id: self.standing.customer}
        orders: dict[str, Any] = self.standing.orders
        return BatchFacts(
            customers=customers,
            orders=orders,
            baskets={},
            siblings={},
            redeemed={},
            sms=frozenset(),
            allows_perk=self.question.allows_perk,
        )
