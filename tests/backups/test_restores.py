"""After a restore nothing leaves twice, whoever is told again of what happened since the backup."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from app import consent, timeline
from app.backups import restoring, writing
from app.backups.aftermath import JUMP
from app.consent import NewConsent
from app.messaging import held, provider_events, reports, silence
from app.messaging.held import Gap
from app.models import (
    AuditEntry,
    Backfill,
    Chore,
    Customer,
    DeliveryEvent,
    Heartbeat,
    Message,
    Reconciliation,
    Restore,
    SignInLink,
    Store,
)
from app.runtime import Runtime
from app.timeline import NewEvent
from connectors.base import Outcome, OutgoingMessage, SendResult, Unsettled
from connectors.delivery import DeliveryKind, DeliveryUpdate
from connectors.sandbox.journal import SINK, Journal
from connectors.sandbox.sink import Sink
from connectors.sending import MayLeave, always
from jobs import doubts, flows, outbox
from jobs.kit import Kit
from tests import seeds
from tests.backups.backup_seed import fill
from tests.backups.conftest import Elsewhere
from tests.bars.sizes import Note
from tests.conftest import NOW
from tests.engines import POSTGRESQL, SQLITE

ONLY_SQLITE = pytest.mark.parametrize("engine", [SQLITE])
POSTGRESQL_APART = pytest.mark.parametrize(
    "engine", [SQLITE, pytest.param(POSTGRESQL, marks=pytest.mark.oracle)]
)
"""On both, but PostgreSQL by `make oracle`: it takes seconds."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BACKUP, RESTORE = NOW, NOW + 60 * HOUR


@dataclass
class ToSink:
    """The channel of the demo with the sandbox's own sink at its end, without the wire between."""

    folder: Path
    look_up_after: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        self.journal = Journal(self.folder)
        self.sink = Sink(self.journal)

    def send(self, messages: Sequence[OutgoingMessage], may_leave: MayLeave = always) -> Sequence[SendResult]:
        given = [
            {
                "message_id": one.message_id,
                "channel": one.channel,
                "to": one.to_address,
                "subject": one.subject,
            }
            for one in messages
        ]
        return [SendResult(Outcome.ACCEPTED, str(one["number"])) for one in self.sink.accept(given, 0)]

    def look_up(self, unsettled: Unsettled) -> SendResult | None:
        found = self.sink.find(unsettled.message_id)
        return SendResult(Outcome.ACCEPTED, str(found["number"])) if found else SendResult(Outcome.RETRY)

    @property
    def taken(self) -> list[dict[str, Any]]:
        """Everything that was accepted, in order."""
        return list(self.journal.read(SINK))


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[ToSink]:
    opened = ToSink(tmp_path / "sink")
    yield opened
    opened.journal.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ritorno.backup"


@dataclass(frozen=True)
class Shop:
    """A shop with welcome and review on, over one database, and the worker that serves it."""

    runtime: Runtime
    store_id: int
    sink: ToSink

    @classmethod
    def open(cls, runtime: Runtime, sink: ToSink) -> "Shop":
        """The first mail would need a code of the shop, which nobody plays here."""
        store_id = seeds.new_store(runtime.database)
        with runtime.database.write() as session:
            seeds.publish(session, store_id, "welcome", without_step="W1")
        seeds.switch_on(runtime.database, store_id, "welcome", "review", since=NOW - 60 * DAY)
        return cls(runtime, store_id, sink)

    def hears_yes(self, name: str, at: datetime) -> None:
        """The shop tells of somebody who agreed to mails."""
        with self.runtime.database.write() as session:
            person = seeds.add_customer(session, self.store_id, name)
            yes = NewConsent(self.store_id, person.id, "email", "subscribed", "consent", at, "test")
            consent.record(session, [yes], at)

    def hears_paid(self, name: str, at: datetime) -> None:
        """The shop tells of a paid order, placed by somebody who agreed to mails long ago."""
        self.hears_yes(name, NOW - 80 * DAY)
        with self.runtime.database.write() as session:
            (person,) = session.scalars(select(Customer).where(Customer.external_id == name))
            seeds.add_order(session, self.store_id, person.id, f"o-{name}", placed_at=at)
            order = f"order:o-{name}"
            paid = NewEvent(self.store_id, person.id, "order.paid", order, f"order.paid:{name}", at)
            timeline.record(session, [paid], at)

    def work(self, begin: datetime, end: datetime) -> None:
        """What the worker does between two moments, every twelve hours."""
        kit, moment = Kit.build(self.runtime, self.sink), begin
        while moment <= end:
            while sum((stage(kit, moment).total() for stage in (flows.run, doubts.run, outbox.run)), 0):
                pass
            moment += 12 * HOUR

    def statuses(self) -> dict[str, set[str]]:
        """Which steps stand where."""
        found: dict[str, set[str]] = {}
        for status, to in self.rows("status", "customer_id"):
            found.setdefault(status, set()).add(self.name_of(to))
        return found

    def name_of(self, customer_id: int) -> str:
        with self.runtime.database.read() as session:
            return str(session.get_one(Customer, customer_id).external_id)

    def rows(self, *names: str) -> list[tuple[Any, ...]]:
        """Columns of the messages."""
        return seeds.rows_of(self.runtime.database, Message, *names)


@POSTGRESQL_APART
def test_nothing_that_left_since_the_backup_leaves_again(
    runtime: Runtime, elsewhere: Elsewhere, sink: ToSink, file: Path, record_property: Note
) -> None:
    before = Shop.open(runtime, sink)
    before.hears_yes("timer", NOW - 2 * DAY)
    before.work(NOW - 2 * DAY, NOW - 2 * DAY)
    with runtime.database.write() as session:
        flying = seeds.add_customer(session, before.store_id, "in-flight")
        consent.record(session, [_yes(before.store_id, flying.id)], NOW - 80 * DAY)
        leased = {"lease_token": "worker", "lease_until": NOW - 80 * DAY, "sent_at": NOW - HOUR}
        seeds.add_message(session, before.store_id, flying.id, status="sending", attempts=1, **leased)
        planned = seeds.add_customer(session, before.store_id, "planned")
        consent.record(session, [_yes(before.store_id, planned.id)], NOW - 80 * DAY)
        values = {"due_at": NOW + HOUR, "expires_at": NOW + 9 * DAY}
        seeds.add_message(session, before.store_id, planned.id, **values)
    before.hears_yes("waiting", NOW - DAY)
    writing.make(runtime, file, BACKUP)
    before.hears_yes("new", NOW + 6 * HOUR)
    before.hears_paid("buyer", NOW + DAY)
    before.work(BACKUP, NOW + 2 * DAY)
    before.work(RESTORE - 6 * HOUR, RESTORE - 6 * HOUR)
    left = Counter(_letters(sink))

    after = Shop(elsewhere(), before.store_id, sink)
    restored = restoring.restore(after.runtime, file, RESTORE)
    after.hears_yes("new", NOW + 6 * HOUR)
    # The shop tells of its order as it stands now, two days later than it told of it then.
    after.hears_paid("buyer", RESTORE - HOUR)
    after.hears_yes("later", RESTORE + HOUR)
    after.work(RESTORE, RESTORE + 3 * DAY)

    assert {name for name, _ in left} == {"timer", "planned", "waiting", "new", "buyer", "in-flight"}
    assert restored.held == 1
    twice = {letter: times for letter, times in Counter(_letters(sink)).items() if times > 1}
    record_property("letters that left before the restore", left.total())
    record_property("letters that left again after it", len(twice))
    assert twice == {}
    assert Counter(line["message_id"] for line in sink.taken).most_common(1)[0][1] == 1
    statuses = after.statuses()
    assert statuses["held"] == {"timer", "planned", "waiting", "new", "buyer"}
    assert "in-flight" in statuses["sent"]
    assert "later" in statuses["sent"]


def _yes(store_id: int, customer_id: int) -> NewConsent:
    return NewConsent(store_id, customer_id, "email", "subscribed", "consent", NOW - 80 * DAY, "test")


def _letters(sink: ToSink) -> list[tuple[str, str]]:
    """Everything that was accepted, by whom it went to and what it said."""
    return [(line["to"].partition("@")[0], line["subject"]) for line in sink.taken]


@ONLY_SQLITE
def test_what_is_released_leaves_once_and_what_is_cancelled_stays(
    runtime: Runtime, elsewhere: Elsewhere, sink: ToSink, file: Path
) -> None:
    before = Shop.open(runtime, sink)
    for name in ("one", "two"):
        before.hears_yes(name, NOW - 2 * DAY)
    before.work(NOW - 2 * DAY, NOW - 2 * DAY)
    writing.make(runtime, file, BACKUP)
    after = Shop(elsewhere(), before.store_id, sink)
    restoring.restore(after.runtime, file, NOW + HOUR)
    after.work(NOW + HOUR, NOW + HOUR)
    (first, second) = (number for number, status in after.rows("id", "status") if status == "held")

    with after.runtime.database.write() as session:
        released = held.release(session, after.store_id, [first], NOW + 2 * HOUR)
        again = held.release(session, after.store_id, [first], NOW + 2 * HOUR)
        cancelled = held.cancel(session, after.store_id)
    after.work(NOW + 2 * HOUR, NOW + 2 * HOUR)

    assert (released, again, cancelled) == (1, 0, 1)
    assert sorted(after.rows("id", "status", "reason")) == [
        (first, "sent", None),
        (second, "cancelled", "restored"),
    ]


@ONLY_SQLITE
def test_only_what_was_due_and_is_still_worth_sending_is_held(
    runtime: Runtime, elsewhere: Elsewhere, file: Path
) -> None:
    store_id = seeds.new_store(runtime.database)
    leased = {"lease_token": "worker", "lease_until": NOW + DAY}
    with runtime.database.write() as session:
        person = seeds.add_customer(session, store_id).id
        for values in (
            {"status": "queued"},
            {"status": "preparing", **leased},
            {"status": "sending", **leased},
            {"status": "queued", "expires_at": NOW + HOUR},
            {"status": "queued", "due_at": NOW + 3 * DAY},
            {"status": "sent"},
            {"status": "stopped", "reason": "capped"},
        ):
            seeds.add_message(session, store_id, person, **values)
    writing.make(runtime, file, NOW)

    restored = restoring.restore(target := elsewhere(), file, NOW + DAY)

    assert restored.held == 2
    assert seeds.rows_of(target.database, Message, "status", "reason", "lease_token") == [
        ("held", "restored", None),
        ("held", "restored", None),
        ("unknown", None, None),
        ("queued", None, None),
        ("queued", None, None),
        ("sent", None, None),
        ("stopped", "capped", None),
    ]


def test_workers_links_and_pulls_begin_anew_and_ids_go_on_far_behind(
    runtime: Runtime, elsewhere: Elsewhere, file: Path
) -> None:
    store_id = fill(runtime)
    writing.make(runtime, file, NOW - 2 * DAY)
    last = max(seeds.values_of(runtime.database, Message, "id"))

    target = elsewhere()
    restoring.restore(target, file, NOW)
    with target.database.write() as session:
        person = seeds.add_customer(session, store_id, "later").id
        message = seeds.add_message(session, store_id, person).id

    again = {model: seeds.rows_of(target.database, model, "next_at", "lease_token") for model in TENDED}
    assert list(again.values()) == [[(NOW, None)]] * len(TENDED)
    assert seeds.values_of(target.database, Reconciliation, "pulled_to") == [NOW - 2 * DAY]
    assert seeds.values_of(target.database, SignInLink, "token_hash") == []
    assert message > last + JUMP // 2
    assert person > JUMP // 2
    assert seeds.rows_of(target.database, AuditEntry, "store_id", "actor_kind", "action") == [
        (store_id, "operator", "store.restored")
    ]


TENDED = (Reconciliation, Chore, Backfill)


@ONLY_SQLITE
def test_silence_says_nothing_of_what_was_unknown_before(
    runtime: Runtime, elsewhere: Elsewhere, file: Path
) -> None:
    """The event that would have told may have come in the time that is lost."""
    store_id = seeds.new_store(runtime.database, settings={"sending.settle": "silence"})
    with runtime.database.write() as session:
        person = seeds.add_customer(session, store_id).id
        values = {"status": "unknown", "unknown_since": NOW - HOUR, "next_at": NOW + 365 * DAY}
        lost = seeds.add_message(session, store_id, person, **values).id
    writing.make(runtime, file, NOW)
    target = elsewhere()
    restoring.restore(target, file, NOW + HOUR)
    now = NOW + DAY
    with target.database.write() as session:
        session.add(Heartbeat(name=silence.RECEIVER, since=NOW + HOUR, at=now))
        later = {"status": "sent", "sent_at": now - HOUR, "due_at": now - HOUR}
        spoken = seeds.add_message(session, store_id, person, **later).id
        told = {"type": "delivered", "occurred_at": now, "event_key": "k", "is_human": True}
        session.add(DeliveryEvent(store_id=store_id, message_id=spoken, **told))
    with target.database.write() as session:
        store = session.get_one(Store, store_id)
        row = session.execute(select(Message.__table__).where(Message.id == lost)).one()
        speaks_after = silence.speaks(session, store, row, now)
        session.execute(delete(Restore))
        spoke_otherwise = silence.speaks(session, store, row, now)

    assert (speaks_after, spoke_otherwise) == (False, True)


@ONLY_SQLITE
def test_an_event_of_the_provider_shows_that_a_held_message_had_left(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        person = seeds.add_customer(session, store_id).id
        number = seeds.add_message(session, store_id, person, status="held", reason="restored").id
    told = DeliveryUpdate(DeliveryKind.DELIVERED, NOW, "key", message_id=str(number))

    with runtime.database.write() as session:
        provider_events.apply(session, runtime.signer, store_id, "email", told=reports.of([told]), now=NOW)

    assert seeds.rows_of(runtime.database, Message, "status", "reason", "sent_at") == [
        ("delivered", None, NOW)
    ]


GAP = Gap(NOW, NOW + 2 * DAY)


@pytest.mark.parametrize(
    ("due_at", "moments", "is_anchored", "is_doubtful"),
    [
        (GAP.ends_at, [], True, True),
        (GAP.ends_at + HOUR, [NOW - DAY], True, False),
        (GAP.ends_at + HOUR, [NOW - DAY, NOW + HOUR], True, True),
        (GAP.ends_at + 2 * DAY, [NOW + HOUR], True, True),
        (GAP.ends_at + 2 * DAY + HOUR, [NOW + HOUR], True, False),
        (GAP.ends_at + DAY, [GAP.ends_at + HOUR], True, False),
        (GAP.ends_at + 9 * DAY, [NOW - DAY], False, True),
        (GAP.ends_at + HOUR, [GAP.ends_at + HOUR], False, False),
    ],
)
def test_what_may_have_left_in_the_gap(
    due_at: datetime, moments: list[datetime], is_anchored: bool, is_doubtful: bool
) -> None:
    assert GAP.is_doubtful(due_at, moments, is_anchored=is_anchored) is is_doubtful
