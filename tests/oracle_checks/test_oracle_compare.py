"""The comparison's words, and reading a database."""

import ast
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, create_engine, insert

import tests.oracle
from app.db import Base
from app.models import Attribution, Customer, Enrollment, Message, Order, ProductRhythm, Store
from tests.oracle import Actual, Expected, compare
from tests.oracle.actual import read_actual
from tests.oracle.model import (
    AttributionRow,
    EnrollmentKey,
    EnrollmentRow,
    MessageKey,
    MessageRow,
    OrderRow,
    RhythmKey,
    RhythmRow,
)

NOON = datetime(2026, 1, 13, 12, tzinfo=UTC)
KEY = MessageKey("shopify", "2", "review", "M3", "order:100")
SENT = MessageRow("email", NOON, "sent", None, NOON)
RHYTHM, LEARNED = RhythmKey("shopify", "6", NOON), RhythmRow(None, 40, 20, 60, 55, 65, 80)


def held(**values: Any) -> dict[str, Any]:
    """What both sides hold, unless said otherwise."""
    rows: dict[str, Any] = {
        "customers": {("shopify", "2")},
        "orders": {("shopify", "100"): OrderRow("2", 1000, 0, is_paid=True, is_counted=True)},
        "first_orders": {("shopify", "2"): "100"},
        "enrollments": {EnrollmentKey("shopify", "2", "review", "order:100"): EnrollmentRow("active", NOON)},
        "messages": {KEY: SENT},
        "attributions": {("shopify", "100"): AttributionRow("last-click", KEY, 1000)},
        "rhythms": {RHYTHM: LEARNED},
    }
    return rows | values


def test_equal_sides_differ_in_nothing() -> None:
    assert compare(Expected(**held()), Actual(**held())) == []


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"customers": set()}, "customer shopify/2 is missing"),
        ({"customers": {("shopify", "2"), ("shopify", "9")}}, "customer shopify/9 should not be there"),
        (
            {"orders": {("shopify", "100"): OrderRow("2", 999, 0, is_paid=True, is_counted=True)}},
            "order shopify/100: total_minor should be 1000, is 999",
        ),
        ({"first_orders": {("shopify", "2"): "99"}}, "first order shopify/2: should be 100, is 99"),
        (
            {
                "enrollments": {
                    EnrollmentKey("shopify", "2", "review", "order:100"): EnrollmentRow("exited", NOON)
                }
            },
            "enrollment shopify/2/review/order:100: state should be active, is exited",
        ),
        ({"messages": {}}, "message shopify/2/review/M3/order:100 is missing"),
        (
            {"messages": {KEY: replace(SENT, status="stopped", reason="capped", sent_at=None)}},
            "status should be sent (None), is stopped (capped)",
        ),
        ({"messages": {KEY: replace(SENT, channel="sms")}}, "channel should be email, is sms"),
        ({"messages": {KEY: replace(SENT, sent_at=NOON + timedelta(hours=1))}}, "sent_at should be"),
        ({"messages": {KEY: replace(SENT, due_at=NOON - timedelta(minutes=1))}}, "due_at should be"),
        (
            {"attributions": {("shopify", "100"): AttributionRow("last-click", KEY, 900)}},
            "amount_minor should be 1000, is 900",
        ),
        ({"rhythms": {RHYTHM: replace(LEARNED, until=NOON)}}, "rhythm shopify/6/2026-01-13: until should be"),
        ({"rhythms": {RHYTHM: replace(LEARNED, long_days=81)}}, "long_days should be 80, is 81"),
    ],
)
def test_every_difference_has_words(values: dict[str, Any], words: str) -> None:
    found = compare(Expected(**held()), Actual(**held(**values)))

    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    "row",
    [
        replace(SENT, due_at=NOON + timedelta(seconds=59)),
        replace(SENT, status="delivered"),
        replace(SENT, status="bounced"),
        replace(SENT, reason="quiet-hours"),
    ],
)
def test_what_means_the_same_is_no_difference(row: MessageRow) -> None:
    assert compare(Expected(**held()), Actual(**held(messages={KEY: row}))) == []


def test_the_reason_of_a_stopped_message_counts() -> None:
    expected = {KEY: MessageRow("email", NOON, "stopped", "suppressed")}
    actual = {KEY: MessageRow("email", NOON, "stopped", "consent-withdrawn")}

    found = compare(Expected(**held(messages=expected)), Actual(**held(messages=actual)))

    assert found == [
        "message shopify/2/review/M3/order:100: reason should be suppressed, is consent-withdrawn"
    ]


def test_an_order_without_money_is_not_missed_among_the_attributions() -> None:
    expected = {("shopify", "100"): AttributionRow("last-click", KEY, 0)}

    assert compare(Expected(**held(attributions=expected)), Actual(**held(attributions={}))) == []


def test_at_most_fifty_lines_and_every_kind_is_heard() -> None:
    expected = Expected(customers={("shopify", str(number)) for number in range(500)}, problems=["p"] * 500)
    expected.messages = {replace(KEY, customer=str(number)): SENT for number in range(500)}

    found = compare(expected, Actual())

    assert len(found) <= 50
    assert {line.split(" ")[0].rstrip(":") for line in found} == {"journal", "customer", "message"}
    assert found[-1] == "message: and 494 more differences"


def test_a_database_is_read_as_it_is(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ritorno.db'}"
    _fill(url)

    actual = read_actual(url)

    guest = MessageKey("woocommerce", "gino@example.com", "review", "M3", "order:100")
    assert actual.customers == {("woocommerce", "gino@example.com"), ("woocommerce", "7")}
    assert actual.orders == {("woocommerce", "100"): OrderRow("gino@example.com", 1000, 200, True, True)}
    assert actual.first_orders == {("woocommerce", "gino@example.com"): "100"}
    key = EnrollmentKey("woocommerce", "gino@example.com", "review", "order:100")
    assert actual.enrollments == {key: EnrollmentRow("active", NOON)}
    assert actual.messages == {guest: MessageRow("email", NOON, "stopped", "suppressed", None)}
    assert actual.attributions == {("woocommerce", "100"): AttributionRow("last-click", guest, 800)}
    assert actual.rhythms == {replace(RHYTHM, platform="woocommerce"): LEARNED}


def test_the_oracle_imports_nothing_of_the_product() -> None:
    folder = Path(next(iter(tests.oracle.__path__)))
    named = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                named |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                named.add(node.module.partition(".")[0])

    assert named & {"app", "jobs", "webhooks", "connectors"} == set()


_ROWS: list[tuple[Any, dict[str, Any]]] = [
    (Store, {"id": 1, "platform": "woocommerce"}),
    (Customer, {"id": 5, "store_id": 1, "identity": "email:gino@example.com"}),
    (Customer, {"id": 6, "store_id": 1, "identity": "id:7", "external_id": "7"}),
    (
        Order,
        {
            "id": 8,
            "store_id": 1,
            "external_id": "100",
            "customer_id": 5,
            "total_minor": 1000,
            "refunded_minor": 200,
            "is_counted": True,
            "paid_at": NOON,
            "deleted_at": None,
        },
    ),
    (
        Enrollment,
        {
            "id": 9,
            "store_id": 1,
            "flow_key": "review",
            "customer_id": 5,
            "occurrence": "order:100",
            "state": "active",
            "entered_at": NOON,
        },
    ),
    (
        Message,
        {
            "id": 10,
            "store_id": 1,
            "key": "review:M3:5:order:100",
            "customer_id": 5,
            "enrollment_id": 9,
            "flow_key": "review",
            "step": "M3",
            "channel": "email",
            "status": "stopped",
            "reason": "suppressed",
            "due_at": NOON,
        },
    ),
    (
        Attribution,
        {"store_id": 1, "order_id": 8, "message_id": 10, "rule": "last-click", "amount_minor": 800},
    ),
    (
        ProductRhythm,
        {
            "store_id": 1,
            "product_external_id": "6",
            "learned_at": NOON,
            "until": None,
            "gaps": 40,
            "people": 20,
            "median_days": 60,
            "low_days": 55,
            "high_days": 65,
            "long_days": 80,
        },
    ),
]


def _fill(url: str) -> None:
    engine = create_engine(url)
    Base.metadata.create_all(engine)
    with engine.begin() as connection:
        for model, values in _ROWS:
            table = model.__table__
            connection.execute(insert(table).values(_needed(table) | values))
    engine.dispose()


def _needed(table: Table) -> dict[str, Any]:
    """Something for every column that must not be empty and is of no interest here."""
    blank: dict[str, Any] = {}
    for column in table.columns:
        if column.nullable or column.default is not None or column.primary_key:
            continue
        kind = column.type.python_type if column.type.__class__.__name__ != "UtcDateTime" else datetime
        blank[column.name] = {str: "", int: 0, bool: False, datetime: NOON, dict: {}, list: []}[kind]
    return blank
