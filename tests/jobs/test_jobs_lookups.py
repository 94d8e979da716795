"""Deletions are believed when the shop itself says so; asked outside any transaction, each alone."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import requests
import responses
from requests import PreparedRequest

from app.mirror import lookups
from app.models import Order, Product, SetAside, Store
from app.runtime import Runtime
from app.stores import credentials
from app.stores.credentials import Credentials
from connectors.base import Resource
from jobs.lookups import run
from tests import seeds
from tests.conftest import NOW
from tests.connectors.woocommerce.woo_wire import answer as captured
from tests.jobs.jobs_seed import kit_of

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

API = "https://bottega.example/wp-json/wc/v3"
ACCESS = {"key": "ck_1", "secret": "cs_1", "mode": "basic", "signing_url": "https://bottega.example"}
GONE = (404, {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID."})
MINUTE = timedelta(minutes=1)


@dataclass
class Wire:
    """What the shop answers, by path; it fails for what is not there."""

    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: PreparedRequest) -> tuple[int, dict[str, str], str]:
        path = str(request.url).removeprefix(API).partition("?")[0]
        self.asked.append(path)
        if path not in self.answers:
            raise requests.exceptions.ConnectionError
        status, body = self.answers[path]
        return status, {}, json.dumps(body)


@pytest.fixture
def wire() -> Iterator[Wire]:
    """The shop at the wire."""
    answering = Wire()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.add_callback(responses.GET, re.compile(f"{API}/.*"), callback=answering)
        yield answering


@pytest.fixture
def store_id(runtime: Runtime) -> int:
    """A WooCommerce shop that we hold a key of, with a product and an order."""
    sealed = credentials.seal(runtime.vault, Credentials(dict(ACCESS)))
    found = seeds.new_store(runtime.database, credentials=sealed)
    with runtime.database.write() as session:
        seeds.add_product(session, found, "20")
        seeds.add_order(session, found, seeds.add_customer(session, found).id, "30")
    return found


def ask(runtime: Runtime, store_id: int, resource: Resource, *ids: str) -> None:
    with runtime.database.write() as session:
        for external_id in ids:
            lookups.ask(session, store_id, resource, external_id, now=NOW)


def timers(runtime: Runtime) -> list[tuple[Any, ...]]:
    return seeds.waits_of(runtime.database)


def test_what_the_shop_no_longer_has_is_gone(runtime: Runtime, store_id: int, wire: Wire) -> None:
    wire.answers = {"/products/20": GONE, "/orders/30": GONE}
    ask(runtime, store_id, Resource.PRODUCTS, "20")
    ask(runtime, store_id, Resource.ORDERS, "30")

    done = run(kit_of(runtime), NOW)

    assert done["looked up"] == 2
    assert seeds.rows_of(runtime.database, Product, "is_available", "deleted_at") == [(False, NOW)]
    assert seeds.rows_of(runtime.database, Order, "is_counted", "deleted_at") == [(False, NOW)]
    assert timers(runtime) == []


def test_what_the_shop_still_has_is_mirrored_anew(runtime: Runtime, store_id: int, wire: Wire) -> None:
    product = captured_product()
    wire.answers = {f"/products/{product['id']}": (200, product)}
    ask(runtime, store_id, Resource.PRODUCTS, str(product["id"]))

    run(kit_of(runtime), NOW)

    titles = dict(seeds.rows_of(runtime.database, Product, "external_id", "title"))
    assert titles[str(product["id"])] == product["name"]
    assert timers(runtime) == []


@pytest.mark.parametrize("answer", [None, (500, {}), (404, {"code": "rest_no_route"}), (200, {"id": 20})])
def test_what_the_shop_cannot_say_now_is_asked_again_later(
    runtime: Runtime, store_id: int, wire: Wire, answer: tuple[int, Any] | None
) -> None:
    wire.answers = {"/products/20": answer} if answer else {}
    ask(runtime, store_id, Resource.PRODUCTS, "20")

    run(kit_of(runtime), NOW)
    run(kit_of(runtime), NOW + 9 * MINUTE)

    assert wire.asked == ["/products/20"]
    assert seeds.values_of(runtime.database, Product, "deleted_at") == [None]
    assert timers(runtime) == [("look-up.products", 20, NOW + 10 * MINUTE)]


def test_a_look_up_that_fails_keeps_no_other_waiting(runtime: Runtime, store_id: int, wire: Wire) -> None:
    """A shop whose key was sealed by a lost ENCRYPTION_KEYS breaks its own look-ups, not the tick."""
    locked = seeds.new_store(runtime.database, "locked", credentials="sealed by another")
    wire.answers = {"/products/20": GONE}
    ask(runtime, locked, Resource.ORDERS, "1")
    ask(runtime, store_id, Resource.PRODUCTS, "20")

    run(kit_of(runtime), NOW)

    assert seeds.values_of(runtime.database, Product, "deleted_at") == [NOW]
    assert timers(runtime) == [("look-up.orders", 1, NOW + 10 * MINUTE)]


def test_a_shop_that_refuses_our_key_is_to_be_reconnected_and_asked_no_more(
    runtime: Runtime, store_id: int, wire: Wire
) -> None:
    wire.answers = {"/products/20": (401, {"code": "woocommerce_rest_cannot_view", "message": "no"})}
    ask(runtime, store_id, Resource.PRODUCTS, "20")

    for tries in range(9):
        run(kit_of(runtime), NOW + tries * 10 * MINUTE)

    assert seeds.values_of(runtime.database, Store, "state") == ["needs_reconnect"]
    assert (len(wire.asked), timers(runtime)) == (7, [])


def test_what_is_not_due_yet_is_not_asked(runtime: Runtime, store_id: int, wire: Wire) -> None:
    ask(runtime, store_id, Resource.PRODUCTS, "20")

    run(kit_of(runtime), NOW - MINUTE)

    assert wire.asked == []


def captured_product() -> dict[str, Any]:
    """A whole product, as a store listed it."""
    found: dict[str, Any] = captured("rest_products_modified_after")[0]
    return found


def test_what_breaks_our_own_code_is_set_aside_waits_longer_each_time_and_keeps_no_other_waiting(
    runtime: Runtime, store_id: int, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = captured_product()
    wire.answers = {f"/products/{product['id']}": (200, product), "/orders/30": GONE}
    ask(runtime, store_id, Resource.PRODUCTS, str(product["id"]))
    ask(runtime, store_id, Resource.ORDERS, "30")
    with monkeypatch.context() as broken:
        broken.setattr("jobs.lookups.apply_records", _break)
        for now in (NOW, NOW + MINUTE):
            run(kit_of(runtime), now)

        assert asides_of(runtime) == [("look-up.products", product["id"], 2, NOW + 11 * MINUTE)]
        assert timers(runtime) == [("look-up.products", product["id"], NOW + 11 * MINUTE)]
        assert seeds.values_of(runtime.database, Order, "deleted_at") == [NOW]

    done = run(kit_of(runtime), NOW + 11 * MINUTE)

    assert done["looked up"] == 1
    assert asides_of(runtime) == []
    assert timers(runtime) == []


def asides_of(runtime: Runtime) -> list[tuple[Any, ...]]:
    return seeds.rows_of(runtime.database, SetAside, "work", "subject_id", "attempts", "next_at")


def _break(*_arguments: object, **_named: object) -> None:
    raise ZeroDivisionError
