"""Charts: round tops, whole weeks, and lines through what was counted."""

from datetime import date, timedelta

import pytest
from flask import Flask, render_template_string

from app.analytics.sums import Day
from app.web import charts, formats

FIRST = date(2026, 8, 5)


def days(*orders: int) -> list[Day]:
    return [Day(FIRST + timedelta(days=number), orders=n) for number, n in enumerate(orders)]


def listed(*counts: int | None) -> list[charts.Bucket]:
    found = [Day(FIRST + timedelta(days=number), subscribers=n) for number, n in enumerate(counts)]
    return charts.buckets(found)


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (1, 1), (3, 3), (7, 8), (10, 10), (11, 15), (230, 300), (1_010, 1_500), (9_001, 10_000)],
)
def test_an_axis_ends_at_a_round_number(value: int, top: int) -> None:
    assert charts.round_up(value) == top


def test_a_month_is_drawn_by_days_and_more_by_weeks_that_end_today() -> None:
    month, quarter = charts.buckets(days(*[1] * 30)), charts.buckets(days(*[1] * 90))

    assert [one.orders for one in month] == [1] * 30
    assert [one.orders for one in quarter] == [6] + [7] * 12
    assert quarter[-1].last == FIRST + timedelta(days=89)


def test_bars_stand_on_the_ground_side_by_side() -> None:
    drawn = charts.bars(charts.buckets(days(5, 0, 10)), lambda one: one.orders, lambda one: 0)

    assert drawn.top == 10
    assert [bar.height for bar in drawn.bars] == [50, 0, 100]
    assert all(left.x + left.width < right.x for left, right in zip(drawn.bars, drawn.bars[1:], strict=False))


def test_a_line_goes_through_what_was_counted_and_needs_two_of_it() -> None:
    drawn = charts.line(listed(None, 100, None, 110), lambda one: one.subscribers)

    assert drawn is not None
    assert drawn.top == 150
    assert drawn.path == "M33.333 33.333 L100.000 26.667"
    assert charts.line(listed(None, 100), lambda one: one.subscribers) is None


@pytest.mark.parametrize("counts", [(0, 0), (7, 7), (1, 1_000), (98, 101), (1_000, 1_001)])
def test_a_line_stays_in_its_frame(counts: tuple[int, int]) -> None:
    drawn = charts.line(listed(*counts), lambda one: one.subscribers)

    assert drawn is not None
    assert 0 <= min(counts) <= max(counts) <= drawn.top
    assert drawn.top > 0


def test_a_list_that_lost_one_of_twenty_looks_like_that() -> None:
    drawn = charts.line(listed(20, 19), lambda one: one.subscribers)

    assert drawn is not None
    assert drawn.path == "M0.000 0.000 L100.000 5.000"


def test_days_of_two_years_say_which_and_no_two_say_the_same_twice(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "it"}):
        a_week = formats.calendar_days(date(2026, 11, 21), date(2026, 11, 27))
        with_year = formats.calendar_days(date(2026, 11, 21), date(2026, 11, 27), has_year=True)
        one_day = formats.calendar_days(date(2026, 11, 21), date(2026, 11, 21))
        of_two_years = formats.calendar_days(date(2025, 12, 27), date(2026, 1, 2), has_year=True)

    assert (a_week, with_year) == ("21 nov – 27 nov", "21 nov – 27 nov 2026")
    assert (one_day, of_two_years) == ("21 nov", "27 dic 2025 – 2 gen 2026")


def test_a_chart_across_new_year_says_which_year_it_begins_in(app: Flask) -> None:
    drawing = '{% from "charts.html" import bars %}{{ bars("Orders", shape, found) }}'
    found = charts.buckets(
        [Day(date(2025, 12, 20) + timedelta(days=number), orders=1) for number in range(20)]
    )

    shape = charts.bars(found, lambda one: one.orders, lambda one: 0)

    with app.test_request_context(headers={"Accept-Language": "en"}):
        drawn = render_template_string(drawing, shape=shape, found=found)
        within = render_template_string(drawing, shape=shape, found=found[:2])

    assert ("20 Dec 2025" in drawn, "8 Jan 2026" in drawn) == (True, True)
    assert ("20 Dec<" in within, "2025" in within) == (True, False)
