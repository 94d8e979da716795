"""What a database of Ritorno holds, read by plain SQL from SQLite or PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from tests.engines import over_all_stores
from tests.oracle.model import (
    Actual,
    AttributionRow,
    EnrollmentKey,
    EnrollmentRow,
    MessageKey,
    MessageRow,
    OrderRow,
    RhythmKey,
    RhythmRow,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CUSTOMERS = "SELECT s.platform, c.identity FROM customers c JOIN stores s ON s.id = c.store_id"
_ORDERS = """
    SELECT s.platform, o.external_id, c.identity, o.total_minor, o.refunded_minor, o.is_counted, o.paid_at
    FROM orders o
    JOIN stores s ON s.id = o.store_id
    LEFT JOIN customers c ON c.store_id = o.store_id AND c.id = o.customer_id
    WHERE o.deleted_at IS NULL
"""
_ENROLLMENTS = """
    SELECT s.platform, c.identity, e.flow_key, e.occurrence, e.state, e.entered_at
    FROM enrollments e
    JOIN stores s ON s.id = e.store_id
    JOIN customers c ON c.store_id = e.store_id AND c.id = e.customer_id
"""
_MESSAGES = """
    SELECT s.platform, c.identity, m.flow_key, m.step, m.key,
           m.channel, m.due_at, m.status, m.reason, m.sent_at, m.context
    FROM messages m
    JOIN stores s ON s.id = m.store_id
    JOIN customers c ON c.store_id = m.store_id AND c.id = m.customer_id
"""
_ATTRIBUTIONS = """
    SELECT s.platform, o.external_id, a.rule, a.amount_minor, c.identity, m.flow_key, m.step, m.key
    FROM attributions a
    JOIN stores s ON s.id = a.store_id
    JOIN orders o ON o.store_id = a.store_id AND o.id = a.order_id
    JOIN messages m ON m.store_id = a.store_id AND m.id = a.message_id
    JOIN customers c ON c.store_id = m.store_id AND c.id = m.customer_id
"""
_RHYTHMS = """
    SELECT s.platform, r.product_external_id, r.learned_at, r.until,
           r.gaps, r.people, r.median_days, r.low_days, r.high_days, r.long_days
    FROM product_rhythms r
    JOIN stores s ON s.id = r.store_id
"""


def read_actual(url: str) -> Actual:
    """Everything that the oracle compares, from the database at a SQLAlchemy URL."""
    engine = over_all_stores(url)
    try:
        with engine.connect() as connection:
            return _read(connection)
    finally:
        engine.dispose()


def moment_of(value: Any) -> datetime:
    """The moment of a column: SQLite keeps integer microseconds, PostgreSQL moments with a zone."""
    if isinstance(value, int):
        return _EPOCH + timedelta(microseconds=value)
    assert isinstance(value, datetime)
    return value.astimezone(UTC)


def _read(connection: Connection) -> Actual:
    actual = Actual()
    for platform, identity in connection.execute(text(_CUSTOMERS)):
        actual.customers.add((platform, _customer(identity)))
    _read_orders(connection, actual)
    for row in connection.execute(text(_ENROLLMENTS)):
        platform, identity, flow, occurrence, state, entered_at = row
        key = EnrollmentKey(platform, _customer(identity), flow, occurrence)
        actual.enrollments[key] = EnrollmentRow(state, moment_of(entered_at))
    for row in connection.execute(text(_MESSAGES)):
        platform, identity, flow, step, key_text, *values = row
        message = MessageKey(platform, _customer(identity), flow, step, _occurrence(key_text))
        actual.messages[message] = _message_row(*values)
    for row in connection.execute(text(_ATTRIBUTIONS)):
        platform, order, rule, amount_minor, identity, flow, step, key_text = row
        message = MessageKey(platform, _customer(identity), flow, step, _occurrence(key_text))
        actual.attributions[platform, order] = AttributionRow(rule, message, amount_minor)
    for platform, product, learned_at, until, *figures in connection.execute(text(_RHYTHMS)):
        actual.rhythms[RhythmKey(platform, product, moment_of(learned_at))] = RhythmRow(
            _moment(until), *figures
        )
    return actual


def _read_orders(connection: Connection, actual: Actual) -> None:
    first: dict[tuple[str, str], tuple[datetime, str]] = {}
    for platform, order, identity, total, refunded, is_counted, paid_at in connection.execute(text(_ORDERS)):
        customer = _customer(identity or ":")
        paid = _moment(paid_at)
        actual.orders[platform, order] = OrderRow(
            customer=customer,
            total_minor=total,
            refunded_minor=refunded,
            is_paid=paid is not None,
            is_counted=bool(is_counted),
        )
        if is_counted and paid is not None:
            candidate = (paid, order)
            first[platform, customer] = min(candidate, first.get((platform, customer), candidate))
    actual.first_orders = {key: order for key, (_, order) in first.items()}


def _message_row(
    channel: str, due_at: Any, status: str, reason: str | None, sent_at: Any, context: Any
) -> MessageRow:
    held = json.loads(context) if isinstance(context, str) else context
    about = tuple(product["external_id"] for product in held.get("products", ()))
    return MessageRow(channel, moment_of(due_at), status, reason, _moment(sent_at), about)


def _customer(identity: str) -> str:
    """`id:123` is the account 123, `email:x@y` a guest."""
    return identity.partition(":")[2]


def _occurrence(key: str) -> str:
    """The last part of `flow:step:customer:occurrence`, which may hold colons itself."""
    return key.split(":", 3)[3]


def _moment(value: Any) -> datetime | None:
    return None if value is None else moment_of(value)
