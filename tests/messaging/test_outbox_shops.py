"""Many shops, one outbox: no shop waits for another's storm, none fails for another's broken message."""

from datetime import timedelta

import pytest

from app import clock
from app.flows import switch
from app.models import Decision, Message, SetAside, Store
from app.runtime import Runtime
from jobs.outbox import run, run_store
from tests import seeds
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

STORM, SHARE = 130, 128


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_shops_storm_keeps_another_shop_waiting_for_one_share_at_most(runtime: Runtime, shop: Shop) -> None:
    quiet, post = open_shop(runtime, "quiet"), Post()
    storm = [shop.add_message() for _ in range(STORM)]
    single = quiet.add_message()

    run(shop.kit(post), NOW)

    assert sorted(post.sent_ids) == [*storm, single]
    assert post.sent_ids.index(single) == SHARE


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_becomes_due_while_another_shop_sends_leaves_in_the_next_round(
    runtime: Runtime, shop: Shop
) -> None:
    quiet, post = open_shop(runtime, "quiet"), Post()
    storm = [shop.add_message() for _ in range(20)]
    later = quiet.add_message(next_at=NOW + timedelta(milliseconds=1))
    clock.travel_to(None)

    run(shop.kit(post), NOW)

    assert post.sent_ids == [*storm, later]


def test_a_full_batch_sees_what_else_its_customers_have_due(shop: Shop) -> None:
    who = shop.add_subscriber()
    lesser, better = shop.add_message(who, priority=5), shop.add_message(who, priority=1)
    shop.add_message()
    post = Post()

    looked_at, goes_on = run_store(shop.kit(post), shop.id, NOW, 1)

    assert (looked_at, goes_on, post.sent_ids) == (2, True, [better])
    assert shop.message(lesser).reason == "lost-to-better"


def test_a_broken_message_stops_its_own_shop_alone(runtime: Runtime, shop: Shop) -> None:
    other, post = open_shop(runtime, "other"), Post()
    shop.add_message(context={})
    theirs = other.add_message()

    run(shop.kit(post), NOW)

    assert seeds.rows_of(shop.database, SetAside, "store_id", "work") == [(shop.id, "outbox")]
    assert post.sent_ids == [theirs]
    assert (shop.statuses(), other.message(theirs).status) == (["queued", "sent"], "sent")


def test_a_message_that_cannot_be_completed_is_stopped_with_what_it_lacks(shop: Shop) -> None:
    message_id, post = shop.add_message(step="W4", context={"content": "welcome/W4", "only_if": []}), Post()

    run(shop.kit(post), NOW)

    ((reason, steps),) = seeds.rows_of(shop.database, Decision, "reason", "steps")
    assert post.sent == []
    assert (shop.message(message_id).status, reason) == ("stopped", "content-unresolved")
    assert "voucher" in steps[-1]["value"]


def test_a_message_that_is_stopped_takes_no_place_in_the_day(shop: Shop) -> None:
    who, post = shop.add_subscriber(), Post()
    shop.add_message(who, step="W4", priority=1, context={"content": "welcome/W4", "only_if": []})
    other = shop.add_message(who, priority=2)

    run(shop.kit(post), NOW)

    assert post.sent_ids == [other]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_is_switched_off_or_uninstalled_sends_nothing(runtime: Runtime, shop: Shop) -> None:
    gone, post = open_shop(runtime, "gone"), Post()
    with runtime.database.write() as session:
        switch.deactivate(session, shop.id, "welcome", NOW)
        session.get_one(Store, gone.id).state = "uninstalled"
    messages = [shop.add_message(), gone.add_message()]

    run(shop.kit(post), NOW)

    assert post.sent == []
    assert [shop.message(message_id).reason for message_id in messages] == ["switched-off", "uninstalled"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_message_that_is_put_off_again_adds_no_decision(shop: Shop) -> None:
    who = shop.add_subscriber()
    shop.add_message(who)
    run(shop.kit(Post()), NOW)
    other = shop.add_message(who)

    for hours in range(3):
        with shop.database.write() as session:
            session.get_one(Message, other).next_at = NOW
        run(shop.kit(Post()), NOW.replace(hour=10 + hours))

    rows = seeds.rows_of(shop.database, Decision, "message_id", "verdict", "reason")
    assert [row for row in rows if row[0] == other] == [(other, "postpone", "capped")]
