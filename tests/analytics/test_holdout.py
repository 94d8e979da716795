"""What a flow changes: the interval of the difference between its two arms, and where the arms come from."""

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from app.analytics import effects
from app.analytics.holdout import Arm, compare, entrants_needed
from app.db import Database, table_of
from app.models import Enrollment
from app.runtime import Runtime
from jobs import daily
from jobs.schedule import Slot
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
from tests.seeds import add_customer, add_order, new_store

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("base", "lift", "entrants"),
    [(0.05, 0.2, 42_201), (0.05, 0.5, 6_934), (0.1, 0.2, 19_963), (0.1, 0.5, 3_271)],
)
def test_how_many_must_enter_before_an_effect_is_seen(base: float, lift: float, entrants: int) -> None:
    """The vectors of DEFINITIONS.md, one in ten held out."""
    assert entrants_needed(base, lift, 0.1) == entrants


def test_the_interval_of_two_shares_is_newcombes() -> None:
    """56 of 70 against 48 of 80: Newcombe (1998), Statistics in Medicine 17, table II, example (a)."""
    found = compare(Arm(70, 56, 56, 0), Arm(80, 48, 48, 0))

    assert found is not None
    assert (round(found.buyers.low, 4), round(found.buyers.value, 4), round(found.buyers.high, 4)) == (
        0.0524,
        0.2000,
        0.3339,
    )
    assert found.buyers.verdict == "more"


def test_the_interval_of_two_means_is_welchs() -> None:
    """Twenty against ten euros, deviations of ten and eight (n − 1), 41 and 31 people: t(69.4) = 1.9948."""
    treated = Arm(41, 30, 30, 41 * 2000, 41 * 2000**2 + 40 * 1000.0**2)
    held_out = Arm(31, 30, 30, 31 * 1000, 31 * 1000**2 + 30 * 800.0**2)

    found = compare(treated, held_out)

    assert found is not None
    assert found.revenue is not None
    half = 1.9948 * (1000**2 / 41 + 800**2 / 31) ** 0.5
    assert found.revenue.value == 1000
    assert found.revenue.high == pytest.approx(1000 + half, abs=0.5)
    assert found.revenue.low == pytest.approx(1000 - half, abs=0.5)


@pytest.mark.parametrize(
    ("treated", "held_out"),
    [(Arm(900, 90), Arm(29, 3)), (Arm(29, 5), Arm(40, 5)), (Arm(900, 3), Arm(100, 1)), (Arm(), Arm())],
)
def test_too_few_have_no_difference(treated: Arm, held_out: Arm) -> None:
    assert compare(treated, held_out) is None


def test_nobody_left_out_bought_and_the_figures_hold() -> None:
    found = compare(Arm(300, 30, 30, 30_000, 3e7), Arm(40))

    assert found is not None
    assert found.needed is None
    assert found.buyers.low < 0.1 < found.buyers.high


def test_a_flow_without_effect_is_seldom_said_to_have_one() -> None:
    """Of 200 flows that change nothing about one in twenty, as 95 % says."""
    chance = random.Random(5)

    def arm(people: int) -> Arm:
        paid = [chance.expovariate(1 / 3000) if chance.random() < 0.1 else 0 for _ in range(people)]
        buyers = sum(one > 0 for one in paid)
        return Arm(people, buyers, buyers, int(sum(paid)), sum(one * one for one in paid))

    found = [one for _ in range(200) if (one := compare(arm(900), arm(300))) is not None]

    buyers = sum(one.buyers.verdict != "open" for one in found)
    revenue = sum(one.revenue is not None and one.revenue.verdict != "open" for one in found)
    assert (len(found), buyers <= 18, revenue <= 18) == (200, True, True)


def test_with_few_buyers_only_the_shares_are_compared() -> None:
    found = compare(Arm(900, 90, 90, 900_000, 9e9), Arm(100, 29, 29, 90_000, 9e8))

    assert found is not None
    assert found.revenue is None
    assert found.buyers.verdict == "less"


def enter(database: Database, store_id: int, person: int, days: int, **values: Any) -> None:
    row = {
        "store_id": store_id,
        "flow_key": "review",
        "version_id": 1,
        "customer_id": person,
        "occurrence": f"order:{days}",
        "subject": f"order:{days}",
        "state": "completed",
        "step": "end",
        "context": {},
        "entered_at": NOW - days * DAY,
    }
    with database.write() as session:
        session.execute(insert(table_of(Enrollment)), [row | values])


def test_each_person_counts_once_with_what_they_bought_in_the_days_after(runtime: Runtime) -> None:
    store_id, database = new_store(runtime.database), runtime.database
    with database.write() as session:
        people = [add_customer(session, store_id).id for _ in range(4)]
        for person, days, values in (
            (people[0], 60, {}),
            (people[0], 50, {}),
            (people[0], 40, {"total_minor": 5_000, "refunded_minor": 1_000}),
            (people[0], 29, {}),
            (people[1], 55, {"is_counted": False}),
            (people[2], 59, {}),
            (people[2], 30, {}),
        ):
            add_order(session, store_id, person, placed_at=NOW - days * DAY, **values)
    enter(database, store_id, people[0], 60)
    enter(database, store_id, people[0], 45)
    enter(database, store_id, people[1], 60, state="exited")
    enter(database, store_id, people[2], 60, state="held_out")
    enter(database, store_id, people[3], 20)

    (job,) = [one for one in daily.CALENDAR if one.name == "holdout"]
    job.run(kit_of(runtime), Slot(NOW, NOW + DAY), NOW)

    with database.read() as session:
        found = effects.of_flow(session, store_id, "review")
        other = effects.of_flow(session, store_id, "welcome")
    assert found is not None
    assert found.treated == Arm(2, 1, 2, 14_000, 14_000.0**2)
    assert found.held_out == Arm(1, 1, 2, 20_000, 20_000.0**2)
    assert (found.difference, other) == (None, None)
