"""Where `serve` listens."""

import socket
from contextlib import closing

import pytest

from app.cli import embedded
from app.runtime import Runtime
from app.wsgi import create_site


def test_a_name_of_two_addresses_is_listened_to_at_one(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = socket.getaddrinfo
    both = [(socket.AF_INET6, 0, 0, "", ("::1", 0, 0, 0)), (socket.AF_INET, 0, 0, "", ("127.0.0.1", 0))]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda host, *a, **k: both if host == "shop.test" else found(host, *a, **k)
    )

    with closing(create_site(runtime)) as site, closing(embedded.open_server(site, "shop.test", 0)) as server:
        told = server.effective_host, server.effective_port

    assert told[0] == "127.0.0.1"
    assert int(told[1]) > 0
