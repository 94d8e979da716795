"""Caps, spacing and quiet hours: the first moment that all of them allow, and what stands in the way."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.messaging.limits import Departure, Rails, next_moment
from tests.conftest import NOW

ROME = ZoneInfo("Europe/Rome")
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOUR, DAY, WEEK = timedelta(hours=1), timedelta(hours=24), timedelta(days=7)
SOONEST = timedelta(microseconds=1)
FREE = (NOW, None)


def mail(sent_at: datetime, step: str = "W1", *, is_this_tick: bool = False) -> Departure:
    return Departure(sent_at, "email", step, is_this_tick)


def text(sent_at: datetime) -> Departure:
    return Departure(sent_at, "sms", "B2")


def found(
    departures: Sequence[Departure], *, now: datetime = NOW, step: str = "W2", **rails: Any
) -> tuple[datetime, str | None]:
    """When a mail to somebody in Rome may leave."""
    limits = Rails(departures=departures, zones=(ROME,), country="IT", hours=(8, 21), **rails)
    return next_moment(limits, now, channel="email", purpose="marketing", step=step)


def found_text(departures: Sequence[Departure], *, now: datetime = NOW, cap: int = 1) -> Any:
    """When a marketing text to somebody in Rome may leave; the daily and weekly caps are wide."""
    limits = Rails(departures, (ROME,), "IT", (9, 20), cap_per_day=9, cap_per_week=9, sms_cap_per_week=cap)
    return next_moment(limits, now, channel="sms", purpose="marketing", step="B2")


def test_somebody_who_got_nothing_gets_the_message_at_once() -> None:
    assert found([]) == FREE


def test_a_day_is_free_again_after_exactly_24_hours() -> None:
    assert found([mail(NOW - DAY)]) == FREE
    assert found([mail(NOW - DAY + MINUTE)]) == (NOW + MINUTE, "capped")


def test_a_week_takes_three_and_is_free_again_after_exactly_7_days() -> None:
    recent = [mail(NOW - 3 * DAY), mail(NOW - 5 * DAY)]

    assert found(recent) == FREE
    assert found([*recent, mail(NOW - WEEK)]) == FREE
    assert found([*recent, mail(NOW - WEEK + MINUTE)]) == (NOW + MINUTE, "capped")


def test_the_order_in_which_departures_are_told_does_not_matter() -> None:
    departures = [mail(NOW - 2 * DAY), mail(NOW - 6 * DAY), mail(NOW - 4 * DAY)]

    assert found(departures) == found(departures[::-1]) == (NOW + DAY, "capped")


def test_the_merchants_caps_replace_the_ordinary_ones() -> None:
    assert found([mail(NOW - HOUR)], cap_per_day=2) == FREE
    assert found([mail(NOW - 2 * DAY)], cap_per_week=1) == (NOW + 5 * DAY, "capped")


def test_texts_count_as_messages_for_the_caps_of_mail() -> None:
    assert found([text(NOW - DAY + HOUR)]) == (NOW + HOUR, "capped")


def test_a_week_takes_one_text_and_is_free_again_after_exactly_7_days() -> None:
    assert found_text([text(NOW - WEEK)]) == FREE
    assert found_text([text(NOW - WEEK + HOUR)]) == (NOW + HOUR, "capped")


def test_mails_do_not_use_up_the_cap_of_texts_nor_texts_that_of_mails() -> None:
    assert found_text([mail(NOW - 2 * DAY)]) == FREE
    assert found([text(NOW - 2 * DAY)]) == FREE


def test_a_cap_of_no_texts_lets_none_leave() -> None:
    moment, reason = found_text([], cap=0)

    assert reason == "capped"
    assert moment > NOW + timedelta(days=60)


@pytest.mark.parametrize("step", ["M1", "M2", "M3", "M4", "X1", "X2"])
@pytest.mark.parametrize("asked", ["M1", "M2", "M3", "M4"])
def test_asks_and_cross_selling_keep_three_days_from_an_ask(asked: str, step: str) -> None:
    last = NOW - timedelta(days=3)

    assert found([mail(last, asked)], step=step) == FREE
    assert found([mail(last + MINUTE, asked)], step=step) == (NOW + MINUTE, "capped")


@pytest.mark.parametrize("step", ["M3R", "W2", "B1", "X3"])
def test_other_messages_keep_no_distance_from_an_ask(step: str) -> None:
    assert found([mail(NOW - 2 * DAY, "M1")], step=step) == FREE


@pytest.mark.parametrize("last", ["M3R", "X1", "X2", "W1"])
def test_what_is_no_ask_keeps_no_ask_away(last: str) -> None:
    assert found([mail(NOW - 2 * DAY, last)], step="M2") == FREE


def test_a_message_of_the_same_tick_is_the_better_one() -> None:
    better = mail(NOW, is_this_tick=True)

    assert found([better]) == (NOW + DAY, "lost-to-better")


def test_a_cap_that_was_reached_before_this_tick_is_named_first() -> None:
    better = mail(NOW, is_this_tick=True)

    assert found([better, mail(NOW - HOUR)]) == (NOW + DAY, "capped")


def test_quiet_hours_put_off_to_the_morning() -> None:
    nine_in_the_evening = datetime(2026, 11, 2, 20, tzinfo=UTC)
    eight_in_the_morning = datetime(2026, 11, 3, 7, tzinfo=UTC)

    assert found([], now=nine_in_the_evening - SECOND) == (nine_in_the_evening - SECOND, None)
    assert found([], now=nine_in_the_evening) == (eight_in_the_morning, "quiet-hours")


def test_a_cap_that_ends_in_quiet_hours_puts_off_to_the_morning() -> None:
    half_past_ten_yesterday = datetime(2026, 11, 1, 21, 30, tzinfo=UTC)

    assert found([mail(half_past_ten_yesterday)]) == (datetime(2026, 11, 3, 7, tzinfo=UTC), "capped")


def test_a_cap_that_still_holds_in_the_morning_decides_over_quiet_hours() -> None:
    midnight = datetime(2026, 11, 2, 23, tzinfo=UTC)
    at_noon = datetime(2026, 11, 2, 11, tzinfo=UTC)

    assert found([mail(at_noon)], now=midnight) == (at_noon + DAY, "capped")


def test_a_text_whose_cap_ends_on_a_sunday_leaves_on_monday_at_nine() -> None:
    saturday, sunday_before = (datetime(2026, 11, 14, 12, tzinfo=UTC), datetime(2026, 11, 8, 10, tzinfo=UTC))

    assert found_text([text(sunday_before)], now=saturday) == (
        datetime(2026, 11, 16, 8, tzinfo=UTC),
        "capped",
    )


@pytest.mark.parametrize("early", [SOONEST, SECOND, MINUTE])
def test_what_is_put_off_waits_for_a_whole_minute(early: timedelta) -> None:
    assert found([mail(NOW - DAY + early)]) == (NOW + MINUTE, "capped")


def test_what_may_leave_now_is_not_rounded() -> None:
    odd = NOW + timedelta(seconds=17, microseconds=3)

    assert found([mail(odd - DAY)], now=odd) == (odd, None)
