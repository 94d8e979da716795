"""The outbox of a dry run: what is due together is decided in turns as workers do, by the word of the day."""

from datetime import timedelta
from typing import Any

import pytest

from app.crypto import Signer
from app.db import Database
from app.flows.simulate import run
from app.flows.simulate.question import WouldBe
from app.models import Consent, ConsentState, Store
from tests.conftest import NOW
from tests.flows.flows_world import World

DAY = timedelta(days=1)
DUE = NOW.replace(hour=10) - 20 * DAY
CODE = {"name": "perk", "kind": "free_shipping", "ends_at": "entered", "ends_after_days": 30}


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay's own statements are plain; tests/e2e and the jobs' tests run them on both."""
    return str(request.param)


def _message(step: str, priority: int, **values: Any) -> dict[str, Any]:
    own = {"id": step, "priority": priority, "ttl_hours": 120, "content": "welcome/W2", **values}
    return {"kind": "message", "purpose": "marketing", **own}


def _publish(world: World, key: str, *steps: dict[str, Any]) -> None:
    entry = {"id": "paid", "events": ["order.paid"], "occurrence": "{subject}", "steps": list(steps)}
    world.publish({"key": key, "entries": [entry]})


def _says(world: World, person: int, state: str, days: float) -> None:
    """Something of mails, in the ledger alone: no entry of the timeline ends what is under way."""
    said = {"channel": "email", "state": state, "basis": "consent", "occurred_at": DUE + days * DAY}
    with world.database.write() as session:
        key = {"store_id": world.store_id, "customer_id": person}
        at = said["occurred_at"]
        session.add(Consent(**key, **said, recorded_at=at, source="shopify", source_key=f"{at}"))
        session.merge(ConsentState(**key, **said))


def _simulate(world: World, flow: str) -> list[WouldBe]:
    with world.database.write() as session:
        store = session.get_one(Store, world.store_id)
        store.installed_at = NOW - 90 * DAY
        question = run.ask(session, store, flow, since=NOW - 60 * DAY, until=NOW)
    return run.simulate(world.database, Signer("signing-key-of-the-tests"), question).messages


def test_who_waits_for_a_code_is_decided_again_after_the_others_that_were_due(database: Database) -> None:
    rails = {"rails.holdout_percent": "0", "rails.cap_per_day": "2"}
    world = World.open(database, settings=rails)
    _publish(world, "cross_sell", _message("X2", 3, voucher=CODE))
    _publish(world, "review", _message("M3", 4))
    person = world.customer()
    _says(world, person, "subscribed", -10)
    world.happens("order.paid", person, DUE, subject="order:1")

    offers, asks = _simulate(world, "cross_sell"), _simulate(world, "review")

    assert [ask.sent_at for ask in asks] == [DUE]
    assert [offer.sent_at for offer in offers] == [DUE + 3 * DAY]


def test_the_ledger_is_asked_anew_once_it_says_something_else(database: Database) -> None:
    world = World.open(database, settings={"rails.holdout_percent": "0"})
    steps = [_message("A", 3)]
    for step, days in (("B", 4), ("C", 8)):
        steps += [{"kind": "wait", "id": f"to-{step}", "anchor": "entered", "days": days}, _message(step, 3)]
    _publish(world, "cross_sell", *steps)
    person = world.customer()
    for state, days in (("subscribed", -10), ("unsubscribed", 2), ("subscribed", 6)):
        _says(world, person, state, days)
    world.happens("order.paid", person, DUE, subject="order:1")

    messages = _simulate(world, "cross_sell")

    told = [(message.step, message.reason) for message in messages]
    assert told == [("A", None), ("B", "consent-withdrawn"), ("C", None)]


def test_who_flapped_waited_a_day_there_too(database: Database) -> None:
    world = World.open(database, settings={"rails.holdout_percent": "0"})
    _publish(world, "cross_sell", _message("A", 3))
    person = world.customer()
    for hours, state in enumerate(("subscribed", "unsubscribed", "subscribed", "unsubscribed", "subscribed")):
        _says(world, person, state, (hours - 5) / 24)
    world.happens("order.paid", person, DUE, subject="order:1")

    (message,) = _simulate(world, "cross_sell")

    assert message.sent_at == DUE - DAY / 24 + DAY
