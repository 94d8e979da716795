"""A call to SendGrid's API as its resources see it, and the forms of its answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify

from connectors.sandbox.provider_state import Providers
from connectors.sandbox.sendgrid_mail import Problem


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        body: the JSON sent along, None without any.
        query: what stands behind the question mark.
        found: the variable parts of the path.
    """

    providers: Providers
    body: Any
    query: Mapping[str, str]
    found: Mapping[str, str]


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON; an empty body for None."""
    made = Response(status=status) if body is None else jsonify(body)
    made.status_code = status
    made.headers.extend(headers or {})
    return made


def refuse(status: int, problems: Iterable[Problem]) -> Response:
    """SendGrid's list of errors."""
    return answer({"errors": [problem._asdict() for problem in problems]}, status)


def refuse_plainly(status: int, message: str, field: str | None = None) -> Response:
    """One error without help, as the parts of the API answer that are older than mail/send."""
    return answer({"errors": [{"field": field, "message": message}]}, status)


def whole_number(call: Call, name: str, default: int, most: int) -> int:
    """A number of the query, held within 0 and `most`; the default for what is no number."""
    given = call.query.get(name, "")
    return min(int(given), most) if given.isdigit() else default
