"""Flows in the shop's marketing reports: known when switched on, told day by day, each day once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.db import table_of
from app.flows import switch
from app.models import JobRun, MessageAttempt, Store, StoreWrite
from connectors.sandbox.shopify_marketing import ACTIVITY, ENGAGEMENT
from jobs import daily
from jobs.writes import run
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import small_world
from tests.jobs.jobs_shopify import INSTALLED_AT, Reader, Shop, connect, running_shop

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# The shop is in Rome; its 21st of May ends at 22:00 UTC.
NOON = datetime(2026, 5, 21, 12, tzinfo=UTC)
MORNING = NOON + DAY - 5 * HOUR


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The emulated shop."""
    with running_shop(small_world()) as running:
        yield running


@pytest.fixture
def reader(settings: Any, database: Any, shop: Shop) -> Reader:
    """A worker with that shop connected and its welcome flow on."""
    opened = connect(settings, database, shop)
    with database.write() as session:
        switch.ensure_flows(session, opened.store_id, INSTALLED_AT)
        switch.activate(session, opened.store_id, "welcome", INSTALLED_AT)
    return opened


def send(reader: Reader, at: datetime) -> None:
    """A mail of the welcome flow leaves."""
    with reader.database.write() as session:
        who = seeds.add_customer(session, reader.store_id)
        message = seeds.add_message(session, reader.store_id, who.id, status="sent", sent_at=at)
        session.add(MessageAttempt(store_id=reader.store_id, message_id=message.id, started_at=at))


def days(shop: Shop) -> list[tuple[Any, ...]]:
    """The days that the shop was told, each as often as it was."""
    return [(fact["key"], fact["sendsCount"]) for fact in shop.world.remembered(ENGAGEMENT)]


def states(reader: Reader) -> list[tuple[Any, ...]]:
    """Every write."""
    return seeds.rows_of(reader.database, StoreWrite, "kind", "subject", "state", "reason")


def test_a_flow_is_known_while_it_is_on_and_paused_after_it(reader: Reader, shop: Shop) -> None:
    run(reader.kit, INSTALLED_AT)
    with reader.database.write() as session:
        switch.deactivate(session, reader.store_id, "welcome", INSTALLED_AT + HOUR)
    run(reader.kit, INSTALLED_AT + HOUR)

    told = [(fact["remoteId"], fact["status"]) for fact in shop.world.remembered(ACTIVITY)]
    assert told == [("ritorno:flow:welcome", "ACTIVE"), ("ritorno:flow:welcome", "PAUSED")]
    assert states(reader) == [("activity", "welcome", "done", None)]


def test_a_day_is_told_on_the_next_morning_once(reader: Reader, shop: Shop) -> None:
    send(reader, NOON)

    for moment in (NOON + 6 * HOUR, MORNING, MORNING + 6 * HOUR, MORNING + DAY):
        daily.run(reader.kit, moment)
        run(reader.kit, moment)

    assert days(shop) == [("ritorno:flow:welcome:2026-05-21", 1)]


def test_a_day_of_a_flow_that_the_shop_was_never_told_of_makes_it_known(reader: Reader, shop: Shop) -> None:
    with reader.database.write() as session:
        session.execute(update(table_of(StoreWrite)).values(state="failed"))
    daily.run(reader.kit, NOON)
    send(reader, NOON)

    daily.run(reader.kit, MORNING)
    run(reader.kit, MORNING)

    assert [fact["remoteId"] for fact in shop.world.remembered(ACTIVITY)] == ["ritorno:flow:welcome"]
    assert days(shop) == [("ritorno:flow:welcome:2026-05-21", 1)]


def test_a_slot_that_is_run_again_tells_nothing_again(reader: Reader, shop: Shop) -> None:
    daily.run(reader.kit, NOON)
    send(reader, NOON)
    daily.run(reader.kit, MORNING)
    run(reader.kit, MORNING)
    with reader.database.write() as session:
        session.execute(update(table_of(JobRun)).values(error="the worker died"))
    reader.kit.slots_seen.clear()

    daily.run(reader.kit, MORNING + 12 * HOUR)
    run(reader.kit, MORNING + 12 * HOUR)

    assert len(days(shop)) == 1


def test_a_day_whose_answer_was_lost_is_told_again_with_the_same_key(reader: Reader, shop: Shop) -> None:
    daily.run(reader.kit, NOON)
    send(reader, NOON)
    daily.run(reader.kit, MORNING)
    shop.on_call = lambda name: ("lost", 502) if name == "MarketingEngagement" else None
    run(reader.kit, MORNING)
    lost = days(shop)

    shop.on_call = lambda _name: None
    run(reader.kit, MORNING + HOUR)

    assert (lost, days(shop)) == ([], [("ritorno:flow:welcome:2026-05-21", 1)])
    assert [state for _, _, state, _ in states(reader)] == ["done", "done"]


def test_without_the_scope_each_flow_says_so_once_and_no_day_is_queued(reader: Reader, shop: Shop) -> None:
    stores = table_of(Store)
    with reader.database.write() as session:
        mine = update(stores).where(stores.c.id == reader.store_id)
        session.execute(mine.values(scopes=["read_customers"]))
    daily.run(reader.kit, NOON)
    for number in range(3):
        send(reader, NOON + number * DAY)
        daily.run(reader.kit, MORNING + number * DAY)
        run(reader.kit, MORNING + number * DAY)

    assert states(reader) == [("activity", "welcome", "failed", "no-scope")]
    assert shop.calls() == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_platform_without_reports_is_not_told(database: Any) -> None:
    store_id = seeds.new_store(database)
    seeds.switch_on(database, store_id, "welcome", since=NOON)

    assert seeds.rows_of(database, StoreWrite) == []
