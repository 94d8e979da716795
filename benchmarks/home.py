"""The home page of a large shop: 100,000 customers, 500,000 orders, 400,000 messages in two years.

The rows are made by the database itself; the sums of the days by what makes them in the product.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, event

from app import clock
from app.analytics import days
from app.flows import switch
from app.models import Store
from app.runtime import Runtime
from app.web import auth, register
from benchmarks import series, stores
from benchmarks.databases import Databases, alchemy_url

_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
_SPAN = timedelta(days=730)
_STORE_ID = 1
_SPANS = (30, 90, 365)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of the page and of one count of the sums, and how many statements the page needs."""

    p50: float
    p95: float
    statements: int
    sums: float


def measure(kind: str, databases: Databases, *, customers: int, pages: int = 60) -> Times:
    """Fill a fresh database and load the page again and again, each period in turn."""
    url = f"sqlite:///{databases.sqlite()}" if kind == "SQLite" else alchemy_url(databases.postgresql())
    runtime = stores.connect(url)
    with clock.frozen_at(_NOW):
        with runtime.database.write() as session:
            switch.ensure_flows(session, _STORE_ID, _NOW - _SPAN)
            _fill(session.connection(), customers)
        with runtime.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        _add_up(runtime)
        begun = time.perf_counter()
        with runtime.database.read() as session:
            days.count(session, session.get_one(Store, _STORE_ID), _NOW - timedelta(hours=1), _NOW)
        sums = (time.perf_counter() - begun) * 1000
        browser = _signed_in(runtime)
        statements = _statements(runtime, browser)
        times = sorted(_load(browser, number) for number in range(pages))
    runtime.database.dispose()
    return Times(times[len(times) // 2], times[len(times) * 95 // 100], statements, sums)


def sizes(customers: int) -> str:
    """What was in the database, in words."""
    return f"{customers:,} customers, {customers * 5:,} orders, {customers * 4:,} messages"


def _add_up(runtime: Runtime) -> None:
    moments = [_NOW - timedelta(days=number) for number in range(_SPAN.days)]
    with runtime.database.write() as session:
        days.count_orders(session, _STORE_ID, moments)
        store = session.get_one(Store, _STORE_ID)
        store.installed_at = _NOW - _SPAN
        days.keep(session, days.count(session, store, None, _NOW))


def _signed_in(runtime: Runtime) -> FlaskClient:
    app = Flask("home", static_folder=None)
    app.extensions["ritorno"] = runtime
    register(app)
    with runtime.database.write() as session:
        link = auth.issue_sign_in_link(session, _NOW)
    browser = app.test_client()
    browser.get(f"/app/sign-in/{link}")
    return browser


def _statements(runtime: Runtime, browser: FlaskClient) -> int:
    """How many the page needs, counted on a load that also fills what is kept."""
    seen: list[str] = []

    def note(*told: object) -> None:
        seen.append(str(told[2]))

    event.listen(runtime.database.engine, "before_cursor_execute", note)
    _load(browser, 0)
    event.remove(runtime.database.engine, "before_cursor_execute", note)
    return len(seen)


def _load(browser: FlaskClient, number: int) -> float:
    begun = time.perf_counter()
    page = browser.get(f"/app/?days={_SPANS[number % len(_SPANS)]}")
    passed = (time.perf_counter() - begun) * 1000
    if page.status_code != 200:
        raise RuntimeError(f"the page answered {page.status}")
    return passed


def _fill(connection: Connection, customers: int) -> None:
    shares = {"orders": 5, "messages": 4, "message_attempts": 4, "delivery_events": 4}
    for table, columns in _ROWS.items():
        series.insert(
            connection,
            table,
            columns,
            count=customers * shares.get(table, 1),
            customers=customers,
            begin=_NOW - _SPAN,
            span=_SPAN,
        )


_FLOW = "CASE n % 4 WHEN 0 THEN 'welcome' WHEN 1 THEN 'review' WHEN 2 THEN 'cross_sell' ELSE 'birthday' END"
_EVENT = "CASE n % 8 WHEN 0 THEN 'clicked' WHEN 1 THEN 'bounced' ELSE 'delivered' END"
_ROWS: Mapping[str, Mapping[str, str]] = {
    "customers": {"id": "n", "identity": "'id:' || n", "tags": "'[]'"}
    | dict.fromkeys(("orders_count", "discounted_count", "total_spent_minor"), "5")
    | {"email": "'c' || n || '@example.com'", "created_at": "AT"},
    "consent_states": {"customer_id": "n", "channel": "'email'", "occurred_at": "AT", "is_own": "FALSE"}
    | {"state": "CASE n % 3 WHEN 0 THEN 'unsubscribed' ELSE 'subscribed' END"},
    "orders": {"id": "n", "external_id": "CAST(n AS VARCHAR(20))", "number": "'#' || n"}
    | {
        "customer_id": "PERSON",
        "currency": "'EUR'",
        "total_minor": "4900 + n % 900",
        "discount_codes": "'[]'",
    }
    | dict.fromkeys(("status", "financial_status", "fulfillment_status"), "'done'")
    | dict.fromkeys(("refunded_minor", "discount_minor", "tax_minor", "shipping_minor"), "0")
    | dict.fromkeys(("is_discounted", "is_attribution_due", "is_test"), "FALSE")
    | dict.fromkeys(("is_counted", "is_paired"), "TRUE")
    | dict.fromkeys(("placed_at", "paid_at", "source_updated_at"), "AT"),
    "messages": {"id": "n", "key": "'k' || n", "customer_id": "PERSON", "flow_key": _FLOW, "step": "'W2'"}
    | {"enrollment_id": "n", "version_id": "1", "channel": "'email'", "purpose": "'marketing'"}
    | {"priority": "3", "status": "'delivered'", "attempts": "1", "sent_at": "AT", "context": "'{}'"}
    | dict.fromkeys(("due_at", "expires_at", "next_at", "created_at"), "AT")
    | {"is_prepared": "TRUE"},
    "message_attempts": {"id": "n", "message_id": "n", "started_at": "AT", "ended_at": "AT"},
    "delivery_events": {"id": "n", "message_id": "n", "type": _EVENT, "occurred_at": "AT"}
    | {"event_key": "'e' || n", "is_human": "TRUE"},
    "attributions": {"order_id": "n * 5", "message_id": "n", "flow_key": _FLOW, "rule": "'last-click'"}
    | {"amount_minor": "4000", "currency": "'EUR'", "occurred_at": "AT", "inputs": "'{}'"},
}
"""The rows of each table, as `benchmarks/series.py` takes them."""
