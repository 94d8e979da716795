"""A database that cannot write: 503 with Retry-After, nothing acknowledged, and no restart needed after."""

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from sqlalchemy.engine import make_url

from app.models import Store
from app.runtime import Runtime
from tests.bars.sizes import asked
from tests.engines import POSTGRESQL, SQLITE
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_links import PAGE, link_maker
from tests.webhooks.webhooks_process import EMBEDDED, HOSTED, Answer, Serving, exchange, head
from tests.webhooks.webhooks_shops import (
    connect_shopify,
    new_order_of,
)
from tests.webhooks.webhooks_volume import refusing

only_sqlite = pytest.mark.parametrize("engine", [SQLITE])
only_postgresql = pytest.mark.parametrize("engine", [POSTGRESQL])
ROOMY, FULL = asked(1, full=100, quick=5), asked(3, full=300, quick=10)
both_servers = pytest.mark.parametrize("arguments", [EMBEDDED, HOSTED], ids=["embedded", "hosted"])


@pytest.fixture
def store(runtime: Runtime) -> Store:
    """A shop that the serving process knows already, so that it need not ask for it."""
    return connect_shopify(runtime)


def _post(served: Serving, store: Store, webhook_id: str) -> Answer:
    delivery = new_order_of(store, webhook_id)
    return served.post(delivery.path, delivery.headers, delivery.body)


def _keys(runtime: Runtime, store: Store) -> list[str]:
    return [row.dedupe_key for row in Inbox(runtime, store).rows()]


@only_sqlite
def test_a_locked_database_is_answered_503(served: Serving, runtime: Runtime, store: Store) -> None:
    path = runtime.database.url.removeprefix("sqlite:///")
    before = _post(served, store, "before")

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        during = _post(served, store, "during")
        kept = _keys(runtime, store)
    after = _post(served, store, "after")

    assert [before.status, during.status, after.status] == [200, 503, 200]
    assert int(during.headers["retry-after"]) > 0
    assert kept == ["before"]
    assert _keys(runtime, store) == ["before", "after"]


@contextmanager
def _altered(url: str, during: str, after: str) -> Iterator[None]:
    """The database is altered for a while; what is connected is cut each time, to see it as it is then."""
    parts = make_url(url)
    server = psycopg.connect(parts.set(drivername="postgresql", database="postgres").render_as_string())
    server.autocommit = True
    try:
        _alter(server, parts.database or "", during)
        yield
    finally:
        _alter(server, parts.database or "", after)
        server.close()


def _alter(server: "psycopg.Connection[Any]", name: str, change: str) -> None:
    server.execute(f"ALTER DATABASE {name} {change}".encode())
    # The server's own cleaners may be at work there, too, and are not ours to end.
    server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = %s AND backend_type = 'client backend'",
        [name],
    )


def _refuses_only_meanwhile(
    served: Serving, runtime: Runtime, store: Store, trouble: AbstractContextManager[None]
) -> None:
    """What is posted during the trouble is answered 503 and not kept; before and after it, all is."""
    before = _post(served, store, "before")

    with trouble:
        during = [_post(served, store, f"during-{number}") for number in range(3)]
    after = _post(served, store, "after")

    assert [answer.status for answer in (before, *during, after)] == [200, 503, 503, 503, 200]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in during)
    assert _keys(runtime, store) == ["before", "after"]


def _closed(url: str) -> AbstractContextManager[None]:
    """The database takes no connections, and those that it had are cut."""
    return _altered(url, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true")


def _read_only(url: str) -> AbstractContextManager[None]:
    """The database may be read only, as a replica may that took over and is not promoted yet."""
    setting = "default_transaction_read_only"
    return _altered(url, f"SET {setting} = on", f"RESET {setting}")


@only_postgresql
def test_a_database_that_went_away_is_answered_503_and_found_again(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    _refuses_only_meanwhile(served, runtime, store, _closed(runtime.database.url))


@only_postgresql
def test_a_connection_that_was_cut_while_idle_costs_no_delivery(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    _post(served, store, "before")

    with _closed(runtime.database.url):
        pass
    after = _post(served, store, "after")

    assert after.status == 200
    assert _keys(runtime, store) == ["before", "after"]


@only_postgresql
def test_a_shop_that_cannot_be_looked_up_now_is_answered_503(served: Serving, runtime: Runtime) -> None:
    unseen = connect_shopify(runtime)

    with _closed(runtime.database.url):
        answer = _post(served, unseen, "during")

    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0


@only_postgresql
def test_a_database_that_may_only_be_read_is_answered_503_on_every_way_in(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    links = link_maker(runtime, store)
    form = ("Content-Type", "application/x-www-form-urlencoded")
    leave = urlsplit(links.unsubscribe()).path

    with _read_only(runtime.database.url):
        during = [
            _post(served, store, "during"),
            served.post(leave, [form], b"List-Unsubscribe=One-Click"),
            exchange(served.port, head("GET", "/app/sign-in/somebodys", [])),
        ]
        led_on = exchange(served.port, head("GET", urlsplit(links.click(PAGE)).path, []))
    after = [_post(served, store, "after"), served.post(leave, [form], b"List-Unsubscribe=One-Click")]

    assert [answer.status for answer in during] == [503] * 3
    assert all(int(answer.headers["retry-after"]) > 0 for answer in during)
    # Who follows a link is led on, only not counted.
    assert (led_on.status, led_on.headers["location"]) == (302, PAGE)
    assert [answer.status for answer in after] == [200, 200]
    assert _keys(runtime, store) == ["after"]


@only_postgresql
def test_a_server_whose_disk_is_full_is_answered_503_and_needs_no_restart(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    _refuses_only_meanwhile(served, runtime, store, refusing(runtime.database.url))
