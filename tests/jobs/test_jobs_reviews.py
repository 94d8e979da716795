"""Reviews, of which no webhook tells, are pulled every hour; an error of theirs stops nothing else."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.config import Settings
from app.db import Database
from app.mirror import pulls as rows
from app.models import CustomerEvent, Reconciliation, Review, Store
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs import pulls
from jobs.kit import Kit
from tests.conftest import NOW
from tests.seeds import add_customer, rows_of, values_of
from tests.webhooks.webhooks_shops import connect_woocommerce

HOUR = timedelta(hours=1)
CAPTURED = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "woocommerce" / "rest_reviews.json").read_text()
)["body"]


class WooShop(BaseHTTPRequestHandler):
    """A store with two reviews and nothing else; `asked` are the queries for reviews."""

    asked: list[dict[str, list[str]]]
    status: int
    body: bytes

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        is_reviews = parts.path.endswith("/products/reviews")
        if is_reviews:
            self.asked.append(parse_qs(parts.query))
        body = self.body if is_reviews else b"[]"
        self.send_response(self.status if is_reviews else 200)
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("X-WP-TotalPages", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it)
        pass


@pytest.fixture
def runtime(settings: Settings, database: Database) -> Runtime:
    """A process that may call the loopback."""
    return Runtime.build(settings.model_copy(update={"allow_private_stores": True}), database)


@pytest.fixture
def shop() -> type[WooShop]:
    """What the store answers; changed by a test."""
    return type("Served", (WooShop,), {"asked": [], "status": 200, "body": CAPTURED.encode()})


@pytest.fixture
def store(runtime: Runtime, shop: type[WooShop]) -> Iterator[Store]:
    """The connected store with its pulls; Lucia is known."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connected = connect_woocommerce(runtime, f"http://127.0.0.1:{server.server_port}")
    with runtime.database.write() as session:
        rows.ensure_reconciliations(session, session.get_one(Store, connected.id), NOW)
        add_customer(session, connected.id, "7", email="lucia.hpos@example.test")
    yield connected
    server.shutdown()
    server.server_close()


def _pull(runtime: Runtime, at: Any) -> None:
    pulls.run_reconciliations(Kit.build(runtime, LocalChannel(None)), at)


def test_reviews_are_read_whole_at_first_and_then_every_hour(
    runtime: Runtime, store: Store, shop: type[WooShop]
) -> None:
    _pull(runtime, NOW + HOUR)
    _pull(runtime, NOW + HOUR + timedelta(minutes=30))
    _pull(runtime, NOW + 2 * HOUR)

    assert [query["after"] for query in shop.asked] == [["1999-12-17T23:50:00"], ["2026-10-19T09:50:00"]]
    assert sorted(rows_of(runtime.database, Review, "external_id", "product_external_id", "rating")) == [
        ("30", "38", 5),
        ("6", "10", 5),
    ]
    events = rows_of(runtime.database, CustomerEvent, "type", "subject", "details")
    assert [row for row in events if row[0] == "review.received"] == [
        ("review.received", "product:38", {"rating": 5, "object": "product"})
    ]


def test_a_writer_who_comes_later_is_found_by_the_next_pull(
    runtime: Runtime, store: Store, shop: type[WooShop]
) -> None:
    _pull(runtime, NOW + HOUR)
    with runtime.database.write() as session:
        late = add_customer(session, store.id, "8", email="lucia.rossi@example.test").id
    shop.body = b"[]"

    _pull(runtime, NOW + 2 * HOUR)

    assert ("6", late) in rows_of(runtime.database, Review, "external_id", "customer_id")


def test_a_store_without_reviews_goes_on_with_the_rest(
    runtime: Runtime, store: Store, shop: type[WooShop]
) -> None:
    shop.status = 404

    _pull(runtime, NOW + 25 * HOUR)

    errors = dict(rows_of(runtime.database, Reconciliation, "resource", "error"))
    assert errors.pop("reviews")
    assert set(errors.values()) == {None}
    assert values_of(runtime.database, Store, "state") == ["connected"]
