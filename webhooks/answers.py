"""What a delivery is answered with: a status, two headers and a short body."""

import json
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """A ready answer of the webhook addresses."""

    status: str
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    extra: tuple[tuple[str, str], ...] = field(default=())

    def headers(self) -> list[tuple[str, str]]:
        """The header list for WSGI."""
        fixed = [("Content-Type", self.content_type), ("Content-Length", str(len(self.body)))]
        return [*fixed, ("X-Content-Type-Options", "nosniff"), *self.extra]


KEPT = Answer("200 OK", b"kept")
PONG = Answer("200 OK", b"pong")


def problem(status: str, detail: str, *extra: tuple[str, str]) -> Answer:
    """An error as RFC 9457 says it, with a text that is safe to show."""
    code, _, title = status.partition(" ")
    body = json.dumps({"type": "about:blank", "title": title, "status": int(code), "detail": detail})
    return Answer(status, body.encode(), "application/problem+json", extra)
