"""The fixtures of the WooCommerce connector: captured payloads, and a store at the wire."""

import json
import re
from collections.abc import Iterator

import pytest
import responses

from connectors.storefronts.woocommerce.api import WooSettings, WooStorefront
from connectors.storefronts.woocommerce.auth import AuthMode, StoreKeys
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.writer import WooWriter
from connectors.transport import StoreTransport
from tests.connectors.woocommerce.woo_wire import (
    FIXTURES,
    HOOKS,
    KEY,
    SECRET,
    Answers,
    Connect,
    Deliveries,
    FakeStore,
    WriteInto,
    answer,
    deliveries,
    read_delivery,
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests that ask for `each_delivery` once per captured signed delivery, `each_ping` per ping."""
    for argument, is_ping in (("each_delivery", False), ("each_ping", True)):
        if argument in metafunc.fixturenames:
            found = [delivery for delivery in deliveries() if (delivery.topic == "ping") is is_ping]
            metafunc.parametrize(argument, found, ids=[delivery.name for delivery in found])


@pytest.fixture
def delivery() -> Deliveries:
    """Reads a captured delivery by its file's name."""
    return lambda name: read_delivery(FIXTURES / f"{name}.json")


@pytest.fixture
def rest_answer() -> Answers:
    """Reads the JSON value of a captured REST answer."""
    return answer


@pytest.fixture
def captured_file() -> Answers:
    """Reads a captured file as it is."""
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def store() -> Iterator[FakeStore]:
    """The store at the wire, reachable under every address of example.test."""
    fake = FakeStore()
    with responses.RequestsMock(assert_all_requests_are_fired=False) as wire:
        anywhere = re.compile(r"https?://([a-z.]+\.)?example\.test(/.*)?$")
        for method in (responses.GET, responses.POST, responses.DELETE):
            wire.add_callback(method, anywhere, callback=fake, content_type="application/json")
        yield fake


@pytest.fixture
def transport() -> Iterator[StoreTransport]:
    """The real transport."""
    opened = StoreTransport()
    yield opened
    opened.close()


def _settings(
    mapping: MetaMapping | None = None, mode: AuthMode = AuthMode.OAUTH, hook_prefix: str = HOOKS
) -> WooSettings:
    url = "https://shop.example.test"
    keys = StoreKeys(url, url, KEY, SECRET, mode)
    return WooSettings(keys, mapping or MetaMapping(), "Europe/Rome", hook_prefix)


@pytest.fixture
def connect(transport: StoreTransport) -> Connect:
    """Makes a storefront for the fake store."""
    return lambda *given, **named: WooStorefront(_settings(*given, **named), transport)


@pytest.fixture
def write_into(transport: StoreTransport) -> WriteInto:
    """Makes a writer for the fake store."""
    return lambda *given, **named: WooWriter(_settings(*given, **named), transport)
