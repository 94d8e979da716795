"""The past of some people, read with one statement a kind: what happened, and when it became known."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Row, Table, Text, case, cast, select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.db import table_of
from app.flows import goods
from app.flows.goods import OrderProduct
from app.flows.simulate.question import Question
from app.messaging import addresses, fact_rows
from app.messaging.cases import CLOSED, OPENED
from app.messaging.gate import TRANSACTIONAL
from app.messaging.wishes import NO_WISHES, Wishes
from app.models import (
    Checkout,
    Consent,
    ConsentState,
    Customer,
    CustomerEvent,
    CustomerState,
    Enrollment,
    Message,
    Order,
    Preference,
    Review,
    Voucher,
)
from app.models.message import COUNTED_STATES
from app.models.review import WRITTEN
from app.segments.state_facts import FLOW

CUSTOMERS, EVENTS, ORDERS = table_of(Customer), table_of(CustomerEvent), table_of(Order)
LEDGER, STATES = table_of(Consent), table_of(ConsentState)
VOUCHERS, ENROLLMENTS, MESSAGES = table_of(Voucher), table_of(Enrollment), table_of(Message)
REVIEWS, PREFERENCES, CHECKOUTS = table_of(Review), table_of(Preference), table_of(Checkout)
SILENCES = table_of(CustomerState)
BASKETS = "abandoned_checkout"
"""The flow that is about what was left at the till."""
WHO = (
    *("id", "external_id", "email", "phone", "country", "region", "birth_year", "birth_month", "birth_day"),
    *("birth_known_at", "earlier_orders", "erased_at", "locale", "first_name", "last_name"),
)
"""The columns of a customer that a replay begins with, in the order of `CustomerThen`."""
_IMPORTED = "import"
_CASES = (OPENED, CLOSED)
_TELLING = ("consent.", "message.", "voucher.", "support.", "state.", "checkout.")
"""The types whose details conditions and exits look at; those of orders are told by the orders."""
_PARCELS = frozenset({"order.fulfilled", "order.delivered"})
"""The types that change nothing but what listens to them; an order is known by having been placed."""
_NOTHING: Mapping[str, Any] = {}
_BY_TICK, _BY_MOMENT = attrgetter("tick", "id"), attrgetter("occurred_at", "id")


@dataclass(slots=True)
class Happening:
    """One entry of the timeline, as the engine reads it, and the tick at which it was read."""

    id: int
    customer_id: int
    type: str
    subject: str
    occurred_at: datetime
    source_key: str
    details: Mapping[str, Any]
    tick: datetime
    is_heard: bool


@dataclass(slots=True)
class Remembered:
    """Everything of one person that the replay looks at."""

    customer: Row[Any]
    events: list[Happening] = field(default_factory=list)
    orders: dict[str, Row[Any]] = field(default_factory=dict)
    ledger: dict[str, list[Row[Any]]] = field(default_factory=dict)
    own_states: dict[str, Row[Any]] = field(default_factory=dict)
    vouchers: dict[int, Row[Any]] = field(default_factory=dict)
    enrolled: dict[tuple[str, str], Row[Any]] = field(default_factory=dict)
    clicked: dict[str, datetime] = field(default_factory=dict)
    asked_before: frozenset[str] = frozenset()
    mailed: list[datetime] = field(default_factory=list)
    reviews: list[Row[Any]] = field(default_factory=list)
    wishes: Row[Any] | None = None
    baskets: dict[str, Row[Any]] = field(default_factory=dict)
    cases: list[Happening] = field(default_factory=list)
    told_of_silence: Row[Any] | None = None


@dataclass(slots=True)
class Memory:
    """A chunk of people, with the goods of their orders and the addresses not to be written to."""

    people: dict[int, Remembered]
    goods: Mapping[int, Sequence[OrderProduct]]
    suppressed: dict[tuple[str, str], Row[Any]]
    signer: Signer

    def suppressed_of(self, person: Remembered) -> Mapping[tuple[str, str], Row[Any]]:
        """Those of one person, by channel and hash."""
        if not self.suppressed:
            return {}
        reached = (("email", person.customer.email), ("sms", person.customer.phone))
        keys = [(way, addresses.suppression_hash(self.signer, way, to)) for way, to in reached if to]
        return {key: self.suppressed[key] for key in keys if key in self.suppressed}


def load(session: Session, signer: Signer, question: Question, *, first: int, last: int) -> Memory:
    """Read the people whose ids lie in [first, last] but those who were erased: nothing is known of them."""
    reader = _Reader(session, question, first, last)
    statement = select(*(CUSTOMERS.c[name] for name in (*WHO, "created_at"))).where(
        CUSTOMERS.c.store_id == question.store.id,
        CUSTOMERS.c.id.between(first, last),
        CUSTOMERS.c.erased_at.is_(None),
    )
    people = {row.id: Remembered(row) for row in session.execute(statement)}
    reader.events(people)
    reader.orders(people)
    reader.consents(people)
    reader.journeys(people)
    reader.words(people)
    reader.baskets(people)
    orders = sorted(order.id for person in people.values() for order in person.orders.values())
    customers = [person.customer for person in people.values()]
    return Memory(
        people=people,
        goods=goods.order_products(session, question.store.id, orders) if question.asks_goods else {},
        suppressed=fact_rows.suppressed(session, signer, question.store.id, customers),
        signer=signer,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one kind of rows after the other into the people of a chunk."""

    session: Session
    question: Question
    first: int
    last: int

    def events(self, people: Mapping[int, Remembered]) -> None:
        """The timeline up to the end, in the order in which it became known."""
        # Half of what is read here are moments, each made of a number: those that nobody asks for stay away.
        told_at = case((EVENTS.c.occurred_at >= self.question.covered_since, EVENTS.c.recorded_at))
        names = ("id", "customer_id", "type", "subject", "occurred_at")
        key = case((EVENTS.c.type == "order.refunded", EVENTS.c.source_key), else_="")
        columns = [*(EVENTS.c[name] for name in names), key, told_at, cast(EVENTS.c.details, Text)]
        until = EVENTS.c.occurred_at <= self.question.until
        heard, tick_at = self.question.listened, self.question.tick_at
        is_asked_for = EVENTS.c.type.not_in(sorted(_PARCELS - heard))
        begin, end = self.question.begin, self.question.until
        rows = self._rows(EVENTS, columns, until, is_asked_for)
        for id_, customer_id, kind, subject, occurred_at, source_key, recorded_at, told in rows:
            person, known_at = people.get(customer_id), recorded_at or occurred_at
            # The tick that read it; what became known after the end is not told.
            tick = tick_at(known_at) if known_at >= begin else known_at
            if person is None or tick is None or tick > end:
                continue
            details, is_heard = _NOTHING, kind in heard and tick >= begin
            if kind.startswith(_TELLING):
                details = json.loads(told)
                is_imported = details.get("source") == _IMPORTED and details.get("state") == "subscribed"
                is_heard = is_heard and not is_imported
            happening = Happening(
                id_, customer_id, kind, subject, occurred_at, source_key, details, tick, is_heard
            )
            person.events.append(happening)
            if kind in _CASES:
                person.cases.append(happening)
        for person in people.values():
            person.events.sort(key=_BY_TICK)
            person.cases.sort(key=_BY_MOMENT)

    def orders(self, people: Mapping[int, Remembered]) -> None:
        """What was bought, without what only accounts need."""
        names = (
            *("id", "customer_id", "external_id", "total_minor", "is_test", "is_discounted", "deleted_at"),
            *("placed_at", "financial_status"),
        )
        columns = [ORDERS.c[name] for name in names]
        for row in self._rows(ORDERS, columns):
            if row.customer_id in people:
                people[row.customer_id].orders[row.external_id] = row

    def consents(self, people: Mapping[int, Remembered]) -> None:
        """The ledger by channel, in the order in which it was written, and whose word the last one was."""
        told = ("id", "customer_id", "channel", "state", "basis", "address", "occurred_at", "recorded_at")
        columns = [LEDGER.c[name] for name in told]
        for row in self._rows(LEDGER, columns, order=(LEDGER.c.id,)):
            if row.customer_id in people:
                people[row.customer_id].ledger.setdefault(row.channel, []).append(row)
        for row in self._rows(STATES, list(STATES.c), STATES.c.is_own):
            if row.customer_id in people:
                people[row.customer_id].own_states[row.channel] = row

    def journeys(self, people: Mapping[int, Remembered]) -> None:
        """What the live flows did: keys that were used, codes that were redeemed, clicks, earlier asks."""
        names = ("id", "customer_id", "flow_key", "occurrence", "entered_at", "state")
        keyed = [ENROLLMENTS.c[name] for name in names]
        mine = ENROLLMENTS.c.flow_key.in_(sorted(self.question.flows))
        for row in self._rows(ENROLLMENTS, keyed, mine):
            if row.customer_id in people:
                people[row.customer_id].enrolled[row.flow_key, row.occurrence] = row
        for row in self._rows(VOUCHERS, list(VOUCHERS.c), VOUCHERS.c.redeemed_at.is_not(None)):
            if row.customer_id in people:
                people[row.customer_id].vouchers[row.id] = row
        told = [MESSAGES.c[name] for name in ("customer_id", "key", "clicked_at")]
        for row in self._rows(MESSAGES, told, MESSAGES.c.clicked_at.is_not(None)):
            if row.customer_id in people:
                people[row.customer_id].clicked[row.key] = row.clicked_at
        self._earlier_asks(people)
        if FLOW in self.question.flows:
            self._silences(people)

    def _silences(self, people: Mapping[int, Remembered]) -> None:
        """Which mails left that the replay does not make anew, and of which silence the flow was told."""
        told = [MESSAGES.c.customer_id, MESSAGES.c.sent_at]
        counted = MESSAGES.c.status.in_(COUNTED_STATES) & (MESSAGES.c.purpose != TRANSACTIONAL)
        is_made_anew = MESSAGES.c.flow_key.in_(sorted(self.question.flows)) & (
            MESSAGES.c.sent_at >= self.question.begin
        )
        is_mail = (MESSAGES.c.channel == "email") & MESSAGES.c.sent_at.is_not(None)
        for row in self._rows(MESSAGES, told, is_mail, counted, ~is_made_anew):
            if row.customer_id in people:
                people[row.customer_id].mailed.append(row.sent_at)
        told_of = [SILENCES.c[name] for name in ("customer_id", "since", "offered_at")]
        for row in self._rows(SILENCES, told_of, SILENCES.c.offered_at.is_not(None)):
            if row.customer_id in people:
                people[row.customer_id].told_of_silence = row

    def _earlier_asks(self, people: Mapping[int, Remembered]) -> None:
        """Which products people were asked about before the replay begins."""
        is_ask = (MESSAGES.c.flow_key == "review") & (MESSAGES.c.step == "M3")
        is_earlier = is_ask & (MESSAGES.c.sent_at < self.question.begin)
        for row in self._rows(MESSAGES, [MESSAGES.c.customer_id, MESSAGES.c.context], is_earlier):
            if row.customer_id in people:
                named = {item["external_id"] for item in row.context.get("products", ())}
                people[row.customer_id].asked_before |= named

    def words(self, people: Mapping[int, Remembered]) -> None:
        """Reviews, and what people wished on their preference page."""
        columns = ("customer_id", "product_external_id", "rating", "written_at", "edited_at")
        named = [REVIEWS.c[name] for name in columns]
        for row in self._rows(REVIEWS, named, REVIEWS.c.status.in_(WRITTEN)):
            if row.customer_id in people:
                people[row.customer_id].reviews.append(row)
        for row in self._rows(PREFERENCES, list(PREFERENCES.c)):
            if row.customer_id in people:
                people[row.customer_id].wishes = row

    def baskets(self, people: Mapping[int, Remembered]) -> None:
        """What was left at the till, as far as it is kept."""
        if BASKETS not in self.question.flows:
            return
        for row in self._rows(CHECKOUTS, list(CHECKOUTS.c)):
            if row.customer_id in people:
                people[row.customer_id].baskets[row.external_id] = row

    def _rows(
        self, table: Table, columns: Sequence[Any], *where: Any, order: Sequence[Any] = ()
    ) -> Sequence[Any]:
        statement = select(*columns).where(
            table.c.store_id == self.question.store.id,
            table.c.customer_id.between(self.first, self.last),
            *where,
        )
        return self.session.execute(statement.order_by(*order)).all()


def wishes_of(person: Remembered, now: datetime) -> Wishes:
    """What the person had wished by then: their last word, from the moment on at which it was said."""
    row = person.wishes
    if row is None or row.updated_at > now:
        return NO_WISHES
    return Wishes(row.paused_until, frozenset(row.topics_off), row.is_fewer)
