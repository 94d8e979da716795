"""Twilio's answers and error codes in our words; the table is `codes.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.delivery import Advice, DeliveryKind
from connectors.sending import Outcome, SendResult
from connectors.wording import harmless, storable


@dataclass(frozen=True, slots=True)
class Code:
    """One row of the table; see its head for what the columns mean."""

    outcome: Outcome
    kind: DeliveryKind
    advice: Advice = Advice.NOTHING
    words: str = ""
    wait_seconds: float | None = None


def result(answer: Response, *, to_address: str) -> SendResult:
    """What an answer to a new message means.

    A code counts in an answer that refuses only: Twilio says that it may have done what it answers 5xx to.

    Args:
        to_address: whose message it was; it is cut out of what is quoted.
    """
    body = _object(answer)
    if answer.status == _CREATED:
        return _created(body)
    number = _number(body)
    if not _REFUSED <= answer.status < _BROKEN:
        words = f"Twilio answered {answer.status}, and may have taken the message"
        return SendResult(Outcome.UNKNOWN, error=words, code=str(answer.status))
    code = CODES.get(number) if number is not None else None
    outcome = code.outcome if code else STATUSES.get(answer.status, Outcome.UNKNOWN)
    return SendResult(
        outcome,
        error=code.words if code else _quoted(answer.status, body, to_address),
        code=str(number or answer.status),
        retry_after_seconds=_wait(answer, code) if outcome is Outcome.RETRY else None,
    )


def _read() -> tuple[dict[int, Code], dict[int, Outcome]]:
    table = tomllib.loads(Path(__file__).with_name("codes.toml").read_text(encoding="utf-8"))
    codes = {number: _code(entry) for entry in table["code"] for number in entry["codes"]}
    return codes, {int(status): Outcome(outcome) for status, outcome in table["statuses"].items()}


def _code(entry: Mapping[str, Any]) -> Code:
    return Code(
        outcome=Outcome(entry["outcome"]),
        kind=DeliveryKind(entry["kind"]),
        advice=Advice(entry.get("advice", Advice.NOTHING)),
        words=entry["words"],
        wait_seconds=entry.get("wait_seconds"),
    )


_CREATED, _REFUSED, _BROKEN = 201, 400, 500
_LONGEST_SID = 64

CODES, STATUSES = _read()
"""The table: what a code means, and what an HTTP status means where the code is not known."""


def _object(answer: Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ConnectorError:
        return {}
    return body if isinstance(body, dict) else {}


def _number(body: Mapping[str, Any]) -> int | None:
    number = body.get("code")
    return number if isinstance(number, int) and not isinstance(number, bool) else None


def _created(body: Mapping[str, Any]) -> SendResult:
    sid = storable(body.get("sid"), _LONGEST_SID).strip()
    if sid:
        return SendResult(Outcome.ACCEPTED, provider_message_id=sid)
    return SendResult(Outcome.UNKNOWN, error="Twilio's answer names no message", code=str(_CREATED))


def _quoted(status: int, body: Mapping[str, Any], to_address: str) -> str:
    message = body.get("message") or body.get("detail")
    words = f"Twilio answered {status}"
    return harmless(f"{words}: {message}" if isinstance(message, str) else words, to_address)


def _wait(answer: Response, code: Code | None) -> float | None:
    asked = answer.retry_after_seconds()
    return asked if asked is not None or code is None else code.wait_seconds
