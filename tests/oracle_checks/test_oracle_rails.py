"""The outbox's rails, each with the setting that takes it away."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.oracle.journal import Shopper
from tests.oracle.model import EnrollmentKey, MessageKey, StoreSettings
from tests.oracle.moments import moment, seconds_of
from tests.oracle.outbox import first_allowed
from tests.oracle.state import Enrollment, Message, Person
from tests.oracle_checks.tiny import DAY, START, Tiny, at


def buyer(tiny: Tiny, **values: Any) -> str:
    """Somebody who agreed before the flows were switched on."""
    email = tiny.shopper(2, START - DAY, **{"email_consent_at": START - DAY, **values})
    tiny.read("shopify", "customers", [2], START)
    return email


def delivered(tiny: Tiny, basket: int, product: int, moment: datetime) -> None:
    """An order of a grocery, delivered at a moment: M3 is due 7 days later."""
    tiny.product(product)
    moments = {"fulfilled": moment - 2 * DAY, "delivered": moment}
    tiny.order(basket, 2, moment - 3 * DAY, lines=[(product, 100)], moments=moments)


@pytest.mark.parametrize(
    ("due", "hours", "sent"),
    [
        ("01-22 20:30", (8, 21), "sent 01-23 07:00"),
        ("01-22 19:30", (8, 21), "sent 01-23 07:00"),
        ("01-22 18:30", (8, 21), "sent 01-22 19:00"),
        ("01-22 06:30", (8, 21), "sent 01-22 07:00"),
        ("01-22 04:30", (8, 21), "sent 01-22 07:00"),
        ("01-22 20:30", (0, 24), "sent 01-22 21:00"),
    ],
)
def test_quiet_hours_are_those_of_the_customer(
    tiny: Tiny, due: str, hours: tuple[int, int], sent: str
) -> None:
    buyer(tiny)
    delivered(tiny, 100, 1, at(due) - 7 * DAY)

    seen = tiny.play(at("01-24 00:00"), flows=("review",), email_hours=hours)

    assert seen.steps(2) == {"M3": sent}


def test_where_the_zone_is_unknown_all_of_them_must_be_awake(tiny: Tiny) -> None:
    # From Honolulu (UTC-10) to New York (UTC-5): 08:00 in Honolulu is 18:00 UTC, 21:00 in New York 02:00 UTC.
    buyer(tiny, country="US", region="")
    delivered(tiny, 100, 1, at("01-15 09:00"))

    seen = tiny.play(at("01-24 00:00"), flows=("review",), delays={"Grocery": 7})

    assert seen.steps(2) == {"M3": "sent 01-22 18:00"}


def subscriber_with_mail(tiny: Tiny) -> None:
    """W2, W3 and W4 are due on 15, 17 and 20 January at 10:00, M3 on the 21st at 10:00."""
    tiny.shopper(2, at("01-13 10:00"), email_consent_at=at("01-13 10:00"))
    tiny.product(1)


@pytest.mark.parametrize(
    ("cap", "w3", "w4"),
    [
        (3, "sent 01-17 10:00", "sent 01-20 10:00"),
        # W2 leaves the week on the 22nd at 10:00, which is W4's end.
        (2, "sent 01-17 10:00", "expired"),
        (1, "expired", "expired"),
    ],
)
def test_so_many_messages_a_week(tiny: Tiny, cap: int, w3: str, w4: str) -> None:
    subscriber_with_mail(tiny)

    seen = tiny.play(at("01-26 00:00"), flows=("welcome",), cap_per_week=cap)

    assert seen.steps(2) == {
        "W1": "sent 01-13 10:00",
        "W2": "sent 01-15 10:00",
        "W3": w3,
        "W4": w4,
        "W6": "sent 01-22 10:00",
    }


def told_before(tiny: Tiny) -> None:
    """The person is an old customer, whose birthday Ritorno read when it was installed."""
    tiny.lines["facts"][0]["registered_at"] = "2025-06-01T00:00:00Z"
    tiny.lines["facts"][0]["at"] = "2025-06-01T00:00:00Z"
    tiny.read("shopify", "customers", [2], START)


def test_a_week_starts_with_the_oldest_of_three(tiny: Tiny) -> None:
    # W2 15, W3 17, W4 20 at 10:00; B1 of the 21st waits for the 22nd at 10:00 and wins that moment over W6.
    birth = {"month": 1, "day": 28, "year": None}
    tiny.shopper(2, at("01-13 10:00"), birth=birth, email_consent_at=at("01-13 10:00"))
    told_before(tiny)

    seen = tiny.play(at("01-24 00:00"), flows=("welcome", "birthday"))

    assert seen.steps(2) == {
        "W1": "sent 01-13 10:00",
        "W2": "sent 01-15 10:00",
        "W3": "sent 01-17 10:00",
        "W4": "sent 01-20 10:00",
        "B1": "sent 01-22 10:00",
        "W6": "expired",
    }


@pytest.mark.parametrize(("cap", "w2"), [(1, "sent 01-22 08:00"), (2, "sent 01-21 08:00")])
def test_one_message_a_day_and_the_better_one_first(tiny: Tiny, cap: int, w2: str) -> None:
    # B1 (priority 2) and W2 (priority 3) are both due on 21 January at 08:00.
    birth = {"month": 1, "day": 28, "year": None}
    tiny.shopper(2, at("01-19 08:00"), birth=birth, email_consent_at=at("01-19 08:00"))
    told_before(tiny)

    seen = tiny.play(at("01-23 00:00"), flows=("welcome", "birthday"), cap_per_day=cap)

    assert seen.steps(2) == {"W1": "sent 01-19 08:00", "B1": "sent 01-21 08:00", "W2": w2}


def test_answers_are_neither_capped_nor_counted(tiny: Tiny) -> None:
    # M3 leaves at 10:00; W1 of the same moment goes too, and does not keep M3 from going.
    tiny.shopper(2, START - DAY, email_consent_at=at("01-22 10:00"))
    delivered(tiny, 100, 1, at("01-15 10:00"))
    tiny.lost.clear()

    seen = tiny.play(at("01-23 00:00"), flows=("welcome", "review"))

    assert {seen.steps(2)["W1"], seen.steps(2)["M3"]} == {"sent 01-22 10:00"}


def test_asks_keep_three_days_apart(tiny: Tiny) -> None:
    buyer(tiny)
    delivered(tiny, 100, 1, at("01-15 10:00"))
    delivered(tiny, 101, 2, at("01-16 11:00"))

    seen = tiny.play(at("01-27 00:00"), flows=("review",))

    assert seen.message(2, "M3", "100").sent_at == at("01-22 10:00")
    assert seen.message(2, "M3", "101").sent_at == at("01-25 10:00")


def test_an_offer_keeps_three_days_from_an_ask_but_an_ask_not_from_an_offer(tiny: Tiny) -> None:
    buyer(tiny)
    tiny.product(1, complements=[8])
    tiny.product(8)
    moments = {"fulfilled": at("01-14 10:00"), "delivered": at("01-15 10:00")}
    tiny.order(100, 2, at("01-13 10:00"), moments=moments)

    # X1 is due on 29 January at 10:00.
    after_ask = tiny.play(at("02-02 00:00"), flows=("review", "cross_sell"), delays={"Grocery": 13})
    before_ask = tiny.play(at("02-02 00:00"), flows=("review", "cross_sell"), delays={"Grocery": 15})

    assert after_ask.steps(2) == {"M3": "sent 01-28 10:00", "X1": "sent 01-31 10:00"}
    assert before_ask.steps(2) == {"X1": "sent 01-29 10:00", "M3": "sent 01-30 10:00"}


def test_a_reminder_is_no_ask(tiny: Tiny) -> None:
    buyer(tiny)
    delivered(tiny, 100, 1, at("01-15 10:00"))
    delivered(tiny, 101, 2, at("01-23 10:00"))

    seen = tiny.play(at("02-01 00:00"), flows=("review",))

    # M3R of the first on the 29th, M3 of the second due on the 30th: a day is enough.
    assert seen.message(2, "M3R", "100").sent_at == at("01-29 10:00")
    assert seen.message(2, "M3", "101").sent_at == at("01-30 10:00")


@pytest.mark.parametrize(
    ("every", "sent"), [(timedelta(hours=1), "sent 01-22 10:00"), (timedelta(days=6), "expired")]
)
def test_a_step_older_than_its_time_to_live_never_fires(tiny: Tiny, every: timedelta, sent: str) -> None:
    buyer(tiny)
    delivered(tiny, 100, 1, at("01-15 10:00"))

    seen = tiny.play(at("01-31 00:00"), every=every, flows=("review",))

    assert seen.steps(2)["M3"] == sent


@pytest.mark.parametrize(
    ("consent", "soft", "status"),
    [
        (START - DAY, False, "sent 01-22 10:00"),
        (None, False, "stopped no-legal-basis"),
        (None, True, "sent 01-22 10:00"),
    ],
)
def test_a_message_needs_a_basis(tiny: Tiny, consent: datetime | None, soft: bool, status: str) -> None:
    buyer(tiny, email_consent_at=consent)
    delivered(tiny, 100, 1, at("01-15 10:00"))

    seen = tiny.play(at("01-23 00:00"), flows=("review",), soft_opt_in=soft)

    assert seen.steps(2) == {"M3": status}


def test_the_soft_opt_in_is_a_buyers(tiny: Tiny) -> None:
    birth = {"month": 3, "day": 4, "year": None}
    buyer(tiny, email_consent_at=None, birth=birth)

    seen = tiny.play(at("02-26 00:00"), flows=("birthday",), soft_opt_in=True)

    assert seen.steps(2) == {"B1": "stopped no-legal-basis"}


def test_a_withdrawn_consent_stops_what_is_asked_later(tiny: Tiny) -> None:
    buyer(tiny, withdrawn_at=at("01-13 10:00"))
    delivered(tiny, 100, 1, at("01-20 10:00"))

    seen = tiny.play(at("01-30 00:00"), flows=("review",), soft_opt_in=True)

    assert seen.steps(2) == {"M3": "stopped consent-withdrawn"}


def test_an_unsubscribed_address_is_suppressed_first(tiny: Tiny) -> None:
    email = buyer(tiny)
    delivered(tiny, 100, 1, at("01-15 10:00"))
    delivered(tiny, 101, 2, at("01-25 10:00"))
    tiny.sink(email, at("01-22 10:00"))
    tiny.react("unsubscribe", email, at("01-22 10:00"), at("01-22 15:00"))

    seen = tiny.play(at("02-10 00:00"), flows=("review",))

    assert seen.states(2) == {"review order:100": "exited", "review order:101": "completed"}
    assert seen.message(2, "M3", "101").reason == "suppressed"


@pytest.mark.parametrize(("channel", "wait"), [("sms", 7 * DAY), ("email", timedelta(0))])
def test_texts_go_once_a_week(channel: str, wait: timedelta) -> None:
    # A text left on Friday 16 January at 10:00; the next is tried on Sunday the 18th, which suits mail only.
    left, now = at("01-16 10:00"), at("01-18 10:00")
    store = StoreSettings("shopify", "aurora.example")
    shopper = Shopper(2, "shopify", "2", "", "", "IT", "", None, False, 0, None, None, None)
    person = Person(shopper, has_profile=True, left=[(seconds_of(left), "sms")])
    key = EnrollmentKey("shopify", "2", "birthday", "year:2026")
    enrollment = Enrollment(key, person, 0, "active")
    message = Message(
        MessageKey("shopify", "2", "birthday", "B2", "year:2026"), enrollment, channel, "marketing", 2, 0, 0
    )

    allowed = moment(first_allowed(message, person, store, seconds_of(now)))

    assert allowed == (left + wait if wait else now)
