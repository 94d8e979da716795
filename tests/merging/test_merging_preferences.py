"""What two people wish, once they are one: of each wish the stricter."""

from datetime import timedelta

import pytest

from app.db import Database
from app.merging import preferences as merging
from app.messaging import preferences
from app.messaging.wishes import NO_WISHES, Wishes
from app.models import Preference
from tests import seeds
from tests.conftest import NOW

DAY = timedelta(days=1)
LONG, SHORT = NOW + 90 * DAY, NOW + 30 * DAY
CALM = Wishes(LONG, frozenset({"offers"}), is_fewer=True)
BRIEF = Wishes(SHORT, frozenset({"reviews"}))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (CALM, BRIEF, Wishes(LONG, frozenset({"offers", "reviews"}), is_fewer=True)),
        (NO_WISHES, BRIEF, BRIEF),
        (NO_WISHES, NO_WISHES, NO_WISHES),
    ],
)
def test_the_stricter_of_two_wishes_holds(one: Wishes, other: Wishes, expected: Wishes) -> None:
    assert merging.strictest(one, other) == expected
    assert merging.strictest(other, one) == expected


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_kept_customer_has_the_wishes_of_both(database: Database) -> None:
    store_id = seeds.new_store(database)
    with database.write() as session:
        preferences.write(session, store_id, 1, wished=BRIEF, now=NOW)
        preferences.write(session, store_id, 2, wished=CALM, now=NOW)

        merging.move(session, store_id, 1, 2, now=NOW)

    kept = seeds.only(seeds.rows_of(database, Preference, "customer_id", "topics_off", "paused_until"))
    assert kept == (1, ["offers", "reviews"], LONG)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_whoever_is_merged_without_wishes_changes_none(database: Database) -> None:
    store_id = seeds.new_store(database)
    with database.write() as session:
        preferences.write(session, store_id, 1, wished=BRIEF, now=NOW)

        merging.move(session, store_id, 1, 2, now=NOW)

    assert seeds.values_of(database, Preference, "paused_until") == [SHORT]
