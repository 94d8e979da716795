"""Birthdays, worked out by hand: 09:00 in Rome is 08:00 UTC in winter, 07:00 in summer."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.oracle_checks.tiny import DAY, START, Tiny, at

ONLY = ("birthday",)
BORN: dict[str, Any] = {"month": 3, "day": 4, "year": 1980}


def known(tiny: Tiny, since: datetime = START - DAY, **values: Any) -> str:
    """A subscriber whose birthday Ritorno read."""
    values = {"birth": BORN, "email_consent_at": since, **values}
    email = tiny.shopper(2, since, **values)
    tiny.read(
        "shopify",
        "customers",
        [2],
        max(since, START),
        since=None if since <= START else "2026-01-01T00:00:00Z",
    )
    return email


def test_three_messages_around_the_day(tiny: Tiny) -> None:
    known(tiny)

    seen = tiny.play(at("03-20 00:00"), flows=ONLY)

    assert seen.steps(2) == {"B1": "sent 02-25 08:00", "B2": "sent 03-04 08:00", "B3": "sent 03-15 08:00"}
    assert seen.message(2, "B2").channel == "email"
    assert seen.enrollment(2, "birthday", "year:2026").entered_at == at("02-25 00:00")
    assert seen.states(2) == {"birthday year:2026": "completed"}


@pytest.mark.parametrize(
    ("values", "settings", "channel"),
    [
        ({"phone": "+393205550002", "sms_consent_at": START - DAY}, {}, "sms"),
        ({"phone": "+393205550002"}, {}, "email"),
        ({"phone": "", "sms_consent_at": START - DAY}, {}, "email"),
        ({"phone": "+393205550002", "sms_consent_at": START - DAY}, {"can_send_sms": False}, "email"),
        # 8 March 2026 is a Sunday, 25 April Italy's Liberation Day (a Saturday).
        ({"phone": "+393205550002", "sms_consent_at": START - DAY, "birth": {**BORN, "day": 8}}, {}, "email"),
        (
            {
                "phone": "+393205550002",
                "sms_consent_at": START - DAY,
                "birth": {"month": 4, "day": 25, "year": None},
            },
            {},
            "email",
        ),
    ],
)
def test_the_day_itself_goes_by_sms_where_it_may(
    tiny: Tiny, values: dict[str, Any], settings: dict[str, Any], channel: str
) -> None:
    known(tiny, **values)

    seen = tiny.play(at("05-20 00:00"), every=timedelta(hours=4), flows=ONLY, **settings)

    assert seen.message(2, "B2").channel == channel


def test_the_sms_of_a_missed_morning_still_goes_that_day_and_not_after(tiny: Tiny) -> None:
    known(tiny, phone="+393205550002", sms_consent_at=START - DAY)
    before = [START, at("02-25 00:00"), at("02-25 08:00")]

    in_time = tiny.play(START, ticks=[*before, at("03-04 18:30")], flows=ONLY)
    by_mail = tiny.play(START, ticks=[*before, at("03-04 19:00")], flows=ONLY)
    too_late = tiny.play(START, ticks=[*before, at("03-04 23:00")], flows=ONLY)

    assert (in_time.message(2, "B2").channel, in_time.steps(2)["B2"]) == ("sms", "sent 03-04 18:30")
    assert (by_mail.message(2, "B2").channel, by_mail.steps(2)["B2"]) == ("email", "sent 03-04 19:00")
    assert too_late.steps(2)["B2"] == "expired"


@pytest.mark.parametrize(("told", "is_in_time"), [("02-02 20:00", True), ("02-02 23:30", False)])
def test_a_birthday_told_less_than_thirty_days_before_waits_a_year(
    tiny: Tiny, told: str, is_in_time: bool
) -> None:
    # 30 days before 4 March is 2 February; 23:30 UTC is the 3rd in Rome.
    known(tiny, at(told))

    seen = tiny.play(at("03-20 00:00"), flows=ONLY)

    assert bool(seen.states(2)) is is_in_time


@pytest.mark.parametrize(("year", "is_in"), [(2008, True), (2009, False), (None, True)])
def test_minors_are_left_out(tiny: Tiny, year: int | None, is_in: bool) -> None:
    known(tiny, birth={**BORN, "year": year})

    seen = tiny.play(at("03-20 00:00"), flows=ONLY)

    assert bool(seen.states(2)) is is_in


@pytest.mark.parametrize(("barred", "status"), [(("marketing",), "stopped minor"), ((), "sent 02-25 08:00")])
def test_who_turns_eighteen_gets_nothing_before_the_day(
    tiny: Tiny, barred: tuple[str, ...], status: str
) -> None:
    known(tiny, birth={**BORN, "year": 2008})

    seen = tiny.play(at("03-20 00:00"), flows=ONLY, minors_barred=barred)

    assert seen.steps(2)["B1"] == status
    assert seen.steps(2)["B2"] == "sent 03-04 08:00"


def test_29_february_is_kept_on_the_28th(tiny: Tiny) -> None:
    known(tiny, birth={"month": 2, "day": 29, "year": 1980})

    seen = tiny.play(at("03-20 00:00"), flows=ONLY)

    assert seen.message(2, "B2").due_at == at("02-28 08:00")


def test_once_a_year_and_never_twice_in_364_days(tiny: Tiny) -> None:
    tiny.activated_at = START
    known(tiny)

    seen = tiny.play(at("2027-03-20 00:00"), every=timedelta(hours=8), flows=ONLY)

    assert list(seen.states(2)) == ["birthday year:2026", "birthday year:2027"]


@pytest.mark.parametrize(("code", "steps"), [("BDAY-1", ["B1", "B2"]), (None, ["B1", "B2", "B3"])])
def test_redeeming_the_code_ends_it(tiny: Tiny, code: str | None, steps: list[str]) -> None:
    email = known(tiny)
    tiny.voucher("BDAY-1")
    tiny.sink(email, at("02-25 08:00"), text="for you: BDAY-1")
    tiny.order(100, 2, at("03-06 10:00"), code=code)

    seen = tiny.play(at("03-20 00:00"), flows=ONLY)

    assert list(seen.steps(2)) == steps
    assert seen.states(2)["birthday year:2026"] == ("exited" if code else "completed")


def test_b3_lives_until_the_code_ends(tiny: Tiny) -> None:
    known(tiny)
    before = [START, at("02-25 08:00"), at("03-04 08:00")]

    # The 14th day after the birthday is 18 March; it ends at midnight in Rome, 23:00 UTC.
    in_time = tiny.play(START, ticks=[*before, at("03-18 19:59")], flows=ONLY)
    late = tiny.play(START, ticks=[*before, at("03-18 22:59")], flows=ONLY)

    assert in_time.steps(2)["B3"] == "sent 03-18 19:59"
    assert late.steps(2)["B3"] == "expired"


@pytest.mark.parametrize(
    ("country", "region", "phone", "due"),
    [
        ("US", "CO", "", "02-25 16:00"),
        ("US", "OR", "+393205550002", "02-25 17:00"),
        ("US", "", "", "02-25 08:00"),
        ("US", "", "+33612340002", "02-25 08:00"),
        ("JP", "", "", "02-25 00:00"),
        ("", "", "", "02-25 08:00"),
    ],
)
def test_nine_in_the_morning_is_the_customers(
    tiny: Tiny, country: str, region: str, phone: str, due: str
) -> None:
    known(tiny, country=country, region=region, phone=phone)

    seen = tiny.play(at("03-01 00:00"), flows=ONLY)

    assert seen.message(2, "B1").due_at == at(due)


def test_summer_time_moves_the_morning(tiny: Tiny) -> None:
    known(tiny, birth={**BORN, "month": 4, "day": 1})

    seen = tiny.play(at("04-13 00:00"), flows=ONLY)

    assert seen.message(2, "B1").due_at == at("03-25 08:00")
    assert seen.message(2, "B2").due_at == at("04-01 07:00")


def test_shopifys_webhooks_do_not_tell_the_birthday(tiny: Tiny) -> None:
    tiny.shopper(2, START - DAY, birth=BORN, email_consent_at=START - DAY)

    seen = tiny.play(at("03-20 00:00"), flows=ONLY)

    assert seen.states(2) == {}


def test_woocommerce_tells_it_with_the_account(tiny: Tiny) -> None:
    tiny.shopper(3, at("01-13 10:00"), platform="woocommerce", birth=BORN, email_consent_at=at("01-13 10:00"))

    seen = tiny.play(at("03-20 00:00"), flows=ONLY)

    assert list(seen.steps(3)) == ["B1", "B2", "B3"]


def test_a_held_out_person_is_not_congratulated(tiny: Tiny) -> None:
    known(tiny)

    seen = tiny.play(at("03-20 00:00"), flows=ONLY, holdout_percent=100)

    assert seen.steps(2) == {}
    assert seen.states(2) == {"birthday year:2026": "held_out"}


def test_another_flows_code_does_not_end_it(tiny: Tiny) -> None:
    email = known(tiny, START - 40 * DAY, birth={"month": 1, "day": 28, "year": None})
    tiny.lines["facts"][0]["email_consent_at"] = "2026-01-20T10:00:00Z"
    tiny.deliver("shopify", "customers_email_marketing_consent/update", 2, at("01-20 10:00"))
    tiny.voucher("HELLO-1")
    tiny.sink(email, at("01-20 10:00"), text="HELLO-1")
    tiny.order(100, 2, at("01-27 10:00"), code="HELLO-1")

    seen = tiny.play(at("02-20 00:00"), flows=("welcome", "birthday"))

    assert seen.states(2)["birthday year:2026"] == "completed"
    assert seen.expected.attributions["shopify", "100"].message.step == "W1"


def test_29_february_is_kept_on_the_29th_where_there_is_one(tiny: Tiny) -> None:
    tiny.activated_at = at("2028-01-02 00:00")
    known(tiny, birth={"month": 2, "day": 29, "year": 1980})

    seen = tiny.play(START, ticks=[START, at("2028-02-21 00:00"), at("2028-02-22 12:00")], flows=ONLY)

    assert seen.message(2, "B1").due_at == at("2028-02-22 08:00")


@pytest.mark.parametrize(("activated", "is_in"), [("02-25 08:00", True), ("02-25 08:01", False)])
def test_the_slot_of_the_day_of_the_switch_is_made_up(tiny: Tiny, activated: str, is_in: bool) -> None:
    tiny.activated_at = at(activated)
    known(tiny)

    seen = tiny.play(at("02-26 00:00"), flows=ONLY)

    assert seen.states(2) == ({"birthday year:2026": "active"} if is_in else {})
