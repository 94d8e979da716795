"""SendGrid's answers in our words; the table is `errors.toml`."""

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.channels.sendgrid.pace import wait_seconds
from connectors.sending import Outcome, SendResult
from connectors.wording import harmless, storable

MESSAGE_ID = "X-Message-Id"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table; see its head for what the columns mean."""

    status: str
    outcome: Outcome
    needs: str = ""
    field: re.Pattern[str] | None = None
    message: re.Pattern[str] | None = None
    words: str | None = None
    quotes: bool = False


def result(answer: Response, *, to_address: str, is_sandbox: bool) -> SendResult:
    """What an answer to mail/send means.

    Args:
        to_address: whose mail it was; it is cut out of what is quoted.
        is_sandbox: the mail was only to be checked.
    """
    errors, message_id = _errors(answer), _message_id(answer)
    marks = _marks(message_id, is_sandbox=is_sandbox)
    row = next((row for row in _rows_of(answer.status) if _fits(row, errors, marks)), _UNDOCUMENTED)
    is_taken = row.outcome is Outcome.ACCEPTED
    return SendResult(
        row.outcome,
        provider_message_id=(message_id or None) if is_taken else None,
        error=_words(row, errors, to_address),
        code=None if is_taken else str(answer.status),
        retry_after_seconds=wait_seconds(answer) if row.outcome is Outcome.RETRY else None,
    )


def _read() -> tuple[Row, ...]:
    table = tomllib.loads(Path(__file__).with_name("errors.toml").read_text(encoding="utf-8"))
    return tuple(_row(entry) for entry in table["row"])


def _row(entry: dict[str, Any]) -> Row:
    patterns = {
        column: re.compile(entry[column], re.IGNORECASE) for column in ("field", "message") if column in entry
    }
    return Row(
        status=entry["status"],
        outcome=Outcome(entry["outcome"]),
        needs=entry.get("with", ""),
        words=entry.get("words"),
        quotes=entry.get("quotes", False),
        **patterns,
    )


ROWS = _read()
"""The table, in order."""

_UNDOCUMENTED = Row("", Outcome.UNKNOWN, words="SendGrid gave no answer that it documents")

_LONGEST_ID = 200

Errors = Sequence[tuple[str, str]]


def _errors(answer: Response) -> Errors:
    """(field, message) of each error; none where the body is not the one that SendGrid documents."""
    if not answer.body:
        return ()
    try:
        body = answer.json()
    except ConnectorError:
        return ()
    entries = body.get("errors") if isinstance(body, dict) else None
    if not isinstance(entries, list):
        return ()
    return [(_text(one, "field"), _text(one, "message")) for one in entries if isinstance(one, dict)]


def _text(error: dict[str, Any], key: str) -> str:
    value = error.get(key)
    return value if isinstance(value, str) else ""


def _marks(message_id: str, *, is_sandbox: bool) -> frozenset[str]:
    """What a row may ask for; every answer has the mark that is none."""
    found = {"", "message-id"} if message_id else {""}
    return frozenset(found | {"sandbox"} if is_sandbox else found)


def _message_id(answer: Response) -> str:
    return storable(answer.headers.get(MESSAGE_ID, "").strip(), _LONGEST_ID)


@cache
def _rows_of(status: int) -> tuple[Row, ...]:
    """The rows that speak of a status, in order."""
    return tuple(row for row in ROWS if row.status in {str(status), f"{status // 100}xx"})


def _fits(row: Row, errors: Errors, marks: frozenset[str]) -> bool:
    if row.needs not in marks:
        return False
    if row.field is None and row.message is None:
        return True
    return any(
        (row.field is None or row.field.search(field))
        and (row.message is None or row.message.search(message))
        for field, message in errors
    )


def _words(row: Row, errors: Errors, to_address: str) -> str | None:
    if not row.quotes or not errors:
        return row.words
    quoted = ": ".join(part for part in errors[0] if part)
    return harmless(f"{row.words}: {quoted}", to_address)
