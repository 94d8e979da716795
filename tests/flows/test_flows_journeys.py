"""What timeline entries and timers do to journeys, over the database."""

from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.models import CustomerEvent, Order
from tests.conftest import NOW
from tests.flows.flows_world import SINCE, SUBSCRIBED, UNSUBSCRIBED, World
from tests.seeds import values_of, waits_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_consent_starts_the_welcome_and_its_timers_carry_it_on(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)

    for day in range(11):
        world.run(NOW + day * DAY)

    assert world.messages("step", "due_at", "expires_at", "purpose", "priority") == [
        ("W1", NOW, NOW + DAY, "answer", 1),
        ("W2", NOW + 2 * DAY, NOW + 4 * DAY, "marketing", 3),
        ("W3", NOW + 4 * DAY, NOW + 6 * DAY, "marketing", 3),
        ("W4", NOW + 7 * DAY, NOW + 9 * DAY, "marketing", 3),
        ("W6", NOW + 9 * DAY, NOW + 10 * DAY, "marketing", 3),
    ]
    assert world.journeys("flow_key", "state", "occurrence", "entered_at") == [
        ("welcome", "completed", "consent", NOW)
    ]
    assert waits_of(database) == []


def test_a_message_carries_what_it_is_about(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)

    world.run(NOW)

    ((key, context),) = world.messages("key", "context")
    assert key == f"welcome:W1:{anna}:consent"
    assert context["content"] == "welcome/W1"
    assert context["voucher"]["name"] == "welcome"
    assert context["voucher"]["setting"] == "welcome.percentage"


def test_a_second_consent_starts_nothing(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    for day in range(4):
        state = SUBSCRIBED if day % 2 == 0 else UNSUBSCRIBED
        world.happens("consent.changed", anna, NOW + day * HOUR, state)
        world.run(NOW + day * HOUR)

    assert world.journeys("occurrence", "exit_reason") == [("consent", "consent.changed")]
    assert world.messages() == ["W1"]


@pytest.mark.parametrize("seconds", [-1, 0])
def test_a_flow_ignores_what_happened_before_it_was_switched_on(database: Database, seconds: int) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, SINCE + timedelta(seconds=seconds), SUBSCRIBED)

    world.run(NOW)

    assert len(world.journeys()) == (1 if seconds == 0 else 0)


@pytest.mark.parametrize(
    ("flows", "details", "history"),
    [
        ((), SUBSCRIBED, False),
        (("welcome",), SUBSCRIBED | {"channel": "sms"}, False),
        (("welcome",), SUBSCRIBED, True),
    ],
    ids=["switched off", "another channel", "history"],
)
def test_what_starts_no_welcome(
    database: Database, flows: tuple[str, ...], details: dict[str, str], *, history: bool
) -> None:
    world = World.open(database, *flows)
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, details, history=history)

    world.run(NOW)

    assert world.journeys() == []
    assert not any(values_of(database, CustomerEvent, "is_pending"))


def test_an_erased_customer_is_not_enrolled(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer(erased_at=NOW)
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)

    world.run(NOW)

    assert world.journeys() == []


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("order.paid", {}),
        ("consent.changed", UNSUBSCRIBED),
        ("message.complained", {}),
        ("message.bounced", {"is_hard": True}),
    ],
)
def test_an_exit_ends_the_welcome(database: Database, kind: str, details: dict[str, Any]) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW)

    world.happens(kind, anna, NOW + DAY, details)
    for day in range(1, 11):
        world.run(NOW + day * DAY)

    assert world.journeys("state", "exit_reason", "stopped_at") == [("exited", kind, NOW + DAY)]
    assert world.messages() == ["W1"]


@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("message.bounced", {"is_hard": False}),
        ("consent.changed", UNSUBSCRIBED | {"channel": "sms"}),
        ("order.placed", {}),
        ("message.clicked", {}),
    ],
)
def test_what_does_not_end_the_welcome(database: Database, kind: str, details: dict[str, Any]) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.happens(kind, anna, NOW + HOUR, details)

    world.run(NOW + 2 * DAY)

    assert world.messages() == ["W1", "W2"]


def test_an_exit_of_somebody_else_ends_nothing(database: Database) -> None:
    world = World.open(database, "welcome")
    anna, bruno = world.customer(), world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.happens("consent.changed", bruno, NOW + HOUR, UNSUBSCRIBED)

    world.run(NOW + HOUR)

    assert world.journeys("state") == ["active"]


def test_an_exit_at_the_moment_of_a_timer_comes_first(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW)
    world.happens("order.paid", anna, NOW + 2 * DAY)

    world.run(NOW + 2 * DAY)

    assert world.messages() == ["W1"]


def test_what_happened_after_a_timer_does_not_undo_its_message(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW)
    world.happens("order.paid", anna, NOW + 2 * DAY + HOUR)

    world.run(NOW + 3 * DAY)

    assert world.messages() == ["W1", "W2"]
    assert world.journeys("state", "stopped_at") == [("exited", NOW + 2 * DAY + HOUR)]
    assert world.still_stopped() == ["W1", "W2"]


def test_an_exit_after_the_last_step_stops_what_has_not_left(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    for day in range(10):
        world.run(NOW + day * DAY)
    world.sent("W1", NOW)

    world.happens("order.paid", anna, NOW + 9 * DAY + HOUR)
    world.run(NOW + 9 * DAY + HOUR)

    assert world.journeys("state", "exit_reason", "stopped_at") == [("completed", None, NOW + 9 * DAY + HOUR)]
    assert "W6" in world.still_stopped()


def test_a_completed_journey_whose_messages_left_is_not_looked_at_again(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    for day in range(10):
        world.run(NOW + day * DAY)
        for step in world.messages():
            world.sent(step, NOW)

    world.happens("order.paid", anna, NOW + 20 * DAY)
    world.run(NOW + 20 * DAY)

    assert world.journeys("state", "stopped_at") == [("completed", None)]


def test_a_late_entry_counts_from_when_it_happened(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)

    world.run(NOW + 5 * DAY)

    assert world.messages("step", "due_at") == [
        ("W1", NOW),
        ("W2", NOW + 2 * DAY),
        ("W3", NOW + 4 * DAY),
    ]
    assert world.journeys("entered_at") == [NOW]


def test_a_late_entry_meets_the_exit_that_was_read_before_it(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("order.paid", anna, NOW + DAY)
    world.run(NOW + DAY)

    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW + 3 * DAY)

    assert world.journeys("state", "exit_reason") == [("exited", "order.paid")]
    assert world.messages() == ["W1"]


def test_a_late_entry_is_not_ended_by_what_happened_before_it(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW - HOUR, UNSUBSCRIBED)
    world.run(NOW)

    world.happens("order.placed", anna, NOW - 2 * HOUR)
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)
    world.run(NOW + DAY)

    assert world.journeys("state") == ["active"]


def test_entry_and_exit_of_one_batch_are_read_in_the_order_of_their_moments(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW + HOUR, UNSUBSCRIBED)
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)

    world.run(NOW + DAY)

    assert world.journeys("state", "exit_reason") == [("exited", "consent.changed")]


def test_who_bought_before_the_consent_is_welcomed_back(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer(first_paid_at=NOW - DAY, orders_count=1)
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)

    world.run(NOW)

    ((step, context),) = world.messages("step", "context")
    assert (step, context["content"]) == ("W1", "welcome/W1.welcome_back")
    assert "voucher" not in context
    assert world.journeys("state") == ["completed"]


@pytest.mark.parametrize(
    ("first_paid", "enrolled"), [(NOW, 1), (NOW - timedelta(seconds=1), 0)], ids=["first", "second"]
)
def test_the_first_paid_order_alone_brings_its_mail(
    database: Database, first_paid: Any, enrolled: int
) -> None:
    world = World.open(database, "welcome")
    anna = world.customer(first_paid_at=first_paid, orders_count=1)
    world.order(anna, "100")
    world.happens("order.paid", anna, NOW, subject="order:100")

    world.run(NOW + DAY)

    assert world.messages("step", "due_at", "purpose") == [("W5", NOW + DAY, "service")] * enrolled


def test_the_first_orders_mail_stays_home_if_the_order_counts_no_more(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer(first_paid_at=NOW, orders_count=1)
    order_id = world.order(anna, "100")
    world.happens("order.paid", anna, NOW, subject="order:100")
    world.run(NOW)

    world.change(Order, order_id, is_counted=False)
    world.run(NOW + DAY)

    assert world.messages() == []
    assert world.decisions("step", "reason") == [("W5", "trigger-false")]


def test_the_cancellation_of_another_order_ends_nothing(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer(first_paid_at=NOW, orders_count=1)
    world.order(anna, "100")
    world.happens("order.paid", anna, NOW, subject="order:100")
    world.run(NOW)

    world.happens("order.cancelled", anna, NOW + HOUR, subject="order:999")
    world.run(NOW + DAY)
    ended_by_another = world.journeys("state")
    world.happens("order.cancelled", anna, NOW + DAY + HOUR, subject="order:100")
    world.run(NOW + 2 * DAY)

    assert ended_by_another == ["completed"]
    assert world.still_stopped() == ["W5"]


def test_a_batch_that_fails_leaves_everything_as_it_was(database: Database) -> None:
    world = World.open(database, "welcome")
    anna = world.customer()
    world.happens("consent.changed", anna, NOW, SUBSCRIBED)

    with pytest.raises(ZeroDivisionError):
        world.run_and_fail(NOW)
    after_the_failure = (world.messages(), world.journeys(), values_of(database, CustomerEvent, "is_pending"))
    world.run(NOW)

    assert after_the_failure == ([], [], [True])
    assert world.messages() == ["W1"]


def test_small_batches_end_as_one_large_one(database: Database) -> None:
    small, large = World.open(database, "welcome", word="a"), World.open(database, "welcome", word="b")
    for world, limit in ((small, 1), (large, 500)):
        people = [world.customer(f"p{number}") for number in range(5)]
        for number, person in enumerate(people):
            world.happens("consent.changed", person, NOW + number * HOUR, SUBSCRIBED)
        world.happens("order.paid", people[0], NOW + DAY)
        for day in range(4):
            world.run(NOW + day * DAY, limit=limit)

    assert small.messages("step", "due_at") == large.messages("step", "due_at")
    assert small.journeys("state", "step") == large.journeys("state", "step")
