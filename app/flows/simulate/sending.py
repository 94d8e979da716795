"""The outbox of one person in a dry run: the gate decides, nothing leaves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.flows.batch import Held
from app.flows.simulate.claims import Claims
from app.flows.simulate.correspondence import Correspondence, Letter
from app.flows.simulate.question import LONG_AGO, Question, Report
from app.flows.simulate.standing import ConsentThen, Standing
from app.messaging import claim, vouchers
from app.messaging.facts import Loaded
from app.messaging.gate import ANSWER, StepVerdict, Verdict
from app.messaging.limits import Departure
from app.messaging.outbox import NewMessage
from app.models.message import EXPIRED, QUEUED, SENT, STOPPED
from app.money import to_minor


@dataclass(slots=True)
class Outbox:
    """One person's messages that wait, and what becomes of them; `next_at`: when the first is looked at."""

    question: Question
    standing: Standing
    mail: Correspondence
    claims: Claims
    report: Report
    mean_total: float
    mean_shipping: float
    next_at: datetime | None = None
    minted: set[tuple[int, str]] = field(default_factory=set)
    _asked: dict[str, datetime] = field(default_factory=dict)
    _open: list[Letter] = field(default_factory=list)

    def enqueue(self, message: NewMessage, enrollment_id: int) -> None:
        """Queue what is not there yet."""
        letter = self.mail.add(message, enrollment_id)
        if letter is not None:
            self._open.append(letter)
            if self.next_at is None or letter.next_at < self.next_at:
                self.next_at = letter.next_at

    def waiting(self) -> set[int]:
        """The journeys of which something waits."""
        return {letter.enrollment_id for letter in self._open}

    def run(self, journeys: Mapping[int, Held], now: datetime) -> bool:
        """Decide about all that is due; what was asked about first is decided again, as in the claim.

        Returns:
            whether anything left.
        """
        before = self.mail.left
        while self.next_at is not None and self.next_at <= now:
            is_one = len(self._open) == 1
            due = self._open if is_one else [letter for letter in self._open if letter.next_at <= now]
            loaded = self.claims.of(due, journeys, now)
            is_alone = len(due) == 1
            for letter in due if is_alone else sorted(due, key=claim.turn):
                self._decide(loaded, letter, now, is_alone=is_alone)
            self._open = [letter for letter in self._open if letter.status == QUEUED]
            self.next_at = min([letter.next_at for letter in self._open]) if self._open else None
        return self.mail.left > before

    def _decide(self, loaded: Loaded, letter: Letter, now: datetime, *, is_alone: bool) -> None:
        """Ask the gate, and again in the claim; where nothing else is due it would say what it said."""
        refused = self.claims.refusal(loaded, letter, is_alone=is_alone)
        consent = loaded.consents.get((letter.customer_id, letter.channel))
        letter.is_assumed = isinstance(consent, ConsentThen) and consent.is_assumed
        if refused is not None:
            self._refuse(letter, refused, now)
            return
        asks_first = self._asks_first(letter, now)
        while asks_first and is_alone:
            asks_first = self._asks_first(letter, now)
        if not asks_first:
            self.mail.end(letter, SENT, None, now)
            if letter.purpose != ANSWER:
                self.mail.count(Departure(now, letter.channel, letter.step))
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
        if refused.verdict is Verdict.POSTPONE:
            letter.reason, letter.next_at = refused.reason, refused.next_at or now
        else:
            self.mail.end(letter, EXPIRED if refused.reason == "expired" else STOPPED, refused.reason)

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
