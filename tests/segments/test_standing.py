"""States and classes as rows: kept by change, told in the timeline, found by the clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app import consent, timeline, timers
from app.consent import NewConsent
from app.db import Database
from app.mirror import sums
from app.models import Backfill, CustomerEvent, CustomerState, Timer
from app.privacy import erasure
from app.runtime import Runtime
from app.segments import standing
from app.segments.standing import Offer
from app.timeline import NewEvent
from jobs import states
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
from tests.mirror.mirror_news import SIGNER
from tests.seeds import add_customer, add_message, add_order, new_store, rows_of, values_of

DAY = timedelta(days=1)
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


@dataclass
class Shop:
    """A shop and the stage that works out where its customers stand."""

    runtime: Runtime
    id: int

    @property
    def database(self) -> Database:
        return self.runtime.database

    def customer(self, *ordered: datetime, tracks: bool = False, **values: Any) -> int:
        """Somebody with orders of these moments, and their sums."""
        with self.database.write() as session:
            person = add_customer(session, self.id, **values).id
            for moment in ordered:
                add_order(session, self.id, person, placed_at=moment)
            if tracks:
                said = NewConsent(self.id, person, "tracking", "subscribed", "consent", NOW - 400 * DAY, "x")
                consent.record(session, [said], NOW)
            sums.refresh(session, self.id, [person])
            standing.touch(session, self.id, [person])
            return person

    def tick(self, at: datetime = NOW) -> None:
        states.run(kit_of(self.runtime), at)

    def happens(self, person: int, kind: str, at: datetime) -> None:
        entry = NewEvent(self.id, person, kind, "x", f"{kind}:{person}:{at}", at)
        with self.database.write() as session:
            timeline.record(session, [entry], at)
            standing.touch(session, self.id, [person])

    def states(self, *names: str) -> list[Any]:
        return rows_of(self.database, CustomerState, *(names or ("state", "since")))

    def told(self, kind: str = "state.changed") -> list[Any]:
        names = ("type", "occurred_at", "is_pending", "details")
        found = rows_of(self.database, CustomerEvent, *names)
        return [(row[1], row[2], row[3]["from"], row[3]["to"]) for row in found if row[0] == kind]

    def waits(self) -> list[Any]:
        return [row[1:] for row in rows_of(self.database, Timer, "kind", "due_at") if row[0] == "state"]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    return Shop(runtime, new_store(runtime.database))


MIDNIGHT = NOW.replace(hour=0) + DAY


def test_an_order_makes_a_row_and_one_timer_for_the_midnight_after_its_gap(shop: Shop) -> None:
    shop.customer(NOW)

    shop.tick()
    shop.tick()

    assert shop.states("state", "classes") == [("active", ["one-shot"])]
    assert shop.waits() == [(MIDNIGHT + 90 * DAY,)]
    assert shop.told() == []


def test_the_clock_makes_dormant_and_says_it_once_with_its_reason(shop: Shop) -> None:
    shop.customer(NOW)
    shop.tick()

    shop.tick(NOW + 90 * DAY)
    early = shop.states()
    shop.tick(MIDNIGHT + 90 * DAY)
    shop.tick(MIDNIGHT + 95 * DAY)

    assert early[0][0] == "active"
    assert shop.states() == [("dormant", NOW + 90 * DAY)]
    assert shop.told() == [(NOW + 90 * DAY, True, "active", "dormant")]
    details = values_of(shop.database, CustomerEvent, "details")[-1]
    assert details["last_order_at"] == NOW.isoformat()
    assert shop.waits() == []


@ON_SQLITE
def test_a_later_order_leaves_the_first_timer_to_ring_and_then_sets_its_own(shop: Shop) -> None:
    person = shop.customer(NOW)
    shop.tick()
    with shop.database.write() as session:
        add_order(session, shop.id, person, placed_at=NOW + 80 * DAY)
        sums.refresh(session, shop.id, [person])

    shop.tick(NOW + 80 * DAY)
    before = shop.waits()
    shop.tick(MIDNIGHT + 90 * DAY)

    assert before == [(MIDNIGHT + 90 * DAY,)]
    assert shop.waits() == [(MIDNIGHT + 170 * DAY,)]
    assert shop.states("state") == [("active",)]


@ON_SQLITE
def test_ones_own_rhythm_counts_from_three_orders_on(shop: Shop) -> None:
    shop.customer(NOW - 300 * DAY, NOW - 200 * DAY, NOW - 100 * DAY)

    shop.tick(NOW + 49 * DAY)
    early = shop.states("state")
    shop.tick(MIDNIGHT + 50 * DAY)

    assert (early, shop.states()) == ([("active",)], [("dormant", NOW + 50 * DAY)])


@ON_SQLITE
def test_who_has_no_rhythm_has_the_shops(shop: Shop) -> None:
    for _ in range(20):
        shop.customer(NOW - 200 * DAY, NOW - 80 * DAY)
    shop.tick()

    shop.customer(NOW - 179 * DAY)
    shop.customer(NOW - 181 * DAY)
    shop.tick()

    assert shop.states("state")[-2:] == [("active",), ("dormant",)]


@ON_SQLITE
def test_history_is_worked_out_and_starts_nothing(shop: Shop) -> None:
    shop.customer(NOW - 400 * DAY)

    shop.tick()

    assert shop.states() == [("dormant", NOW - 310 * DAY)]
    assert shop.told() == [(NOW - 310 * DAY, False, "active", "dormant")]


@ON_SQLITE
def test_while_a_history_arrives_nobody_is_called_silent(shop: Shop) -> None:
    shop.customer(NOW - 400 * DAY)
    with shop.database.write() as session:
        session.add(Backfill(store_id=shop.id, resource="orders", next_at=NOW, started_at=NOW))

    shop.tick()

    assert shop.states() == []
    assert shop.waits() == [(NOW,)]


@ON_SQLITE
@pytest.mark.parametrize("kind", ["message.clicked", "checkout.started", "preferences.saved"])
def test_an_act_brings_back_and_is_told(shop: Shop, kind: str) -> None:
    person = shop.customer(NOW)
    shop.tick()
    shop.tick(NOW + 91 * DAY)

    shop.happens(person, kind, NOW + 92 * DAY)
    shop.tick(NOW + 92 * DAY)

    assert shop.states() == [("active", NOW + 92 * DAY)]
    assert shop.told()[-1] == (NOW + 92 * DAY, True, "dormant", "active")


@ON_SQLITE
@pytest.mark.parametrize(("is_own", "state"), [(True, "active"), (False, "dormant")])
def test_a_yes_said_to_us_is_an_act_and_one_that_the_shop_repeats_is_none(
    shop: Shop, state: str, *, is_own: bool
) -> None:
    person = shop.customer(NOW)
    shop.tick()
    shop.tick(NOW + 91 * DAY)
    at = NOW + 92 * DAY
    said = NewConsent(shop.id, person, "email", "subscribed", "consent", at, "form", is_own=is_own)

    with shop.database.write() as session:
        consent.record(session, [said], at)
        standing.touch(session, shop.id, [person])
    shop.tick(at)

    assert shop.states("state") == [(state,)]


def test_who_never_bought_is_looked_at_when_a_mail_leaves(shop: Shop) -> None:
    person = shop.customer(tracks=True)
    shop.tick()
    sent = [NOW + n * DAY for n in range(8)]

    for number, at in enumerate(sent):
        with shop.database.write() as session:
            add_message(session, shop.id, person, status="sent", sent_at=at)
            standing.touch_mailed(session, shop.id, [person])
        shop.tick(at)
        assert shop.states("state") == [("active" if number < 7 else "dormant",)]

    assert shop.states("since") == [(sent[-1],)]


@ON_SQLITE
def test_mails_touch_nobody_who_has_a_timer(shop: Shop) -> None:
    buyer = shop.customer(NOW)
    shop.tick()
    before = shop.waits()

    with shop.database.write() as session:
        standing.touch_mailed(session, shop.id, [buyer])

    assert shop.waits() == before


@ON_SQLITE
def test_loyalty_ends_by_the_clock_and_is_told(shop: Shop) -> None:
    shop.customer(NOW - 20 * DAY, NOW - 10 * DAY, NOW)
    shop.tick()

    shop.tick(MIDNIGHT + 90 * DAY)

    assert shop.states("classes") == [(["repeat"],)]
    assert shop.told("class.changed") == [(MIDNIGHT + 90 * DAY, True, ["loyal"], ["repeat"])]


def test_an_attempt_begins_for_who_is_dormant_alone(shop: Shop) -> None:
    silent, present = shop.customer(NOW - 95 * DAY), shop.customer(NOW)
    shop.tick()

    with shop.database.write() as session:
        offers = [Offer(person, NOW, is_tried=True) for person in (silent, present)]
        standing.offer(session, shop.id, offers, NOW)

    assert shop.states("state", "offered_at") == [("reactivating", NOW), ("active", None)]
    assert shop.told()[-1] == (NOW, True, "dormant", "reactivating")


@ON_SQLITE
def test_erasure_takes_the_state_and_later_news_bring_none_back(shop: Shop) -> None:
    person = shop.customer(NOW)
    shop.tick()

    with shop.database.write() as session:
        erasure.erase_customer(session, SIGNER, shop.id, person, now=NOW)
        standing.touch(session, shop.id, [person])
    shop.tick()

    assert shop.states() == []


@ON_SQLITE
def test_the_work_of_a_day_is_that_of_the_changes(shop: Shop) -> None:
    for _ in range(10):
        shop.customer(NOW)
    shop.tick()
    shop.customer(NOW - DAY)
    looked_at: list[str] = []

    def note(*seen: object) -> None:
        looked_at.append(str(seen[2]))

    event.listen(shop.database.engine, "before_cursor_execute", note)
    shop.tick()
    event.remove(shop.database.engine, "before_cursor_execute", note)
    with shop.database.read() as session:
        due = timers.due_stores(session, NOW + 30 * DAY, 10, kinds=("state",))

    statements = [one for one in looked_at if "customer_states" in one]
    assert len(statements) < 6
    assert due == []
    assert len(shop.states()) == 11
