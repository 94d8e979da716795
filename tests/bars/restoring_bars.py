"""Bars of backups and migrations, and of stores that share one worker."""

from tests.bars.bar import Bar, least, none, tests_in
from tests.bars.judging import POSTGRESQL, Bound

_L_KEPT = "acknowledged and not stored (L)"
RESTORING: tuple[Bar, ...] = (
    Bar(
        "restore",
        "15 backups while rows are written are whole; after yesterday's is put back nothing leaves"
        " again; tables are expanded and taken back under deliveries that are all answered 200",
        (
            *tests_in("backups/test_backups.py", "test_a_backup_under_load_is_of_one_moment"),
            *tests_in("backups/test_restores.py", "test_nothing_that_left_since_the_backup_leaves_again"),
            *tests_in(
                "faults/test_faults_migrating.py",
                "test_the_programs_of_before_take_deliveries_while_the_tables_are_expanded_and_taken_back",
            ),
        ),
        (
            *none("backups not of one moment", "letters that left again after it", _L_KEPT),
            *none("answers other than 200"),
            least("backups under load", 15, 3),
            least("letters that left before the restore", 5, 5),
            least("migrations up and down", 6, 2),
            least("deliveries acknowledged while they ran", 100, 20),
        ),
        1.2,
        lanes=2,
    ),
    Bar(
        "fairness",
        "One store's 1,000,000 waiting deliveries keep another store's first mail waiting no longer than 5 s",
        tests_in(
            "faults/test_faults_fairness.py", "test_a_million_waiting_deliveries_keep_no_other_shop_waiting"
        ),
        (
            *none("orders without a mail"),
            least("deliveries waiting before", 1_000_000, 5000),
            least("deliveries waiting after", 500_000, 500),
            least("orders of the other shop", 20, 3),
            Bound("slowest order to mail, s", most=5),
        ),
        3,
        (POSTGRESQL,),
    ),
)
