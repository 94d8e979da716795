"""What Shopify signed for one shop does not pass for another's, whoever sends it again under which name."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from app import inbox
from app.db import Base, table_of
from app.models import Checkout, Consent, Customer, Order, Product, Store
from app.runtime import Runtime
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import Serving
from tests.webhooks.webhooks_shops import NUMBER_IN_FIXTURES, connect_shopify, shopify_body, shopify_delivery

_OF_THE_SHOP = ("app/scopes_update",)
MIRROR: Sequence[type[Base]] = (Checkout, Consent, Customer, Order, Product)
HAVE_A_NUMBER = [
    "customers/create",
    "customers/update",
    "customers_email_marketing_consent/update",
    "customers_marketing_consent/update",
    "orders/create",
    "orders/paid",
    "products/create",
]
NAME_THEIR_SHOP = [
    "app/scopes_update",
    "checkouts/create",
    "checkouts/update",
    "orders/create",
    "orders/updated",
]


_numbers = count(10**15)


class News:
    """The bodies of the fixtures about things of their own: the database is shared by all tests."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def of(self, topic: str) -> bytes:
        """The body of a topic; a customer is the same one in all."""
        told = json.loads(shopify_body(topic))
        old = told.get("customer_id") or told.get("id")
        if old is None or topic in _OF_THE_SHOP:
            return shopify_body(topic)
        family = "customers" if topic.startswith("customers") else topic.partition("/")[0]
        new = self._names.setdefault(family, str(next(_numbers)))
        return shopify_body(topic).replace(str(old).encode(), new.encode())


@pytest.fixture
def news() -> News:
    """Bodies about things that no other test tells of."""
    return News()


def _deliver(served: Serving, store: Store, topic: str, body: bytes) -> None:
    key = f"{store.id}-{topic}-{len(body)}"
    delivery = shopify_delivery(store.domain, topic, body, webhook_id=key)
    assert served.post(delivery.path, delivery.headers, body).status == 200


def _mirrored(runtime: Runtime, store: Store) -> dict[str, int]:
    """How many rows of each table are a store's, without those of which there are none."""
    counts = {}
    with runtime.database.read() as session:
        for table in map(table_of, MIRROR):
            mine = select(table.c.store_id).where(table.c.store_id == store.id)
            counts[table.name] = len(session.execute(mine).all())
    return {name: count for name, count in counts.items() if count}


def _reasons(runtime: Runtime, store: Store) -> list[tuple[str, str | None]]:
    return [(row.status, row.error) for row in Inbox(runtime, store).rows()]


@pytest.mark.parametrize("topic", HAVE_A_NUMBER)
def test_a_delivery_that_another_shop_had_first_rests_and_changes_nothing(
    served: Serving, runtime: Runtime, news: News, topic: str
) -> None:
    attacker, victim = connect_shopify(runtime, ""), connect_shopify(runtime, "")
    body = news.of(topic)
    _deliver(served, attacker, topic, body)
    Inbox(runtime, attacker).read()

    _deliver(served, victim, topic, body)
    Inbox(runtime, victim).read()

    assert _reasons(runtime, victim) == [("dead", "another shop's: it was told of this first")]
    assert _mirrored(runtime, victim) == {}
    assert _mirrored(runtime, attacker) != {}


def test_under_another_topic_it_does_not_pass_either(served: Serving, runtime: Runtime, news: News) -> None:
    """A person is one, whether told of by a consent or as a whole."""
    attacker, victim = connect_shopify(runtime, ""), connect_shopify(runtime, "")
    _deliver(served, attacker, "customers/create", news.of("customers/create"))

    consent = "customers_email_marketing_consent/update"
    _deliver(served, victim, consent, news.of(consent))
    Inbox(runtime, victim).read()

    assert Inbox(runtime, victim).states() == ["dead"]
    assert _mirrored(runtime, victim) == {}
    assert Inbox(runtime, attacker).states() == ["done"]


def test_what_waits_unread_at_both_is_the_firsts(served: Serving, runtime: Runtime, news: News) -> None:
    """Read in one round, the other shop's before."""
    victim, attacker = connect_shopify(runtime, ""), connect_shopify(runtime, "")
    body = news.of("orders/create")
    _deliver(served, attacker, "orders/create", body)
    _deliver(served, victim, "orders/create", body)

    Inbox(runtime, victim).read()

    assert Inbox(runtime, victim).states() == ["dead"]
    assert Inbox(runtime, attacker).states() == ["done"]


def test_a_replay_takes_nothing_from_the_shop_whose_it_is(
    served: Serving, runtime: Runtime, news: News
) -> None:
    owner, other = connect_shopify(runtime, ""), connect_shopify(runtime, "")
    body = news.of("orders/create")
    _deliver(served, owner, "orders/create", body)
    Inbox(runtime, owner).read()
    _deliver(served, other, "orders/create", body)
    Inbox(runtime, other).read()

    _deliver(served, owner, "orders/updated", news.of("orders/updated"))
    Inbox(runtime, owner).read()

    assert Inbox(runtime, owner).states() == ["done", "done"]


def test_read_again_by_the_button_it_rests_again(served: Serving, runtime: Runtime, news: News) -> None:
    owner, other = connect_shopify(runtime, ""), connect_shopify(runtime, "")
    for store in (owner, other):
        _deliver(served, store, "orders/create", news.of("orders/create"))
    Inbox(runtime, other).read()
    with runtime.database.write() as session:
        inbox.replay(
            session, [row.id for row in Inbox(runtime, other).rows()], datetime(2026, 11, 2, tzinfo=UTC)
        )

    Inbox(runtime, other).read()

    assert Inbox(runtime, other).states() == ["dead"]
    assert _mirrored(runtime, other) == {}


@pytest.mark.parametrize("topic", NAME_THEIR_SHOP)
def test_a_body_that_names_another_shop_rests_though_nobody_had_it_before(
    served: Serving, runtime: Runtime, news: News, topic: str
) -> None:
    victim = connect_shopify(runtime, "77")

    _deliver(served, victim, topic, news.of(topic))
    Inbox(runtime, victim).read()

    assert _reasons(runtime, victim) == [
        ("dead", f"another shop's: the body names shop {NUMBER_IN_FIXTURES}")
    ]
    assert _mirrored(runtime, victim) == {}


@pytest.mark.parametrize("topic", NAME_THEIR_SHOP)
def test_a_body_that_names_its_own_shop_is_read(
    served: Serving, runtime: Runtime, news: News, topic: str
) -> None:
    store = connect_shopify(runtime)

    _deliver(served, store, topic, news.of(topic))
    Inbox(runtime, store).read()

    assert Inbox(runtime, store).states() == ["done"]


def test_a_shop_that_took_another_name_is_told_of_its_own_things_still(
    served: Serving, runtime: Runtime, news: News
) -> None:
    """Its number stays, so what its former name was told of is its own."""
    before, after = connect_shopify(runtime), connect_shopify(runtime)
    for store in (before, after):
        _deliver(served, store, "orders/create", news.of("orders/create"))

    Inbox(runtime, after).read()

    assert Inbox(runtime, after).states() == ["done"]


def test_the_number_of_changed_scopes_is_no_things(served: Serving, runtime: Runtime) -> None:
    """It may be the app's own, the same for all shops."""
    one, other = connect_shopify(runtime, "1077"), connect_shopify(runtime, "1078")
    for store in (one, other):
        body = shopify_body("app/scopes_update").replace(
            NUMBER_IN_FIXTURES.encode(), store.store_uid.encode()
        )
        _deliver(served, store, "app/scopes_update", body)

    for store in (one, other):
        Inbox(runtime, store).read()

    assert [Inbox(runtime, store).states() for store in (one, other)] == [["done"], ["done"]]


def test_numbers_of_two_families_are_two_things(served: Serving, runtime: Runtime, news: News) -> None:
    """A customer's number may be another shop's product's."""
    one, other = connect_shopify(runtime, ""), connect_shopify(runtime, "")
    customer = json.loads(news.of("customers/create"))
    product: dict[str, Any] = json.loads(news.of("products/create")) | {
        "id": customer["id"],
        "admin_graphql_api_id": f"gid://shopify/Product/{customer['id']}",
    }
    _deliver(served, one, "customers/create", json.dumps(customer).encode())
    _deliver(served, other, "products/create", json.dumps(product).encode())

    Inbox(runtime, other).read()

    assert Inbox(runtime, other).states() == ["done"]
