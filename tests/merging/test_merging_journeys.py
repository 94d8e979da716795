"""Two people in the middle of the same journeys are merged: each step reaches the one who is left once."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.merging import collapse
from app.messaging import send
from app.models import CustomerEvent, Enrollment, Message, Voucher
from app.models.message import COUNTED_STATES
from app.timers import NewTimer, set_timers
from jobs import outbox
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.merging.merging_shop import MergeShop
from tests.messaging.outbox_seed import ACCEPTED, Post

DAY = timedelta(days=1)
MICROS = int(NOW.timestamp() * 1_000_000)


def journey(shop: MergeShop, customer_id: int, step: str, turn: int, **values: Any) -> int:
    """Somebody in the welcome flow, who waits until tomorrow."""
    anchors = {"entered": MICROS - 4 * 86_400_000_000, "code_ends": MICROS + 20 * 86_400_000_000}
    number = shop.add(
        "enrollment",
        customer_id,
        step=step,
        turn=turn,
        due_at=NOW + DAY,
        context={"entry": "consent", "anchors": anchors},
        **values,
    )
    with shop.database.write() as session:
        set_timers(session, [NewTimer(shop.store_id, NOW + DAY, "enrollment", number, turn)])
    return number


def message(shop: MergeShop, customer_id: int, step: str, enrollment_id: int, **values: Any) -> int:
    """A message of such a journey; sent two days ago unless it says otherwise."""
    left = {} if "status" in values else {"status": "sent", "sent_at": NOW - 2 * DAY}
    return shop.add(
        "message",
        customer_id,
        key=f"welcome:{step}:{customer_id}:consent",
        step=step,
        enrollment_id=enrollment_id,
        context={"content": f"welcome/{step}", "only_if": ["enrollment-alive"]},
        **left,
        **values,
    )


def statuses(shop: MergeShop) -> list[tuple[Any, ...]]:
    return sorted(seeds.rows_of(shop.database, Message, "step", "status", "reason", "customer_id"))


def test_each_step_of_the_welcome_is_sent_once_to_two_who_are_one(shop: MergeShop) -> None:
    for who in (shop.kept, shop.merged):
        shop.says(who, "subscribed")
    ahead = journey(shop, shop.merged, "to-W4", 4)
    behind = journey(shop, shop.kept, "to-W3", 3)
    for step in ("W2", "W3"):
        message(shop, shop.merged, step, ahead)
    message(shop, shop.kept, "W2", behind, status="queued")

    shop.merge()
    post = Post()
    travel(shop, post, days=12)

    left = [step for step, status, *_ in statuses(shop) if status in COUNTED_STATES]
    assert left == ["W2", "W3", "W4", "W6"]
    assert len(post.sent) == 2
    assert seeds.rows_of(shop.database, Enrollment, "id", "customer_id", "exit_reason") == [
        (ahead, shop.kept, None),
        (behind, shop.kept, "merged"),
    ]


def test_the_journey_that_goes_on_sends_the_steps_that_nobody_had(shop: MergeShop) -> None:
    for who in (shop.kept, shop.merged):
        shop.says(who, "subscribed", address="lucia.rossi2@example.com")
    ahead = journey(shop, shop.kept, "to-W3", 3)
    behind = journey(shop, shop.merged, "to-W2", 2)
    message(shop, shop.kept, "W2", ahead)
    message(shop, shop.merged, "W3", behind, status="queued")

    shop.merge()
    post = Post()
    travel(shop, post, days=2)

    (sent,) = post.sent
    assert sent.to_address == "lucia.rossi2@example.com"
    assert statuses(shop) == [
        ("W2", "sent", None, shop.kept),
        ("W3", "cancelled", "merged", shop.kept),
        ("W3", "sent", None, shop.kept),
    ]
    assert seeds.waits_of(shop.database, "kind") == [("enrollment",)]


def travel(shop: MergeShop, post: Post, days: int) -> None:
    """Let the flows and the outbox go on, a day at a time, in the morning."""
    kit = Kit.build(shop.kit.runtime, post)
    for number in range(1, days + 1):
        now = NOW + number * DAY
        shop.run_flows(now)
        outbox.run(kit, now)


def test_a_message_that_may_have_left_stops_the_same_step_of_the_other(shop: MergeShop) -> None:
    for status in ("sending", "unknown", "bounced"):
        theirs = journey(shop, shop.merged, "to-W3", 3, occurrence=f"once:{status}")
        ours = journey(shop, shop.kept, "to-W3", 4, occurrence=f"once:{status}")
        shop.add(
            "message",
            shop.merged,
            key=f"welcome:W2:{shop.merged}:once:{status}",
            enrollment_id=theirs,
            status=status,
            sent_at=NOW,
        )
        shop.add("message", shop.kept, key=f"welcome:W2:{shop.kept}:once:{status}", enrollment_id=ours)

    shop.merge()

    assert sorted(seeds.values_of(shop.database, Message, "status")) == [
        "bounced",
        "cancelled",
        "cancelled",
        "cancelled",
        "sending",
        "unknown",
    ]


def test_the_answer_to_a_message_under_way_is_still_written_down(shop: MergeShop) -> None:
    number = journey(shop, shop.merged, "to-W3", 3)
    under_way = message(
        shop,
        shop.merged,
        "W2",
        number,
        status="sending",
        sent_at=NOW,
        lease_token="mine",
        lease_until=NOW,
        attempts=1,
    )

    shop.merge()
    with shop.database.write() as session:
        send.record(session, shop.store_id, "mine", results=[(under_way, ACCEPTED)], now=NOW)

    assert statuses(shop) == [("W2", "sent", None, shop.kept)]
    events = seeds.rows_of(shop.database, CustomerEvent, "customer_id", "type")
    assert (shop.kept, "message.sent") in events


def test_what_left_to_either_counts_against_the_caps_of_the_one_who_is_left(shop: MergeShop) -> None:
    shop.says(shop.kept, "subscribed")
    for who, days in ((shop.kept, 2), (shop.merged, 3), (shop.merged, 4)):
        shop.add("message", who, status="sent", sent_at=NOW - days * DAY)
    shop.merge()
    waiting = shop.add("message", shop.kept, expires_at=NOW + 9 * DAY)

    outbox.run(Kit.build(shop.kit.runtime, Post()), NOW)

    assert (waiting, "queued", "capped") in seeds.rows_of(shop.database, Message, "id", "status", "reason")


def test_codes_go_along_and_stay_with_the_journey_that_goes_on(shop: MergeShop) -> None:
    ahead = journey(shop, shop.kept, "to-W4", 4)
    behind = journey(shop, shop.merged, "to-W2", 2)
    for enrollment_id, name, who in (
        (behind, "welcome", shop.merged),
        (behind, "shipping", shop.merged),
        (ahead, "shipping", shop.kept),
    ):
        with shop.database.write() as session:
            session.add(
                Voucher(
                    store_id=shop.store_id,
                    customer_id=who,
                    enrollment_id=enrollment_id,
                    name=name,
                    flow_key="welcome",
                    code=f"{name}-{enrollment_id}",
                    kind="percentage",
                    value="10",
                    expires_at=NOW + DAY,
                )
            )

    shop.merge()

    assert sorted(seeds.rows_of(shop.database, Voucher, "name", "enrollment_id", "customer_id")) == [
        ("shipping", ahead, shop.kept),
        ("shipping", behind, shop.kept),
        ("welcome", ahead, shop.kept),
    ]


def test_a_holdout_arm_stays_what_it_was(shop: MergeShop) -> None:
    journey(shop, shop.merged, "done", 1, state="held_out")

    shop.merge()

    assert seeds.rows_of(shop.database, Enrollment, "customer_id", "state") == [(shop.kept, "held_out")]


def row(number: int, **values: Any) -> Any:
    fields: dict[str, Any] = {
        "id": number,
        "flow_key": "welcome",
        "occurrence": "consent",
        "state": "active",
        "turn": 1,
        "entered_at": NOW,
        "enrollment_id": None,
    }
    return SimpleNamespace(**(fields | values))


LATER: datetime = NOW + DAY


@pytest.mark.parametrize(
    ("first", "second", "loser"),
    [
        (row(1, turn=2), row(2, turn=3), 1),
        (row(1, turn=3), row(2, turn=3, entered_at=LATER), 2),
        (row(1, turn=9), row(2, state="completed"), 1),
        (row(1, state="held_out", turn=0), row(2, turn=5), 2),
    ],
    ids=["further", "earlier", "at its end", "held out"],
)
def test_the_journey_that_is_further_along_stays(first: Any, second: Any, loser: int) -> None:
    assert collapse.losers([second, first]) == {loser: 3 - loser}


def test_journeys_for_different_occasions_are_both_gone_on_with() -> None:
    found = collapse.losers([row(1), row(2, occurrence="first-order"), row(3, flow_key="birthday")])

    assert found == {}


def test_two_messages_may_swap_their_key() -> None:
    """The one that left gets the key of the other, who is left and whose own was never sent."""
    rows = [
        row(1, key="welcome:W2:5:consent", status="stopped", enrollment_id=50),
        row(2, key="welcome:W2:7:consent", status="sent", enrollment_id=70),
    ]

    kept = collapse.messages(rows, kept_id=5, outdone={70: 50})

    assert kept.keys == {1: "welcome:W2:5:consent|merged:1", 2: "welcome:W2:5:consent"}
    assert kept.journeys == {1: 70, 2: 50}
    assert kept.cancelled == []
