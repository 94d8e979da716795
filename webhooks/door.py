"""The webhook addresses, answered at the WSGI layer in front of Flask, in the same app and process.

Flask's machinery costs four times what the check costs (PERFORMANCE.md P1), and a delivery needs
none of it: raw bytes in, a status out.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from app import watching
from app.errors import Busy
from webhooks.answers import NOT_POSTED, TOO_LARGE, Answer, kept_answer, too_busy
from webhooks.deliveries import Deliveries
from webhooks.posted import Posted
from webhooks.writer import InboxWriter

MAX_BODY_BYTES = 2 * 1024 * 1024
PREFIX = "/webhooks/"

StartResponse = Callable[..., Any]
WsgiApp = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class WebhookDoor:
    """A WSGI app that takes `/webhooks/…` and hands everything else on."""

    def __init__(self, deliveries: Deliveries, inbox: InboxWriter, inner: WsgiApp) -> None:
        self._deliveries = deliveries
        self._inbox = inbox
        self._inner = inner

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer a delivery, or pass the request on."""
        path = cast(str, environ.get("PATH_INFO", ""))
        if not path.startswith(PREFIX):
            return self._inner(environ, start_response)
        # Without its place: part of that is what lets a shop in.
        with watching.span("POST /webhooks") as span:
            answer = self._answer(path, environ)
            span.note(**{"http.response.status_code": answer.code})
        start_response(answer.status, answer.headers())
        return [answer.body]

    def _answer(self, path: str, environ: dict[str, Any]) -> Answer:
        if environ.get("REQUEST_METHOD") != "POST":
            return NOT_POSTED
        body = read_body(environ)
        if body is None:
            return TOO_LARGE
        try:
            query = cast(str, environ.get("QUERY_STRING", ""))
            posted = Posted(path.removeprefix(PREFIX), query, header_mapping(environ), body)
            checked = self._deliveries.check(posted)
            if isinstance(checked, Answer):
                return checked
            self._inbox.keep(checked)
        except Busy as busy:
            return too_busy(busy)
        return kept_answer(checked)


def read_body(environ: dict[str, Any]) -> bytes | None:
    """The raw body, or None when it passes the cap; never reads more than the cap and a byte."""
    length = environ.get("CONTENT_LENGTH") or ""
    if length.isdigit() and int(length) > MAX_BODY_BYTES:
        return None
    wanted = int(length) if length.isdigit() else MAX_BODY_BYTES + 1
    body = cast(bytes, environ["wsgi.input"].read(wanted))
    return body if len(body) <= MAX_BODY_BYTES else None


def header_mapping(environ: Mapping[str, Any]) -> dict[str, str]:
    """The request's headers under lower-case names (`x-shopify-topic`)."""
    headers = {
        name[5:].replace("_", "-").lower(): cast(str, value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    headers["content-type"] = cast(str, environ.get("CONTENT_TYPE", ""))
    return headers
