"""News of an erased person that come late, or again: the order moves on, the person stays away."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.models import (
    ConsentState,
    Customer,
    ErasedIdentity,
    Order,
    PrivacyRequest,
    Timer,
)
from app.privacy import asked
from app.runtime import Runtime
from connectors.base import CustomerRecord, PrivacyKind
from connectors.base import PrivacyRequest as Asked
from tests import seeds
from tests.conftest import NOW
from tests.mirror.mirror_news import order, person, said, tell
from tests.privacy.privacy_world import CUSTOMER, World

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ERASED_AT = NOW
BEFORE, AFTER = NOW - DAY, NOW + DAY


def forget(shop: World) -> None:
    shop.hear("customers/redact")
    shop.tick(MINUTE)


@pytest.mark.parametrize(
    "topic",
    [
        "customers/create",
        "customers/update",
        "orders/create",
        "orders/updated",
        "orders/fulfilled",
        "fulfillments/create",
        "refunds/create",
        "customers_email_marketing_consent/update",
    ],
)
def test_late_news_bring_nobody_back(shop: World, topic: str) -> None:
    shop.subscribe()
    shop.hear("orders/paid")
    shop.tick()
    forget(shop)
    before, states = shop.customer(), seeds.rows_of(shop.database, ConsentState)

    shop.hear(topic)
    shop.tick(2 * MINUTE)

    after = shop.customer()
    assert (after.email, after.external_id, after.first_name) == (None, None, None)
    assert after.identity == before.identity
    assert seeds.rows_of(shop.database, ConsentState) == states
    assert seeds.values_of(shop.database, Order, "customer_id") == [after.id]
    assert set(seeds.bodies_of(shop.database)) <= {(None,)}


def test_a_late_refund_corrects_the_revenue_of_the_erased(shop: World) -> None:
    shop.hear("orders/paid")
    shop.tick()
    forget(shop)
    spent = shop.customer().total_spent_minor

    shop.hear("refunds/create")
    shop.tick(2 * MINUTE)

    assert 0 < shop.customer().total_spent_minor < spent


def test_an_order_that_comes_late_belongs_to_the_erased(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    forget(shop)

    shop.hear("orders/paid")
    shop.tick(2 * MINUTE)

    assert seeds.values_of(shop.database, Order, "customer_id") == [shop.customer().id]
    assert shop.customer().orders_count == 1


def test_who_was_erased_before_we_knew_them_never_becomes_known(shop: World) -> None:
    forget(shop)

    shop.subscribe()
    shop.hear("orders/paid")
    shop.tick(2 * MINUTE)

    assert seeds.rows_of(shop.database, Customer) == []
    assert seeds.values_of(shop.database, Order, "customer_id") == [None]
    assert seeds.rows_of(shop.database, PrivacyRequest, "customer_id", "outcome", "proof") == [
        (None, "done", {"stored": 0})
    ]


def test_there_is_nothing_to_show_of_who_was_erased(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    forget(shop)

    shop.hear("customers/data_request")
    shop.tick(2 * MINUTE)

    rows = seeds.rows_of(shop.database, PrivacyRequest, "kind", "outcome")
    assert rows == [("erase-customer", "done"), ("access", "done")]


def test_what_was_not_read_yet_is_asked_for_instead(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    shop.hear("customers/update")
    shop.hear("orders/paid", id=6820, admin_graphql_api_id="gid://shopify/Order/6820")

    asked.erase_now(shop.runtime, shop.store_id, shop.customer().id, source="api", now=NOW)

    rows = seeds.bodies_of(shop.database, "topic", "status")
    assert rows[2:] == [("customers/update", "ignored", None), ("orders/paid", "ignored", None)]
    assert seeds.rows_of(shop.database, Timer, "kind", "subject_id") == [("look-up.orders", 6820)]


# --- guests, who have no number at the shop ---------------------------------------------------------


def guest(at: datetime, name: str = "1", **values: Any) -> Any:
    buyer = CustomerRecord(external_id=None, email="Anna@Example.com", first_name="Anna", updated_at=at)
    return order(name, customer=buyer, placed_at=at, updated_at=values.pop("updated_at", at))


@pytest.fixture
def bottega(runtime: Runtime) -> int:
    """A WooCommerce shop in which a guest ordered and was erased."""
    store_id = seeds.new_store(runtime.database)
    tell(runtime.database, store_id, guest(BEFORE))
    (number,) = seeds.values_of(runtime.database, Customer, "id")
    asked.erase_now(runtime, store_id, number, source="cli", now=ERASED_AT)
    return store_id


def test_a_guest_who_buys_again_is_somebody_new(runtime: Runtime, bottega: int) -> None:
    tell(runtime.database, bottega, guest(AFTER, "2"), now=AFTER)

    people = seeds.rows_of(runtime.database, Customer, "email", "first_name", "orders_count")
    assert people == [(None, None, 1), ("anna@example.com", "Anna", 1)]


def test_an_old_order_that_changes_later_stays_with_the_erased(runtime: Runtime, bottega: int) -> None:
    tell(runtime.database, bottega, guest(BEFORE, updated_at=AFTER), now=AFTER)

    assert seeds.rows_of(runtime.database, Customer, "email", "orders_count") == [(None, 1)]


def test_old_and_new_orders_of_one_batch_go_each_to_their_own(runtime: Runtime, bottega: int) -> None:
    old, new = guest(BEFORE, updated_at=AFTER), guest(AFTER, "2")

    tell(runtime.database, bottega, old, new, guest(BEFORE - DAY, "3"), now=AFTER)

    assert seeds.rows_of(runtime.database, Customer, "email", "orders_count") == [
        (None, 2),
        ("anna@example.com", 1),
    ]


def test_an_account_from_before_with_the_address_is_the_erased(runtime: Runtime, bottega: int) -> None:
    tell(runtime.database, bottega, person("C1", created_at=BEFORE, updated_at=AFTER), now=AFTER)

    assert seeds.values_of(runtime.database, Customer, "email") == [None]


def test_an_account_that_is_made_later_is_somebody_new(runtime: Runtime, bottega: int) -> None:
    news = person("C1", created_at=AFTER, updated_at=AFTER, consents=(said("subscribed", AFTER),))

    tell(runtime.database, bottega, news, now=AFTER)

    assert seeds.values_of(runtime.database, Customer, "identity")[1:] == ["id:C1"]
    assert seeds.values_of(runtime.database, ConsentState, "state") == ["subscribed"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_address_of_another_shops_erased_is_free(runtime: Runtime, bottega: int) -> None:
    other = seeds.new_store(runtime.database, "other")

    tell(runtime.database, other, guest(BEFORE))

    assert seeds.values_of(runtime.database, Customer, "email") == [None, "anna@example.com"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_tombstone_names_nobody(runtime: Runtime, bottega: int) -> None:
    ((digest,),) = seeds.rows_of(runtime.database, ErasedIdentity, "identity_hash")

    assert len(digest) == 64
    assert CUSTOMER not in digest


# --- WooCommerce tells by anonymised orders and accounts --------------------------------------------


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_anonymised_order_asks_once_for_the_person_behind_it(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    tell(runtime.database, store_id, guest(BEFORE), guest(BEFORE, "2"))
    news = [Asked(PrivacyKind.ERASE_CUSTOMER, None, None, (name,)) for name in ("1", "2", "404")]

    tell(runtime.database, store_id, *news)
    tell(runtime.database, store_id, *news)

    (number,) = seeds.values_of(runtime.database, Customer, "id")
    assert seeds.rows_of(runtime.database, PrivacyRequest, "customer_id", "source", "done_at") == [
        (number, "storefront", None)
    ]
