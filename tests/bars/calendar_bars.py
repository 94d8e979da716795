"""Bars of time, and of people who change their mind or leave."""

from tests.bars.bar import Bar, least, none, tests_in
from tests.bars.judging import CASES, SQLITE

CALENDAR: tuple[Bar, ...] = (
    Bar(
        "scheduler",
        "Down for 26 hours what is still worth sending leaves once, down for 72 it expires and is"
        " listed; four schedulers at once do everything once",
        tests_in(
            "faults/test_faults_scheduler.py", "test_four_that_wake_at_once_after_a_pause_do_all_of_it_once"
        ),
        (
            *none("sent twice, or planned twice", "neither sent nor listed"),
            *none("birthdays missed or begun twice"),
            least("sent after 26 hours", 100, 20),
            least("expired and listed after 72 hours", 100, 20),
            least("schedulers at once", 4, 4),
        ),
        0.7,
        lanes=2,
    ),
    Bar(
        "calendar",
        "10,000 people in 38 zones over six years, both changes of the clocks and 29 February:"
        " every date once, none at night or over a cap",
        tests_in("e2e/test_e2e_years.py", "test_every_date_is_kept_once_a_year_within_hours_and_caps"),
        (
            *none("missing, wrong or twice", "in quiet hours", "over a cap"),
            least("people", 10_000, 500),
            least("zones", 38, 38),
            least("steps due by the calendar", 100_000, 5000),
        ),
        2.5,
        (SQLITE,),
        note="Worked out by the product's planner and gate, held against a calendar of the test's own;"
        " the calendar reads rows and knows no database.",
    ),
    Bar(
        "consent-race",
        "1,000 people say no and 1,000 change their address while their mails leave: no call begins"
        " after what was committed before its round, and none 0.1 s after a no, however slow the provider is",
        (
            *tests_in(
                "faults/test_faults_races.py",
                "test_who_unsubscribed_before_a_round_began_gets_nothing_of_it",
                "test_who_moved_before_a_round_began_gets_nothing_of_it_at_the_old_address",
            ),
            "faults/test_faults_goodbyes.py",
        ),
        (
            *none("calls begun after the commit", "mails that left twice"),
            *none("calls begun 0.1 s after the no"),
            least("messages taken back just before their call", 1, 1),
            least("unsubscribed", 1000, 50),
            least("addresses changed", 1000, 50),
            least("of them while mails still left", 50, 5),
        ),
        1.5,
        lanes=2,
        note="A new address counts from the next claim on. Refunds and merges are held by tests of one"
        " case each (docs/reliability.md, 33 and 35).",
    ),
    Bar(
        "erase",
        "Somebody is erased in the middle of everything: no trace in rows, files, log or output,"
        " figures as they were, and no late news bring anybody back",
        (
            "privacy/test_privacy_canary.py",
            "privacy/test_privacy_erasure.py",
            "privacy/test_privacy_late_news.py",
        ),
        (*none("traces of the erased"), least("traces before", 5, 5), least(CASES, 40, 40)),
        0.7,
        lanes=2,
    ),
)
