"""What became of old messages and journeys: sums and rows together are always a count of all rows."""

import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from app.db import table_of
from app.messaging import clicks, provider_events, reports, tallies
from app.messaging.clicks import Click
from app.models import Enrollment, FlowTally, Message
from app.runtime import Runtime
from connectors.delivery import DeliveryKind, DeliveryUpdate
from jobs import daily
from jobs.schedule import Slot
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.jobs.jobs_seed import kit_of
from tests.messaging.outbox_seed import Shop, open_shop
from tests.privacy.test_privacy_races import beside, wait_until_somebody_waits

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
LETTERS, ENROLLMENTS = table_of(Message), table_of(Enrollment)
STATUSES = ("queued", "held", "unknown", "sent", "delivered", "bounced", "failed", "stopped", "expired")
KINDS = (DeliveryKind.DELIVERED, DeliveryKind.BOUNCED, DeliveryKind.FAILED, DeliveryKind.ACCEPTED)
STATES = (("active", None), ("completed", None), ("exited", "merged"), ("exited", "order.paid"))


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_moves_the_sums_are_what_a_fresh_count_is(shop: Shop, seed: int) -> None:
    dice = random.Random(seed)
    turns: list[Callable[[Shop, random.Random], None]] = [_add, _click, _scan, _tell, _night]
    for _ in range(40):
        _add(shop, dice)

    for turn in [_night, *dice.choices(turns, k=30), _night]:
        turn(shop, dice)
        _check(shop)

    assert seeds.rows_of(shop.database, FlowTally, "kind")


def test_by_night_the_old_ones_that_are_over_join_the_sums_and_nothing_else(shop: Shop) -> None:
    old = NOW - tallies.AGE - DAY
    for status in ("sent", "stopped", "queued", "held"):
        shop.add_message(status=status, created_at=old)
    shop.add_message(status="sent", created_at=NOW - tallies.AGE + DAY)

    (job,) = [one for one in daily.CALENDAR if one.name == "tallies"]
    done = job.run(kit_of(shop.runtime), Slot(NOW, NOW + DAY), NOW)

    assert done == 2
    marked = seeds.rows_of(shop.database, Message, "status", "is_tallied")
    assert [status for status, is_tallied in marked if is_tallied] == ["sent", "stopped"]
    _check(shop)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_night_goes_through_what_is_young_and_nothing_else(shop: Shop) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(
        shop.database.engine, "before_cursor_execute", lambda *told: asked.append((told[2], told[3]))
    )

    for state in ("sent", "stopped"):
        shop.add_message(status=state, created_at=NOW - 50 * DAY)
    _add(shop, random.Random(3))
    with shop.database.write() as session:
        asked.clear()
        tallies.add(session, shop.id, NOW)
        told = [one for one in asked if "is_tallied" in one[0]]
        plans = [
            row.detail
            for statement, values in told
            for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]

    assert [statement.partition(" ")[0] for statement, _ in told] == ["SELECT", "UPDATE", "SELECT"]
    searched = [plan for plan in plans if plan.startswith(("SEARCH", "SCAN"))]
    expected = ("ix_messages_steps", "PRIMARY KEY", "ix_enrollments_steps")
    found = [one for plan in searched for one in expected if one in plan]
    assert found == list(expected)


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_a_click_that_waits_for_the_night_is_counted(shop: Shop) -> None:
    message_id = shop.add_message(status="sent", sent_at=NOW - 50 * DAY, created_at=NOW - 50 * DAY)

    with shop.database.write() as session:
        assert tallies.add(session, shop.id, NOW) == 1
        worker = beside(lambda: _visit(shop, Click(message_id, "https://b.example/", NOW, True)))
        wait_until_somebody_waits(shop.database)
    worker.join()

    assert shop.message(message_id).clicked_at == NOW
    _check(shop)


def _add(shop: Shop, dice: random.Random) -> None:
    at = NOW - dice.randrange(90) * DAY
    status = dice.choice(STATUSES)
    state, reason = dice.choice(STATES)
    with shop.database.write() as session:
        person = seeds.add_customer(session, shop.id)
        seeds.add_message(
            session,
            shop.id,
            person.id,
            status=status,
            reason="consent" if status == "stopped" else None,
            step=dice.choice(("W2", "W3")),
            created_at=at,
            sent_at=at if status in ("sent", "delivered", "bounced") else None,
            attempts=1,
        )
        ended = None if state == "active" else at
        seeds.add_enrollment(session, shop.id, person.id, state=state, exit_reason=reason, ended_at=ended)


def _click(shop: Shop, dice: random.Random) -> None:
    _visit(shop, Click(_some(shop, dice), "https://bottega.example/p", NOW + dice.randrange(9) * DAY, True))


def _scan(shop: Shop, dice: random.Random) -> None:
    """So many links at once that all of it was a program's; one of them was taken for a person's before."""
    message_id, at = _some(shop, dice), NOW + dice.randrange(10, 20) * DAY
    for number in range(4):
        _visit(shop, Click(message_id, f"https://bottega.example/{number}", at + number * SECOND / 10, True))


def _tell(shop: Shop, dice: random.Random) -> None:
    kind, message_id = dice.choice(KINDS), _some(shop, dice)
    update = DeliveryUpdate(kind, NOW, f"{kind}:{message_id}", str(message_id), address="a@example.com")
    with shop.database.write() as session:
        provider_events.apply(
            session, shop.runtime.signer, shop.id, "email", told=reports.of([update]), now=NOW
        )


def _night(shop: Shop, _dice: random.Random) -> None:
    with shop.database.write() as session:
        tallies.add(session, shop.id, NOW)


def _visit(shop: Shop, click: Click) -> None:
    with shop.database.write() as session:
        clicks.apply(session, shop.id, [click], click.occurred_at)


def _some(shop: Shop, dice: random.Random) -> int:
    number: int = dice.choice(seeds.values_of(shop.database, Message, "id"))
    return number


def _check(shop: Shop) -> None:
    """What the sums and the unmarked rows say is what all rows say."""
    with shop.database.read() as session:
        told, ended = Counter[object](), Counter[object]()
        for step, status, reason, n, clicked in session.execute(tallies.messages_of(shop.id, "welcome")):
            told[step, status, reason or ""] += n
            told[step, status, reason or "", "clicked"] += clicked
        for step, state, reason, n, _, version in session.execute(tallies.journeys_of(shop.id, "welcome")):
            ended[step, state, reason or "", version if state == "active" else None] += n
        messages, journeys = Counter[object](), Counter[object]()
        for row in session.execute(select(LETTERS)):
            messages[row.step, row.status, row.reason or ""] += 1
            messages[row.step, row.status, row.reason or "", "clicked"] += row.clicked_at is not None
        for row in session.execute(select(ENROLLMENTS)):
            version = row.version_id if row.state == "active" else None
            journeys[row.step, row.state, row.exit_reason or "", version] += 1
    assert (+told, +ended) == (+messages, +journeys)
