"""How long the merchant's screens and the API take over a large store: 100,000 customers, 500,000 orders.

The rows are made by the database itself and lie as time wrote them. Each address is called as a server calls
it; what counts is the server's time of an answer and how many statements it asks, which must not grow with
the rows.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from app.analytics import days
from app.flows import changing, drafts, switch
from app.members import keys
from app.models import Store
from app.runtime import Runtime
from app.web import auth
from app.wsgi import create_app
from benchmarks import series, stores, why
from benchmarks.databases import Databases, alchemy_url

MOST_MS, MOST_QUERIES = 100, 30
_NOW = datetime.now(UTC).replace(microsecond=0)
_SPAN = timedelta(days=730)
_STORE_ID = 1
_READ = ("/app/", "/api/v1/", "/metrics", "/readyz")
_NOT_READ = re.compile(r"/sign-in|\.json$|/body$|/content$|<token>")
_VALUES = {
    "customer_id": "7920",
    "message_id": "400000",
    "order_id": "400000",
    "review_id": "4000",
    "key": "review",
    "step": "M3",
    "step_id": "M3",
}
_ASKED = (
    "/app/?days=365",
    "/app/customers?q=cognome12",
    "/app/customers?consent=email:unsubscribed",
    "/app/customers?consent=email:unknown&kind=loyal",
    "/app/customers?standing=dormant",
    "/app/outbox?flow=birthday&status=sent",
    "/app/outbox?status=unknown",
    "/app/activity?status=dead",
    "/app/reviews?show=low",
    "/app/flows/review/new-step?way=products&kind=wait",
    "/api/v1/customers?email=c7920@example.com",
    "/api/v1/orders?customer=7920",
    "/api/v1/events?customer=7920",
    "/api/v1/events?type=shop.unheard",
    "/api/v1/messages?customer=7920",
    "/api/v1/messages?flow=birthday&status=delivered",
    "/api/v1/messages?flow=winback",
    "/api/v1/messages?status=unknown",
    "/api/v1/reviews?customer=7920",
    "/api/v1/reviews?state=hidden",
    "/api/v1/enrollments?customer=7920",
    "/api/v1/enrollments?flow=winback",
    "/api/v1/inbound-events?status=dead",
    "/api/v1/inbound-events?topic=shop/unheard",
)
"""Lists that were asked for something, too: what is rare is the hardest to find."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An address's answers: milliseconds, and statements of the last one.

    Attributes:
        cpu: what the median answer took this process on a core; PostgreSQL's own work is not in it.
    """

    path: str
    status: int
    p50: float
    p95: float
    cpu: float
    queries: int


def measure(kind: str, databases: Databases, *, customers: int, rounds: int = 20) -> Iterator[Opened]:
    """Fill a fresh database and open each screen some times; the first time does not count."""
    url = f"sqlite:///{databases.sqlite()}" if kind == "SQLite" else alchemy_url(databases.postgresql())
    runtime = stores.connect(url)
    with runtime.database.write() as session:
        switch.ensure_flows(session, _STORE_ID, _NOW - _SPAN)
        _draft(session)
        _fill(session.connection(), customers)
        _add_up(session)
    stores.take_stock(runtime)
    app = create_app(runtime)
    member, program = _signed_in(app, runtime), _with_key(app, runtime)
    for path in [*_paths(app), *_ASKED]:
        yield _opened(program if path.startswith("/api/") else member, path, rounds)
    runtime.database.dispose()


def _opened(client: FlaskClient, path: str, rounds: int) -> Opened:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    status = client.get(path).status_code
    times, cpus = (sorted(of) for of in zip(*(_timed(client, path) for _ in range(rounds)), strict=True))
    event.listen(Engine, "before_cursor_execute", count)
    client.get(path)
    event.remove(Engine, "before_cursor_execute", count)
    middle, late = len(times) // 2, len(times) * 95 // 100
    return Opened(path, status, times[middle], times[late], cpus[middle], len(statements))


def _timed(client: FlaskClient, path: str) -> tuple[float, float]:
    begun, cpu = time.perf_counter(), time.process_time()
    client.get(path)
    return (time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000


def _signed_in(app: Flask, runtime: Runtime) -> FlaskClient:
    with runtime.database.write() as session:
        token = auth.issue_sign_in_link(session, _NOW)
    client = app.test_client()
    client.get(f"/app/sign-in/{token}")
    return client


def _with_key(app: Flask, runtime: Runtime) -> FlaskClient:
    with runtime.database.write() as session:
        key = keys.make(session, _STORE_ID, "benchmark", _NOW)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def _paths(app: Flask) -> Sequence[str]:
    rules = sorted(str(rule) for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()))
    screens = [rule for rule in rules if rule.startswith(_READ) and not _NOT_READ.search(rule)]
    return [re.sub(r"<(?:\w+:)?(\w+)>", lambda named: _VALUES[named[1]], rule) for rule in screens]


def _fill(connection: Connection, customers: int) -> None:
    for table, (share, columns) in _ROWS.items():
        series.insert(
            connection,
            table,
            columns,
            count=max(1, int(customers * share)),
            customers=customers,
            begin=_NOW - _SPAN,
            span=_SPAN,
        )


def _draft(session: Session) -> None:
    """A message switched off in the flow whose screens are opened: only a draft can be published."""
    key, step_id = _VALUES["key"], _VALUES["step_id"]
    desk = drafts.desk(session, _STORE_ID, key)
    step = changing.entry_of(desk.current, step_id).by_id[step_id].model_copy(update={"is_on": False})
    changed = changing.with_step(desk.current, step)
    drafts.keep(session, _STORE_ID, key, changed, seen=desk.revision, now=_NOW)


def _add_up(session: Session) -> None:
    """The sums of the days, as the product makes them."""
    store = session.get_one(Store, _STORE_ID)
    store.installed_at = _NOW - _SPAN
    moments = [_NOW - timedelta(days=number) for number in range(_SPAN.days)]
    days.count_orders(session, _STORE_ID, moments)
    days.keep(session, days.count(session, store, None, _NOW))


_STATUS = (
    "CASE n % 40 WHEN 0 THEN 'delivered' WHEN 1 THEN 'stopped' WHEN 2 THEN 'expired' WHEN 3 THEN 'bounced' "
    "ELSE 'sent' END"
)
_CONSENT = "CASE n % 3000 WHEN 7 THEN 'unsubscribed' ELSE 'subscribed' END"
_STATE = "CASE n % 5000 WHEN 2 THEN 'dormant' WHEN 3 THEN 'reactivating' ELSE 'active' END"
_TEXT = dict.fromkeys(("status", "financial_status", "fulfillment_status"), "'v'")
_FALSE = ("is_discounted", "is_paired", "is_attribution_due", "is_test")
_ROWS: Mapping[str, tuple[float, Mapping[str, str]]] = {
    "customers": (
        1,
        why.ROWS["customers"]
        | {"first_name": "'Nome' || n % 977", "last_name": "'Cognome' || n % 1013", "last_paid_at": "AT"},
    ),
    "customer_states": (
        0.8,
        {"customer_id": "n", "state": _STATE, "since": "AT", "classes": "'[\"repeat\"]'", "attempts": "'[]'"},
    ),
    "consent_states": (
        0.7,
        {"customer_id": "n", "channel": "'email'", "state": _CONSENT, "occurred_at": "AT", "is_own": "FALSE"},
    ),
    "orders": (
        5,
        {"id": "n", "external_id": "CAST(n AS VARCHAR(20))", "number": "'#' || n", "customer_id": "PERSON"}
        | _TEXT
        | {"currency": "'EUR'", "total_minor": "n % 9000", "is_counted": "TRUE", "discount_codes": "'[]'"}
        | dict.fromkeys(("refunded_minor", "discount_minor", "tax_minor", "shipping_minor"), "0")
        | dict.fromkeys(_FALSE, "FALSE")
        | dict.fromkeys(("placed_at", "paid_at", "source_updated_at"), "AT"),
    ),
    "customer_events": (10, why.ROWS["customer_events"]),
    "enrollments": (3, why.ROWS["enrollments"]),
    "messages": (5, why.ROWS["messages"] | {"status": _STATUS, "to_address": "'c@example.com'"}),
    "message_attempts": (5, {"id": "n", "message_id": "n", "started_at": "AT", "ended_at": "AT"}),
    "delivery_events": (
        1,
        {"id": "n", "message_id": "n * 5", "type": "'clicked'", "event_key": "'e' || n", "is_human": "TRUE"}
        | {"occurred_at": "AT"},
    ),
    "decisions": (5, why.ROWS["decisions"]),
    "attributions": (
        0.5,
        {"order_id": "n * 10", "message_id": "n * 10", "flow_key": "'review'", "step": "'M3'"}
        | {
            "rule": "'last-click'",
            "amount_minor": "n % 5000",
            "currency": "'EUR'",
            "occurred_at": "AT",
            "inputs": "'{}'",
        },
    ),
    "inbound_events": (
        5,
        {"id": "n", "source": "'shopify'", "topic": "'orders/paid'", "dedupe_key": "'k' || n"}
        | {"status": "'done'", "attempts": "0"}
        | dict.fromkeys(("received_at", "next_at", "done_at"), "AT"),
    ),
    "reviews": (
        0.2,
        {"id": "n", "source": "'ritorno'", "external_id": "'r' || n", "object": "'product'"}
        | {
            "rating": "n % 5 + 1",
            "text": "'Bello'",
            "status": "'given'",
            "state": "'approved'",
            "is_verified": "TRUE",
        }
        | {"written_at": "AT", "customer_id": "PERSON"},
    ),
    "audit_log": (
        0.1,
        # Their ids are the database's own: the screens add to them.
        {"at": "AT", "actor_kind": "'member'", "actor_id": "''", "action": "'settings.change'"}
        | {"subject": "''", "details": "'{}'"},
    ),
    "access_log": (
        1,
        {"at": "AT", "actor_kind": "'member'", "actor_id": "''", "how": "'screen'"}
        | {"what": "'customer'", "customer_id": "PERSON", "count": "1"},
    ),
}
"""By table: how many rows a customer has there, and the rows as `benchmarks/series.py` takes them."""
