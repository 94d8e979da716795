"""A merge and a worker at the same rows at the same time, and what came under the old id meanwhile."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.merging import moving
from app.mirror.apply import apply_records
from app.models import CustomerEvent, CustomerMerge, Message, Order, Store
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.merging.merging_shop import MERGED, SWEPT, MergeShop
from tests.mirror.mirror_news import SIGNER, order, person, tell
from tests.privacy.test_privacy_races import beside, wait_until_somebody_waits

DAY = timedelta(days=1)
only_postgresql = pytest.mark.parametrize("engine", [POSTGRESQL])


def told(shop: MergeShop) -> int:
    """A merge that was told and not carried out; its id."""
    shop.hear()
    (number,) = seeds.values_of(shop.database, CustomerMerge, "id")
    return int(number)


@only_postgresql
def test_news_that_waited_for_the_merge_are_the_kept_ones(shop: MergeShop) -> None:
    number = told(shop)
    late = person(str(MERGED), "lucia.rossi4@example.com", first_name="Lucy", updated_at=NOW + DAY)

    with shop.database.write() as session:
        moving.carry_out(session, SIGNER, session.get_one(Store, shop.store_id), number, now=NOW)
        worker = beside(lambda: tell(shop.database, shop.store_id, late, order("77", customer=late)))
        wait_until_somebody_waits(shop.database)
    worker.join()

    (left,) = shop.customers()
    assert (left.id, left.first_name, left.orders_count) == (shop.kept, None, 1)
    assert seeds.rows_of(shop.database, Order, "external_id", "customer_id") == [("77", shop.kept)]


@only_postgresql
def test_a_merge_that_waited_for_news_takes_them_along(shop: MergeShop) -> None:
    number = told(shop)

    def merge() -> None:
        with shop.database.write() as session:
            store = session.get_one(Store, shop.store_id)
            moving.carry_out(session, SIGNER, store, number, now=NOW)

    with shop.database.write() as session:
        late = person(str(MERGED), "lucia.rossi4@example.com")
        store = session.get_one(Store, shop.store_id)
        apply_records(session, SIGNER, store, [late, order("77", customer=late)], now=NOW)
        worker = beside(merge)
        wait_until_somebody_waits(shop.database)
    worker.join()

    assert [(row.id, row.orders_count) for row in shop.customers()] == [(shop.kept, 1)]
    assert seeds.rows_of(shop.database, Order, "external_id", "customer_id") == [("77", shop.kept)]


def test_what_a_worker_wrote_under_the_old_id_is_found_a_little_later(shop: MergeShop) -> None:
    shop.merge_there()
    shop.hear()
    shop.look()
    late = shop.add("message", shop.merged)
    shop.add("order", shop.merged, name="78")

    shop.look(NOW + SWEPT)

    assert seeds.rows_of(shop.database, Message, "id", "customer_id") == [(late, shop.kept)]
    assert [(row.id, row.orders_count) for row in shop.customers()] == [(shop.kept, 1)]


def test_a_row_that_came_back_under_the_merged_id_is_merged_again(shop: MergeShop) -> None:
    shop.merge_there()
    shop.hear()
    shop.look()
    with shop.database.write() as session:
        again = seeds.add_customer(session, shop.store_id, str(MERGED))
        seeds.add_order(session, shop.store_id, again.id, "79")

    shop.look(NOW + SWEPT)

    assert [(row.id, row.orders_count) for row in shop.customers()] == [(shop.kept, 1)]


def test_a_merge_that_fails_half_way_changes_nothing_and_is_tried_again(shop: MergeShop) -> None:
    shop.add("message", shop.merged, key="no such key")
    shop.merge_there()
    shop.hear()

    shop.look()
    failed = [row.id for row in shop.customers()]
    with shop.database.write() as session:
        session.execute(update(Message).where(Message.store_id == shop.store_id).values(key="a:b:c:d"))
    shop.look(NOW + SWEPT)

    assert failed == [shop.kept, shop.merged]
    assert [row.id for row in shop.customers()] == [shop.kept]
    assert "customer.merged" in seeds.values_of(shop.database, CustomerEvent, "type")


@only_postgresql
def test_two_workers_carry_a_merge_out_once(shop: MergeShop) -> None:
    number = told(shop)
    late = shop.add("order", shop.merged, name="77")

    def merge() -> None:
        with shop.database.write() as session:
            moving.carry_out(session, SIGNER, session.get_one(Store, shop.store_id), number, now=NOW)

    with shop.database.write() as session:
        moving.carry_out(session, SIGNER, session.get_one(Store, shop.store_id), number, now=NOW)
        worker = beside(merge)
        wait_until_somebody_waits(shop.database)
    worker.join()

    assert [(row.id, row.orders_count) for row in shop.customers()] == [(shop.kept, 1)]
    assert seeds.rows_of(shop.database, Order, "id", "customer_id") == [(late, shop.kept)]
    assert seeds.values_of(shop.database, CustomerEvent, "type") == ["customer.merged"]
    names = ("customer_id", "merged_customer_id")
    assert seeds.rows_of(shop.database, CustomerMerge, *names) == [(shop.kept, shop.merged)]
