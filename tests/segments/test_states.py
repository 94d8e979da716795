"""The state machine: when somebody counts as silent, what brings them back, and when they are left alone."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.segments import states
from app.segments.states import ACTIVE, DORMANT, INACTIVE, REACTIVATING, StateFacts
from tests.conftest import NOW

DAY = timedelta(days=1)
LONG_AGO = NOW - 1000 * DAY
BUYER = StateFacts(since=LONG_AGO, has_bought=True, last_order_at=NOW)
MANY = tuple(NOW + n * DAY for n in range(1, 12))
READER = StateFacts(since=LONG_AGO, measured_since=NOW, mails=MANY[:8])


@pytest.mark.parametrize(
    ("facts", "days"),
    [
        ({}, 90),
        ({"gap": 40 * DAY}, 90),
        ({"gap": 60 * DAY}, 90),
        ({"gap": 80 * DAY}, 120),
        ({"measured_since": NOW + 29 * DAY}, 90),
        ({"measured_since": NOW + 31 * DAY}, 91),
        ({"measured_since": LONG_AGO, "last_act_at": NOW + 50 * DAY}, 110),
        ({"measured_since": LONG_AGO, "last_visit_at": NOW + 50 * DAY}, 110),
        ({"last_act_at": NOW + 50 * DAY}, 110),
    ],
)
def test_a_buyer_is_dormant_after_the_gap_and_sixty_silent_days(facts: dict[str, Any], days: int) -> None:
    assert states.dormant_at(replace(BUYER, **facts)) == NOW + days * DAY


@pytest.mark.parametrize(
    ("facts", "days"),
    [
        ({}, 120),
        ({"mails": READER.mails[:7]}, None),
        ({"mails": (*READER.mails[:7], NOW + 200 * DAY)}, 200),
        ({"mails": (NOW - DAY, *READER.mails[:7])}, None),
        (
            {"last_act_at": NOW + 3 * DAY, "mails": [*READER.mails, *(NOW + n * DAY for n in (9, 10, 11))]},
            123,
        ),
        ({"last_act_at": NOW + 4 * DAY}, None),
        ({"measured_since": None}, None),
    ],
)
def test_who_never_bought_is_dormant_after_four_silent_months_and_eight_mails(
    facts: dict[str, Any], days: int | None
) -> None:
    due = NOW + days * DAY if days is not None else None

    assert states.dormant_at(replace(READER, **facts)) == due


def test_of_a_buyer_whose_orders_the_shop_does_not_show_nothing_is_said() -> None:
    assert states.dormant_at(replace(BUYER, last_order_at=None)) is None


def test_time_alone_makes_dormant_at_the_moment_and_says_when() -> None:
    before = states.changes(BUYER, NOW + 89 * DAY)
    after = states.changes(BUYER, NOW + 90 * DAY)

    assert [(seen.state, seen.next_at) for seen in before] == [(ACTIVE, NOW + 90 * DAY)]
    assert [(seen.state, seen.since) for seen in after] == [(DORMANT, NOW + 90 * DAY)] * 2


@pytest.mark.parametrize("state", [DORMANT, REACTIVATING, INACTIVE])
@pytest.mark.parametrize("act", ["last_order_at", "last_act_at", "last_visit_at"])
def test_an_act_of_ones_own_brings_back_at_once(state: str, act: str) -> None:
    silent = replace(BUYER, state=state, since=NOW + 90 * DAY)
    acted_at = NOW + 100 * DAY

    acts: dict[str, Any] = {act: acted_at}
    *changes, seen = states.changes(replace(silent, **acts), acted_at)

    assert [(one.state, one.since) for one in changes] == [(ACTIVE, acted_at)]
    assert seen.state == ACTIVE


@pytest.mark.parametrize("state", [DORMANT, REACTIVATING, INACTIVE])
def test_an_act_from_before_brings_nobody_back(state: str) -> None:
    silent = replace(BUYER, state=state, since=NOW + 90 * DAY, last_act_at=NOW)

    (seen,) = states.changes(silent, NOW + 95 * DAY)

    assert seen.state == state


def test_who_turns_out_not_to_be_silent_is_active_again() -> None:
    wrong = replace(BUYER, state=DORMANT, since=NOW + 90 * DAY, gap=100 * DAY)

    *_, seen = states.changes(wrong, NOW + 95 * DAY)

    assert (seen.state, seen.next_at) == (ACTIVE, NOW + 150 * DAY)


@pytest.mark.parametrize(("days", "state"), [(29, REACTIVATING), (30, INACTIVE)])
def test_a_last_question_left_unanswered_for_a_month_ends_in_peace(days: int, state: str) -> None:
    asked_at = NOW + 111 * DAY
    tried = replace(BUYER, state=REACTIVATING, since=NOW + 90 * DAY, asked_at=asked_at)

    *_, seen = states.changes(tried, asked_at + days * DAY)

    assert seen.state == state


def test_without_the_last_question_nobody_is_given_up() -> None:
    tried = replace(BUYER, state=REACTIVATING, since=NOW + 90 * DAY, over_at=NOW + 112 * DAY)

    *_, seen = states.changes(tried, NOW + 900 * DAY)

    assert (seen.state, seen.since) == (DORMANT, NOW + 112 * DAY)


def test_an_attempt_under_way_is_looked_at_once_its_last_question_is_due() -> None:
    tried = replace(BUYER, state=REACTIVATING, since=NOW)

    (early,) = states.changes(tried, NOW + DAY)
    (late,) = states.changes(tried, NOW + 22 * DAY)

    assert (early.next_at, late.next_at) == (NOW + 21 * DAY, NOW + 23 * DAY)


@pytest.mark.parametrize(
    ("ages", "may"), [((), True), ((10,), True), ((10, 20), False), ((10, 365), True), ((364, 10), False)]
)
def test_two_attempts_in_a_year_are_enough(ages: tuple[int, ...], *, may: bool) -> None:
    assert states.may_try([NOW - age * DAY for age in ages], NOW) is may


_moments = st.integers(0, 800).map(lambda hours: NOW + timedelta(hours=7 * hours))
_maybe = st.none() | _moments


@st.composite
def _facts(draw: Any) -> StateFacts:
    state = draw(st.sampled_from([ACTIVE, DORMANT, REACTIVATING, INACTIVE]))
    has_bought = draw(st.booleans())
    since = draw(_moments)
    asked_at = draw(_maybe)
    return StateFacts(
        state=state,
        since=since,
        has_bought=has_bought,
        last_order_at=draw(_maybe) if has_bought else None,
        gap=draw(st.none() | st.integers(1, 200).map(lambda days: days * DAY)),
        measured_since=draw(_maybe),
        last_act_at=draw(_maybe),
        mails=tuple(draw(st.lists(_moments, max_size=10))),
        asked_at=asked_at if asked_at is None or asked_at >= since else None,
        over_at=draw(_maybe),
    )


@settings(max_examples=150, deadline=None)
@given(_facts(), _moments)
def test_the_machine_comes_to_rest_and_keeps_its_promises(facts: StateFacts, now: datetime) -> None:
    *changes, seen = states.changes(facts, now)

    path = [facts.state, *(one.state for one in changes)]
    known = [one for one in (facts.last_order_at, facts.last_act_at) if one is not None]
    again = replace(facts, state=seen.state, since=seen.since)
    assert len(changes) <= 4
    assert states.changes(again, now) == [seen]
    assert seen.next_at is None or seen.next_at > now
    for before, after in pairwise(path):
        assert (before, after) in ALLOWED
    if facts.state == INACTIVE and seen.state != INACTIVE:
        assert max(known) > facts.since
    if INACTIVE in path[1:]:
        assert facts.state == REACTIVATING
        assert facts.asked_at is not None
    if DORMANT in path[1:] and not facts.has_bought and facts.state != REACTIVATING:
        assert facts.measured_since is not None


ALLOWED = {
    (ACTIVE, DORMANT),
    (DORMANT, ACTIVE),
    (REACTIVATING, ACTIVE),
    (REACTIVATING, INACTIVE),
    (REACTIVATING, DORMANT),
    (INACTIVE, ACTIVE),
}
