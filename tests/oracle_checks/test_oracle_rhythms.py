"""What the orders teach, worked out by hand: toys are judged after 14 days unless it is known better."""

import pytest

from tests.oracle.model import RhythmKey, RhythmRow, StoreSettings
from tests.oracle.moments import DAY as DAY_SECONDS
from tests.oracle.moments import seconds_of
from tests.oracle.rhythms import Rhythms, Wait, returning
from tests.oracle.state import StoreMirror
from tests.oracle_checks.tiny import DAY, HOUR, START, Tiny, at

THREE_TIMES = [at("01-13 10:00"), at("03-14 10:00"), at("05-13 10:00")]
LEARNED = at("05-16 06:00")
"""On Saturdays the first store has its night."""


def after(days: float, *people: int) -> list[Wait]:
    """They came back after so many days."""
    return [Wait(int(days * DAY_SECONDS), True, str(person)) for person in people]


def open_for(days: float, count: int) -> list[Wait]:
    """So many have not come back in so many days."""
    return [Wait(int(days * DAY_SECONDS), False, "") for _ in range(count)]


@pytest.mark.parametrize("lost", [30, 60, 75])
def test_half_of_those_who_come_back_not_of_all(lost: int) -> None:
    waits = [wait for day in range(1, 41) for wait in after(day, day)]

    found = returning([*waits, *open_for(400, lost)])

    assert found is not None
    assert (found.gaps, found.people, found.told) == (40, 40, (20, 32))


def test_an_open_wait_counts_for_as_long_as_it_lasted() -> None:
    """At ten days 120 are watched and a third comes back, at twenty the 40 who are left do."""
    both = [*after(10, *range(40)), *after(20, *range(40))]

    seen, closed = returning([*both, *open_for(15, 40)]), returning(both)

    assert seen is not None
    assert closed is not None
    assert (seen.told, closed.told) == ((20, 20), (10, 20))


def test_a_curve_that_rises_still_is_led_on() -> None:
    """40, 20 and 10 of 160 come back in three thirds of 30 days; the same halving leads on to 80."""
    thirds = [*after(5, *range(40)), *after(15, *range(20)), *after(25, *range(10))]

    found = returning([*thirds, *open_for(30, 90)])

    assert found is not None
    assert found.told == (5, 25)


@pytest.mark.parametrize(
    "few",
    [
        pytest.param(after(10, *range(39)), id="39 returns"),
        pytest.param([wait for _ in range(3) for wait in after(10, *range(19))], id="19 people"),
        pytest.param([wait for day in range(1, 41) for wait in after(day * 0.9, day)], id="seen too shortly"),
    ],
)
def test_too_little_tells_nothing(few: list[Wait]) -> None:
    assert returning([*few, *open_for(40, 200)]) is None


def test_a_learned_time_decides_from_the_night_on_which_it_is_learned(tiny: Tiny) -> None:
    _buyers(tiny, 20)
    for household, day in ((98, at("05-10 00:00")), (99, at("06-01 00:00"))):
        tiny.shopper(household, START - DAY, email_consent_at=START - DAY)
        lived = {"fulfilled": day + DAY, "delivered": day + 2 * DAY}
        tiny.order(household, household, day, lines=[(6, 900)], moments=lived)

    seen = tiny.play(at("06-20 00:00"), every=6 * HOUR, flows=("review",))

    assert seen.message(98, "M3").due_at == at("05-12 00:00") + 14 * DAY
    assert seen.message(99, "M3").due_at == at("06-03 00:00") + 15 * DAY
    assert seen.expected.rhythms == {
        RhythmKey("shopify", product, LEARNED): RhythmRow(None, 40, 20, 60, 60, 60, 60)
        for product in ("6", "7")
    }


@pytest.mark.parametrize("values", [{"people": 19}, {"moments": {"cancelled": at("05-13 11:00")}}])
def test_too_few_who_came_back_teach_nothing(tiny: Tiny, values: dict[str, object]) -> None:
    people = values.pop("people", 20)
    assert isinstance(people, int)
    _buyers(tiny, people, **values)

    seen = tiny.play(at("06-20 00:00"), every=6 * HOUR, flows=("review",))

    assert seen.expected.rhythms == {}


def test_what_changes_begins_anew_and_what_stays_goes_on(tiny: Tiny) -> None:
    """Twenty came back after 60 days each time; then all of them do after 13 days and after 6 more."""
    _buyers(tiny, 20)
    for turn in (1, 2):
        for household in range(2, 42, 2):
            tiny.order(
                5000 * turn + household, household, at("05-20 10:00") + turn * 6 * DAY, lines=[(6, 900)]
            )

    seen = tiny.play(at("06-10 00:00"), every=6 * HOUR, flows=("review",))

    rows = {(key.product, key.learned_at): row for key, row in seen.expected.rhythms.items()}
    assert sorted(rows) == [("6", LEARNED), ("6", LEARNED + 21 * DAY), ("7", LEARNED)]
    assert rows["6", LEARNED] == RhythmRow(LEARNED + 21 * DAY, 60, 20, 60, 60, 60, 60)
    assert rows["6", LEARNED + 21 * DAY] == RhythmRow(None, 80, 20, 13, 13, 60, 60)
    assert rows["7", LEARNED] == RhythmRow(None, 60, 20, 60, 60, 60, 60)


def test_a_store_learns_in_its_first_three_nights_and_then_weekly() -> None:
    store = StoreMirror(StoreSettings("shopify", "aurora.example", number=3, installed_at=at("01-12 09:00")))
    rhythms = Rhythms(store, seconds_of(START))

    nights = [at("01-12 02:30") + number * DAY for number in range(20)]
    found = [night for night in nights if rhythms.is_night(seconds_of(night))]

    first, thursdays = ("13", "14", "15"), ("22", "29")
    assert found == [at(f"01-{day} 02:30") for day in (*first, *thursdays)]


def _buyers(tiny: Tiny, people: int, **values: object) -> None:
    """They buy both toys three times, in two orders at the same moment, 60 days apart."""
    for product in (6, 7):
        tiny.product(product, "Toys")
    for household in range(2, 2 * people + 2, 2):
        tiny.shopper(household, START - DAY)
        for number, placed in enumerate(THREE_TIMES):
            told = values if number == 2 else {}
            for basket, product in ((1000 * number, 6), (1000 * number + 500, 7)):
                tiny.order(basket + household, household, placed, lines=[(product, 900)], **told)
