"""Steps beside messages: lots, tags, points, calls, and waits for an event that end anyhow."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from app.crypto import Signer
from app.db import Database
from app.flows import arms
from app.flows.steps import Arm, SplitByArm
from app.flows.why import why
from app.models import ScoreEntry, Store, StoreWrite
from app.privacy.erasure import erase_customer
from app.segments import scoring
from app.segments.scoring import Points, scores_of, shown
from tests.conftest import NOW
from tests.engines import Engine
from tests.flows.flows_world import World
from tests.seeds import rows_of

DAY = timedelta(days=1)
ANY: dict[str, Any] = {"purpose": "marketing", "priority": 3, "ttl_hours": 48, "content": "welcome/W2"}
TAG = {"kind": "tag", "id": "warm", "add": ["warm"], "remove": ["cold"]}
SCORE = {"kind": "score", "id": "points", "points": 25}
HOOK = {"kind": "webhook", "id": "tell", "url": "https://crm.example/hook"}
AWAIT = {"kind": "wait-event", "id": "await", "event": "message.clicked", "days": 3, "came": "B"}
_names = count(1)


@pytest.fixture(scope="module")
def database(_sqlite: Engine) -> Iterator[Database]:
    """One for all tests of this file: each has a shop of its own."""
    opened = Database(_sqlite.create())
    yield opened
    opened.dispose()


def shop(database: Database, *steps: dict[str, Any], holdout: str = "0", **entry: Any) -> World:
    """A shop whose cross-sell flow has these steps."""
    name = f"shop{next(_names)}"
    world = World.open(database, word=name, settings={"rails.holdout_percent": holdout})
    ways = {
        "id": "delivered",
        "events": ["order.delivered"],
        "occurrence": "{subject}",
        "steps": [{"kind": "message", "id": "M", **ANY, "is_on": True}, *steps],
        **entry,
    }
    world.publish({"key": "cross_sell", "entries": [ways]})
    return world


def begin(world: World, name: str = "1") -> int:
    person = world.customer()
    world.happens("order.delivered", person, NOW, subject=f"order:{name}")
    world.run(NOW)
    return person


def of_store(world: World, model: Any, *names: str) -> list[Any]:
    return [row[1:] for row in rows_of(world.database, model, "store_id", *names) if row[0] == world.store_id]


def split(*weights: int) -> SplitByArm:
    ways = tuple(Arm(name=f"arm{place}", weight=one, then="end") for place, one in enumerate(weights))
    return SplitByArm(kind="arms", id="s", arms=ways)


def test_the_lot_gives_each_arm_its_weight_and_everybody_the_same_again() -> None:
    lots = [arms.lot_of(domain="Bottega.example", flow="welcome", person=f"c{n}") for n in range(4000)]

    drawn = Counter(arms.arm_of(split(1, 3), lot).name for lot in lots)

    assert drawn["arm1"] / 4000 == pytest.approx(0.75, abs=0.03)
    assert lots[0] == "bottega.example:welcome:c0"
    assert [arms.arm_of(split(1, 3), lot) for lot in lots] == [arms.arm_of(split(1, 3), lot) for lot in lots]


def test_two_splits_of_a_flow_draw_anew() -> None:
    other = split(1, 1).model_copy(update={"id": "t"})
    lots = [arms.lot_of(domain="b", flow="welcome", person=f"c{n}") for n in range(2000)]

    same = sum(arms.arm_of(split(1, 1), lot).name == arms.arm_of(other, lot).name for lot in lots)

    assert same / 2000 == pytest.approx(0.5, abs=0.05)


def test_people_go_the_way_of_their_arm_and_why_can_tell_it(database: Database) -> None:
    ways = [{"name": name, "weight": 1, "then": name} for name in ("A", "B")]
    world = shop(
        database,
        {"kind": "arms", "id": "s", "arms": ways},
        {"kind": "message", "id": "A", **ANY},
        {"kind": "end", "id": "over"},
        {"kind": "message", "id": "B", **ANY},
    )

    people = [begin(world, str(number)) for number in range(12)]

    went = {row[0]: row[1] for row in world.messages("customer_id", "step") if row[1] != "M"}
    drawn = {row[0]: row[1]["arms"]["s"] for row in world.journeys("customer_id", "context")}
    assert went == drawn
    assert set(went.values()) == {"A", "B"}
    with database.read() as session:
        store = session.get_one(Store, world.store_id)
        answer = why(session, store, people[0], flow_key="cross_sell", on=NOW.date(), now=NOW)
    assert [one.what for one in answer.findings if one.code == "arm-drawn"] == [went[people[0]]]


def test_tags_points_and_calls_are_done_once_in_the_journeys_transaction(database: Database) -> None:
    world = shop(database, TAG, SCORE, HOOK, {"kind": "wait", "id": "w", "anchor": "entered", "days": 2})
    person = world.customer()
    world.happens("order.delivered", person, NOW, subject="order:7")

    with pytest.raises(ZeroDivisionError):
        world.run_and_fail(NOW)
    nothing = of_store(world, StoreWrite, "kind")
    world.run(NOW)
    world.run(NOW + 3 * DAY)

    writes = {row[0]: row[1] for row in of_store(world, StoreWrite, "kind", "payload")}
    assert (nothing, len(of_store(world, StoreWrite, "kind"))) == ([], 2)
    assert writes["tags"] == {"warm": True, "cold": False}
    assert writes["webhook"]["url"] == "https://crm.example/hook"
    assert writes["webhook"]["told"]["customer_id"] == person
    assert "email" not in writes["webhook"]["told"]
    assert of_store(world, ScoreEntry, "customer_id", "programme", "points") == [(person, "lead", 25)]
    with database.read() as session:
        store = session.get_one(Store, world.store_id)
        answer = why(session, store, person, flow_key="cross_sell", on=NOW.date(), now=NOW)
    done = [one.what for one in answer.findings if one.code == "step-done"]
    assert done == ["warm", "points", "tell"]


def test_who_is_held_out_gets_no_tag_no_points_and_no_call(database: Database) -> None:
    world = shop(database, TAG, SCORE, HOOK, holdout="50")
    for number in range(20):
        begin(world, str(number))

    states = Counter(world.journeys("state"))
    (contexts,) = [[context for state, context in world.journeys("state", "context") if state == "held_out"]]
    assert 0 < states["held_out"] < 20
    assert len(of_store(world, ScoreEntry, "id")) == states["completed"]
    assert all("done" not in context for context in contexts)


@pytest.mark.parametrize(
    ("details", "after", "steps"),
    [
        ({"step": "M"}, DAY, ["M", "B"]),
        ({"step": "M"}, 4 * DAY, ["M", "A"]),
        ({"step": "other"}, DAY, ["M", "A"]),
    ],
)
def test_a_wait_for_an_event_goes_on_when_it_comes_or_when_it_is_over(
    database: Database, details: dict[str, str], after: timedelta, steps: list[str]
) -> None:
    world = shop(
        database,
        AWAIT | {"where": {"step": "M"}},
        {"kind": "message", "id": "A", **ANY},
        {"kind": "end", "id": "over"},
        {"kind": "message", "id": "B", **ANY},
    )
    person = begin(world)

    for at in sorted((NOW + after, NOW + 3 * DAY)):
        if at == NOW + after:
            world.happens("message.clicked", person, at, details)
        world.run(at)

    assert world.messages() == steps


def test_what_an_event_leads_to_may_ask_what_became_of_an_earlier_message(database: Database) -> None:
    bonus = {"kind": "message", "id": "B", **ANY, "only_if": ["left:M"]}
    world = shop(database, AWAIT, {"kind": "end", "id": "over"}, bonus)
    person, at = begin(world), NOW + timedelta(hours=1)

    world.sent("M", NOW)
    world.happens("message.clicked", person, at)
    world.run(at)

    assert world.messages() == ["M", "B"]


def test_an_event_of_another_matter_is_not_awaited_by_who_waits_for_their_own(database: Database) -> None:
    own = AWAIT | {"event": "order.refunded", "about": "own", "sets": "refunded"}
    late = {"kind": "wait", "id": "B", "anchor": "refunded", "days": 1}
    world = shop(database, own | {"came": "B"}, {"kind": "end", "id": "over"}, late, anchors=[], exits=[])
    person = begin(world, "1")

    world.happens("order.refunded", person, NOW + timedelta(hours=1), subject="order:2")
    world.run(NOW + timedelta(hours=1))
    other = world.journeys("step", "due_at")
    world.happens("order.refunded", person, NOW + timedelta(hours=5), subject="order:1")
    world.run(NOW + timedelta(hours=5))

    assert other == [("await", NOW + 3 * DAY)]
    assert world.journeys("step", "due_at") == [("B", NOW + timedelta(hours=29))]


@pytest.mark.parametrize(
    ("points", "score"),
    [
        ([25, 5, 15, 5, 5, 5, 5], 65),
        ([25, 15, 5, 5, 5, 5], 60),
        ([25, 5, 15, -5, -10, -15, -15], 0),
        ([25, 5, 15, 5, -10, 5, -15], 30),
        ([25, 5, 15, 5, -5, 5, -5], 45),
        ([25, 5, 15, 5, -5, 5, -10], 40),
        ([-20, 10], 10),
        ([90, 90, -30], 70),
        ([], 0),
    ],
)
def test_a_scale_never_leaves_0_to_100_on_the_way(points: list[int], score: int) -> None:
    """The first six are the vectors of DEFINITIONS.md: the worked programme and its three readings."""
    assert shown(points) == score


def test_a_score_decides_the_way(database: Database) -> None:
    hot = {"kind": "split", "id": "hot", "condition": "score-at-least:lead:50", "then": "B"}
    world = shop(
        database,
        hot,
        {"kind": "message", "id": "A", **ANY, "only_if": ["score-below:lead:50"]},
        {"kind": "end", "id": "over"},
        {"kind": "message", "id": "B", **ANY, "only_if": ["score-at-least:lead:50"]},
    )
    people = [world.customer(), world.customer()]
    with database.write() as session:
        scoring.add(session, [Points(world.store_id, people[1], "lead", 50, "form:1", NOW)])
    for number, person in enumerate(people):
        world.happens("order.delivered", person, NOW, subject=f"order:{number}")
    world.run(NOW)

    went = [row for row in world.messages("customer_id", "step") if row[1] != "M"]
    assert sorted(went) == [(people[0], "A"), (people[1], "B")]


def test_the_same_source_never_counts_twice(database: Database) -> None:
    world = shop(database)
    person = world.customer()
    entry = Points(world.store_id, person, "lead", 25, "form:1", NOW)

    with database.write() as session:
        new = scoring.add(session, [entry]), scoring.add(session, [entry])
        found = scores_of(session, world.store_id, [person])

    assert (new, found) == ((1, 0), {person: {"lead": 25}})


def test_erasure_takes_the_points_and_the_calls_that_wait(database: Database) -> None:
    world = shop(database, SCORE, HOOK)
    person = begin(world)

    with database.write() as session:
        erase_customer(session, Signer("key"), world.store_id, person, now=NOW)

    assert of_store(world, ScoreEntry, "id") == []
    assert of_store(world, StoreWrite, "id") == []
