"""A merge is believed when the shop itself no longer has the one customer and still has the other."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from app.customers import aliases
from app.models import (
    Customer,
    CustomerEvent,
    CustomerMerge,
    Enrollment,
    Message,
    Order,
    Review,
    Store,
    Timer,
)
from app.stores import credentials
from connectors.base import CustomerMerge as Told
from connectors.base import Deletion, Record, Resource, ReviewRecord
from tests import seeds
from tests.conftest import NOW
from tests.merging.merging_shop import KEPT, MERGED, SWEPT, MergeShop
from tests.mirror.mirror_news import order, person

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_what_the_shop_confirms_is_carried_out_and_told_on_the_timeline(shop: MergeShop) -> None:
    shop.add("order", shop.merged, name="4000")
    shop.merge_there()
    shop.hear()
    before = shop.customers()

    shop.look()

    assert len(before) == 2
    (left,) = shop.customers()
    assert (left.id, left.external_id, left.orders_count) == (shop.kept, str(KEPT), 1)
    assert seeds.values_of(shop.database, Order, "customer_id") == [shop.kept]
    events = seeds.rows_of(shop.database, CustomerEvent, "customer_id", "type", "details")
    assert events == [(shop.kept, "customer.merged", {"external_id": str(MERGED)})]


def test_customers_whom_the_shop_still_has_are_not_merged(shop: MergeShop) -> None:
    shop.hear()

    for later in (timedelta(0), HOUR, 2 * HOUR, DAY, 3 * DAY, 5 * DAY):
        shop.look(NOW + later)

    assert [row.id for row in shop.customers()] == [shop.kept, shop.merged]
    assert seeds.rows_of(shop.database, CustomerMerge) == []
    assert seeds.waits_of(shop.database) == []


def test_a_merge_that_the_shop_confirms_late_is_carried_out(shop: MergeShop) -> None:
    shop.hear()
    shop.look()
    shop.merge_there()

    shop.look(NOW + HOUR)

    assert [row.id for row in shop.customers()] == [shop.kept]


def test_a_shop_that_must_be_reconnected_is_asked_once_it_is(shop: MergeShop) -> None:
    shop.merge_there()
    shop.hear()
    held = credentials_of(shop, "not a token")

    shop.look()
    before = [row.id for row in shop.customers()]
    credentials_of(shop, held)
    shop.look(NOW + HOUR)

    assert before == [shop.kept, shop.merged]
    assert [row.id for row in shop.customers()] == [shop.kept]


def credentials_of(shop: MergeShop, token: str) -> str:
    """Give the store another token; the one that it had."""
    with shop.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        vault = shop.kit.runtime.vault
        held = credentials.unseal(vault, store.credentials)
        store.credentials = credentials.seal(
            vault, replace(held, access={**held.access, "access_token": token})
        )
        return str(held.access["access_token"])


def test_a_merge_told_again_after_its_question_was_lost_is_asked_for_again(shop: MergeShop) -> None:
    shop.merge_there()
    shop.hear()
    with shop.database.write() as session:
        session.execute(delete(Timer).where(Timer.store_id == shop.store_id))

    shop.hear(now=NOW + HOUR)
    shop.look(NOW + HOUR)

    assert [row.id for row in shop.customers()] == [shop.kept]


def test_nobody_is_merged_into_somebody_whom_the_shop_does_not_have(shop: MergeShop) -> None:
    shop.merge_there()
    del shop.world.shoppers[KEPT]
    shop.hear()

    shop.look()

    assert [row.id for row in shop.customers()] == [shop.kept, shop.merged]


def test_a_merge_told_twice_and_later_again_changes_nothing_more(shop: MergeShop) -> None:
    shop.merge_there()
    shop.hear()
    shop.hear()
    shop.look()
    shop.look(NOW + SWEPT)
    tables = (Customer, CustomerEvent, CustomerMerge)
    after_once = [seeds.rows_of(shop.database, table) for table in tables]

    shop.hear(now=NOW + DAY)
    shop.hear(Told("999", str(MERGED), NOW), now=NOW + DAY)
    shop.look(NOW + DAY)

    assert [seeds.rows_of(shop.database, table) for table in tables] == after_once
    assert seeds.waits_of(shop.database) == []


@pytest.mark.parametrize("is_deletion_first", [True, False])
def test_a_deletion_of_the_merged_customer_loses_nothing_in_either_order(
    shop: MergeShop, is_deletion_first: bool
) -> None:
    shop.add("order", shop.merged, name="4000")
    shop.says(shop.merged, "unsubscribed")
    shop.add("enrollment", shop.merged)
    shop.merge_there()
    deletion = Deletion(Resource.CUSTOMERS, str(MERGED), NOW)
    news: list[Record] = [deletion, Told(str(KEPT), str(MERGED), NOW)]

    for one in news if is_deletion_first else reversed(news):
        shop.hear(one)
        shop.look()

    (left,) = shop.customers()
    assert (left.id, left.orders_count) == (shop.kept, 1)
    assert shop.consents() == {"email": "unsubscribed"}
    assert seeds.values_of(shop.database, Enrollment, "customer_id") == [shop.kept]


def test_late_news_of_the_merged_id_are_the_kept_ones(shop: MergeShop) -> None:
    shop.merge()
    late = person(str(MERGED), "lucia.rossi4@example.com", first_name="Lucy", updated_at=NOW + DAY)

    shop.hear(late, order("77", customer=late), now=NOW + DAY)

    (left,) = shop.customers()
    assert (left.id, left.email, left.first_name) == (shop.kept, "lucia.rossi2@example.com", "Lucia")
    assert left.orders_count == 1
    assert seeds.rows_of(shop.database, Order, "external_id", "customer_id") == [("77", shop.kept)]


def test_late_news_of_a_customer_who_was_never_mirrored_are_the_kept_ones(shop: MergeShop) -> None:
    shop.merge_there()
    shop.hear(Told(str(KEPT), "6", NOW))
    shop.look()

    shop.hear(person("6", "six@example.com"))

    assert [row.id for row in shop.customers()] == [shop.kept, shop.merged]


def test_a_customer_merged_on_leads_from_the_first_to_the_last(shop: MergeShop) -> None:
    first = shop.add("order", shop.merged, name="4000")
    with shop.database.write() as session:
        third = seeds.add_customer(session, shop.store_id, "6")
    shop.world.shoppers[6] = replace(shop.world.shoppers[KEPT], household=6)
    shop.merge_there()
    shop.world.merge(6, KEPT)

    shop.hear()
    shop.look()
    shop.hear(Told("6", str(KEPT), NOW))
    shop.look()
    shop.look(NOW + HOUR)

    assert [row.id for row in shop.customers()] == [third.id]
    assert seeds.rows_of(shop.database, Order, "id", "customer_id") == [(first, third.id)]
    with shop.database.read() as session:
        found = aliases.find(session, shop.store_id, [str(KEPT), str(MERGED)])
        assert {name: heir.id for name, heir in found.items()} == dict.fromkeys(("2", "4"), third.id)
        assert aliases.present_id(session, shop.store_id, shop.merged) == third.id


def test_the_same_ids_in_another_shop_are_somebody_elses(shop: MergeShop) -> None:
    other = seeds.new_store(shop.database, "second", platform="shopify")
    with shop.database.write() as session:
        for name in (str(KEPT), str(MERGED)):
            customer = seeds.add_customer(session, other, name)
            seeds.add_order(session, other, customer.id, f"order-of-{name}")
            seeds.add_message(session, other, customer.id)
    before = theirs(shop, other)

    shop.merge()

    assert len(shop.customers()) == 1
    assert theirs(shop, other) == before


def theirs(shop: MergeShop, store_id: int) -> list[tuple[object, ...]]:
    tables = (Customer, Order, Message, CustomerEvent)
    return [row for table in tables for row in seeds.rows_of(shop.database, table) if row[1] == store_id]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_the_merged_customer_reviewed_the_kept_one_did(shop: MergeShop) -> None:
    told = ReviewRecord("30", "P1", "lucia.rossi4@example.com", 5, "Ottimo!", "approved", True, NOW - DAY)
    shop.hear(told)
    before = seeds.values_of(shop.database, Review, "customer_id")

    shop.merge()

    assert before == [shop.merged]
    assert seeds.values_of(shop.database, Review, "customer_id") == [shop.kept]
