"""Who a client is, with proxies in front of us and without: nobody chooses the address that they count by."""

from dataclasses import replace

import pytest

from app.config import Settings
from app.runtime import Runtime
from app.web.clients import client_address, client_of
from tests.rules.sources import ROOT
from tests.web.web_shops import make_app

PROXY, OTHER_PROXY, SIX = "10.0.0.5", "10.0.0.6", "2001:db8::1"
TRUSTED = f"10.0.0.0/24, {SIX}"
READERS = {"app/web/clients.py", "app/web/health.py"}


@pytest.mark.parametrize(
    ("connected", "said", "found"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        (PROXY, [], PROXY),
        (PROXY, ["203.0.113.1"], "203.0.113.1"),
        (PROXY, ["127.0.0.1, 10.0.0.9, 203.0.113.1"], "203.0.113.1"),
        (PROXY, [f"1.2.3.4, 203.0.113.1, {OTHER_PROXY}"], "203.0.113.1"),
        (PROXY, ["1.2.3.4", "203.0.113.1"], "203.0.113.1"),
        (PROXY, [f"{OTHER_PROXY}"], OTHER_PROXY),
        (f"::ffff:{PROXY}", ["203.0.113.1"], "203.0.113.1"),
        (SIX, ["203.0.113.1:4711"], "203.0.113.1"),
        (SIX, ["[2001:db8::7]:4711"], "2001:db8::7"),
        (PROXY, ["203.0.113.1, unknown"], PROXY),
        (PROXY, ["203.0.113.1, "], PROXY),
        (PROXY, ["<script>"], PROXY),
        ("", ["203.0.113.1"], "unknown"),
    ],
)
def test_the_nearest_address_that_is_no_proxys_counts(connected: str, said: list[str], found: str) -> None:
    proxies = Settings(trusted_proxies=TRUSTED).proxies

    assert client_of(connected, said, proxies) == found


@pytest.mark.parametrize(("trusted", "found"), [("", PROXY), (TRUSTED, "203.0.113.1")])
def test_a_proxy_is_believed_once_the_operator_names_it(runtime: Runtime, trusted: str, found: str) -> None:
    settings = runtime.settings.model_copy(update={"trusted_proxies": trusted})
    app = make_app(replace(runtime, settings=settings))
    headers = [("X-Forwarded-For", "192.168.0.1"), ("X-Forwarded-For", "203.0.113.1")]

    with app.test_request_context(headers=headers, environ_base={"REMOTE_ADDR": PROXY}):
        assert client_address() == found


@pytest.mark.parametrize("trusted", ["everybody", "10.0.0.0/99", "10.0.0.5/8"])
def test_what_is_no_network_is_refused_at_the_start(trusted: str) -> None:
    with pytest.raises(ValueError, match="trusted_proxies"):
        Settings(trusted_proxies=trusted)


def test_nothing_else_reads_where_a_connection_comes_from() -> None:
    files = [path for root in ("app", "webhooks") for path in (ROOT / root).rglob("*.py")]

    found = {
        str(path.relative_to(ROOT))
        for path in files
        if any(word in path.read_text() for word in (".remote_addr", ".access_route"))
    }

    assert found == READERS
