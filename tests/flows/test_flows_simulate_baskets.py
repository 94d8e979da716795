"""The dry run over what was left at the till: as it stood then; what is kept no longer is not guessed."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.crypto import Signer
from app.db import Database
from app.flows.simulate import run, telling
from app.flows.simulate.question import Report
from app.models import Consent, ConsentState, Store
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.seeds import add_checkout

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LEFT = NOW - 20 * DAY
"""When the basket counts as abandoned: an hour after its last touch."""
Told = list[tuple[str, str, str | None]]


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay's own statements are plain; tests/e2e and the jobs' tests run them on both."""
    return str(request.param)


@pytest.fixture
def world(database: Database) -> World:
    """A shop whose flows are off, which lets the last reminder carry a perk."""
    return World.open(database, settings={"abandoned_checkout.perk": "on"})


@pytest.fixture
def anna(world: World) -> int:
    """Somebody who agreed to mails."""
    person = world.customer("anna")
    said = {"channel": "email", "state": "subscribed", "basis": "consent", "occurred_at": NOW - 80 * DAY}
    with world.database.write() as session:
        key = {"store_id": world.store_id, "customer_id": person}
        session.add(Consent(**key, **said, recorded_at=NOW - 80 * DAY, source="shopify", source_key="1"))
        session.add(ConsentState(**key, **said))
    return person


def _leave(world: World, person: int, name: str = "70", at: datetime = LEFT, **values: Any) -> None:
    with world.database.write() as session:
        row = {"started_at": at - 2 * HOUR, "source_updated_at": at - HOUR, **values}
        add_checkout(session, world.store_id, person, name, **row)
    world.happens("checkout.abandoned", person, at, subject=f"checkout:{name}")


def _buys(world: World, person: int, at: datetime, *, told_at: datetime | None = None, **values: Any) -> None:
    """An order, and when the timeline was told of it."""
    world.order(person, "900", placed_at=at, **values)
    world.happens("order.placed", person, told_at or at, subject="order:900")


def _simulate(world: World) -> Report:
    with world.database.write() as session:
        session.get_one(Store, world.store_id).installed_at = NOW - 90 * DAY
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        question = run.ask(session, store, "abandoned_checkout", since=NOW - 60 * DAY, until=NOW)
    return run.simulate(world.database, Signer("signing-key-of-the-tests"), question)


def _told(report: Report) -> Told:
    return [(message.step, message.status, message.reason) for message in report.messages]


def test_three_reminders_and_one_code_would_have_followed(world: World, anna: int) -> None:
    _leave(world, anna)

    report = _simulate(world)

    found = [(message.step, message.due_at - LEFT, message.status) for message in report.messages]
    assert found == [
        ("A1", timedelta(0), "sent"),
        ("A2", DAY - HOUR, "sent"),
        ("A3", 3 * DAY - HOUR, "sent"),
    ]
    assert (report.enrolled, report.vouchers, report.forgotten_baskets) == (1, 1, 0)


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({"deleted_at": LEFT + 2 * DAY}, ["A1", "A2"]),
        ({"completed_at": LEFT + 2 * DAY, "order_external_id": "elsewhere"}, ["A1", "A2"]),
        ({"completed_at": LEFT + 9 * DAY, "order_external_id": "elsewhere"}, ["A1", "A2", "A3"]),
        ({"lines": []}, []),
    ],
    ids=["gone", "bought", "bought later", "empty"],
)
def test_a_basket_is_spoken_of_as_long_as_it_stood(
    world: World, anna: int, values: dict[str, Any], steps: list[str]
) -> None:
    _leave(world, anna, **values)

    assert [message.step for message in _simulate(world).messages] == steps


def test_an_order_ends_the_series_where_it_happened(world: World, anna: int) -> None:
    _leave(world, anna)
    _buys(world, anna, LEFT + 2 * HOUR)

    assert _told(_simulate(world)) == [("A1", "sent", None)]


def test_the_storefront_knew_of_an_order_that_the_timeline_had_not_heard_of(world: World, anna: int) -> None:
    bought_at = LEFT + 2 * HOUR
    _leave(world, anna, completed_at=bought_at, order_external_id="900")
    _buys(world, anna, bought_at, told_at=LEFT + 2 * DAY)

    assert _told(_simulate(world)) == [("A1", "sent", None), ("A2", "stopped", "trigger-false")]


@pytest.mark.parametrize("values", [{"is_test": True}, {"financial_status": "failed"}])
def test_what_came_to_nothing_leaves_the_basket_open(world: World, anna: int, values: dict[str, Any]) -> None:
    _leave(world, anna)
    _buys(world, anna, LEFT - HOUR, **values)

    assert [message.status for message in _simulate(world).messages] == ["sent"] * 3


def test_baskets_that_are_kept_no_longer_are_counted_and_not_guessed(world: World, anna: int) -> None:
    _leave(world, anna)
    world.happens("checkout.abandoned", anna, NOW - 50 * DAY, subject="checkout:60")

    report = _simulate(world)

    assert (report.enrolled, len(report.messages), report.forgotten_baskets) == (1, 3, 1)
    with world.database.read() as session:
        store = session.get_one(Store, world.store_id)
        question = run.ask(session, store, "abandoned_checkout", since=NOW - 60 * DAY, until=NOW)
        shown = telling.shape(question, report) | {"seconds": 1}
    assert shown["forgotten_baskets"] == 1
    assert "baskets that are kept no longer: 1" in telling.told(shown)


def test_the_newest_basket_takes_the_series_over(world: World, anna: int) -> None:
    _leave(world, anna, "70")
    _leave(world, anna, "71", LEFT + 5 * HOUR)

    found = [(message.step, message.due_at - LEFT) for message in _simulate(world).messages]

    assert found == [
        ("A1", timedelta(0)),
        ("A1", 5 * HOUR),
        ("A2", DAY + 4 * HOUR),
        ("A3", 3 * DAY + 4 * HOUR),
    ]
