"""The dry run looks only when news concerns somebody, and what it passed over stays read as it was live."""

from datetime import timedelta
from typing import Any

import pytest

from app import timeline
from app.crypto import Signer
from app.db import Database
from app.flows.simulate import run
from app.models import Store
from app.timeline import NewEvent
from tests.conftest import NOW
from tests.flows.flows_world import World

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BEGUN = NOW - 10 * DAY
ANY: dict[str, Any] = {
    "kind": "message",
    "purpose": "transactional",
    "priority": 3,
    "ttl_hours": 48,
    "content": "welcome/W2",
}
FLOW = {
    "id": "delivered",
    "events": ["order.delivered"],
    "occurrence": "{subject}",
    "steps": [
        {"kind": "wait-event", "id": "await", "event": "message.clicked", "days": 3, "came": "B"},
        ANY | {"id": "A"},
        {"kind": "end", "id": "over"},
        ANY | {"id": "B"},
    ],
}


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    """The replay's own statements are plain; tests/e2e and the jobs' tests run them on both."""
    return str(request.param)


@pytest.mark.parametrize(
    ("told_at", "steps"),
    [(BEGUN + HOUR, ["A"]), (BEGUN + 6 * HOUR, ["B"])],
    ids=["read before there was a journey", "told after it began"],
)
def test_news_that_nobody_waited_for_is_not_told_again_when_somebody_would(
    database: Database, told_at: Any, steps: list[str]
) -> None:
    world = World.open(database, settings={"rails.holdout_percent": "0"})
    world.publish({"key": "cross_sell", "entries": [FLOW]})
    person = world.customer()
    _tell(world, person, "message.clicked", BEGUN + HOUR, told_at)
    _tell(world, person, "order.delivered", BEGUN, BEGUN + 5 * HOUR)

    with database.write() as session:
        store = session.get_one(Store, world.store_id)
        store.installed_at = NOW - 90 * DAY
        question = run.ask(session, store, "cross_sell", since=NOW - 20 * DAY, until=NOW)
    report = run.simulate(database, Signer("signing-key-of-the-tests"), question)

    assert [message.step for message in report.messages] == steps


@pytest.mark.parametrize(
    ("told_at", "steps"), [(BEGUN + HOUR, ["A"]), (BEGUN + 6 * HOUR, ["B"])], ids=["before", "after"]
)
def test_workers_find_the_same(database: Database, told_at: Any, steps: list[str]) -> None:
    world = World.open(database, settings={"rails.holdout_percent": "0"})
    world.publish({"key": "cross_sell", "entries": [FLOW]})
    person = world.customer()
    news = [
        (told_at, "message.clicked", BEGUN + HOUR),
        (BEGUN + 5 * HOUR, "order.delivered", BEGUN),
    ]

    for known_at, kind, at in sorted(news):
        _tell(world, person, kind, at, known_at)
        world.run(known_at)
    world.run(BEGUN + 4 * DAY)

    assert world.messages("step") == steps


def _tell(world: World, person: int, kind: str, at: Any, known_at: Any) -> None:
    """An entry that became known later than it happened."""
    event = NewEvent(
        store_id=world.store_id,
        customer_id=person,
        type=kind,
        subject=f"{kind}:1",
        source_key=f"{kind}:1",
        occurred_at=at,
        details={},
        is_history=False,
    )
    with world.database.write() as session:
        timeline.record(session, [event], known_at)
