"""Trying a key: which way works, and what the merchant reads when none does."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.woocommerce.auth import AuthMode
from connectors.storefronts.woocommerce.probe import ProbeResult, probe
from connectors.transport import NotSent, StoreTransport
from tests.connectors.woocommerce.woo_wire import FakeStore

KEY = "ck_" + "1" * 40
SECRET = "cs_" + "2" * 40
NOW = datetime(2026, 11, 22, 2, 0, 5, tzinfo=UTC)
URL = "https://shop.example.test"


def run(transport: StoreTransport, *, url: str = URL, key: str = KEY, secret: str = SECRET) -> ProbeResult:
    return probe(url, key, secret, transport=transport, now=NOW)


def failure(
    transport: StoreTransport, *, url: str = URL, key: str = KEY, secret: str = SECRET
) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        run(transport, url=url, key=key, secret=secret)
    return caught.value


def test_a_plain_store_is_called_with_oauth(store: FakeStore, transport: StoreTransport) -> None:
    found = run(transport)

    assert (found.auth_mode, found.home_url) == (AuthMode.OAUTH, URL)


def test_a_store_without_tls_is_called_with_oauth(store: FakeStore, transport: StoreTransport) -> None:
    store.home, store.sees_tls = "http://shop.example.test", False

    found = run(transport, url="http://shop.example.test")

    assert found.auth_mode is AuthMode.OAUTH


def test_a_store_under_another_address_is_signed_for_its_home(
    store: FakeStore, transport: StoreTransport
) -> None:
    store.home = "https://home.example.test"

    found = run(transport)

    assert (found.auth_mode, found.home_url) == (AuthMode.OAUTH_HOME, "https://home.example.test")


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_hides_tls_is_signed_for_without_it(
    store: FakeStore, transport: StoreTransport, scheme: str
) -> None:
    store.home, store.sees_tls = f"{scheme}://shop.example.test", False

    found = run(transport)

    assert (found.auth_mode, found.home_url) == (AuthMode.OAUTH_HOME, "http://shop.example.test")


def test_a_store_that_breaks_signatures_is_called_with_basic(
    store: FakeStore, transport: StoreTransport
) -> None:
    store.home = "https://nobody-knows.example.test"
    store.overrides["/"] = (401, {}, '{"code":"rest_login_required","message":"","data":{"status":401}}')

    found = run(transport)

    assert found.auth_mode is AuthMode.BASIC


def test_no_basic_is_ever_sent_without_tls(store: FakeStore, transport: StoreTransport) -> None:
    store.home, store.sees_tls = "http://elsewhere.example", False
    store.overrides["/"] = (401, {}, "{}")

    error = failure(transport, url="http://shop.example.test")

    assert isinstance(error, Unauthorized)
    assert not any("Authorization" in request.headers for request in store.requests)


def test_who_the_store_is_comes_with_it(store: FakeStore, transport: StoreTransport) -> None:
    identity = run(transport).identity

    assert identity.name == "Bottega & Figli"
    assert (identity.domain, identity.home_url) == ("shop.example.test", URL)
    assert (identity.timezone, identity.currency, identity.country) == ("Europe/Rome", "EUR", "IT")
    assert identity.locale == "en-US"
    assert identity.store_uid == "a94069bb-7a1c-4956-9421-e10bbb84dc3b"


def test_nothing_is_changed_in_the_store(store: FakeStore, transport: StoreTransport) -> None:
    run(transport)

    writes = [str(request.url).split("?")[0] for request in store.requests if request.method != "GET"]
    assert writes == [f"{URL}/wp-json/wc/v3/coupons/batch"]
    assert store.rows == {}


def test_plain_permalinks_are_named(store: FakeStore, transport: StoreTransport) -> None:
    store.has_pretty_permalinks = False

    error = failure(transport)

    assert "permalinks" in str(error)
    assert error.permanent


def test_plain_permalinks_are_named_where_the_index_is_hidden(
    store: FakeStore, transport: StoreTransport
) -> None:
    store.has_pretty_permalinks = False
    store.overrides["/"] = (401, {}, '{"code":"rest_login_required","message":"","data":{"status":401}}')

    assert "permalinks" in str(failure(transport))


def test_the_folder_of_wordpress_own_files_is_told_from_the_shop(
    store: FakeStore, transport: StoreTransport
) -> None:
    """It answers `?rest_route=` only, and says that its home is elsewhere, without TLS for all it knows."""
    store.has_pretty_permalinks, store.home = False, "http://shop.example.test"

    error = failure(transport, url=f"{URL}/wordpress")

    assert f"Connect with {URL} instead" in str(error)
    assert error.permanent


def test_an_address_without_wordpress_is_named(store: FakeStore, transport: StoreTransport) -> None:
    store.overrides["/"] = (200, {}, "<html>Hello</html>")

    assert "No WordPress" in str(failure(transport))


def test_woocommerce_switched_off_is_named(store: FakeStore, transport: StoreTransport) -> None:
    store.is_active = False

    error = failure(transport)

    assert "switched off" in str(error)
    assert error.permanent


def test_a_redirect_names_the_better_address(store: FakeStore, transport: StoreTransport) -> None:
    store.overrides["/"] = (301, {"Location": "https://www.example.test/wp-json/"}, "")

    error = failure(transport)

    assert "https://www.example.test instead" in str(error)
    assert error.permanent


def test_a_redirect_to_nowhere_is_survived(store: FakeStore, transport: StoreTransport) -> None:
    store.overrides["/"] = (301, {"Location": "http://["}, "")

    assert "another address" in str(failure(transport))


def test_a_key_that_only_reads_is_named_in_any_language(store: FakeStore, transport: StoreTransport) -> None:
    store.permissions = "read"

    error = failure(transport)

    assert isinstance(error, Unauthorized)
    assert "Read/Write" in str(error)


def test_a_key_that_only_writes_is_named_whatever_way_it_was_signed(
    store: FakeStore, transport: StoreTransport
) -> None:
    store.home = "https://home.example.test"
    said = "The API key provided does not have read permissions."
    refused = f'{{"code":"woocommerce_rest_authentication_error","message":"{said}","data":{{"status":401}}}}'
    store.overrides["/wc/v3/system_status"] = (401, {}, refused)

    error = failure(transport)

    assert isinstance(error, Unauthorized)
    assert "may only write" in str(error)


def test_a_demoted_owner_is_named_and_not_tried_further(store: FakeStore, transport: StoreTransport) -> None:
    store.is_owner_demoted = True

    error = failure(transport)

    assert (type(error), error.status) == (Unauthorized, 403)
    assert "administrator" in str(error)
    assert len(store.queries("system_status")) == 1


def test_an_unknown_key_is_named(store: FakeStore, transport: StoreTransport) -> None:
    error = failure(transport, key="ck_" + "9" * 40)

    assert isinstance(error, Unauthorized)
    assert "does not know this key" in str(error)


def test_a_wrong_secret_is_named(store: FakeStore, transport: StoreTransport) -> None:
    error = failure(transport, secret="cs_" + "9" * 40)

    assert "secret does not belong" in str(error)


def test_a_wrong_clock_is_told_from_a_wrong_secret(store: FakeStore, transport: StoreTransport) -> None:
    store.served_at = "Sun, 22 Nov 2026 04:00:05 GMT"

    error = failure(transport, secret="cs_" + "9" * 40)

    assert "120 minutes apart" in str(error)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_store_in_trouble_may_be_tried_again(
    store: FakeStore, transport: StoreTransport, status: int
) -> None:
    store.overrides["/"] = (status, {"Retry-After": "30"}, "<html>busy</html>")

    error = failure(transport)

    assert not error.permanent
    assert error.retry_after_seconds == 30


def test_a_firewall_is_not_taken_for_a_wrong_key(store: FakeStore, transport: StoreTransport) -> None:
    store.overrides["/wc/v3/system_status"] = (403, {}, "<html>Blocked</html>")

    error = failure(transport)

    assert not isinstance(error, Unauthorized)
    assert not error.permanent


def test_an_index_of_strange_types_is_survived(store: FakeStore, transport: StoreTransport) -> None:
    index = '{"namespaces":["wc/v3"],"home":5,"url":["x"],"name":null,"gmt_offset":"5.5"}'
    store.overrides["/"] = (200, {}, index)

    assert run(transport).identity.timezone == "Asia/Kolkata"


@pytest.fixture
def plain_server() -> Iterator[str]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_arguments: object) -> None:
            """Stay silent."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    serving = Thread(target=server.serve_forever)
    serving.start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    serving.join()
    server.server_close()


@pytest.fixture
def local_transport() -> Iterator[StoreTransport]:
    opened = StoreTransport(allow_private=True)
    yield opened
    opened.close()


def test_a_shop_without_usable_tls_is_told_from_one_that_is_away(
    plain_server: str, local_transport: StoreTransport
) -> None:
    error = failure(local_transport, url=f"https://{plain_server}")

    assert "TLS certificate" in str(error)
    assert error.permanent


def test_a_shop_that_is_away_may_be_tried_again(local_transport: StoreTransport) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    error = failure(local_transport, url=f"https://127.0.0.1:{port}")

    assert isinstance(error, NotSent)
    assert not error.permanent


def test_a_private_address_is_refused(transport: StoreTransport) -> None:
    error = failure(transport, url="http://127.0.0.1")

    assert error.permanent
    assert "public" in str(error)
