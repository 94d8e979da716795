"""Welcome, worked out by hand: Rome is UTC+1 in January."""

from datetime import timedelta

import pytest

from tests.oracle_checks.tiny import DAY, HOUR, START, WOO, Tiny, at


def test_a_consent_brings_the_whole_series(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))

    seen = tiny.play(at("01-25 00:00"))

    assert seen.steps(2) == {
        "W1": "sent 01-13 11:00",
        "W2": "sent 01-15 11:00",
        "W3": "sent 01-17 11:00",
        "W4": "sent 01-20 11:00",
        "W6": "sent 01-22 11:00",
    }
    assert seen.message(2, "W6").due_at == at("01-22 10:20")
    assert seen.states(2) == {"welcome consent": "completed"}
    assert seen.enrollment(2, "welcome", "consent").entered_at == at("01-13 10:20")


def test_the_first_order_ends_the_series_and_brings_w5(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))
    tiny.order(100, 2, at("01-14 09:29"))

    seen = tiny.play(at("01-25 00:00"))

    assert seen.steps(2) == {"W1": "sent 01-13 11:00", "W5": "sent 01-15 10:00"}
    assert seen.states(2) == {"welcome consent": "exited", "welcome first-order": "completed"}
    assert seen.message(2, "W5").due_at == at("01-15 09:30")


def test_without_an_order_nothing_but_the_consent_flow_starts(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"))

    seen = tiny.play(at("01-25 00:00"))

    assert seen.states(2) == {}


def test_who_bought_before_is_welcomed_back_without_a_series(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:00"), email_consent_at=at("01-16 10:20"))
    tiny.order(100, 2, at("01-14 10:00"))

    seen = tiny.play(at("01-25 00:00"))

    assert seen.steps(2) == {"W5": "stopped no-legal-basis", "W1": "sent 01-16 11:00"}
    assert seen.states(2)["welcome consent"] == "completed"


def test_an_order_cancelled_before_the_consent_makes_nobody_a_buyer(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:00"), email_consent_at=at("01-16 10:20"))
    tiny.order(
        100, 2, at("01-14 10:00"), moments={"cancelled": at("01-14 12:00"), "refunded": at("01-14 12:00")}
    )

    seen = tiny.play(at("01-19 00:00"))

    assert seen.steps(2) == {"W1": "sent 01-16 11:00", "W2": "sent 01-18 11:00"}
    assert seen.states(2) == {"welcome first-order": "exited", "welcome consent": "active"}


def test_only_the_first_order_brings_w5(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:00"), email_consent_at=at("01-13 10:00"))
    tiny.order(100, 2, at("01-14 10:00"))
    tiny.order(101, 2, at("01-16 10:00"))

    seen = tiny.play(at("01-25 00:00"))

    assert [step for step in seen.steps(2) if step.startswith("W5")] == ["W5"]


@pytest.mark.parametrize(("code", "has_w4"), [("HELLO-1", False), (None, True)])
def test_w4_is_owed_only_while_the_code_is_unused(tiny: Tiny, code: str | None, has_w4: bool) -> None:
    email = tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))
    tiny.voucher("HELLO-1")
    tiny.sink(email, at("01-13 11:00"), text="Your code: hello-1")
    tiny.order(100, 2, at("01-16 09:00"), code=code, moments={"paid": None})

    seen = tiny.play(at("01-25 00:00"))

    assert ("W4" in seen.steps(2)) is has_w4


def test_a_held_out_person_gets_the_promised_code_only(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))
    tiny.order(100, 2, at("01-19 10:00"))

    seen = tiny.play(at("01-25 00:00"), holdout_percent=100)

    assert seen.steps(2) == {"W1": "sent 01-13 11:00"}
    assert set(seen.states(2).values()) == {"held_out"}


def test_the_arm_is_the_documented_hash(tiny: Tiny) -> None:
    for household in range(2, 42, 2):
        tiny.shopper(household, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))

    seen = tiny.play(at("01-14 00:00"), holdout_percent=10)

    # int(sha256(f"aurora.example:welcome:{household}").hexdigest(), 16) % 100, by hand: below 10 for these.
    held = {key.customer for key, row in seen.expected.enrollments.items() if row.state == "held_out"}
    assert held == HELD_OUT


HELD_OUT = {"34"}


def test_w1_goes_at_night_and_although_the_series_has_ended(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 01:10"), email_consent_at=at("01-13 01:10"))
    tiny.order(100, 2, at("01-13 01:30"))

    seen = tiny.play(at("01-13 12:00"))

    assert seen.steps(2) == {"W1": "sent 01-13 02:00"}
    assert seen.states(2) == {"welcome consent": "exited", "welcome first-order": "active"}


def test_a_tick_that_comes_too_late_expires_what_it_finds(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))

    late = tiny.play(START, ticks=[START, at("01-14 10:20")])
    in_time = tiny.play(START, ticks=[START, at("01-14 10:19")])

    assert late.steps(2) == {"W1": "expired"}
    assert in_time.steps(2) == {"W1": "sent 01-14 10:19"}


def test_w6_lives_until_the_code_ends(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))
    until_w4 = [at("01-13 11:00"), at("01-15 11:00"), at("01-17 11:00"), at("01-20 11:00")]

    late = tiny.play(START, ticks=[*until_w4, at("01-23 10:20")])
    in_time = tiny.play(START, ticks=[*until_w4, at("01-23 10:19")])

    assert late.steps(2)["W6"] == "expired"
    assert in_time.steps(2)["W6"] == "sent 01-23 10:19"


def test_consent_from_before_the_flow_was_switched_on_starts_nothing(tiny: Tiny) -> None:
    tiny.shopper(2, START - 2 * DAY, email_consent_at=START - 2 * DAY)
    tiny.read("shopify", "customers", [2], START)

    seen = tiny.play(at("01-25 00:00"))

    assert seen.states(2) == {}
    assert ("shopify", "2") in seen.expected.customers


def test_a_switched_off_flow_starts_nothing(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))

    seen = tiny.play(at("01-25 00:00"), flows=("review",))

    assert seen.states(2) == {}


def test_a_lost_consent_found_later_counts_from_when_it_happened(tiny: Tiny) -> None:
    tiny.lost.add("customers_email_marketing_consent/update")
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))
    tiny.read("shopify", "customers", [2], at("01-13 20:00"), since="2026-01-13T00:00:00Z")

    seen = tiny.play(at("01-16 00:00"))

    assert seen.message(2, "W1").due_at == at("01-13 10:20")
    assert seen.steps(2) == {"W1": "sent 01-13 20:00", "W2": "sent 01-15 11:00"}


def test_an_order_paid_before_the_lost_consent_was_found_still_ends_the_series(tiny: Tiny) -> None:
    tiny.lost.add("customers_email_marketing_consent/update")
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))
    tiny.order(100, 2, at("01-13 12:00"))
    tiny.read("shopify", "customers", [2], at("01-13 20:00"), since="2026-01-13T00:00:00Z")

    seen = tiny.play(at("01-16 00:00"))

    assert seen.steps(2) == {"W1": "sent 01-13 20:00", "W5": "sent 01-14 13:00"}
    assert seen.states(2)["welcome consent"] == "exited"


def test_a_woocommerce_guest_is_known_by_the_normalised_address(tiny: Tiny) -> None:
    tiny.shopper(
        3,
        at("01-13 10:20"),
        platform=WOO,
        is_guest=True,
        email="Gino@Example.com",
        email_consent_at=at("01-13 10:20"),
    )
    tiny.order(100, 3, at("01-13 10:20"))

    seen = tiny.play(at("01-15 00:00"))

    assert seen.expected.customers == {(WOO, "gino@example.com")}
    assert seen.steps("gino@example.com") == {"W1": "sent 01-13 11:00", "W5": "sent 01-14 11:00"}
    assert seen.expected.first_orders == {(WOO, "gino@example.com"): "100"}


def test_woocommerce_dates_a_consent_by_the_accounts_last_change(tiny: Tiny) -> None:
    tiny.lost.update({"customer.created", "customer.updated"})
    tiny.shopper(
        3,
        at("01-13 10:20"),
        platform=WOO,
        email_consent_at=at("01-13 10:20"),
        sms_consent_at=at("01-13 14:00"),
        phone="+393205550003",
    )
    tiny.read(WOO, "customers", [3], at("01-13 20:00"))

    seen = tiny.play(at("01-14 00:00"))

    assert seen.message(3, "W1").due_at == at("01-13 14:00")


def test_a_woocommerce_answer_that_was_given_before_is_no_news(tiny: Tiny) -> None:
    email = tiny.shopper(3, at("01-13 10:20"), platform=WOO, email_consent_at=at("01-13 10:20"))
    tiny.sink(email, at("01-13 11:00"))
    tiny.react("unsubscribe", email, at("01-13 11:00"), at("01-13 15:00"))
    tiny.read(WOO, "customers", [3], at("01-14 20:00"))

    seen = tiny.play(at("01-16 00:00"))

    assert seen.steps(3) == {"W1": "sent 01-13 11:00"}
    assert seen.states(3) == {"welcome consent": "exited"}


def test_ticks_every_ten_minutes_move_what_is_sent_not_what_is_due(tiny: Tiny) -> None:
    tiny.shopper(2, at("01-13 10:20"), email_consent_at=at("01-13 10:20"))

    seen = tiny.play(at("01-15 12:00"), every=timedelta(minutes=10))

    assert seen.steps(2) == {"W1": "sent 01-13 11:00", "W2": "sent 01-15 10:20"}
    assert seen.message(2, "W2").sent_at == at("01-13 10:20") + 48 * HOUR


def test_news_from_before_the_switch_that_come_after_it_start_nothing(tiny: Tiny) -> None:
    tiny.activated_at = at("01-14 00:00")
    tiny.lost.add("customers_email_marketing_consent/update")
    for household, consent in ((2, at("01-13 23:59")), (4, at("01-14 00:00"))):
        tiny.shopper(household, at("01-13 10:00"), email_consent_at=consent)
    tiny.read("shopify", "customers", [2, 4], at("01-14 10:00"), since="2026-01-13T00:00:00Z")

    seen = tiny.play(at("01-14 12:00"))

    assert seen.steps(2) == {}
    assert seen.steps(4) == {"W1": "sent 01-14 10:00"}


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_subscriber_of_old_is_not_welcomed_because_an_order_says_so_again(
    tiny: Tiny, withdrawn: bool
) -> None:
    email = tiny.shopper(3, START - DAY, platform=WOO, email_consent_at=START - DAY)
    tiny.read(WOO, "customers", [3], START)
    if withdrawn:
        tiny.react("unsubscribe", email, START, at("01-13 10:00"))
        tiny.fact("shopper.paying", WOO, at("01-13 11:00"), {"household": 3})
        tiny.deliver(WOO, "customer.updated", 3, at("01-13 11:00"))
    else:
        tiny.order(100, 3, at("01-13 12:00"))

    seen = tiny.play(at("01-14 00:00"))

    assert "welcome consent" not in seen.states(3)


def test_ordering_with_the_box_ticked_is_a_new_consent_after_unsubscribing(tiny: Tiny) -> None:
    email = tiny.shopper(3, START - DAY, platform=WOO, email_consent_at=START - DAY)
    tiny.read(WOO, "customers", [3], START)
    tiny.react("unsubscribe", email, START, at("01-13 10:00"))
    tiny.order(100, 3, at("01-13 12:00"))

    seen = tiny.play(at("01-13 20:00"))

    assert seen.steps(3) == {"W1": "stopped suppressed"}
