"""Bars of sending under fire, and of a database that fails."""

from tests.bars.bar import Bar, least, none, tests_in
from tests.bars.judging import CASES, POSTGRESQL, SQLITE, Bound

_D, _S, _U = "accepted twice (D)", "lost (S)", "unknown (U), each listed"
_L = "acknowledged and not stored, or wrong in the mirror (L)"
_L_KEPT = "acknowledged and not stored (L)"
_HONEST = none(_D, _S, "unknown though accepted", "counted as sent though not accepted")
_SENDING = "faults/test_faults_sending.py"

SENDING: tuple[Bar, ...] = (
    Bar(
        "kill-matrix",
        "Killed by itself at every named step, at least eight times each: nothing is lost, nothing"
        " leaves twice, and after a silence no mail stays unknown",
        (
            *tests_in(_SENDING, "test_killed_at_every_named_step_nothing_leaves_twice_and_nothing_is_lost"),
            *tests_in(
                "faults/test_faults_serving.py",
                "test_what_a_server_acknowledged_is_stored_once_however_often_it_is_killed",
            ),
        ),
        (
            *_HONEST,
            *none("mails still unknown after silence", _L_KEPT, "stored twice"),
            least("steps", 11, 11),
            least("deaths at the step that had fewest", 8, 1),
            least("deliveries acknowledged", 200, 20),
        ),
        5,
        lanes=2,
        note="Texts stay unknown by design, for nobody sends a text twice; each is listed.",
    ),
    Bar(
        "kill-random",
        "1,000 deliveries, and mails and texts that leave, under 60 kills at random and with"
        " providers that misbehave: the same, and every sum is the recount of its rows",
        tests_in(_SENDING, "test_killed_at_random_while_the_providers_misbehave"),
        (
            *_HONEST,
            *none(_L, "people whose sums are not their orders' own"),
            least("events acknowledged", 1000, 60),
            least("kills", 60, 6),
            least("messages", 250, 20),
        ),
        2.5,
        lanes=2,
    ),
    Bar(
        "db-crash",
        "PostgreSQL crashes and comes back six times: nothing lost, nothing twice, and no process ends",
        tests_in(_SENDING, "test_a_database_that_crashes_and_comes_back_loses_nothing"),
        (
            *_HONEST,
            *none(_L, "processes that ended"),
            least("crashes", 6, 2),
            least("events acknowledged", 200, 200),
            least("messages", 210, 70),
        ),
        1,
        (POSTGRESQL,),
    ),
    Bar(
        "provider-chaos",
        "A provider that loses 2 % of its answers, refuses 5 % for the moment and fails at 1 %:"
        " nothing twice, and every unknown message is on the merchant's screen within 60 s",
        tests_in(
            "faults/test_faults_chaos.py",
            "test_what_a_bad_provider_leaves_open_is_on_the_merchants_screen_within_a_minute",
        ),
        (
            *none(_D, _S, "unknown that it never showed"),
            least("messages", 1000, 150),
            least("unknown that the screen showed", 5, 1),
            Bound("slowest on the screen after its call, s", most=60),
        ),
        1,
        lanes=2,
    ),
    Bar(
        "event-race",
        "The provider's event comes up to a second before our own record: nothing twice, no status goes down",
        tests_in(_SENDING, "test_events_that_overtake_our_own_record_change_nothing"),
        (*_HONEST, least("messages", 300, 300), least("ended as delivered", 300, 300)),
        1,
        lanes=2,
    ),
    Bar(
        "disk-full",
        "A full disk: what is answered 200 is kept, the rest is answered 503, and it goes on"
        " without a restart",
        tests_in(
            "webhooks/test_webhooks_full_disk.py", "test_a_full_disk_is_answered_503_and_needs_no_restart"
        ),
        (
            *none(
                "answered otherwise", "answered 200 and not kept, or kept without", "pages that are not whole"
            ),
            least("answered 200", 200, 10),
            least("answered 503 while full", 300, 10),
            least(CASES, 2, 2),
        ),
        0.5,
        (SQLITE,),
        note="On both servers. PostgreSQL on a volume that is really full has a test of its own"
        " (row 8 of docs/reliability.md).",
    ),
    Bar(
        "clock",
        "A worker whose clock is an hour off, either way: nothing twice, nothing called unknown for nothing",
        tests_in(_SENDING, "test_a_worker_whose_clock_is_wrong_sends_nothing_twice"),
        (*none(_D, _S), Bound(_U, most=0), least("messages", 400, 400), least(CASES, 4, 4)),
        1,
        lanes=2,
    ),
)
