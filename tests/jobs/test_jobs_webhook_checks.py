"""WooCommerce's webhooks every quarter of an hour: what was switched off or lost is made anew, and told."""

from datetime import datetime, timedelta

import pytest

from app.mirror import pulls
from app.models import InboundEvent, Reconciliation, Store
from app.stores import verification
from app.web import attention
from connectors.storefronts.woocommerce.topics import MINIMUM_TOPICS
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import delivery, receive
from tests.jobs.jobs_woo import Watched
from tests.stores.stores_seed import arrive, woo_arrival

QUARTER = timedelta(minutes=15)
WEBHOOKS = "/woo/wp-json/wc/v3/webhooks"


def test_the_first_check_registers_what_a_new_store_lacks(watched: Watched) -> None:
    noted = {one["topic"]: one["state"] for one in watched.store().subscriptions}

    assert noted == dict.fromkeys(MINIMUM_TOPICS, "active")
    assert {hook["topic"] for hook in watched.platforms.webhooks} == set(MINIMUM_TOPICS)
    assert watched.chore().next_at == NOW + QUARTER


def test_webhooks_that_serve_are_left_alone_and_looked_at_every_quarter_of_an_hour(watched: Watched) -> None:
    before = list(watched.platforms.webhooks)

    early, due = watched.check(NOW + QUARTER / 2), watched.check(NOW + QUARTER)

    assert (early, due) == (0, 1)
    assert watched.platforms.webhooks == before
    assert watched.remade() == []


def test_a_disabled_webhook_is_made_anew_with_a_new_secret(watched: Watched) -> None:
    old = dict(watched.hook("order.updated"))
    watched.hook("order.updated")["status"] = "disabled"

    watched.check(NOW + QUARTER)

    new = watched.hook("order.updated")
    assert (new["status"], new["id"] != old["id"], new["secret"] != old["secret"]) == ("active", True, True)
    assert watched.accepted("order.updated")[:2] == [new["secret"], old["secret"]]
    assert watched.remade() == [("order.updated", "disabled")]


def test_the_old_secret_is_accepted_until_the_next_check(watched: Watched) -> None:
    old = watched.hook("order.updated")["secret"]
    watched.hook("order.updated")["status"] = "disabled"
    watched.check(NOW + QUARTER)
    meanwhile = watched.accepted("order.updated")

    watched.check(NOW + 2 * QUARTER)

    assert old in meanwhile
    assert old not in watched.accepted("order.updated")
    assert watched.accepted("order.updated")[0] == watched.hook("order.updated")["secret"]


def test_a_process_that_remembers_the_store_as_it_was_takes_the_new_secret(watched: Watched) -> None:
    remembered = watched.store()
    watched.hook("order.updated")["status"] = "disabled"

    watched.check(NOW + QUARTER)

    known = verification.woocommerce_secrets(watched.runtime, remembered, "order.updated")
    assert watched.hook("order.updated")["secret"] in known


def test_what_was_lost_is_pulled_from_the_last_good_delivery_on(watched: Watched) -> None:
    last_good, long_ago = NOW - timedelta(hours=5), NOW - timedelta(days=2)
    rows = [
        delivery(watched.store_id, topic, b"{}", topic, received_at=at, source="woocommerce")
        for topic, at in (("order.updated", last_good), ("order.created", long_ago))
    ]
    receive(watched.runtime.database, rows)
    with watched.runtime.database.write() as session:
        session.query(Reconciliation).update({"pulled_to": NOW, "next_at": NOW + timedelta(days=1)})
    watched.hook("order.updated")["status"] = "disabled"

    watched.check(NOW + QUARTER)

    due = seeds.rows_of(watched.runtime.database, Reconciliation, "resource", "pulled_to", "next_at")
    assert sorted(due) == [
        ("checkouts", NOW, NOW + timedelta(days=1)),
        ("customers", NOW, NOW + timedelta(days=1)),
        ("orders", last_good, NOW + QUARTER),
        ("products", NOW, NOW + timedelta(days=1)),
        ("reviews", NOW, NOW + timedelta(days=1)),
    ]


def test_a_pull_that_is_under_way_does_not_put_the_catching_up_off(watched: Watched) -> None:
    with watched.runtime.database.write() as session:
        claimed = pulls.claim_reconciliations(session, watched.store_id, NOW + timedelta(days=1))
        caught_up = claimed[0].resource
        pulls.catch_up(session, watched.store_id, caught_up, since=NOW, now=NOW)

        store = session.get_one(Store, watched.store_id)
        moment = NOW + QUARTER
        pulls.finish_reconciliations(session, claimed, store, pulled_to=moment, now=moment)

    told = seeds.rows_of(watched.runtime.database, Reconciliation, "resource", "pulled_to", "next_at")
    assert [row for row in told if row[1] == NOW] == [(caught_up.value, NOW, NOW)]


def test_a_deleted_webhook_is_made_anew(watched: Watched) -> None:
    watched.platforms.webhooks.remove(watched.hook("product.updated"))

    watched.check(NOW + QUARTER)

    assert watched.hook("product.updated")["secret"] == watched.accepted("product.updated")[0]
    assert watched.remade() == [("product.updated", "missing")]


def test_a_paused_webhook_is_the_merchants_wish(watched: Watched) -> None:
    watched.hook("order.updated").update(status="paused", delivery_url="https://before.example/hooks")

    watched.check(NOW + QUARTER)

    assert watched.hook("order.updated")["status"] == "paused"
    noted = {one["topic"]: one["state"] for one in watched.store().subscriptions}
    assert noted["order.updated"] == "paused"
    assert watched.remade() == []


def test_webhooks_of_an_earlier_address_are_replaced(watched: Watched) -> None:
    for hook in watched.platforms.webhooks:
        hook["delivery_url"] = hook["delivery_url"].replace("http://app.test", "https://before.example")

    watched.check(NOW + QUARTER)

    assert len(watched.platforms.webhooks) == len(MINIMUM_TOPICS)
    assert {hook["delivery_url"][:15] for hook in watched.platforms.webhooks} == {"http://app.test"}
    assert {reason for _, reason in watched.remade()} == {"moved"}


def test_webhooks_of_others_are_left_alone(watched: Watched) -> None:
    other = {"id": 9000, "topic": "order.updated", "status": "disabled", "delivery_url": "https://o.example/"}
    watched.platforms.webhooks.append(other)

    watched.check(NOW + QUARTER)

    assert other in watched.platforms.webhooks
    assert watched.remade() == []


def test_a_webhook_of_ours_whose_secret_nobody_noted_is_replaced(watched: Watched) -> None:
    """As after a kill between the shop's answer and our note of it."""
    watched.hook("order.updated").update(id=777, secret="nobody knows")

    watched.check(NOW + QUARTER)

    assert watched.hook("order.updated")["secret"] == watched.accepted("order.updated")[0]
    assert watched.remade() == [("order.updated", "strange")]


def test_a_store_that_does_not_answer_is_asked_later_and_later_and_the_error_is_kept(
    watched: Watched,
) -> None:
    watched.platforms.silent_paths.add(WEBHOOKS)
    tries = []
    at = NOW + QUARTER

    for _ in range(3):
        watched.check(at)
        tries.append(watched.chore().next_at - at)
        at = watched.chore().next_at

    assert tries == [timedelta(seconds=30), timedelta(minutes=1), timedelta(minutes=2)]
    assert "503" in str(watched.chore().error)


def test_a_check_that_breaks_off_is_made_up_for(watched: Watched) -> None:
    """The shop deletes the webhook and then fails: nothing is left of it, and the next check sees that."""
    watched.hook("order.updated")["status"] = "disabled"
    watched.platforms.silent_methods.add("POST")
    watched.check(NOW + QUARTER)
    left = [one for one in watched.platforms.webhooks if one["topic"] == "order.updated"]

    watched.platforms.silent_methods.clear()
    watched.check(NOW + 2 * QUARTER)

    assert left == []
    assert watched.hook("order.updated")["secret"] == watched.accepted("order.updated")[0]
    assert watched.remade() == [("order.updated", "missing")]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_that_comes_back_keeps_the_secrets_of_the_webhooks_it_still_has(watched: Watched) -> None:
    watched.hook("order.updated")["status"] = "disabled"
    watched.check(NOW + QUARTER)

    arrive(watched.runtime, woo_arrival(watched.platforms), NOW + QUARTER)
    watched.check(NOW + QUARTER)

    for hook in watched.platforms.webhooks:
        assert hook["secret"] in watched.accepted(hook["topic"])


def _told(watched: Watched) -> list[str]:
    """What the home page says of webhooks."""
    with watched.runtime.database.read() as session:
        store = session.get_one(Store, watched.store_id)
        items = attention.of_store(
            session, store, has_sender=True, active_flows=1, grant_url="/", ways_out=[]
        )
        return [item.key for item in items if item.key.startswith("webhooks")]


def _receive_ping(watched: Watched, at: datetime) -> None:
    row = delivery(watched.store_id, "ping", b"webhook_id=1", "ping", received_at=at, source="woocommerce")
    receive(watched.runtime.database, [row | {"status": "ignored"}])


def test_a_shop_that_never_reaches_us_is_told_until_its_first_ping(watched: Watched) -> None:
    told = [_told(watched)]
    watched.check(NOW + QUARTER)
    told.append(_told(watched))

    _receive_ping(watched, NOW + QUARTER)
    watched.check(NOW + 2 * QUARTER)

    assert told == [["webhooks_unreached"]] * 2
    assert _told(watched) == []


def test_a_shop_that_reached_us_once_is_not_doubted_for_being_quiet(watched: Watched) -> None:
    _receive_ping(watched, NOW)
    watched.check(NOW + QUARTER)
    with watched.runtime.database.write() as session:
        session.query(InboundEvent).delete()
    watched.hook("order.updated")["status"] = "disabled"

    watched.check(NOW + 2 * QUARTER)

    assert _told(watched) == []
