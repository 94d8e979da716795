"""Each reason for a silent day is found from the rows, and the right one for that day."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.db import Database
from app.errors import NotFound
from app.flows import birthdays, switch
from app.flows.definition import recipe_keys
from app.flows.why import Answer, why, why_each
from app.flows.why_rows import MOST_ENROLLMENTS
from app.messaging import outbox
from app.messaging.outbox import NewDecision
from app.models import Message, Store
from tests import seeds
from tests.conftest import NOW
from tests.engines import Engine
from tests.flows.flows_world import SINCE, SUBSCRIBED, UNSUBSCRIBED, World

TODAY = NOW.date()
DAYS = timedelta(days=1)
_MOST_STATEMENTS = 14
"""However many flows are asked about."""


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, _sqlite: Engine) -> Iterator[World]:
    """One shop for all tests of this file: each asks about a customer of its own."""
    database = Database(_sqlite.create())
    yield World.open(database, "welcome", "review", "cross_sell", "birthday")
    database.dispose()


def _ask(world: World, customer_id: int, flow: str = "welcome", on: date = TODAY) -> Answer:
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        return why(session, store, customer_id, flow_key=flow, on=on, now=NOW)


def _ask_all(world: World, customer_id: int) -> list[Answer]:
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        return why_each(session, store, customer_id, flow_keys=recipe_keys(), on=TODAY, now=NOW)


def test_all_flows_together_answer_what_each_does_alone_by_as_many_statements_as_one(world: World) -> None:
    person = world.customer(first_paid_at=NOW - 90 * DAYS)
    world.order(person, "E2", placed_at=NOW - 3 * DAYS, delivered_at=NOW - DAYS)
    world.happens("consent.changed", person, NOW - 3 * DAYS, SUBSCRIBED, subject="consent:email")
    world.happens("order.paid", person, NOW - 3 * DAYS, subject="order:E2")
    world.happens("order.delivered", person, NOW - DAYS, subject="order:E2")
    world.run(NOW)

    alone = [_ask(world, person, key) for key in recipe_keys()]
    asked: list[object] = []

    def _note(*told: object) -> None:
        asked.append(told[2])

    event.listen(world.database.engine, "before_cursor_execute", _note)
    together = _ask_all(world, person)
    event.remove(world.database.engine, "before_cursor_execute", _note)

    assert together == alone
    assert sum(bool(answer.enrollments) for answer in together) > 1
    assert len(asked) <= _MOST_STATEMENTS


def test_hundreds_of_journeys_of_one_flow_leave_room_for_the_one_of_another(world: World) -> None:
    person = world.customer(first_paid_at=NOW - 90 * DAYS)
    keys = recipe_keys()
    with world.database.write() as session:
        for number in range(MOST_ENROLLMENTS * len(keys)):
            subject = f"order:many-{number}"
            of_order = {"flow_key": "review", "occurrence": subject, "subject": subject}
            seeds.add_enrollment(
                session, world.store_id, person, entered_at=NOW - number * timedelta(minutes=1), **of_order
            )
        seeds.add_enrollment(
            session, world.store_id, person, flow_key="welcome", occurrence="first", entered_at=NOW - DAYS
        )

    alone = [_ask(world, person, key) for key in keys]

    assert alone[keys.index("welcome")].enrollments
    assert _ask_all(world, person) == alone


def _codes(answer: Answer) -> list[str]:
    return [finding.code for finding in answer.findings]


def test_a_day_without_any_cause_says_so(world: World) -> None:
    answer = _ask(world, world.customer())

    assert (_codes(answer), answer.messages) == (["no-trigger"], [])


def test_a_day_before_the_flow_was_on_says_since_when(world: World) -> None:
    answer = _ask(world, world.customer(), on=(SINCE - 2 * DAYS).date())

    assert answer.findings[0].code == "off-then"
    assert answer.findings[0].until == SINCE


def test_what_happened_before_the_flow_was_on_starts_nothing(world: World) -> None:
    person = world.customer()
    world.happens("consent.changed", person, SINCE - timedelta(hours=3), SUBSCRIBED, subject="consent:email")
    world.run(NOW)

    assert "before-switch-on" in _codes(_ask(world, person, on=SINCE.date()))


@pytest.mark.parametrize(
    ("at", "source"),
    [(NOW - 20 * DAYS, "import"), (NOW - 20 * DAYS, "backfill"), (NOW - 100 * DAYS, "shopify")],
)
def test_history_starts_nothing(world: World, at: datetime, source: str) -> None:
    person = world.customer()
    world.happens("consent.changed", person, at, {**SUBSCRIBED, "source": source}, history=True)

    assert "imported" in _codes(_ask(world, person, on=(at + DAYS).date()))


def test_a_yes_that_nobody_confirmed_waits(world: World) -> None:
    person = world.customer()
    world.happens("consent.changed", person, NOW - DAYS, {**SUBSCRIBED, "state": "pending"})

    assert "not-confirmed" in _codes(_ask(world, person))


def test_an_entrys_own_guard_is_named(world: World) -> None:
    person = world.customer(first_paid_at=NOW - 90 * DAYS)
    world.order(person, "G2", placed_at=NOW - DAYS)
    world.happens("order.paid", person, NOW - DAYS, subject="order:G2")
    world.run(NOW)

    found = [one for one in _ask(world, person).findings if one.code == "guard"]

    assert [(one.what, one.at) for one in found] == [("order.paid|is-first-order", NOW - DAYS)]


def test_the_holdout_tells_the_number_and_the_percentage(world: World) -> None:
    with world.database.write() as session:
        _held_out_share(session, world.store_id, "50")
    people = [world.customer(f"holdout{number}") for number in range(6)]
    for person in people:
        world.happens("consent.changed", person, NOW - 3 * DAYS, SUBSCRIBED, subject="consent:email")
    world.run(NOW - 3 * DAYS)
    answers = [_ask(world, person) for person in people]
    with world.database.write() as session:
        _held_out_share(session, world.store_id, "0")

    numbers = [one.numbers for answer in answers for one in answer.findings if one.code == "held-out"]
    assert 0 < len(numbers) < len(people)
    assert all(found["number"] < found["percent"] == 50 for found in numbers)


def _held_out_share(session: Session, store_id: int, percent: str) -> None:
    store = session.get_one(Store, store_id)
    store.settings = {**store.settings, "rails.holdout_percent": percent}


def test_a_second_yes_finds_the_key_used(world: World) -> None:
    person = world.customer()
    for days in (20, 2):
        world.happens("consent.changed", person, NOW - days * DAYS, SUBSCRIBED, subject="consent:email")
    world.run(NOW)

    found = [one for one in _ask(world, person).findings if one.code == "key-used"]

    assert [(one.at, one.until) for one in found] == [(NOW - 2 * DAYS, NOW - 20 * DAYS)]


def test_an_exit_is_told_with_its_moment(world: World) -> None:
    person = world.customer()
    world.happens("consent.changed", person, NOW - 3 * DAYS, SUBSCRIBED, subject="consent:email")
    world.run(NOW - 3 * DAYS)
    world.happens("consent.changed", person, NOW - 2 * DAYS, UNSUBSCRIBED, subject="consent:email")
    world.run(NOW)

    found = [one for one in _ask(world, person).findings if one.code == "exited"]

    assert [(one.what, one.at) for one in found] == [("consent.changed", NOW - 2 * DAYS)]


def test_who_waits_is_told_for_what_and_until_when(world: World) -> None:
    person = world.customer()
    world.order(person, "W1", "candle", placed_at=NOW - 3 * DAYS)
    world.happens("order.fulfilled", person, NOW - 2 * DAYS, subject="order:W1")
    world.run(NOW)

    found = [one for one in _ask(world, person, "review").findings if one.code == "waits-for"]

    assert [(one.what, one.until) for one in found] == [("order.delivered", NOW + 5 * DAYS)]


def test_the_day_before_a_message_was_due_says_when_it_was(world: World) -> None:
    person = world.customer()
    world.happens("consent.changed", person, NOW - 10 * DAYS, SUBSCRIBED, subject="consent:email")
    world.run(NOW)

    found = _ask(world, person, on=(NOW - 9 * DAYS).date()).findings

    assert [(one.what, one.at) for one in found if one.code == "next"] == [("W2", NOW - 8 * DAYS)]


def test_no_product_to_speak_of_is_a_reason(world: World) -> None:
    person = world.customer()
    world.order(person, "N1", placed_at=NOW - 20 * DAYS)
    world.happens("order.delivered", person, NOW - 16 * DAYS, subject="order:N1")
    world.run(NOW - DAYS)

    found = [one for one in _ask(world, person, "cross_sell").findings if one.code == "nothing-to-say"]

    assert [one.what for one in found] == ["no-complement"]


def test_a_message_of_the_day_comes_with_its_looks_up_to_that_day(world: World) -> None:
    person = world.customer()
    world.happens("consent.changed", person, NOW - 2 * DAYS, SUBSCRIBED, subject="consent:email")
    world.run(NOW)
    with world.database.write() as session:
        message = session.query(Message).filter_by(customer_id=person, step="W2").one()
        message.status, message.reason, message.next_at = "queued", "capped", NOW + DAYS
        outbox.note(session, [_decision(world.store_id, person, "capped")], NOW)
        outbox.note(session, [_decision(world.store_id, person, "quiet-hours")], NOW + DAYS)
        session.flush()
        table = outbox.DECISIONS
        session.execute(table.update().where(table.c.customer_id == person).values(message_id=message.id))

    told = [one for one in _ask(world, person).messages if one.row.step == "W2"]

    assert [(one.row.reason, one.row.next_at) for one in told] == [("capped", NOW + DAYS)]
    assert [look.reason for look in told[0].looks] == ["capped"]


def _decision(store_id: int, person: int, reason: str) -> NewDecision:
    return NewDecision(store_id, person, "welcome", "W2", "postpone", reason, "")


@pytest.mark.parametrize(
    ("birthday", "code"),
    [({}, "birthday-unknown"), ({"birth_month": 6, "birth_day": 1}, "birthday-later")],
)
def test_a_birthday_that_is_unknown_or_far_away_is_told(
    world: World, birthday: dict[str, Any], code: str
) -> None:
    person = world.customer(**birthday, birth_known_at=NOW - 80 * DAYS)

    assert code in _codes(_ask(world, person, "birthday"))


@pytest.mark.parametrize("birthday", [{}, {"birth_month": 6, "birth_day": 1}])
def test_only_the_flow_of_birthdays_speaks_of_one(world: World, birthday: dict[str, Any]) -> None:
    person = world.customer(**birthday, birth_known_at=NOW - 80 * DAYS)

    for flow in set(recipe_keys()) - {birthdays.FLOW}:
        assert not [code for code in _codes(_ask(world, person, flow)) if code.startswith("birthday")], flow


def test_a_silence_that_began_while_its_flow_was_off_is_told(world: World) -> None:
    person = world.customer(birth_month=6, birth_day=1, birth_known_at=NOW - 80 * DAYS)
    silence = {"from": "active", "to": "dormant", "may_try": "true"}
    world.happens("state.changed", person, SINCE - timedelta(hours=3), silence, history=True)

    asked = _ask(world, person, "reactivation", (SINCE - timedelta(hours=3)).date())

    assert "before-switch-on" in _codes(asked)


def test_a_birthday_that_was_passed_over_says_why(world: World) -> None:
    known_at = NOW - 8 * DAYS
    person = world.customer(birth_month=11, birth_day=9, birth_known_at=known_at)
    begin = datetime(2026, 11, 2, tzinfo=UTC)
    with world.database.write() as session:
        store = session.get_one(Store, world.store_id)
        birthdays.plan(session, store, begin=begin, end=begin + DAYS, now=begin)

    found = [one for one in _ask(world, person, "birthday").findings if one.code == "passed-over"]

    assert [one.what for one in found] == ["not-due"]


def test_somebody_erased_is_told_and_nothing_else_of_them(world: World) -> None:
    person = world.customer(erased_at=NOW - DAYS)

    assert _codes(_ask(world, person))[0] == "erased"


def test_switching_off_and_on_again_is_remembered(database: Database) -> None:
    shop = World.open(database, "welcome", word="switches")
    with database.write() as session:
        switch.deactivate(session, shop.store_id, "welcome", NOW - 10 * DAYS)
        switch.activate(session, shop.store_id, "welcome", NOW - 5 * DAYS)
    person = shop.customer()

    days = {days: _codes(_ask(shop, person, on=(NOW - days * DAYS).date()))[0] for days in (12, 10, 7, 5, 1)}

    assert days == {
        12: "no-trigger",
        10: "switched-off-that-day",
        7: "off-then",
        5: "switched-on-that-day",
        1: "no-trigger",
    }


def test_a_customer_who_does_not_exist_is_not_explained(world: World) -> None:
    with pytest.raises(NotFound, match="no such customer"):
        _ask(world, 10**9)
