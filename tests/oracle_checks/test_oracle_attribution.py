"""Attribution, revenue and first orders, worked out by hand."""

from datetime import datetime, timedelta

import pytest

from tests.oracle_checks.tiny import DAY, START, Tiny, at

CLICKED = at("01-14 10:00")
W1_AT = at("01-13 11:00")


@pytest.fixture
def reader(tiny: Tiny) -> str:
    """W1 leaves on 13 January at 11:00 and carries a code."""
    email = tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))
    tiny.voucher("HELLO-1")
    tiny.sink(email, W1_AT, subject="Welcome", text="Your code: hello-1")
    return email


@pytest.mark.parametrize(
    ("placed", "counts"),
    [
        (CLICKED, False),
        (CLICKED + timedelta(seconds=1), True),
        (CLICKED + 5 * DAY, True),
        (CLICKED + 5 * DAY + timedelta(seconds=1), False),
    ],
)
def test_a_click_counts_for_five_days(tiny: Tiny, reader: str, placed: datetime, counts: bool) -> None:
    tiny.react("click", reader, W1_AT, CLICKED, subject="Welcome")
    tiny.order(100, 2, placed)

    seen = tiny.play(at("01-25 00:00"))

    found = seen.expected.attributions.get(("shopify", "100"))
    assert (found is not None) is counts
    if found:
        assert (found.rule, found.message.step, found.amount_minor) == ("last-click", "W1", 1000)


def test_the_last_click_wins(tiny: Tiny, reader: str) -> None:
    tiny.sink(reader, at("01-15 11:00"), subject="Story")
    tiny.react("click", reader, at("01-15 11:00"), at("01-16 10:00"), subject="Story")
    tiny.react("click", reader, W1_AT, at("01-16 11:00"), subject="Welcome")
    tiny.order(100, 2, at("01-16 12:00"))

    seen = tiny.play(at("01-25 00:00"))

    assert seen.expected.attributions["shopify", "100"].message.step == "W1"


def test_a_redeemed_code_wins_over_any_click(tiny: Tiny, reader: str) -> None:
    tiny.sink(reader, at("01-15 11:00"), subject="Story")
    tiny.react("click", reader, at("01-15 11:00"), at("01-16 10:00"), subject="Story")
    tiny.order(100, 2, at("01-16 12:00"), code="HELLO-1")

    seen = tiny.play(at("01-25 00:00"))

    found = seen.expected.attributions["shopify", "100"]
    assert (found.rule, found.message.step) == ("voucher", "W1")


def test_the_last_message_that_carried_the_code_gets_the_order(tiny: Tiny, reader: str) -> None:
    tiny.sink(reader, at("01-20 11:00"), subject="Soon over", text="hello-1 ends")
    tiny.order(100, 2, at("01-21 12:00"), code="HELLO-1")

    seen = tiny.play(at("01-25 00:00"))

    assert seen.expected.attributions["shopify", "100"].message.step == "W4"


def test_a_code_of_the_shops_own_is_nobodys(tiny: Tiny, reader: str) -> None:
    tiny.order(100, 2, at("01-16 12:00"), code="SUMMER")

    seen = tiny.play(at("01-25 00:00"))

    assert seen.expected.attributions == {}


@pytest.mark.parametrize(
    ("moments", "amount"),
    [
        ({}, 1000),
        ({"refunded": at("01-20 10:00")}, 700),
        ({"cancelled": at("01-20 10:00")}, 0),
    ],
)
def test_refunds_come_off(tiny: Tiny, reader: str, moments: dict[str, datetime], amount: int) -> None:
    tiny.react("click", reader, W1_AT, CLICKED, subject="Welcome")
    tiny.order(100, 2, at("01-15 10:00"), moments=moments, refunded=300)

    seen = tiny.play(at("01-25 00:00"))

    assert seen.expected.attributions["shopify", "100"].amount_minor == amount


def test_an_unpaid_order_goes_to_nobody(tiny: Tiny, reader: str) -> None:
    tiny.react("click", reader, W1_AT, CLICKED, subject="Welcome")
    tiny.order(100, 2, at("01-15 10:00"), moments={"paid": None})

    seen = tiny.play(at("01-25 00:00"))

    assert seen.expected.attributions == {}


def test_clicks_of_scanners_and_of_others_never_count(tiny: Tiny, reader: str) -> None:
    tiny.react("scan", reader, W1_AT, CLICKED, subject="Welcome")
    other = tiny.shopper(4, START - DAY)
    tiny.react("click", other, W1_AT, CLICKED, subject="Welcome")
    tiny.order(100, 2, at("01-15 10:00"))

    seen = tiny.play(at("01-25 00:00"))

    assert seen.expected.attributions == {}


def test_revenue_is_what_was_ordered_and_what_went_back(tiny: Tiny, reader: str) -> None:
    tiny.react("click", reader, W1_AT, CLICKED, subject="Welcome")
    tiny.order(
        100,
        2,
        at("01-15 10:00"),
        lines=[(1, 1000), (2, 500)],
        moments={"refunded": at("01-20 10:00")},
        refunded=300,
    )
    tiny.order(101, 2, at("01-22 10:00"), lines=[(1, 250)])
    tiny.order(102, 2, at("01-22 11:00"), lines=[(1, 400)], moments={"paid": None})

    seen = tiny.play(at("01-25 00:00"))

    revenue = seen.expected.revenue("shopify")
    assert (revenue.total_minor, revenue.refunded_minor, revenue.attributed_minor) == (1750, 300, 1200)
    assert seen.expected.first_orders == {("shopify", "2"): "100"}


def test_the_first_order_is_the_first_that_counts(tiny: Tiny, reader: str) -> None:
    tiny.order(100, 2, at("01-15 10:00"), moments={"cancelled": at("01-15 12:00")})
    tiny.order(101, 2, at("01-16 10:00"))

    seen = tiny.play(at("01-25 00:00"))

    assert seen.expected.first_orders == {("shopify", "2"): "101"}


def test_two_messages_of_one_moment_find_their_lines_by_the_code(tiny: Tiny) -> None:
    # M3 of a grocery and W1 both leave on 22 January at 10:00; the sink took M3 first.
    email = tiny.shopper(2, at("01-01 10:00"), email_consent_at=at("01-22 10:00"))
    tiny.product(1)
    moments = {"fulfilled": at("01-14 10:00"), "delivered": at("01-15 10:00"), "paid": at("01-22 09:59")}
    tiny.order(100, 2, at("01-13 10:00"), moments={**moments, "paid": None})
    tiny.voucher("HELLO-1")
    tiny.sink(email, at("01-22 10:00"), subject="How was it?")
    tiny.sink(email, at("01-22 10:00"), subject="Welcome", text="hello-1")
    tiny.react("click", email, at("01-22 10:00"), at("01-22 12:00"), subject="How was it?")
    tiny.order(101, 2, at("01-22 13:00"))

    seen = tiny.play(at("01-23 00:00"), flows=("welcome", "review"))

    assert seen.expected.attributions["shopify", "101"].message.step == "M3"
