"""Timeline entries and timers through a batch: who gets in, who leaves, what is queued."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app import timeline
from app.db import Database
from app.flows import switch, work
from app.models import CustomerEvent, Decision, Enrollment, Message, Store
from app.timeline import NewEvent
from tests import seeds
from tests.conftest import NOW

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SINCE = NOW - 60 * DAY


@pytest.fixture
def store_id(database: Database) -> int:
    found = seeds.new_store(database)
    seeds.switch_on(database, found, "welcome", "review", "cross_sell", since=SINCE)
    return found


def customer(database: Database, store_id: int, **values: Any) -> int:
    with database.write() as session:
        return seeds.add_customer(session, store_id, **values).id


def tell(
    database: Database,
    store_id: int,
    customer_id: int,
    kind: str,
    at: datetime,
    *,
    subject: str = "consent:email",
    **details: object,
) -> None:
    event = NewEvent(
        store_id=store_id,
        customer_id=customer_id,
        type=kind,
        subject=subject,
        source_key=f"{kind}:{customer_id}:{subject}:{at.isoformat()}",
        occurred_at=at,
        details=details,
    )
    with database.write() as session:
        timeline.record(session, [event], at)


def consents(
    database: Database, store_id: int, customer_id: int, at: datetime, state: str = "subscribed"
) -> None:
    tell(database, store_id, customer_id, "consent.changed", at, channel="email", state=state)


def run(database: Database, store_id: int, now: datetime) -> int:
    with database.write() as session:
        store = session.get(Store, store_id)
        assert store is not None
        return work.run_batch(session, store, now, 500)


def _run_and_die(database: Database, store_id: int) -> None:
    with database.write() as session:
        store = session.get(Store, store_id)
        assert store is not None
        work.run_batch(session, store, NOW, 500)
        raise RuntimeError("killed before the commit")


def enrollments(database: Database) -> list[tuple[object, ...]]:
    return seeds.rows_of(database, Enrollment, "flow_key", "occurrence", "state", "exit_reason")


def test_a_consent_enrolls_once_and_queues_the_answer(database: Database, store_id: int) -> None:
    person = customer(database, store_id)
    consents(database, store_id, person, NOW - HOUR)
    consents(database, store_id, person, NOW)

    run(database, store_id, NOW)

    assert enrollments(database) == [("welcome", "consent", "active", None)]
    assert seeds.rows_of(database, Message, "step", "due_at", "status") == [("W1", NOW - HOUR, "queued")]
    assert seeds.waits_of(database, "due_at") == [(NOW - HOUR + 2 * DAY,)]
    assert seeds.values_of(database, CustomerEvent, "is_pending") == [False, False]


def test_what_happened_before_the_switch_starts_nothing(database: Database, store_id: int) -> None:
    person = customer(database, store_id)
    consents(database, store_id, person, SINCE - HOUR)

    run(database, store_id, NOW)

    assert enrollments(database) == []


def test_a_flow_that_is_off_lets_nobody_in(database: Database, store_id: int) -> None:
    person = customer(database, store_id)
    with database.write() as session:
        switch.deactivate(session, store_id, "welcome", NOW)
    consents(database, store_id, person, NOW)

    run(database, store_id, NOW)

    assert enrollments(database) == []


def test_a_purchase_ends_the_series_and_the_timer_that_is_left_does_nothing(
    database: Database, store_id: int
) -> None:
    person = customer(database, store_id)
    consents(database, store_id, person, NOW)
    run(database, store_id, NOW)
    with database.write() as session:
        seeds.add_order(session, store_id, person, "7", placed_at=NOW + HOUR)
    tell(database, store_id, person, "order.paid", NOW + HOUR, subject="order:7")

    run(database, store_id, NOW + 2 * HOUR)
    run(database, store_id, NOW + 3 * DAY)

    assert ("welcome", "consent", "exited", "order.paid") in enrollments(database)
    assert [step for (step,) in seeds.rows_of(database, Message, "step")] == ["W1", "W5"]


def test_events_and_timers_of_one_batch_are_taken_in_the_order_of_their_moments(
    database: Database, store_id: int
) -> None:
    person = customer(database, store_id)
    consents(database, store_id, person, NOW)
    run(database, store_id, NOW)
    # The purchase is told late: after the second mail was due, but before the third.
    tell(database, store_id, person, "order.paid", NOW + 3 * DAY, subject="order:7")

    run(database, store_id, NOW + 5 * DAY)

    assert [step for (step,) in seeds.rows_of(database, Message, "step")] == ["W1", "W2"]
    assert enrollments(database) == [("welcome", "consent", "exited", "order.paid")]


def test_a_late_consent_sees_the_purchase_that_was_read_before_it(database: Database, store_id: int) -> None:
    person = customer(database, store_id)
    tell(database, store_id, person, "order.paid", NOW, subject="order:7")
    run(database, store_id, NOW)
    consents(database, store_id, person, NOW - HOUR)

    run(database, store_id, NOW + HOUR)

    assert ("welcome", "consent", "exited", "order.paid") in enrollments(database)
    assert [step for (step,) in seeds.rows_of(database, Message, "step")] == ["W1"]


@pytest.mark.parametrize("status", ["queued", "held"])
def test_leaving_ends_a_completed_journey_whose_message_has_not_left(
    database: Database, store_id: int, status: str
) -> None:
    person = customer(database, store_id)
    with database.write() as session:
        held = seeds.add_enrollment(session, store_id, person, state="completed", step="end", ended_at=NOW)
        seeds.add_message(session, store_id, person, enrollment_id=held.id, status=status)
    consents(database, store_id, person, NOW + HOUR, state="unsubscribed")

    run(database, store_id, NOW + HOUR)

    assert seeds.rows_of(database, Enrollment, "state", "stopped_at") == [("completed", NOW + HOUR)]


def test_a_held_out_customer_gets_the_promised_answer_and_nothing_else(database: Database) -> None:
    store_id = seeds.new_store(database, settings={"rails.holdout_percent": "50"}, domain="shop.example")
    seeds.switch_on(database, store_id, "welcome", since=SINCE)
    # sha256("shop.example:welcome:18") modulo 100 is 0.
    person = customer(database, store_id, name="18")
    consents(database, store_id, person, NOW)

    run(database, store_id, NOW)

    assert enrollments(database) == [("welcome", "consent", "held_out", None)]
    assert [step for (step,) in seeds.rows_of(database, Message, "step")] == ["W1"]
    assert seeds.values_of(database, Decision, "reason") == ["held-out"]
    assert seeds.waits_of(database) == []


def test_an_erased_customer_is_never_enrolled(database: Database, store_id: int) -> None:
    person = customer(database, store_id, erased_at=NOW - DAY)
    consents(database, store_id, person, NOW)

    run(database, store_id, NOW)

    assert enrollments(database) == []


def test_a_review_and_a_cross_sell_follow_the_parcel(database: Database, store_id: int) -> None:
    person = customer(database, store_id)
    with database.write() as session:
        seeds.add_order(session, store_id, person, "7", fulfilled_at=NOW - DAY, delivered_at=NOW)
    tell(database, store_id, person, "order.fulfilled", NOW - DAY, subject="order:7")
    tell(database, store_id, person, "order.delivered", NOW, subject="order:7")

    run(database, store_id, NOW)

    assert sorted(enrollments(database)) == [
        ("cross_sell", "order:7", "active", None),
        ("review", "order:7", "active", None),
    ]
    assert seeds.values_of(database, Enrollment, "waits_for") == [None, None]


def test_people_in_flight_stay_on_the_version_they_entered(database: Database, store_id: int) -> None:
    person = customer(database, store_id)
    consents(database, store_id, person, NOW)
    run(database, store_id, NOW)
    with database.write() as session:
        edited = seeds.publish(session, store_id, "welcome", without_step="W2")

    run(database, store_id, NOW + 2 * DAY)

    assert [step for (step,) in seeds.rows_of(database, Message, "step")] == ["W1", "W2"]
    assert seeds.values_of(database, Enrollment, "version_id") != [edited]


def test_a_batch_that_fails_leaves_everything_as_it_was(database: Database, store_id: int) -> None:
    person = customer(database, store_id)
    consents(database, store_id, person, NOW)

    with pytest.raises(RuntimeError, match="before the commit"):
        _run_and_die(database, store_id)

    assert enrollments(database) == []
    assert seeds.values_of(database, CustomerEvent, "is_pending") == [True]
