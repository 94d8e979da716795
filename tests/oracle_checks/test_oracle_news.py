"""What Ritorno can know, and what the provider's sink says of it."""

import pytest

from tests.oracle_checks.tiny import DAY, START, WOO, Tiny, at


def asked_buyer(tiny: Tiny) -> str:
    """A subscriber of old whose grocery was delivered on 15 January at 10:00: M3 is due a week later."""
    email = tiny.shopper(2, START - DAY, email_consent_at=START - DAY)
    tiny.read("shopify", "customers", [2], START)
    tiny.product(1)
    moments = {"fulfilled": at("01-13 10:00"), "delivered": at("01-15 10:00")}
    tiny.order(100, 2, at("01-12 10:00"), lines=[(1, 100)], moments=moments)
    return email


def test_the_same_news_twice_changes_nothing(tiny: Tiny) -> None:
    asked_buyer(tiny)
    once = tiny.play(at("02-05 00:00"))
    tiny.lines["deliveries"] += list(reversed(tiny.lines["deliveries"]))
    tiny.read("shopify", "orders", [100], at("01-20 10:00"))

    twice = tiny.play(at("02-05 00:00"))

    assert twice.expected == once.expected


def test_forged_and_failed_deliveries_tell_nothing(tiny: Tiny) -> None:
    tiny.lost.update({"orders/create", "orders/paid"})
    tiny.shopper(2, START - DAY)
    tiny.order(100, 2, at("01-13 10:00"))
    tiny.lost.clear()
    tiny.deliver("shopify", "orders/paid", 100, at("01-13 10:01"), forged=True, outcome="rejected")
    tiny.deliver("shopify", "orders/paid", 100, at("01-13 10:01"), outcome="failed", status=400)

    seen = tiny.play(at("01-15 00:00"))

    assert seen.expected.orders == {}


def test_a_webhook_shows_the_state_of_its_own_moment(tiny: Tiny) -> None:
    tiny.lost.update({"orders/create", "orders/paid"})
    tiny.shopper(2, START - DAY)
    tiny.order(100, 2, at("01-13 10:00"))
    tiny.shopper(3, START - DAY, platform=WOO)
    tiny.lost.add("order.created")
    tiny.order(101, 3, at("01-13 10:00"), moments={"paid": None})
    tiny.fact("order.paid", WOO, at("01-13 10:01"), {"basket": 101, "household": 3, "total_minor": 1000})
    tiny.lost.clear()
    tiny.deliver("shopify", "orders/create", 100, at("01-13 10:00"), due="2026-01-13T12:00:00Z")
    tiny.deliver(WOO, "order.created", 101, at("01-13 10:00"), due="2026-01-13T10:01:30Z")

    seen = tiny.play(at("01-15 00:00"))

    assert not seen.expected.orders["shopify", "100"].is_counted
    assert seen.expected.orders[WOO, "101"].is_counted


def paid_by_other_news(tiny: Tiny) -> None:
    """A first order whose orders/paid was lost; the parcel's news show that it is paid."""
    tiny.shopper(2, START - DAY)
    tiny.lost.add("orders/paid")
    tiny.order(100, 2, at("01-13 10:00"), moments={"paid": at("01-13 10:20"), "fulfilled": at("01-14 10:00")})


def test_without_orders_paid_an_order_counts_as_paid_when_it_was_placed(tiny: Tiny) -> None:
    paid_by_other_news(tiny)

    seen = tiny.play(at("01-15 00:00"))

    assert seen.enrollment(2, "welcome", "first-order").entered_at == at("01-13 10:00")


@pytest.mark.parametrize(("acked", "entered"), [("01-14 10:00", "10:20"), ("01-14 11:00", "10:00")])
def test_orders_paid_counts_unless_other_news_came_first(tiny: Tiny, acked: str, entered: str) -> None:
    paid_by_other_news(tiny)
    tiny.lost.clear()
    tiny.deliver("shopify", "orders/paid", 100, at("01-13 10:20"), acked=at(acked))

    seen = tiny.play(at("01-15 00:00"))

    assert seen.enrollment(2, "welcome", "first-order").entered_at == at(f"01-13 {entered}")


@pytest.mark.parametrize(("is_told", "first"), [(True, "101"), (False, "100")])
def test_a_late_orders_paid_still_sets_the_moment_right(tiny: Tiny, is_told: bool, first: str) -> None:
    paid_by_other_news(tiny)
    tiny.lost.clear()
    tiny.order(101, 2, at("01-13 10:05"), moments={"paid": at("01-13 10:10")})
    if is_told:
        tiny.deliver("shopify", "orders/paid", 100, at("01-13 10:20"), acked=at("01-14 15:00"))

    seen = tiny.play(at("01-15 00:00"))

    assert seen.expected.first_orders == {("shopify", "2"): first}
    assert seen.enrollment(2, "welcome", "first-order").entered_at == at("01-13 10:10")


def test_with_every_flow_switched_off_the_mirror_still_knows(tiny: Tiny) -> None:
    tiny.shopper(3, START - DAY, platform=WOO)
    tiny.order(101, 3, at("01-13 10:00"))

    seen = tiny.play(at("01-15 00:00"), flows=())

    assert set(seen.expected.orders) == {(WOO, "101")}
    assert seen.expected.enrollments == {}


def test_the_sink_is_compared_with_what_left(tiny: Tiny) -> None:
    email = asked_buyer(tiny)
    tiny.sink(email, at("01-22 10:00"))

    agreeing = tiny.play(at("01-24 00:00"), flows=("review",)).expected.problems
    tiny.sink(email, at("01-23 10:00"))
    tiny.add("sink", {**tiny.lines["sink"][0], "times": 2, "number": 9})
    differing = tiny.play(at("01-24 00:00"), flows=("review",)).expected.problems
    tiny.lines["sink"].clear()
    missing = tiny.play(at("01-24 00:00"), flows=("review",)).expected.problems

    assert agreeing == []
    assert differing == [
        "message 1 was accepted 2 times",
        "2026-01-23 10:00 UTC to p2@example.com: 0 messages should leave, the sink has 1",
    ]
    assert missing == ["2026-01-22 10:00 UTC to p2@example.com: 1 messages should leave, the sink has 0"]
