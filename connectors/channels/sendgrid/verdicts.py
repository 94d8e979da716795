"""What an event means; the table is `events.toml`."""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from connectors.channels.sendgrid.entries import Event
from connectors.delivery import Advice, DeliveryKind


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of the table; see its head for what the columns mean."""

    event: str
    kind: DeliveryKind | None
    advice: Advice
    patterns: Mapping[str, re.Pattern[str]]


def verdict(event: Event) -> Verdict | None:
    """The row for an event, or None where there is none."""
    name = event.event
    for row in _BY_EVENT.get(name) or _BY_EVENT.get(name.lower(), ()):
        if not row.patterns or _fits(row, event):
            return row
    return None


def enhanced_status(event: Event) -> str:
    """The enhanced status of RFC 3463 (5.1.1) of a bounce or deferral, or empty."""
    for text in (event.status, event.reason, event.response):
        if text and isinstance(text, str) and (found := _ENHANCED.search(text)):
            return found[0]
    return ""


_ENHANCED = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")
_WHOLE = {"type": r"\s*(?:{})\s*$", "class": r"\s*(?:{})", "reason": r"\s*(?:{})\s*$", "status": r"(?:{})"}


def _read() -> tuple[Verdict, ...]:
    table = tomllib.loads(Path(__file__).with_name("events.toml").read_text(encoding="utf-8"))
    return tuple(_row(entry) for entry in table["row"])


def _row(entry: Mapping[str, str]) -> Verdict:
    return Verdict(
        event=entry["event"],
        kind=DeliveryKind(entry["kind"]) if "kind" in entry else None,
        advice=Advice(entry.get("advice", Advice.NOTHING)),
        patterns={
            column: re.compile(shape.format(entry[column]), re.IGNORECASE)
            for column, shape in _WHOLE.items()
            if column in entry
        },
    )


ROWS = _read()
"""The table, in order."""

_BY_EVENT: dict[str, tuple[Verdict, ...]] = {
    name: tuple(row for row in ROWS if row.event == name) for name in {row.event for row in ROWS}
}


def _fits(row: Verdict, event: Event) -> bool:
    return all(pattern.match(_TOLD[column](event)) for column, pattern in row.patterns.items())


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


_TOLD: Mapping[str, Callable[[Event], str]] = {
    "type": lambda event: _text(event.type),
    "class": lambda event: _text(event.bounce_classification),
    "reason": lambda event: _text(event.reason),
    "status": enhanced_status,
}
"""What a pattern of each column is held against."""
