"""Review, worked out by hand: groceries are judged after 7 days, what is unknown after 14."""

from datetime import timedelta

import pytest

from tests.oracle_checks.tiny import DAY, HOUR, START, WOO, Tiny, at

LIVED = {"fulfilled": at("01-14 10:00"), "delivered": at("01-16 10:00")}


@pytest.fixture
def buyer(tiny: Tiny) -> str:
    """Somebody who agreed to mail before the flows were switched on."""
    email = tiny.shopper(2, START - DAY, email_consent_at=START - DAY)
    tiny.read("shopify", "customers", [2], START)
    return email


def test_delivery_brings_one_ask_and_one_reminder(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.steps(2) == {"M3": "sent 01-23 10:00", "M3R": "sent 01-30 10:00"}
    assert seen.states(2) == {"review order:100": "completed"}
    assert seen.enrollment(2, "review", "order:100").entered_at == LIVED["fulfilled"]


@pytest.mark.parametrize(
    ("kinds", "days"),
    [
        (["Grocery", "Apparel", "Garden Center", "Toys"], 30),
        (["Grocery", "Apparel", "Toys", "Garden Center"], 14),
        (["Grocery", "Apparel"], 10),
        (["Grocery", "Drug Gm", "Meat-pckgd"], 7),
    ],
)
def test_the_slowest_of_the_three_dearest_decides(
    tiny: Tiny, buyer: str, kinds: list[str], days: int
) -> None:
    for product, kind in enumerate(kinds, 1):
        tiny.product(product, kind)
    lines = [(product, 1000 - product) for product in range(1, len(kinds) + 1)]
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED, lines=lines)

    seen = tiny.play(at("02-20 00:00"), flows=("review",))

    assert seen.message(2, "M3").due_at == LIVED["delivered"] + days * DAY


def test_lines_of_one_product_are_summed_and_ties_go_to_the_lower_id_as_text(tiny: Tiny, buyer: str) -> None:
    tiny.product(9, "Garden Center")
    for product in (10, 11, 12):
        tiny.product(product)
    summed = [(9, 300), (9, 300), (10, 500), (11, 500), (12, 500)]
    tied = [(9, 500), (10, 500), (11, 500), (12, 500)]
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED, lines=summed)
    tiny.order(101, 2, at("01-13 10:00"), moments=LIVED, lines=tied)

    seen = tiny.play(at("02-20 00:00"), flows=("review",))

    # As text "10" < "11" < "12" < "9": the tied garden product is the fourth.
    assert seen.message(2, "M3", "100").due_at == LIVED["delivered"] + 30 * DAY
    assert seen.message(2, "M3", "101").due_at == LIVED["delivered"] + 7 * DAY


def test_a_product_that_is_not_mirrored_takes_the_standard_time(tiny: Tiny, buyer: str) -> None:
    values = {"product_id": 1, "department": "Grocery", "category": "", "cross_sell_ids": []}
    tiny.fact("product.created", "shopify", START - DAY, values)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.message(2, "M3").due_at == LIVED["delivered"] + 14 * DAY


def test_products_that_the_catalogue_lacks_are_not_asked_about(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED, lines=[(99, 5000), (1, 1000), (98, 900)])
    tiny.order(101, 2, at("01-13 11:00"), moments=LIVED, lines=[(99, 5000)])

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.message(2, "M3", "100").about == ("1",)
    assert "M3 order:101" not in seen.steps(2)


def test_nobody_is_asked_twice_about_a_product(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)
    tiny.order(101, 2, at("01-15 10:00"), moments={name: moment + DAY for name, moment in LIVED.items()})

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert list(seen.steps(2)) == ["M3", "M3R"]
    assert seen.states(2) == {"review order:100": "completed", "review order:101": "completed"}


def test_a_product_whose_ask_was_stopped_is_asked_about_again(tiny: Tiny) -> None:
    tiny.shopper(2, START - DAY, email_consent_at=at("01-23 20:00"))
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)
    tiny.order(101, 2, at("01-15 10:00"), moments={name: moment + DAY for name, moment in LIVED.items()})

    seen = tiny.play(at("01-25 00:00"), flows=("review",))

    assert seen.message(2, "M3", "100").reason == "no-legal-basis"
    assert seen.message(2, "M3", "101").sent_at == at("01-24 10:00")


@pytest.mark.parametrize("clicked", [True, False])
def test_who_clicked_is_not_reminded(tiny: Tiny, buyer: str, clicked: bool) -> None:
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)
    tiny.sink(buyer, at("01-23 10:00"), subject="How was it?")
    if clicked:
        tiny.react("click", buyer, at("01-23 10:00"), at("01-25 10:00"), subject="How was it?")

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert ("M3R" in seen.steps(2)) is not clicked


def test_a_click_while_the_reminder_waits_for_the_morning_stops_it(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    tiny.order(
        100, 2, at("01-13 10:00"), moments={"fulfilled": at("01-14 10:00"), "delivered": at("01-16 02:00")}
    )
    tiny.sink(buyer, at("01-23 07:00"), subject="How was it?")
    tiny.react("click", buyer, at("01-23 07:00"), at("01-30 06:00"), subject="How was it?")

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.steps(2) == {"M3": "sent 01-23 07:00", "M3R": "stopped trigger-false"}


@pytest.mark.parametrize(
    ("moments", "state"),
    [
        ({"refunded": at("01-20 10:00")}, "exited"),
        ({"refunded": at("01-25 10:00")}, "exited"),
        ({"cancelled": at("01-20 10:00")}, "exited"),
        ({}, "completed"),
    ],
)
def test_a_refund_or_a_cancellation_ends_it(
    tiny: Tiny, buyer: str, moments: dict[str, object], state: str
) -> None:
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments={**LIVED, **moments}, refunded=1)

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.states(2) == {"review order:100": state}
    assert ("M3R" in seen.steps(2)) is (state == "completed")


def test_a_refund_while_the_ask_waits_stops_it(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    moments = {"fulfilled": at("01-14 10:00"), "delivered": at("01-16 23:00"), "refunded": at("01-24 01:00")}
    tiny.order(100, 2, at("01-13 10:00"), moments=moments)

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.steps(2) == {"M3": "stopped trigger-false"}


def test_a_reminder_that_waits_is_stopped_although_the_journey_is_complete(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    moments = {"fulfilled": at("01-14 10:00"), "delivered": at("01-16 20:30"), "refunded": at("01-31 01:00")}
    tiny.order(100, 2, at("01-13 10:00"), moments=moments)

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.steps(2) == {"M3": "sent 01-24 07:00", "M3R": "stopped trigger-false"}
    assert seen.states(2) == {"review order:100": "completed"}


@pytest.mark.parametrize(("country", "days"), [("IT", 7), ("DE", 14), ("", 7)])
def test_without_a_delivery_the_limit_counts_as_delivered(tiny: Tiny, country: str, days: int) -> None:
    tiny.shopper(2, START - DAY, email_consent_at=START - DAY, country=country, region="")
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments={"fulfilled": at("01-14 10:00")})

    seen = tiny.play(at("02-20 00:00"), flows=("review",))

    assert seen.message(2, "M3").due_at == at("01-14 10:00") + (days + 7) * DAY


@pytest.mark.parametrize(("delivered", "transit"), [(20, timedelta(hours=50)), (19, timedelta(days=7))])
def test_the_median_transit_of_twenty_deliveries_counts_instead(
    tiny: Tiny, delivered: int, transit: timedelta
) -> None:
    tiny.shopper(2, START - DAY, email_consent_at=START - DAY)
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments={"fulfilled": at("01-14 10:00")})
    for number in range(delivered):
        gone = at("01-14 10:00")
        hours = 30 if number < 10 else 70
        moments = {"fulfilled": gone, "delivered": gone + hours * HOUR}
        tiny.order(200 + number, 2, at("01-13 10:00"), moments=moments, lines=[(7, 100)])

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.message(2, "M3", "order:100").due_at == at("01-14 10:00") + transit + 7 * DAY


def test_the_median_is_of_the_two_hundred_orders_placed_last(tiny: Tiny) -> None:
    tiny.shopper(2, START - DAY, email_consent_at=START - DAY)
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments={"fulfilled": at("01-14 10:00")})
    for number in range(300):
        gone = at("01-14 10:00")
        moments = {"fulfilled": gone, "delivered": gone + (30 if number < 120 else 70) * HOUR}
        placed = at("01-13 10:00") - number * timedelta(minutes=1)
        tiny.order(200 + number, 2, placed, moments=moments, lines=[(7, 100)])

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.message(2, "M3", "order:100").due_at == at("01-14 10:00") + 30 * HOUR + 7 * DAY


def test_a_delivery_told_late_counts_from_when_it_happened(tiny: Tiny, buyer: str) -> None:
    tiny.lost.add("fulfillments/update")
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)
    tiny.read("shopify", "orders", [100], at("01-19 09:00"), since="2026-01-18T00:00:00Z")

    seen = tiny.play(at("01-25 00:00"), flows=("review",))

    assert seen.message(2, "M3").due_at == LIVED["delivered"] + 7 * DAY


def test_completed_is_delivered_at_woocommerce(tiny: Tiny) -> None:
    tiny.shopper(3, START - DAY, platform=WOO, email_consent_at=START - DAY)
    tiny.product(1, platform=WOO)
    tiny.order(100, 3, at("01-13 10:00"), moments={"completed": at("01-15 10:00")})

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.message(3, "M3").due_at == at("01-22 10:00")


def test_a_parcel_that_overtakes_its_order_is_not_lost(tiny: Tiny, buyer: str) -> None:
    tiny.lost.update({"orders/create", "orders/paid", "orders/fulfilled"})
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)
    tiny.lost.clear()
    tiny.deliver("shopify", "orders/paid", 100, at("01-13 10:01"), acked=at("01-17 10:00"))

    seen = tiny.play(at("01-25 00:00"), flows=("review",))

    assert seen.message(2, "M3").due_at == LIVED["delivered"] + 7 * DAY


def test_unsubscribing_ends_it(tiny: Tiny) -> None:
    tiny.shopper(2, START - DAY, email_consent_at=START - DAY, withdrawn_at=at("01-20 10:00"))
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments=LIVED)

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.states(2) == {"review order:100": "exited"}
    assert seen.steps(2) == {}


def test_an_order_given_back_before_the_entry_enters_and_its_ask_is_stopped(tiny: Tiny, buyer: str) -> None:
    tiny.product(1)
    tiny.order(100, 2, at("01-13 10:00"), moments={"refunded": at("01-13 12:00"), **LIVED}, refunded=1)

    seen = tiny.play(at("02-05 00:00"), flows=("review",))

    assert seen.steps(2) == {"M3": "stopped trigger-false"}
    assert seen.states(2) == {"review order:100": "completed"}
