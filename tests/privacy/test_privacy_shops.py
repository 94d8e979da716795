"""Erasing a shop: after its second proof and two days, all of it and nothing of anybody else's."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import responses
from requests import PreparedRequest
from requests.exceptions import ConnectionError as NoConnection
from sqlalchemy import select

from app.db import Base, table_of
from app.models import Customer, InboundEvent, Message, Order, PrivacyRequest, Store
from app.privacy import requests, shops
from app.runtime import Runtime
from app.stores import credentials
from app.stores.credentials import Credentials
from jobs import privacy
from tests import seeds
from tests.conftest import NOW
from tests.privacy.privacy_world import DOMAIN, World, quiet_kit, world

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TWO_DAYS = 2 * DAY
IDENTITY = {
    "data": {
        "shop": {
            "id": "gid://shopify/Shop/954889",
            "name": "Bottega",
            "email": "ciao@bottega.example",
            "myshopifyDomain": DOMAIN,
            "ianaTimezone": "Europe/Rome",
            "currencyCode": "EUR",
            "shopAddress": {"countryCodeV2": "IT"},
            "primaryDomain": {"url": f"https://{DOMAIN}"},
        },
        "currentAppInstallation": {"accessScopes": []},
    }
}


@dataclass
class Wire:
    """What Shopify answers; None when it cannot be reached."""

    answer: tuple[int, Any] | None = (200, IDENTITY)
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        self.asked.append(str(request.url))
        if self.answer is None:
            raise NoConnection
        status, body = self.answer
        return status, {}, json.dumps(body)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Shopify at the wire."""
    answering = Wire()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.POST, re.compile(f"https://{DOMAIN}/.*"), callback=answering)
        yield answering


def leave(shop: World) -> None:
    """The merchant removes the app."""
    shop.hear("app/uninstalled", myshopify_domain=shop.domain, domain=shop.domain)
    shop.tick()


def let_in(shop: World) -> None:
    """We hold a token of the shop."""
    access = {"access_token": "shpat_1", "is_lasting": True}
    with shop.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.credentials = credentials.seal(shop.runtime.vault, Credentials(access))


def fill(shop: World) -> None:
    shop.hear("customers/create")
    shop.hear("orders/paid")
    shop.hear("products/create")
    shop.tick()


def request(shop: World) -> tuple[Any, ...]:
    """The one request for erasing a shop."""
    columns = ("kind", "outcome", "done_at", "next_at", "proof")
    rows = seeds.rows_of(shop.database, PrivacyRequest, *columns)
    return tuple(seeds.only([row[1:] for row in rows if row[0] == "erase-shop"]))


def rows_by_store(runtime: Runtime) -> dict[str, dict[int, int]]:
    """How many rows each store has in each table."""
    found: dict[str, dict[int, int]] = {}
    with runtime.database.read() as session:
        for table in Base.metadata.sorted_tables:
            column = table.c.get("store_id", table.c.get("id")) if table.name == "stores" else None
            column = table.c.store_id if "store_id" in table.c else column
            if column is not None:
                counts = found.setdefault(table.name, {})
                for store_id in session.execute(select(column)).scalars():
                    counts[store_id] = counts.get(store_id, 0) + 1
    return found


def of_store(found: dict[str, dict[int, int]], store_id: int) -> dict[str, int]:
    return {name: counts[store_id] for name, counts in found.items() if store_id in counts}


def test_a_shop_that_left_is_erased_two_days_later_and_no_other(shop: World, runtime: Runtime) -> None:
    with world(runtime, "second.myshopify.com") as second:
        for one in (shop, second):
            one.hear("customers/create", shop_domain=one.domain)
            one.hear("orders/paid", shop_domain=one.domain)
            one.tick()
        leave(shop)
        shop.hear("shop/redact")
        shop.tick(HOUR)
        before = rows_by_store(runtime)
        privacy.run(quiet_kit(runtime), NOW + TWO_DAYS - timedelta(seconds=1))
        soon = rows_by_store(runtime)

        privacy.run(quiet_kit(runtime), NOW + TWO_DAYS)

        after = rows_by_store(runtime)
        assert soon == before
        assert of_store(after, second.store_id) == of_store(before, second.store_id)
        assert of_store(after, shop.store_id) == {"privacy_requests": 1}
    outcome, done_at, next_at, proof = request(shop)
    assert (outcome, done_at, next_at) == ("done", NOW + TWO_DAYS, None)
    kept = {name: count for name, count in proof.items() if name in ("customers", "orders", "stores")}
    assert kept == {"customers": 1, "orders": 1, "stores": 1}


def test_what_a_shop_that_left_still_tells_is_ignored_and_its_request_done(shop: World, wire: Wire) -> None:
    let_in(shop)
    wire.answer = (401, {"errors": "unauthorized"})
    leave(shop)
    asked = list(wire.asked)

    shop.hear("customers/create")
    shop.hear("orders/paid")
    shop.tick(HOUR)
    with shop.database.read() as session:
        told = session.execute(
            select(InboundEvent.status, InboundEvent.error).where(InboundEvent.topic != "app/uninstalled")
        ).all()
    mirrored = [seeds.rows_of(shop.database, model) for model in (Customer, Order, Message)]
    shop.hear("shop/redact")
    shop.tick(HOUR)
    privacy.run(quiet_kit(shop.runtime), NOW + HOUR + TWO_DAYS)

    assert told == [("ignored", "the shop removed the app")] * 2
    assert mirrored == [[], [], []]
    assert request(shop)[0] == "done"
    assert len(asked) == 1
    assert wire.asked == asked


def test_a_shop_that_still_answers_is_not_erased(shop: World, wire: Wire) -> None:
    let_in(shop)
    fill(shop)
    shop.hear("shop/redact")

    shop.tick(HOUR)
    shop.tick(3 * DAY)

    assert request(shop)[0] == "refused"
    assert request(shop)[3] == {"reason": "the shop still answers to our credentials"}
    assert seeds.values_of(shop.database, Store, "state") == ["connected"]
    assert len(wire.asked) == 1


def test_a_shop_that_refuses_us_for_two_days_is_erased(shop: World, wire: Wire) -> None:
    let_in(shop)
    fill(shop)
    wire.answer = (401, {"errors": "unauthorized"})
    shop.hear("shop/redact")

    shop.tick(HOUR)
    soon = seeds.values_of(shop.database, Store, "state")
    shop.tick(HOUR + TWO_DAYS)

    assert soon == ["needs_reconnect"]
    assert request(shop)[0] == "done"
    assert seeds.rows_of(shop.database, Store) == []
    assert seeds.rows_of(shop.database, Customer) == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_shop_that_answers_again_within_two_days_is_not_erased(shop: World, wire: Wire) -> None:
    let_in(shop)
    wire.answer = (401, {})
    shop.hear("shop/redact")
    shop.tick(HOUR)
    wire.answer = (200, IDENTITY)

    shop.tick(HOUR + TWO_DAYS)

    assert request(shop)[0] == "refused"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_shop_that_cannot_be_reached_is_asked_again(shop: World, wire: Wire) -> None:
    let_in(shop)
    wire.answer = None
    shop.hear("shop/redact")

    shop.tick()

    outcome, done_at, next_at, _ = request(shop)
    assert (outcome, done_at, next_at) == (None, None, NOW + HOUR)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_erasure_that_was_killed_goes_on(shop: World, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(shop)
    leave(shop)
    shop.hear("shop/redact")
    shop.tick()
    monkeypatch.setattr(shops, "BATCH", 1)
    with shop.database.write() as session:
        (held,) = requests.open_requests(session, shop.store_id, NOW + TWO_DAYS)
        store = session.get_one(Store, shop.store_id)
        counts = shops.erase_once(session, store)
        held.proof = dict(counts)

    privacy.run(quiet_kit(shop.runtime), NOW + TWO_DAYS)

    proof = request(shop)[3]
    assert proof["stores"] == 1
    assert proof["inbound_events"] == 5
    assert seeds.rows_of(shop.database, Store) == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_shop_that_comes_back_while_it_is_erased_is_left_alone(shop: World) -> None:
    fill(shop)
    leave(shop)
    shop.hear("shop/redact")
    shop.tick()
    with shop.database.write() as session:
        session.get_one(Store, shop.store_id).state = "connected"
    with shop.database.read() as session:
        (asked,) = requests.open_requests(session, shop.store_id, NOW + TWO_DAYS)

    more = privacy._erase_some(quiet_kit(shop.runtime), asked, NOW + TWO_DAYS)

    assert not more
    assert request(shop)[0] == "refused"
    assert len(seeds.rows_of(shop.database, Customer)) == 1


@pytest.mark.parametrize("topic", ["customers/redact", "customers/data_request", "shop/redact"])
def test_a_request_for_a_shop_that_we_do_not_know_is_done_at_once(shop: World, topic: str) -> None:
    shop.domain = "nobody.myshopify.com"
    shop.hear(topic, shop_domain="nobody.myshopify.com")

    shop.tick()
    shop.tick(HOUR)

    rows = seeds.rows_of(shop.database, PrivacyRequest, "store_id", "customer_id", "outcome", "proof")
    assert rows == [(0, None, "done", {"stored": 0})]
    assert seeds.bodies_of(shop.database) == [(None,)]


def test_a_delivery_never_goes_before_its_body() -> None:
    order = [table.name for table in shops._tables()]

    assert order.index("inbound_bodies") < order.index("inbound_events")


def test_every_table_of_a_tenant_is_erased_but_the_proof() -> None:
    tenants = {table.name for table in Base.metadata.sorted_tables if "store_id" in table.c}

    assert {table.name for table in shops._tables()} == tenants - {table_of(PrivacyRequest).name}
