from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.models import ConsentState, Customer, CustomerEvent, Order
from tests.conftest import NOW
from tests.mirror.mirror_news import PLACED, order, person, said, tell
from tests.seeds import add_customer, new_store, only, rows_of, values_of

LATER = PLACED + timedelta(days=1)


def test_a_registered_customer_told_twice_is_one_row(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, person())
    tell(database, store_id, person())

    assert rows_of(database, Customer, "identity", "email") == [("id:C1", "anna@example.com")]


def test_the_same_account_number_in_two_stores_is_two_customers(database: Database) -> None:
    first, second = new_store(database, "first"), new_store(database, "second")

    tell(database, first, person(first_name="Anna"))
    tell(database, second, person(first_name="Bruno"))

    assert rows_of(database, Customer, "store_id", "first_name") == [(first, "Anna"), (second, "Bruno")]


def test_a_guest_is_known_by_the_normalised_address(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, order("1", customer=person(None, "  Anna@Example.COM ")))
    tell(database, store_id, order("2", customer=person(None, "anna@example.com")))

    assert values_of(database, Customer, "identity") == ["email:anna@example.com"]
    assert values_of(database, Customer, "orders_count") == [2]


def test_somebody_without_number_and_address_is_nobody(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, order(customer=person(None, None, phone="+390111234567")))

    assert rows_of(database, Customer) == []
    assert values_of(database, Order, "customer_id") == [None]


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
@pytest.mark.parametrize("guest_first", [True, False], ids=["guest first", "account first"])
def test_a_guest_with_the_address_of_an_account_is_that_customer(
    database: Database, *, guest_first: bool, together: bool
) -> None:
    store_id = new_store(database)
    news: list[Any] = [person("C1"), order("2", customer=person(None, "ANNA@example.com"))]
    if guest_first:
        news.reverse()

    for batch in [news] if together else [[item] for item in news]:
        tell(database, store_id, *batch)

    assert rows_of(database, Customer, "identity", "orders_count") == [("id:C1", 1)]


def test_a_guest_who_registers_keeps_the_row_and_its_history(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order("1", customer=person(None)))
    before = only(values_of(database, Customer, "id"))

    tell(database, store_id, person("C1", updated_at=LATER))

    assert rows_of(database, Customer, "id", "identity", "external_id", "orders_count") == [
        (before, "id:C1", "C1", 1)
    ]


def test_two_accounts_that_share_an_address_stay_two(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, person("C1"))
    tell(database, store_id, person("C2"))

    assert values_of(database, Customer, "identity") == ["id:C1", "id:C2"]


def test_two_accounts_told_at_once_do_not_share_a_guests_row(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order("1", customer=person(None)))

    tell(database, store_id, person("C1"), person("C2"))

    assert sorted(values_of(database, Customer, "identity")) == ["id:C1", "id:C2"]


def test_older_news_fill_gaps_and_overwrite_nothing(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, person(first_name="Anna", updated_at=LATER))

    tell(database, store_id, person(first_name="Annetta", city="Torino", updated_at=PLACED))

    assert rows_of(database, Customer, "first_name", "city", "source_updated_at") == [
        ("Anna", "Torino", LATER)
    ]


def test_what_the_news_do_not_say_stays_and_what_they_leave_empty_goes(database: Database) -> None:
    store_id = new_store(database)
    told = person(phone="+390111234567", city="Torino", tags=("vip",))
    tell(database, store_id, told)

    tell(database, store_id, told._replace(phone=None, city="", tags=None, updated_at=LATER))
    kept = rows_of(database, Customer, "phone", "city", "tags")
    tell(database, store_id, told._replace(tags=(), updated_at=LATER + timedelta(days=1)))

    assert kept == [("+390111234567", "", ["vip"])]
    assert values_of(database, Customer, "tags") == [[]]


def test_an_order_in_the_same_batch_adds_what_the_account_does_not_say(database: Database) -> None:
    store_id = new_store(database)
    buyer = person(updated_at=None, created_at=None, phone="+390111234567", birth_month=5, birth_day=9)

    tell(database, store_id, order("1", customer=buyer), person(first_name="Anna"))

    assert rows_of(database, Customer, "first_name", "phone", "birth_month") == [("Anna", "+390111234567", 5)]


def test_what_is_told_again_in_a_batch_counts_where_it_was_told_last(database: Database) -> None:
    store_id = new_store(database)
    names = ("Anna", "Bianca", "Anna")

    tell(database, store_id, *(order(name, customer=person(first_name=name)) for name in names))

    assert rows_of(database, Customer, "first_name", "orders_count") == [("Anna", 2)]


def test_an_account_and_a_guest_order_of_one_batch_are_both_heard(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, person("C1", created_at=PLACED, updated_at=PLACED))

    tell(
        database,
        store_id,
        order("1", customer=person("C1", first_name="Anna", updated_at=LATER)),
        order("2", customer=person(None, city="Torino")),
    )

    assert rows_of(database, Customer, "identity", "first_name", "city") == [("id:C1", "Anna", "Torino")]


def test_an_erased_customer_stays_erased(database: Database) -> None:
    store_id = new_store(database)
    with database.write() as session:
        add_customer(session, store_id, "C1", email=None, erased_at=NOW)

    tell(
        database,
        store_id,
        person(first_name="Anna", updated_at=NOW, consents=(said("subscribed", NOW),)),
    )

    assert rows_of(database, Customer, "email", "first_name") == [(None, None)]
    assert rows_of(database, ConsentState) == []


def test_a_birthday_is_known_since_it_was_first_told(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, person(birth_month=5, birth_day=9, updated_at=PLACED))

    tell(database, store_id, person(birth_month=5, birth_day=9, updated_at=LATER))
    unchanged = values_of(database, Customer, "birth_known_at")
    tell(database, store_id, person(birth_month=6, birth_day=9, updated_at=LATER + timedelta(days=1)))

    assert unchanged == [PLACED]
    assert values_of(database, Customer, "birth_known_at") == [LATER + timedelta(days=1)]


@pytest.mark.parametrize("order_first", [True, False])
def test_of_two_tellings_of_a_birthday_the_earlier_counts(database: Database, *, order_first: bool) -> None:
    store_id = new_store(database)
    account = person(birth_month=5, birth_day=9, updated_at=PLACED)
    buyer = account._replace(updated_at=None, created_at=None)
    news: list[Any] = [account, order("1", customer=buyer)]
    if order_first:
        news.reverse()

    for item in news:
        tell(database, store_id, item)

    assert values_of(database, Customer, "birth_known_at") == [PLACED]


def test_a_birthday_from_the_future_is_known_since_now(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, person(birth_month=5, birth_day=9, updated_at=NOW + timedelta(days=3)))

    assert values_of(database, Customer, "birth_known_at") == [NOW]


def test_a_customers_coming_is_told_once_and_queued_for_no_flow(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, person())
    tell(database, store_id, person(first_name="Anna", updated_at=LATER))

    assert rows_of(database, CustomerEvent, "type", "occurred_at", "is_pending") == [
        ("customer.created", PLACED, False)
    ]


def test_more_people_than_one_query_takes_are_all_found_again(database: Database) -> None:
    store_id = new_store(database)
    people = [person(f"C{number}", f"c{number}@example.com") for number in range(1100)]
    tell(database, store_id, *people)

    tell(database, store_id, *(one._replace(city="Torino", updated_at=LATER) for one in people))

    assert values_of(database, Customer, "city") == ["Torino"] * 1100
