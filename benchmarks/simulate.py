"""K2: a dry run over a year of a shop's orders, all of it from before the shop was connected.

Each customer buys five times on average; each order has three lines and four entries of the timeline. The
flows that such a shop gives nothing to do have one of their own: in that of the reactivation everybody buys
in the first half of the year and falls silent, in that of the abandoned checkouts all leave two baskets.
"""

import resource
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from app.flows import switch
from app.flows.simulate import run, telling
from app.loading import keep_loaded
from app.models import Store
from benchmarks import series, stores
from benchmarks.databases import Databases

ORDERS_EACH = 5
_UNTIL = datetime(2026, 11, 1, tzinfo=UTC)
_SPAN = timedelta(days=365)
_STORE_ID = 1
_EVENT = {"id": "NUMBER", "customer_id": "PERSON", "is_pending": "FALSE", "details": "'{}'"}
_CONSENT = '{"channel": "email", "state": "subscribed", "source": "shopify"}'


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop in which flows have something to do: how long its customers buy, what they leave at the till."""

    flows: tuple[str, ...]
    buying: timedelta = _SPAN
    baskets_each: int = 0


SHOPS = (
    Shop(("welcome", "review", "cross_sell", "birthday")),
    Shop(("reactivation",), buying=_SPAN / 2),
    Shop(("abandoned_checkout",), baskets_each=2),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One flow's dry run."""

    flow: str
    messages: int
    sent: int
    seconds: float
    cpu_seconds: float


def measure(databases: Databases, customers: int, *, only: str = "") -> list[Run]:
    """Fill a SQLite file a shop and replay each of its flows alone."""
    # As the command does that a merchant's dry run is asked by.
    keep_loaded()
    found = []
    for shop in SHOPS:
        flows = [flow for flow in shop.flows if only in flow]
        if flows:
            found += _measure(f"sqlite:///{databases.sqlite()}", shop, flows, customers)
    return found


def _measure(url: str, shop: Shop, flows: Sequence[str], customers: int) -> list[Run]:
    runtime = stores.connect(url)
    with runtime.database.write() as session:
        switch.ensure_flows(session, _STORE_ID, _UNTIL)
        _fill(session.connection(), shop, customers)
    stores.take_stock(runtime)
    found = []
    for flow in flows:
        with runtime.database.read() as session:
            store = session.get_one(Store, _STORE_ID)
            question = run.ask(session, store, flow, since=_UNTIL - _SPAN, until=_UNTIL)
        begun, cpu = time.perf_counter(), _cpu_seconds()
        report = run.simulate_widely(url, runtime.signer, question)
        seconds, cpu = time.perf_counter() - begun, _cpu_seconds() - cpu
        found.append(Run(flow, len(report.messages), telling.counts(report).get("sent", 0), seconds, cpu))
    runtime.database.dispose()
    return found


def _cpu_seconds() -> float:
    """Processor time of this process and of those that it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _fill(connection: Connection, shop: Shop, customers: int) -> None:
    orders, baskets = customers * ORDERS_EACH, customers * shop.baskets_each
    insert = partial(_insert, connection, customers=customers, span=shop.buying)
    insert("customers", CUSTOMERS, count=customers)
    insert("consents", _LEDGER, count=customers * 7 // 10)
    insert("orders", ORDERS, count=orders)
    insert("products", _PRODUCTS, count=500)
    for line in range(3):
        product = f"'p' || (n * {line * 3 + 1} % 500 + 1)"
        columns = _LINES | {"external_id": f"'{line}'", "product_external_id": product}
        insert("order_lines", columns, count=orders)
    for number, (kind, at) in enumerate(_MOMENTS.items()):
        insert("customer_events", _told(kind, at, "order", number * orders), count=orders)
    consented = _EVENT | {
        "id": f"n + {len(_MOMENTS) * orders}",
        "type": "'consent.changed'",
        "subject": "'consent:email'",
        "customer_id": "n",
        "source_key": "'consent:' || n",
        "details": f"'{_CONSENT}'",
        "occurred_at": "AT",
        "recorded_at": "AT",
    }
    insert("customer_events", consented, count=customers * 7 // 10)
    if baskets:
        insert("checkouts", _BASKETS, count=baskets)
        told = len(_MOMENTS) * orders + customers
        for number, kind in enumerate(("checkout.started", "checkout.abandoned")):
            insert("customer_events", _told(kind, "AT", "checkout", told + number * baskets), count=baskets)


def _told(kind: str, at: str, about: str, first_id: int) -> dict[str, str]:
    """The entries of the timeline that tell of one moment each."""
    return _EVENT | {
        "id": f"n + {first_id}",
        "type": f"'{kind}'",
        "subject": f"'{about}:' || n",
        "source_key": f"'{kind}:' || n",
        "occurred_at": at,
        "recorded_at": at,
    }


def _insert(
    connection: Connection,
    table: str,
    columns: Mapping[str, str],
    *,
    count: int,
    customers: int,
    span: timedelta,
) -> None:
    begin = _UNTIL - _SPAN
    series.insert(connection, table, columns, count=count, customers=customers, begin=begin, span=span)


_MOMENTS = {"order.placed": "AT", "order.paid": "AT", "order.fulfilled": "AT+1", "order.delivered": "AT+3"}
CUSTOMERS: dict[str, str] = {
    "id": "n",
    "identity": "'id:' || n",
    "external_id": "CAST(n AS VARCHAR(20))",
    "tags": "'[]'",
    "email": "'c' || n || '@example.com'",
    "country": "'IT'",
    "orders_count": "0",
    "created_at": "AT",
    "discounted_count": "0",
    "total_spent_minor": "0",
    "birth_known_at": "AT",
    "birth_month": "n % 12 + 1",
    "birth_day": "n % 28 + 1",
}
_LEDGER = {
    "id": "n",
    "customer_id": "n",
    "channel": "'email'",
    "state": "'subscribed'",
    "basis": "'consent'",
    "occurred_at": "AT",
    "recorded_at": "AT",
    "source": "'shopify'",
    "source_key": "'k' || n",
}
ORDERS: dict[str, str] = {
    "id": "n",
    "external_id": "CAST(n AS VARCHAR(20))",
    "number": "'#' || n",
    "customer_id": "PERSON",
    "status": "'open'",
    "financial_status": "'paid'",
    "fulfillment_status": "'fulfilled'",
    "currency": "'EUR'",
    "total_minor": "5000",
    "discount_codes": "'[]'",
    "is_counted": "TRUE",
    **dict.fromkeys(("refunded_minor", "discount_minor", "tax_minor", "shipping_minor"), "0"),
    **dict.fromkeys(("is_discounted", "is_paired", "is_attribution_due", "is_test"), "FALSE"),
    "placed_at": "AT",
    "paid_at": "AT",
    "fulfilled_at": "AT+1",
    "delivered_at": "AT+3",
    "source_updated_at": "AT+3",
}
_BASKETS = {
    "id": "n",
    "external_id": "CAST(n AS VARCHAR(20))",
    "token": "'t' || n",
    "customer_id": "PERSON",
    "currency": "'EUR'",
    "total_minor": "5000",
    "lines": """'[{"product_external_id": "p1", "title": "A thing", "quantity": 1, "total_minor": 5000}]'""",
    "started_at": "AT",
    "source_updated_at": "AT",
    "abandoned_at": "AT",
}
_LINES = {
    "order_id": "n",
    "title": "'A thing'",
    "quantity": "1",
    "current_quantity": "1",
    "total_minor": "1500",
}
_PRODUCTS = {
    "id": "n",
    "external_id": "'p' || n",
    "title": "'A thing'",
    "handle": "'p' || n",
    "vendor": "''",
    "product_type": "CASE n % 3 WHEN 0 THEN 'Coffee' WHEN 1 THEN 'Shoes' ELSE 'Watch' END",
    "status": "'active'",
    "is_available": "TRUE",
    "price_minor": "1500",
    "currency": "'EUR'",
    **dict.fromkeys(("tags", "categories", "cross_sell_ids", "up_sell_ids"), "'[]'"),
    "source_updated_at": "AT",
}
