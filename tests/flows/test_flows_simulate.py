"""The dry run: what it knows as of a day, what it assumes, what it costs; and that it only reads.

That it finds the very messages of running workers is shown in tests/e2e/test_e2e_simulate.py.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.crypto import Signer
from app.db import Base, Database
from app.errors import BadInput, NotFound
from app.flows.facts import median_transit
from app.flows.shop import LiveShop
from app.flows.simulate import history, run, telling
from app.flows.simulate.question import Report
from app.mirror import pairs
from app.models import Consent, ConsentState, Review, Store
from tests.conftest import NOW
from tests.flows.flows_world import SUBSCRIBED, World
from tests.seeds import add_product, switch_on

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SIGNER = Signer("signing-key-of-the-tests")


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay's own statements are plain; tests/e2e and the jobs' tests run them on both."""
    return str(request.param)


@pytest.fixture
def world(database: Database) -> World:
    """A shop of 90 days whose flows are all off."""
    return World.open(database)


def _simulate(world: World, flow: str, *, days: int = 60, installed_days: int = 90) -> Report:
    with world.database.write() as session:
        session.get_one(Store, world.store_id).installed_at = NOW - installed_days * DAY
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        question = run.ask(session, store, flow, since=NOW - days * DAY, until=NOW)
    return run.simulate(world.database, SIGNER, question)


def _says(world: World, customer_id: int, at: datetime, *, recorded_at: datetime | None = None) -> None:
    """A yes to mails, in the ledger and on the timeline."""
    said = {"channel": "email", "state": "subscribed", "basis": "consent", "occurred_at": at}
    with world.database.write() as session:
        key = {"store_id": world.store_id, "customer_id": customer_id}
        session.add(
            Consent(**key, **said, recorded_at=recorded_at or at, source="shopify", source_key=f"{at}")
        )
        session.add(ConsentState(**key, **said))
    world.happens("consent.changed", customer_id, at, SUBSCRIBED, subject="consent:email")


def _receives(world: World, customer_id: int, name: str, fulfilled_at: datetime) -> None:
    """An order of a candle, sent and delivered two days later."""
    placed_at = fulfilled_at - DAY
    world.order(customer_id, name, "candle", placed_at=placed_at)
    for kind, at in (
        ("order.placed", placed_at),
        ("order.paid", placed_at),
        ("order.fulfilled", fulfilled_at),
        ("order.delivered", fulfilled_at + 2 * DAY),
    ):
        world.happens(kind, customer_id, at, subject=f"order:{name}")


def _told(report: Report) -> list[tuple[str, str, str | None]]:
    return [(message.step, message.status, message.reason) for message in report.messages]


def test_a_dry_run_changes_no_row(world: World) -> None:
    person = world.customer(birth_month=11, birth_day=4, birth_known_at=NOW - 80 * DAY)
    _says(world, person, NOW - 70 * DAY)
    _receives(world, person, "100", NOW - 40 * DAY)
    before = _rows(world.database)

    reports = [_simulate(world, flow) for flow in ("welcome", "review", "cross_sell", "birthday")]

    assert [bool(report.messages) for report in reports] == [True, True, False, True]
    assert _rows(world.database) == before


def _rows(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {
            table.name: session.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
        }


def test_before_the_ledger_begins_its_first_entry_counts_back_and_is_marked(world: World) -> None:
    agreed, silent = world.customer("agreed"), world.customer("silent")
    for person, name in ((agreed, "1"), (silent, "2")):
        _receives(world, person, name, NOW - 40 * DAY)
    _says(world, agreed, NOW - 5 * DAY)

    report = _simulate(world, "review", installed_days=10)

    found = [(m.customer_id, m.step, m.status, m.is_assumed) for m in report.messages]
    assert found == [
        (agreed, "M3", "sent", True),
        (silent, "M3", "stopped", False),
        (agreed, "M3R", "sent", True),
    ]


def test_within_the_ledger_a_consent_counts_from_when_it_was_known(world: World) -> None:
    person = world.customer()
    _receives(world, person, "1", NOW - 40 * DAY)
    _says(world, person, NOW - 39 * DAY, recorded_at=NOW - 5 * DAY)

    assert _told(_simulate(world, "review")) == [("M3", "stopped", "no-legal-basis")]


def test_news_that_came_late_are_late_here_too(world: World) -> None:
    person = world.customer()
    at = NOW - 20 * DAY
    _says(world, person, at)
    _change_events(world, recorded_at=at + 3 * DAY)

    found = {step: (status, reason) for step, status, reason in _told(_simulate(world, "welcome"))}

    assert found["W1"] == ("expired", "expired")
    assert found["W3"] == ("sent", None)


def _change_events(world: World, **values: Any) -> None:
    events = Base.metadata.tables["customer_events"]
    with world.database.write() as session:
        session.execute(events.update().where(events.c.store_id == world.store_id).values(**values))


def test_a_list_that_was_imported_starts_no_flow(world: World) -> None:
    person = world.customer()
    world.happens("consent.changed", person, NOW - 9 * DAY, {**SUBSCRIBED, "source": "import"}, history=True)

    assert _simulate(world, "welcome").enrolled == 0


def test_flows_that_are_on_compete_for_the_same_people(world: World) -> None:
    person = world.customer(birth_month=10, birth_day=30, birth_known_at=NOW - 80 * DAY)
    due_at = NOW - 10 * DAY
    _says(world, person, due_at - 40 * DAY)
    _receives(world, person, "1", due_at - 16 * DAY)

    alone = _simulate(world, "review").messages[0]
    switch_on(world.database, world.store_id, "birthday", since=NOW - 50 * DAY)
    beside = _simulate(world, "review").messages[0]

    assert (alone.due_at, alone.sent_at) == (due_at, due_at)
    assert (beside.due_at, beside.sent_at) == (due_at, due_at + DAY - 2 * HOUR)


@pytest.mark.parametrize(
    ("told", "stopped"),
    [
        ((("support.opened", 35),), True),
        ((("support.opened", 35), ("support.closed", 30)), False),
        ((("support.opened", 135),), False),
        ((("support.opened", 5),), False),
    ],
    ids=["open", "closed again", "forgotten", "opened later"],
)
def test_nobody_is_asked_while_a_case_was_open(
    world: World, told: tuple[tuple[str, int], ...], stopped: bool
) -> None:
    person = world.customer()
    _says(world, person, NOW - 70 * DAY)
    _receives(world, person, "1", NOW - 40 * DAY)
    for kind, days in told:
        world.happens(kind, person, NOW - days * DAY, {"case": "7"}, subject="support:7")

    report = _simulate(world, "review")

    ask = next(message for message in report.messages if message.step == "M3")
    assert (ask.status, ask.reason) == (("stopped", "trigger-false") if stopped else ("sent", None))


@pytest.mark.parametrize(
    ("rating", "days", "stopped"), [(3, 28, True), (4, 28, False), (3, 58, False), (3, 5, False)]
)
def test_the_unhappy_of_that_day_are_offered_nothing(
    world: World, rating: int, days: int, stopped: bool
) -> None:
    person = world.customer()
    _says(world, person, NOW - 70 * DAY)
    _receives(world, person, "1", NOW - 40 * DAY)
    with world.database.write() as session:
        add_product(session, world.store_id, "candle", cross_sell_ids=["holder"])
        add_product(session, world.store_id, "holder")
        session.add(
            Review(
                store_id=world.store_id,
                source="woocommerce",
                external_id="1",
                is_verified=True,
                customer_id=person,
                rating=rating,
                status="approved",
                written_at=NOW - days * DAY,
            )
        )

    report = _simulate(world, "cross_sell")

    offer = next(message for message in report.messages if message.step == "X1")
    assert (offer.status, offer.reason) == (("stopped", "trigger-false") if stopped else ("sent", None))


def test_codes_are_counted_with_what_they_would_cost(world: World) -> None:
    person = world.customer()
    world.order(world.customer(), "9", placed_at=NOW - 80 * DAY)
    _says(world, person, NOW - 30 * DAY)

    report = _simulate(world, "welcome")

    assert {step for step, status, _ in _told(report) if status == "sent"} == {"W1", "W2", "W3", "W4", "W6"}
    assert (report.vouchers, report.vouchers_cost) == (2, 1000.0)


def test_the_holdout_is_counted_and_gets_nothing(world: World) -> None:
    with world.database.write() as session:
        store = session.get_one(Store, world.store_id)
        store.settings = {**store.settings, "rails.holdout_percent": "50"}
    for number in range(8):
        _receives(world, world.customer(f"h{number}"), f"{number}", NOW - 40 * DAY)

    report = _simulate(world, "review")

    assert 0 < report.held_out < report.enrolled == 8
    assert len(report.messages) == 8 - report.held_out


def test_what_was_bought_together_and_the_usual_transit_are_those_of_the_day(world: World) -> None:
    """Two baskets a day, one of each pair: the twentieth of both is known after twenty nights."""
    for number in range(48):
        placed_at = NOW - (60 - number // 2) * DAY
        _basket(world, f"{number}", placed_at, products=("A", "B") if number % 2 else ("A", "C"))
    with world.database.write() as session:
        for name in ("A", "B", "C"):
            add_product(session, world.store_id, name)
        pairs.add_orders(session, world.store_id, 100)
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        question = run.ask(session, store, "cross_sell", since=NOW - 60 * DAY, until=NOW)
        found = history.load(session, question)
        reviewed = history.load(session, run.ask(session, store, "review", since=NOW - 60 * DAY, until=NOW))
        live = LiveShop(session, world.store_id)

        half = [(0.5, "A", 24, 48)]
        assert found.fits(["A"], NOW) == live.fits(["A"]) == {"B": half, "C": half}
        assert found.fits(["A", "C"], NOW) == live.fits(["A", "C"]) == {"B": half}
        assert found.fits(["A"], NOW - 40 * DAY)["C"] == [(0.5, "A", 20, 40)]
        assert found.fits(["A"], NOW - 42 * DAY) == {}
        assert reviewed.transit.median(NOW) == median_transit(session, world.store_id) is not None
        assert reviewed.transit.median(NOW - 55 * DAY) is None


def _basket(world: World, name: str, at: datetime, *, products: tuple[str, ...]) -> None:
    person = world.customer(f"buyer{name}")
    moments = {"fulfilled_at": at + HOUR, "delivered_at": at + (2 + int(name) % 3) * HOUR}
    world.order(person, name, *products, placed_at=at, **moments)
    world.happens("order.paid", person, at, subject=f"order:{name}")
    world.happens("order.delivered", person, moments["delivered_at"], subject=f"order:{name}")
    events = Base.metadata.tables["customer_events"]
    with world.database.write() as session:
        for kind in ("order.paid", "order.delivered"):
            session.execute(
                events.update()
                .where(events.c.subject == f"order:{name}", events.c.type == kind)
                .values(source_key=f"{kind}:{name}")
            )


def test_a_flow_that_does_not_exist_cannot_be_tried(world: World) -> None:
    with world.database.read() as session, pytest.raises(NotFound, match="no flow 'nothing'"):
        run.ask(session, session.get_one(Store, world.store_id), "nothing", since=NOW - DAY, until=NOW)


@pytest.mark.parametrize(
    ("since", "until"),
    [("2026-11-02", "2026-11-01"), ("2019-01-01", None), ("soon", None), ("2027-01-01", None)],
)
def test_a_span_that_cannot_be_replayed_is_refused(world: World, since: str, until: str | None) -> None:
    with world.database.read() as session, pytest.raises(BadInput):
        telling.span_of(session.get_one(Store, world.store_id), since, until, now=NOW)


def test_days_are_those_of_the_shop_and_whole(world: World) -> None:
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        span = telling.span_of(store, "2026-10-24", "2026-10-25", now=NOW)

    assert span.begin.isoformat() == "2026-10-23T22:00:00+00:00"
    assert span.end.isoformat() == "2026-10-25T23:00:00+00:00"
