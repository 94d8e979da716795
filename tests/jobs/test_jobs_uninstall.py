"""A shop that is said to have removed the app is asked before it is believed: nothing signs the topic."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses

from app.models import Store, Timer
from app.runtime import Runtime
from app.stores import credentials
from app.stores.credentials import Credentials
from jobs import inbox, lookups
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import delivery, kit_of, receive

SHOP = "bottega.myshopify.com"
ADMIN = f"https://{SHOP}/admin/api/2026-10/graphql.json"
GONE = {"id": 1, "myshopify_domain": SHOP, "plan_name": "basic"}
IDENTITY = {
    "shop": {
        "id": "gid://shopify/Shop/1",
        "myshopifyDomain": SHOP,
        "name": "Bottega",
        "ianaTimezone": "Europe/Rome",
        "currencyCode": "EUR",
        "primaryDomain": {"url": "https://bottega.example"},
    },
    "currentAppInstallation": {"accessScopes": []},
}
MINUTE = timedelta(minutes=1)


@pytest.fixture
def store_id(runtime: Runtime) -> int:
    """A Shopify shop, installed yesterday, that we hold a token of."""
    access = {"access_token": "a token", "is_lasting": True}
    return seeds.new_store(
        runtime.database,
        platform="shopify",
        domain=SHOP,
        installed_at=NOW - timedelta(days=1),
        credentials=credentials.seal(runtime.vault, Credentials(access)),
    )


@pytest.fixture
def shop() -> Iterator[responses.RequestsMock]:
    """The shop at the wire."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def told(runtime: Runtime, store_id: int) -> None:
    """The delivery arrives, is read, and the shop is asked in the same tick."""
    sent = delivery(store_id, "app/uninstalled", json.dumps(GONE).encode(), "gone")
    receive(runtime.database, [sent])
    inbox.run(kit_of(runtime), NOW)
    lookups.run(kit_of(runtime), NOW)


def state(runtime: Runtime) -> list[Any]:
    return seeds.values_of(runtime.database, Store, "state")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_shop_that_no_longer_takes_our_token_removed_the_app(
    runtime: Runtime, store_id: int, shop: responses.RequestsMock, status: int
) -> None:
    shop.add(responses.POST, ADMIN, status=status, json={})

    told(runtime, store_id)

    assert state(runtime) == ["uninstalled"]
    assert seeds.rows_of(runtime.database, Timer) == []
    with runtime.database.read() as session:
        kept = credentials.unseal(runtime.vault, session.get_one(Store, store_id).credentials)
    assert kept.access == {}


def test_a_shop_that_still_answers_did_not(
    runtime: Runtime, store_id: int, shop: responses.RequestsMock
) -> None:
    shop.add(responses.POST, ADMIN, json={"data": IDENTITY})

    told(runtime, store_id)

    assert state(runtime) == ["connected"]
    assert seeds.rows_of(runtime.database, Timer) == []


def test_a_shop_that_cannot_be_asked_now_is_asked_again(
    runtime: Runtime, store_id: int, shop: responses.RequestsMock
) -> None:
    shop.add(responses.POST, ADMIN, status=503)
    told(runtime, store_id)
    before = state(runtime)
    shop.replace(responses.POST, ADMIN, status=401, json={})

    lookups.run(kit_of(runtime), NOW + MINUTE)

    assert (before, state(runtime)) == (["connected"], ["uninstalled"])


def test_an_uninstall_from_before_the_latest_install_changes_nothing(
    runtime: Runtime, store_id: int, shop: responses.RequestsMock
) -> None:
    shop.add(responses.POST, ADMIN, status=401, json={})
    with runtime.database.write() as session:
        session.get_one(Store, store_id).installed_at = NOW + timedelta(hours=1)

    told(runtime, store_id)

    assert state(runtime) == ["connected"]
