"""`why` among many: one question over a store of 100,000 customers and 5,000,000 decisions.

The rows are made by the database itself. A customer's decisions lie far from each other, as they do where
time wrote them, and each holds all fourteen steps of the gate.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from app import loading
from app.flows import switch
from app.flows.why import why
from app.models import Store
from app.runtime import Runtime
from benchmarks import series, stores
from benchmarks.databases import Databases, alchemy_url

_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
_SPAN = timedelta(days=730)
_STORE_ID = 1
_STEPS = (
    *("switches", "still-due", "once-only", "customer", "address", "suppression", "legal-basis"),
    *("consent", "rails", "sender", "content", "tracking", "pace", "commit"),
)
_LOOK = json.dumps(
    [{"step": step, "verdict": "pass", "reason": None, "value": f"{step} as seen"} for step in _STEPS]
)


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds of one question, of many; `worst_cpu`: what one took this process at most on a core.

    On a busy machine a question waits for a core far longer than it works.
    """

    p50: float
    p99: float
    worst: float
    worst_cpu: float


def measure(
    kind: str, databases: Databases, *, customers: int, decisions: int, questions: int = 400
) -> Times:
    """Fill a fresh database and ask about customers and days all over it, each flow in turn."""
    url = f"sqlite:///{databases.sqlite()}" if kind == "SQLite" else alchemy_url(databases.postgresql())
    runtime = stores.connect(url)
    with runtime.database.write() as session:
        switch.ensure_flows(session, _STORE_ID, _NOW - _SPAN)
        for view in switch.listing(session, _STORE_ID):
            switch.activate(session, _STORE_ID, view.key, _NOW - _SPAN)
        _fill(session.connection(), customers, decisions)
    stores.take_stock(runtime)
    # As servers do once they stand.
    loading.keep_loaded()
    asked = [_ask(runtime, number, customers) for number in range(questions)]
    runtime.database.dispose()
    times, worst_cpu = sorted(wall for wall, _ in asked), max(cpu for _, cpu in asked)
    return Times(times[len(times) // 2], times[len(times) * 99 // 100], times[-1], worst_cpu)


def _ask(runtime: Runtime, number: int, customers: int) -> tuple[float, float]:
    """How long it took, and how long this process worked at it."""
    person = number * 7_919 % customers + 1
    flow = ("welcome", "review", "cross_sell", "birthday")[number % 4]
    on = (_NOW - timedelta(days=number % 700)).date()
    begun, cpu = time.perf_counter(), time.process_time()
    with runtime.database.read() as session:
        store = session.get_one(Store, _STORE_ID)
        why(session, store, person, flow_key=flow, on=on, now=_NOW)
    return (time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000


def _fill(connection: Connection, customers: int, decisions: int) -> None:
    shares = {"customers": customers, "decisions": decisions, "enrollments": decisions // 5}
    for table, columns in ROWS.items():
        series.insert(
            connection,
            table,
            columns,
            count=shares.get(table, decisions // 2),
            customers=customers,
            begin=_NOW - _SPAN,
            span=_SPAN,
        )


_FLOW = "CASE n % 4 WHEN 0 THEN 'welcome' WHEN 1 THEN 'review' WHEN 2 THEN 'cross_sell' ELSE 'birthday' END"
_TYPE = "CASE n % 3 WHEN 0 THEN 'order.paid' WHEN 1 THEN 'order.delivered' ELSE 'consent.changed' END"
_OF_MESSAGE = {"step": "'W2'", "flow_key": _FLOW, "customer_id": "PERSON"}
ROWS: Mapping[str, dict[str, str]] = {
    "customers": {
        "id": "n",
        "identity": "'id:' || n",
        "external_id": "CAST(n AS VARCHAR(20))",
        "tags": "'[]'",
        "email": "'c' || n || '@example.com'",
        "country": "'IT'",
        "orders_count": "2",
        "discounted_count": "0",
        "total_spent_minor": "5000",
        "created_at": "AT",
        "birth_month": "n % 12 + 1",
        "birth_day": "n % 28 + 1",
    },
    "enrollments": {
        "id": "n",
        "flow_key": _FLOW,
        "version_id": "1",
        "customer_id": "PERSON",
        "state": "'completed'",
        "occurrence": "'order:' || n",
        "subject": "'order:' || n",
        "step": "'end'",
        "turn": "3",
        "entered_at": "AT",
        "ended_at": "AT",
        "context": "'{}'",
    },
    "customer_events": {
        "id": "n",
        "customer_id": "PERSON",
        "type": _TYPE,
        "subject": "'order:' || n",
        "details": "'{}'",
        "source_key": "'k' || n",
        "occurred_at": "AT",
        "recorded_at": "AT",
        "is_pending": "FALSE",
    },
    "messages": _OF_MESSAGE
    | {"id": "n", "key": "'k' || n", "enrollment_id": "n", "version_id": "1", "channel": "'email'"}
    | {"purpose": "'marketing'", "priority": "3", "status": "'sent'", "attempts": "1", "sent_at": "AT"}
    | dict.fromkeys(("due_at", "expires_at", "next_at", "created_at"), "AT")
    | {"is_prepared": "TRUE", "context": "'{}'"},
    "decisions": _OF_MESSAGE
    | {"id": "n", "message_id": "n / 2", "decided_at": "AT", "verdict": "'pass'", "steps": f"'{_LOOK}'"},
}
"""The rows of each table, as `benchmarks/series.py` takes them."""


def sizes(customers: int, decisions: int) -> Sequence[str]:
    """What was in the database, in words."""
    return (f"{customers:,} customers", f"{decisions:,} decisions", f"{decisions // 2:,} messages and events")
