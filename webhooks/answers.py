"""What a delivery is answered with: a status, two headers and a short body."""

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache

from app.errors import Busy
from app.inbox import Kept

Headers = tuple[tuple[str, str], ...]
NO_SNIFFING: Headers = (("X-Content-Type-Options", "nosniff"),)


@dataclass(frozen=True)
class Answer:
    """A ready answer of the webhook addresses.

    Attributes:
        always: headers that many answers have, one and the same tuple for all of them.
        extra: headers of this answer.
    """

    status: str
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    extra: Headers = ()
    always: Headers = NO_SNIFFING

    @property
    def code(self) -> int:
        """The status as a number."""
        return int(self.status[:3])

    @cached_property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The header list for ASGI."""
        return [*_in_bytes(self._own_headers()), *_always_in_bytes(self.always)]

    def headers(self) -> list[tuple[str, str]]:
        """The header list for WSGI."""
        return [*self._own_headers(), *self.always]

    def _own_headers(self) -> Headers:
        return (
            ("Content-Type", self.content_type),
            ("Content-Length", str(len(self.body))),
            *self.extra,
        )


def _in_bytes(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers]


_always_in_bytes = lru_cache(maxsize=16)(_in_bytes)
"""To write a dozen headers anew takes a fifth of what a click takes the loop."""


def problem(status: str, detail: str, *extra: tuple[str, str]) -> Answer:
    """An error as RFC 9457 says it, with a text that is safe to show."""
    code, _, title = status.partition(" ")
    body = json.dumps({"type": "about:blank", "title": title, "status": int(code), "detail": detail})
    return Answer(status, body.encode(), "application/problem+json", extra)


def too_busy(busy: Busy) -> Answer:
    """Nothing was kept: the platform is asked to come again."""
    return problem("503 Service Unavailable", str(busy), ("Retry-After", "5"))


KEPT = Answer("200 OK", b"kept")
_NO_REPLY = Answer("200 OK", b"<Response/>", "application/xml")
"""Twilio texts the body of any other answer back to whoever wrote."""
_BY_TOPIC = {("twilio", "inbound"): _NO_REPLY}
NOT_POSTED = problem("405 Method Not Allowed", "deliveries are posted", ("Allow", "POST"))
FORGED = problem("401 Unauthorized", "the signature does not fit the body")
NOT_HERE = problem("404 Not Found", "nothing receives deliveries at this address")
TOO_LARGE = problem("413 Content Too Large", "a delivery holds at most 2 MiB")
TOO_SLOW = problem("408 Request Timeout", "the body did not arrive in time")


def kept_answer(kept: Kept) -> Answer:
    """What somebody is told whose delivery is durable."""
    return _BY_TOPIC.get((kept.envelope.source, kept.envelope.topic), KEPT)
