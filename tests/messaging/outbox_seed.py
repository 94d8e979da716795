"""A channel that says what a test wants, and a shop whose welcome mails are on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Row, select

from app import consent
from app.consent import NewConsent
from app.db import Database, table_of
from app.models import Message
from app.runtime import Runtime
from connectors.base import Outcome, OutgoingMessage, SendResult, Unsettled
from connectors.sending import MayLeave, always
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW

MESSAGES = table_of(Message)
ACCEPTED = SendResult(Outcome.ACCEPTED, provider_message_id="provider-1")
STAYED = SendResult(Outcome.RETRY, error="not called")


@dataclass
class Post:
    """A provider: gives one answer to every message and keeps what it was given."""

    answer: SendResult = ACCEPTED
    known: SendResult | None = None
    sent: list[OutgoingMessage] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    look_up_after: timedelta = timedelta(0)

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        """Take all that may leave and answer each the same."""
        return [self._taken(one) if may_leave(one.message_id) else STAYED for one in messages]

    def look_up(self, unsettled: Unsettled) -> SendResult | None:
        """What the test says is known."""
        self.asked.append(unsettled.message_id)
        return self.known

    def _taken(self, message: OutgoingMessage) -> SendResult:
        self.sent.append(message)
        return self.answer

    @property
    def sent_ids(self) -> list[int]:
        """Which messages were sent, in the order of the calls."""
        return [int(message.message_id) for message in self.sent]


@dataclass(frozen=True)
class Shop:
    """A connected shop with the welcome flow on, seen through its database."""

    runtime: Runtime
    id: int

    @property
    def database(self) -> Database:
        """Where its rows are."""
        return self.runtime.database

    def kit(self, post: Post) -> Kit:
        """The pieces of a worker that sends through this channel."""
        return Kit.build(self.runtime, post)

    def add_subscriber(self, address: str | None = None) -> int:
        """Somebody who agreed to mails, for an address if one is told; the id."""
        with self.database.write() as session:
            customer = seeds.add_customer(session, self.id)
            said = NewConsent(self.id, customer.id, "email", "subscribed", "consent", NOW, "test", address)
            consent.record(session, [said], NOW)
            return customer.id

    def add_message(self, customer_id: int | None = None, **values: Any) -> int:
        """A welcome mail that is due now, to a new subscriber if none is named; the id."""
        who = customer_id or self.add_subscriber()
        with self.database.write() as session:
            return seeds.add_message(session, self.id, who, **values).id

    def message(self, message_id: int) -> Row[Any]:
        """The row of a message."""
        with self.database.read() as session:
            return session.execute(select(MESSAGES).where(MESSAGES.c.id == message_id)).one()

    def statuses(self) -> list[str]:
        """The statuses of all messages, the oldest first."""
        return seeds.values_of(self.database, Message, "status")


def open_shop(runtime: Runtime, word: str = "bottega") -> Shop:
    """The shop."""
    store_id = seeds.new_store(runtime.database, word)
    seeds.switch_on(runtime.database, store_id, "welcome", since=NOW)
    return Shop(runtime, store_id)
