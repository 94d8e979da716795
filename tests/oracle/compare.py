"""The differences between what a correct Ritorno holds and what a database holds, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from tests.oracle.model import (
    Actual,
    AttributionRow,
    EnrollmentRow,
    Expected,
    MessageRow,
    OrderRow,
    RhythmRow,
)

MOST = 50
_MOST_PER_KIND = 7
_EXACT = timedelta(minutes=1)
# A provider's later word does not change that the message left.
_LEFT = {"delivered": "sent", "bounced": "sent"}

K = TypeVar("K")
V = TypeVar("V")


def compare(expected: Expected, actual: Actual) -> list[str]:
    """At most 50 differences, each a sentence; an empty list means that all is as it should be.

    Moments are equal when they fall within a minute; orders without money are not missed among the
    attributions.
    """
    kinds = (
        [f"journal: {problem}" for problem in expected.problems],
        _sets("customer", expected.customers, actual.customers),
        _maps("order", expected.orders, actual.orders, _order_differences),
        _maps("first order", expected.first_orders, actual.first_orders, _plain_difference),
        _maps("enrollment", expected.enrollments, actual.enrollments, _enrollment_differences),
        _maps("message", expected.messages, actual.messages, _message_differences),
        _maps("attribution", _worth(expected), _worth(actual), _attribution_differences),
        _maps("rhythm", expected.rhythms, actual.rhythms, _rhythm_differences),
    )
    return [line for kind in kinds for line in _shortened(kind)][:MOST]


def _shortened(lines: list[str]) -> list[str]:
    if len(lines) <= _MOST_PER_KIND:
        return lines
    rest = len(lines) - (_MOST_PER_KIND - 1)
    return [
        *lines[: _MOST_PER_KIND - 1],
        f"{lines[0].split(' ')[0].rstrip(':')}: and {rest} more differences",
    ]


def _sets(name: str, expected: set[tuple[str, str]], actual: set[tuple[str, str]]) -> list[str]:
    missing = [f"{name} {_name(key)} is missing" for key in sorted(expected - actual)]
    return missing + [f"{name} {_name(key)} should not be there" for key in sorted(actual - expected)]


def _maps(
    name: str, expected: Mapping[K, V], actual: Mapping[K, V], differences: Callable[[V, V], Iterable[str]]
) -> list[str]:
    lines = []
    for key in sorted(expected, key=str):
        if key not in actual:
            lines.append(f"{name} {_name(key)} is missing: {expected[key]}")
            continue
        found = "; ".join(differences(expected[key], actual[key]))
        if found:
            lines.append(f"{name} {_name(key)}: {found}")
    extra = sorted((key for key in actual if key not in expected), key=str)
    return lines + [f"{name} {_name(key)} should not be there: {actual[key]}" for key in extra]


def _name(key: object) -> str:
    return "/".join(map(str, key)) if isinstance(key, tuple) else str(key)


def _worth(rows: Actual) -> dict[tuple[str, str], AttributionRow]:
    return {key: row for key, row in rows.attributions.items() if row.amount_minor != 0}


def _plain_difference(expected: object, actual: object) -> list[str]:
    return [] if expected == actual else [f"should be {expected}, is {actual}"]


def _fields(expected: Any, actual: Any, *names: str) -> list[str]:
    return [
        f"{name} should be {getattr(expected, name)}, is {getattr(actual, name)}"
        for name in names
        if getattr(expected, name) != getattr(actual, name)
    ]


def _moments(expected: Any, actual: Any, *names: str) -> list[str]:
    return [
        f"{name} should be {getattr(expected, name)}, is {getattr(actual, name)}"
        for name in names
        if not _is_same_minute(getattr(expected, name), getattr(actual, name))
    ]


def _is_same_minute(expected: datetime | None, actual: datetime | None) -> bool:
    if expected is None or actual is None:
        return expected is actual
    return abs(expected - actual) < _EXACT


def _order_differences(expected: OrderRow, actual: OrderRow) -> list[str]:
    return _fields(expected, actual, "customer", "total_minor", "refunded_minor", "is_paid", "is_counted")


def _enrollment_differences(expected: EnrollmentRow, actual: EnrollmentRow) -> list[str]:
    return _fields(expected, actual, "state") + _moments(expected, actual, "entered_at")


def _message_differences(expected: MessageRow, actual: MessageRow) -> list[str]:
    found = _fields(expected, actual, "channel", "about") + _moments(expected, actual, "due_at", "sent_at")
    status = _LEFT.get(actual.status, actual.status)
    if status != expected.status:
        found.append(
            f"status should be {expected.status} ({expected.reason}), is {actual.status} ({actual.reason})"
        )
    elif status == "stopped" and actual.reason != expected.reason:
        found.append(f"reason should be {expected.reason}, is {actual.reason}")
    return found


def _attribution_differences(expected: AttributionRow, actual: AttributionRow) -> list[str]:
    return _fields(expected, actual, "rule", "message", "amount_minor")


def _rhythm_differences(expected: RhythmRow, actual: RhythmRow) -> list[str]:
    figures = ("gaps", "people", "median_days", "low_days", "high_days", "long_days")
    return _fields(expected, actual, *figures) + _moments(expected, actual, "until")
