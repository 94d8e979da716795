"""The rows that say what is to be pulled: one worker at a time, and none when its worker was killed."""

from datetime import timedelta

import pytest

from app.db import Database
from app.mirror import pulls
from app.models import Reconciliation, Store
from tests.conftest import NOW
from tests.seeds import new_store, rows_of

LATER = NOW + timedelta(days=2)


def _claimed(database: Database) -> list[str]:
    found = []
    with database.write() as session:
        for store_id in pulls.stores_to_reconcile(session, LATER, 100):
            claimed = pulls.claim_reconciliations(session, store_id, LATER)
            found += [pull.resource.value for pull in claimed]
    return found


@pytest.fixture
def store_id(database: Database) -> int:
    """A shop whose resources are all due."""
    store_id = new_store(database)
    with database.write() as session:
        pulls.ensure_reconciliations(session, session.get_one(Store, store_id), NOW)
    return store_id


def test_what_one_worker_claimed_no_other_does(database: Database, store_id: int) -> None:
    first = _claimed(database)

    second = _claimed(database)

    assert (sorted(first), second) == (["checkouts", "customers", "orders", "products", "reviews"], [])


def test_what_a_killed_worker_held_is_free_again_for_its_shop_alone(
    database: Database, store_id: int
) -> None:
    other_id = new_store(database, "other")
    with database.write() as session:
        pulls.ensure_reconciliations(session, session.get_one(Store, other_id), NOW)
    held = len(_claimed(database))

    with database.write() as session:
        pulls.release_own(session, store_id)

    assert (held, len(_claimed(database))) == (10, 5)


def test_reviews_are_pulled_whole_where_the_platform_has_any(database: Database) -> None:
    shops = {
        platform: new_store(database, platform, platform=platform) for platform in ("shopify", "woocommerce")
    }

    with database.write() as session:
        for store_id in shops.values():
            pulls.ensure_reconciliations(session, session.get_one(Store, store_id), NOW)

    rows = rows_of(database, Reconciliation, "store_id", "resource", "pulled_to", "next_at")
    reviews = [row for row in rows if row[1] == "reviews"]
    assert [(row[0], row[2].year, row[3]) for row in reviews] == [
        (shops["woocommerce"], 2000, NOW + timedelta(hours=1))
    ]
