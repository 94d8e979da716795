"""Winning silent people back: four mails, what ends them, and who is let in little by little."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app import consent
from app.consent import NewConsent
from app.db import Database
from app.flows import backlog, switch
from app.flows.definition import recipe
from app.models import CustomerEvent, CustomerState, Enrollment, Store
from app.segments import standing
from tests.conftest import NOW
from tests.flows.flows_world import SINCE, UNSUBSCRIBED, World
from tests.seeds import add_order, add_product, rows_of, values_of

DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0) + DAY
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def world(database: Database) -> World:
    """A shop that wins people back."""
    return World.open(database, "reactivation")


def buyer(world: World, last: datetime, state: str = "subscribed", name: str = "") -> int:
    """Somebody who bought once, at that moment, and said this about mails."""
    person = world.customer(name)
    with world.database.write() as session:
        add_order(session, world.store_id, person, placed_at=last)
        said = NewConsent(world.store_id, person, "email", state, "consent", SINCE, "test", is_history=True)
        consent.record(session, [said], SINCE)
    world.change_customer(person, orders_count=1, last_paid_at=last, first_paid_at=last)
    return person


def look(world: World, at: datetime, *people: int) -> None:
    """The states' stage for these people, then the flows'."""
    with world.database.write() as session:
        standing.settle(session, session.get_one(Store, world.store_id), people, at)
    world.run(at)


def fall_silent(world: World) -> tuple[int, datetime]:
    """A buyer whose silence begins while the flow is on, and when."""
    person = buyer(world, NOW - 30 * DAY, name="anna")
    look(world, NOW, person)
    due = NOW + 60 * DAY
    look(world, due, person)
    return person, due


def states_of(world: World) -> list[Any]:
    return values_of(world.database, CustomerState, "state")


def test_four_mails_follow_from_the_moment_of_silence(world: World) -> None:
    _, due = fall_silent(world)

    world.run(due + 14 * DAY)
    world.sent("R1", due + 7 * DAY)
    world.run(due + 30 * DAY)

    assert world.messages("step", "due_at", "expires_at", "priority") == [
        ("R0", due, due + 3 * DAY, 5),
        ("R1", due + 7 * DAY, due + 10 * DAY, 5),
        ("R3", due + 21 * DAY, due + 24 * DAY, 5),
    ]
    assert ("R2", "trigger-false") in world.decisions()
    assert states_of(world) == ["reactivating"]


def test_the_reminder_comes_a_day_before_the_code_ends(world: World) -> None:
    _, due = fall_silent(world)
    world.run(due + 7 * DAY)
    world.sent("R1", due + 7 * DAY)

    world.run(due + 13 * DAY)

    last = world.messages("step", "due_at", "expires_at")[-1]
    assert last == ("R2", due + 13 * DAY, due + 14 * DAY)
    contexts = [context for context in world.messages("context") if "voucher" in context]
    assert {context["voucher"]["name"] for context in contexts} == {"comeback"}


@ON_SQLITE
def test_the_first_mail_shows_the_latest_products_and_leaves_without_any(world: World) -> None:
    with world.database.write() as session:
        for number in ("9", "10", "11", "12"):
            add_product(session, world.store_id, number)
        add_product(session, world.store_id, "13", is_available=False)
    fall_silent(world)

    [context] = world.messages("context")

    assert [item["external_id"] for item in context["products"]] == ["12", "11", "10"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("kind", "details"),
    [
        ("order.placed", {}),
        ("message.clicked", {}),
        ("checkout.started", {}),
        ("preferences.saved", {}),
        ("state.changed", {"to": "active"}),
        ("consent.changed", UNSUBSCRIBED),
        ("message.complained", {}),
        ("message.bounced", {"is_hard": True}),
    ],
)
def test_whoever_shows_up_or_says_no_is_left_in_peace_at_once(
    world: World, kind: str, details: dict[str, Any]
) -> None:
    person, due = fall_silent(world)

    world.happens(kind, person, due + DAY, details)
    world.run(due + 30 * DAY)

    assert world.messages() == ["R0"]
    assert world.journeys("state", "exit_reason") == [("exited", kind)]
    assert world.still_stopped() == ["R0"]


@ON_SQLITE
@pytest.mark.parametrize("kind", ["message.clicked", "checkout.started", "preferences.saved"])
def test_the_flows_stage_brings_back_whoever_acted_without_waiting_for_the_clock(
    world: World, kind: str
) -> None:
    person, due = fall_silent(world)

    world.happens(kind, person, due + DAY)
    world.run(due + DAY)

    assert states_of(world) == ["active"]


@ON_SQLITE
@pytest.mark.parametrize("kind", ["order.placed", "message.clicked", "checkout.started", "preferences.saved"])
def test_what_happened_before_the_silence_ends_nothing(world: World, kind: str) -> None:
    person, due = fall_silent(world)

    world.happens(kind, person, due - 80 * DAY)
    world.run(due + DAY)

    assert world.journeys("state") == ["active"]


@ON_SQLITE
def test_a_month_after_the_last_question_the_person_is_given_up(world: World) -> None:
    person, due = fall_silent(world)
    world.run(due + 21 * DAY)
    world.sent("R3", due + 22 * DAY)

    look(world, due + 51 * DAY, person)
    early = states_of(world)
    look(world, due + 52 * DAY, person)

    assert (early, states_of(world)) == (["reactivating"], ["inactive"])


@ON_SQLITE
def test_whose_last_question_never_left_is_not_given_up(world: World) -> None:
    person, due = fall_silent(world)
    for step in ("R0", "R1", "R3"):
        world.run(due + 21 * DAY)
        world.stopped(step)

    look(world, due + 300 * DAY, person)

    assert states_of(world) == ["dormant"]
    assert world.journeys("flow_key") == ["reactivation"]


@ON_SQLITE
def test_who_may_not_be_written_to_is_not_tried(world: World) -> None:
    person = buyer(world, NOW - 30 * DAY, "unsubscribed")
    look(world, NOW, person)

    look(world, NOW + 60 * DAY, person)

    assert (states_of(world), world.journeys()) == (["dormant"], [])


@ON_SQLITE
@pytest.mark.parametrize(("ages", "tried"), [((300, 200), []), ((400, 200), ["active"])])
def test_a_third_attempt_within_a_year_is_not_made(
    world: World, ages: tuple[int, ...], tried: list[str]
) -> None:
    person = buyer(world, NOW - 30 * DAY)
    look(world, NOW, person)
    due = NOW + 60 * DAY
    world.remember_attempts(person, [due - age * DAY for age in ages])

    look(world, due, person)

    assert world.journeys("state") == tried


@ON_SQLITE
def test_history_enrols_nobody(world: World) -> None:
    people = [buyer(world, NOW - 400 * DAY), buyer(world, NOW - 91 * DAY)]

    look(world, NOW, *people)

    assert states_of(world) == ["dormant", "dormant"]
    assert world.journeys() == []


@ON_SQLITE
def test_a_silence_seen_after_long_waits_for_the_backlog(world: World) -> None:
    person = buyer(world, NOW - 30 * DAY)
    look(world, NOW, person)

    look(world, NOW + 64 * DAY, person)

    assert (states_of(world), world.journeys()) == (["dormant"], [])


@ON_SQLITE
def test_the_held_out_stay_silent_and_are_told_off_once(database: Database) -> None:
    world = World.open(database, "reactivation", settings={"rails.holdout_percent": "50"})
    people = [buyer(world, NOW - 91 * DAY, name=f"h{number}") for number in range(40)]
    look(world, NOW, *people)

    released = [release(world, NOW + n * DAY) for n in range(45)]

    assert sum(released) == 40
    states = values_of(world.database, Enrollment, "state")
    assert states_of(world).count("dormant") == states.count("held_out")
    assert 0 < states.count("held_out") < 40


def release(world: World, at: datetime) -> int:
    with world.database.write() as session:
        return backlog.release(session, session.get_one(Store, world.store_id), now=at)


def test_those_silent_before_are_counted_and_let_in_two_percent_a_day_the_latest_first(
    database: Database,
) -> None:
    world = World.open(database)
    people = [buyer(world, NOW - (91 + number) * DAY) for number in range(20)]
    people += [buyer(world, NOW) for _ in range(130)]
    people.append(buyer(world, NOW - 95 * DAY, "unsubscribed"))
    look(world, NOW, *people)
    with world.database.write() as session:
        store = session.get_one(Store, world.store_id)
        seen = backlog.waiting(session, store), backlog.a_day(session, store)
        switch.activate(session, world.store_id, "reactivation", NOW)

    first, second = release(world, NOW), release(world, NOW + DAY)

    assert seen == (20, 3)
    assert (first, second) == (3, 3)
    assert sorted(values_of(world.database, Enrollment, "customer_id")) == people[:6]
    assert states_of(world)[:7] == ["reactivating"] * 6 + ["dormant"]


@ON_SQLITE
def test_an_inactive_flow_releases_nobody(database: Database) -> None:
    world = World.open(database)
    look(world, NOW, buyer(world, NOW - 95 * DAY))

    assert release(world, NOW) == 0


@ON_SQLITE
def test_whoever_is_not_silent_any_more_by_then_is_not_let_in(world: World) -> None:
    person = buyer(world, NOW - 91 * DAY)
    look(world, NOW, person)
    world.change_customer(person, last_paid_at=NOW)

    assert release(world, NOW + DAY) == 0
    assert states_of(world) == ["active"]


@ON_SQLITE
def test_who_was_tried_twice_is_passed_over_and_keeps_nobody_waiting(world: World) -> None:
    tired, other = buyer(world, NOW - 91 * DAY), buyer(world, NOW - 95 * DAY)
    look(world, NOW, tired, other)
    world.remember_attempts(tired, [NOW - 20 * DAY, NOW - 30 * DAY])

    assert (release(world, NOW), release(world, NOW + DAY)) == (0, 1)
    assert values_of(world.database, Enrollment, "customer_id") == [other]


@ON_SQLITE
def test_the_soft_opt_in_counts_buyers_who_did_not_object(database: Database) -> None:
    world = World.open(database, settings={"consent.soft_opt_in": "on"})
    people = [buyer(world, NOW - 95 * DAY, said) for said in ("pending", "unsubscribed", "subscribed")]
    look(world, NOW, *people)

    with world.database.read() as session:
        assert backlog.waiting(session, session.get_one(Store, world.store_id)) == 2


def test_every_mail_asks_again_whether_the_person_is_still_silent() -> None:
    asked = [step.only_if for step in recipe("reactivation").messages()]

    assert all({"enrollment-alive", "is-reactivating"} <= set(names) for names in asked)


def test_what_is_told_of_a_silence_holds_its_figures(world: World) -> None:
    fall_silent(world)

    found = rows_of(world.database, CustomerEvent, "type", "details")
    details = next(row[1] for row in found if row[0] == "state.changed" and row[1]["to"] == "dormant")
    assert (details["orders"], details["last_order_at"]) == (1, (NOW - 30 * DAY).isoformat())
