"""A small world for the sandbox's own tests: a data set of literals, and an app that records what it gets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow
from pyarrow import parquet

from connectors.sandbox.config import Rates, WorldConfig, load_or_store
from connectors.sandbox.deliveries import WEBHOOK
from connectors.sandbox.errands import Runner
from connectors.sandbox.journal import Journal
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from connectors.sandbox.script import write_script
from connectors.sandbox.shopify_oauth import TOKEN
from connectors.sandbox.simulation import Simulation

FIRST_START = datetime(2026, 3, 18, 10, 0, tzinfo=UTC)
WOO_TOPICS = ("order.created", "order.updated", "customer.created", "customer.updated", "product.created")
WOO_SECRET = "5ecret"
BUSY = Rates(
    duplicate=0.2, lost=0.1, delayed=0.2, forged=0.1, click=0.5, scanner=0.3, unsubscribe=0.3, redeem=0.9
)
CALM = Rates(
    duplicate=0, lost=0, delayed=0, forged=0, cancelled=0, refunded=0, click=0, scanner=0, unsubscribe=0
)

OPENED: list[Journal | Simulation] = []
Row = tuple[int, int, int, int, float, float, datetime]


def usual_rows() -> list[Row]:
    """Eight households with ten baskets of two lines each, spread over a year."""
    rows: list[Row] = []
    for household in range(1, 9):
        for visit in range(10):
            moment = datetime(2017, 1, 5, 9) + timedelta(days=35 * visit, hours=household, minutes=visit)
            basket = 1000 * household + visit
            rows.append((household, basket, 10 + household % 4, 2, 4.0 + visit, 0.5, moment))
            rows.append((household, basket, 20 + visit % 5, 1, 2.5, 0.0, moment))
    return rows


def write_data(folder: Path, rows: list[Row] | None = None) -> Path:
    """The two parquet files of the data set, in its own column names and types."""
    folder.mkdir(parents=True, exist_ok=True)
    household, basket, product, quantity, sales, coupon, moment = zip(*(rows or usual_rows()), strict=True)
    lines = {
        "household_id": list(household),
        "basket_id": list(basket),
        "product_id": list(product),
        "quantity": list(quantity),
        "sales_value": list(sales),
        "coupon_disc": list(coupon),
        "transaction_timestamp": pyarrow.array(list(moment), pyarrow.timestamp("ns")),
    }
    parquet.write_table(pyarrow.table(lines), folder / "transactions.parquet")
    ids = sorted(set(product))
    products = {
        "product_id": ids,
        "department": ["GROCERY"] * len(ids),
        "brand": ["Private" if number % 2 else "National" for number in ids],
        "product_category": [f"CATEGORY {number % 3}" for number in ids],
        "product_type": ["FRZN  PIE/DESSERTS"] * len(ids),
        "package_size": [None if number % 5 == 0 else "14 OZ" for number in ids],
    }
    parquet.write_table(pyarrow.table(products), folder / "products.parquet")
    return folder


def config(**changes: Any) -> WorldConfig:
    """The usual configuration: all eight households, nothing going wrong."""
    values: dict[str, Any] = {"first_started_at": FIRST_START, "seed": 7, "households": 8, "rates": CALM}
    return WorldConfig(**(values | changes))


def echo(topic: str, world: Any, subject_id: int, at: datetime) -> dict[str, Any]:
    """A payload that only says what it is about."""
    codes = list(world.redeemed_codes(subject_id))
    return {
        "id": subject_id,
        "topic": topic,
        "at": at.isoformat(),
        "total": "1.00",
        "path": "a/b",
        "codes": codes,
    }


def open_simulation(data: Path, journal: Path, settings: WorldConfig) -> Simulation:
    """The world of a journal with payloads that only echo, and no pause between attempts."""
    kept = load_or_store(journal, settings)
    app = SimpleNamespace(
        client_id=kept.client_id, client_secret=kept.client_secret, ritorno_url=kept.ritorno_url
    )
    builders = {SHOPIFY: echo, WOOCOMMERCE: echo}
    runner = Runner(pauses_seconds=(0.0,))
    simulation = Simulation(write_script(kept, data), Journal(journal), app, builders=builders, runner=runner)
    OPENED.append(simulation)
    return simulation


def open_journal(folder: Path) -> Journal:
    """A journal that is closed after the test."""
    journal = Journal(folder)
    OPENED.append(journal)
    return journal


def install(simulation: Simulation, url: str) -> None:
    """Both shops know the app from now on."""
    simulation.world.remember(TOKEN, {"access_token": "at", "scope": "", "expires_at": None})
    for number, topic in enumerate(WOO_TOPICS, 1):
        webhook = {"external_id": number, "topic": topic, "url": f"{url}/webhooks/woocommerce/1/x"}
        simulation.world.remember(
            WEBHOOK, webhook | {"secret": WOO_SECRET, "name": topic, "status": "active"}
        )


@dataclass(frozen=True)
class Got:
    """One request that the app received; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


Answer = Callable[[Got], tuple[int, Mapping[str, str]]]


@dataclass
class App:
    """An app at `url` that records every request and answers as told."""

    url: str
    answer: Answer
    got: list[Got] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)

    def bodies(self) -> list[bytes]:
        """The bodies received so far, sorted."""
        return sorted(got.body for got in self.got)


@contextmanager
def running_app(answer: Answer = lambda got: (200, {}), port: int = 0) -> Iterator[App]:
    """An app on a real socket of 127.0.0.1."""
    server = _Server(("127.0.0.1", port), _Receiver)
    app = App(f"http://127.0.0.1:{server.server_address[1]}", answer)
    server.app = app  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield app
    finally:
        server.shutdown()
        for connection in app.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    """Some rounds of errands connect at once."""


class _Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self) -> None:
        """Note the connection, so that the app can die with it."""
        super().setup()
        self.server.app.connections.append(self.connection)  # type: ignore[attr-defined]

    def _receive(self) -> None:
        app: App = self.server.app  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        got = Got(self.command, self.path, headers, body)
        app.got.append(got)
        status, extra = app.answer(got)
        page = str(extra.get("page", "")).encode()
        self.send_response(status)
        for name, value in extra.items():
            if name != "page":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    do_GET = do_POST = do_HEAD = _receive

    def log_message(self, *_: object) -> None:
        """Say nothing."""
