import pytest

from app.db import Database
from app.mirror import lookups
from app.models import Customer, Order, PrivacyRequest, Timer, TimerCursor
from connectors import base
from connectors.base import Deletion, PrivacyKind, Resource
from tests.conftest import NOW
from tests.mirror.mirror_news import order, person, tell
from tests.seeds import new_store, only, rows_of, values_of, waits_of

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


def test_a_deletion_is_only_asked_about(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    tell(database, store_id, Deletion(Resource.ORDERS, "100", NOW), Deletion(Resource.ORDERS, "100", None))

    assert values_of(database, Order, "deleted_at") == [None]
    assert waits_of(database) == [("look-up.orders", 100, NOW)]
    assert only(values_of(database, TimerCursor, "next_due_at")) <= NOW


@pytest.mark.parametrize("external_id", ["", "12a", "-1", "１２", "9" * 19])
def test_an_id_that_no_platform_gives_is_asked_for_nowhere(database: Database, external_id: str) -> None:
    store_id = new_store(database)

    tell(database, store_id, Deletion(Resource.PRODUCTS, external_id, NOW))

    assert rows_of(database, Timer) == []


def test_a_deleted_account_keeps_its_row(database: Database) -> None:
    """A platform that deletes an account does not ask for erasure by that."""
    store_id = new_store(database)
    tell(database, store_id, person())

    with database.write() as session:
        lookups.mark_gone(session, store_id, Resource.CUSTOMERS, "C1", now=NOW)

    assert rows_of(database, Customer, "email", "erased_at") == [("anna@example.com", None)]


def test_what_is_gone_and_was_never_here_changes_nothing(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    with database.write() as session:
        lookups.mark_gone(session, store_id, Resource.ORDERS, "999", now=NOW)

    assert values_of(database, Order, "deleted_at") == [None]
    assert values_of(database, Customer, "orders_count") == [1]


@pytest.mark.parametrize(
    "request_",
    [
        base.PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, "C1", None),
        base.PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, None, " Anna@Example.com"),
        base.PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, "C404", None, order_external_ids=("100",)),
    ],
    ids=["by number", "by address", "by order"],
)
def test_a_request_is_kept_open_with_whom_it_concerns(
    database: Database, request_: base.PrivacyRequest
) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    tell(database, store_id, request_)

    customer_id = only(values_of(database, Customer, "id"))
    assert rows_of(database, PrivacyRequest, "kind", "customer_id", "done_at") == [
        ("erase-customer", customer_id, None)
    ]


def test_a_request_about_nobody_we_know_is_answered_at_once(database: Database) -> None:
    store_id = new_store(database, platform="shopify")

    tell(database, store_id, base.PrivacyRequest(PrivacyKind.ACCESS, "C404", "nobody@example.com"))

    assert rows_of(database, PrivacyRequest, "kind", "customer_id", "done_at", "proof") == [
        ("access", None, NOW, {"stored": 0})
    ]
