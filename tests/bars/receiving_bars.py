"""Bars of what arrives: again, out of order, too much at once, or making no sense."""

from tests.bars.bar import Bar, least, none, tests_in
from tests.bars.judging import CASES, SQLITE, Bound

RECEIVING: tuple[Bar, ...] = (
    Bar(
        "replay",
        "5,000 events, each told three times, in 100 orders: the same tables as told once and in order",
        tests_in(
            "faults/test_faults_replay.py", "test_events_told_three_times_in_any_order_give_the_same_tables"
        ),
        (
            *none("orders of arrival whose tables differ"),
            least("events", 5000, 200),
            least("orders of arrival", 100, 2),
            least("times each was told", 3, 3),
            # Of our own: 5,000 events speak of fewer rows, most of them of the same orders again.
            least("rows compared", 3000, 200),
        ),
        3.5,
        lanes=2,
    ),
    Bar(
        "storm",
        "10,000 deliveries at once: all kept, 200 a second, and an order that comes then is"
        " answered by a mail within 60 s (5 s when it is quiet)",
        tests_in(
            "faults/test_faults_storm.py", "test_ten_thousand_deliveries_are_kept_and_keep_nobody_waiting"
        ),
        (
            *none("answers other than 200", "acknowledged and not in the mirror"),
            least("deliveries acknowledged", 10_000, 300),
            least("kept a second", 200, 50),
            Bound("p99 of an answer, ms", most=1000),
            Bound("order to mail while it is quiet, s", most=5),
            Bound("order to mail at the end of the storm, s", most=60),
        ),
        1.5,
    ),
    Bar(
        "abuse-http",
        "500 senders that never end, and bodies of 200 MiB: nobody else waits a second, and no memory goes",
        tests_in(
            "faults/test_faults_abuse.py",
            "test_five_hundred_slow_senders_keep_nobody_waiting",
            "test_two_hundred_mebibytes_are_cut_and_cost_no_memory",
        ),
        (
            least("slow senders", 500, 500),
            Bound("p99 of others, ms", most=1000),
            Bound("of 200 MiB sent until cut off, MiB", most=16),
            Bound("memory grown by, MiB", most=50),
            least(CASES, 6, 6),
        ),
        1,
        (SQLITE,),
        note="On both servers; no such request comes as far as a database. The cap is 2 MiB; what is"
        " sent beyond it stands in the sockets' buffers of both sides.",
    ),
    Bar(
        "poison",
        "Bodies, ids and fields that make no sense, signed: never a 5xx, each at rest or read, and"
        " the next good delivery is answered within a second and in the mirror within two",
        (
            *tests_in(
                "faults/test_faults_poison.py",
                "test_a_good_order_behind_each_poison_is_answered_and_read",
            ),
            "webhooks/test_webhooks_poison.py",
        ),
        (
            *none("answers of 5xx", "neither at rest nor read", "good orders behind them not read"),
            least("poisons", 40, 40),
            Bound("slowest answer to a good one, s", most=1),
            Bound("slowest good one to the mirror, s", most=2),
            least(CASES, 120, 120),
        ),
        1.5,
    ),
)
