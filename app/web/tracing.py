"""Each request has a number: in its log lines, in its answer, and on the page that says what broke."""

import secrets
from contextlib import ExitStack

from flask import Flask, Response, g, request
from structlog.contextvars import bind_contextvars, clear_contextvars

from app import watching

HEADER = "X-Request-Id"
"""Ours on every answer; what a caller sends under this name is not believed."""


def register(app: Flask) -> None:
    """Number every request, before whatever else may refuse it."""
    app.before_request(_begin)
    app.after_request(_tell)
    app.teardown_request(_end)


def _begin() -> None:
    """The thread may still know what the request before it was about."""
    clear_contextvars()
    g.request_id = secrets.token_hex(8)
    bind_contextvars(request=g.request_id)
    # The rule, not the path: that may hold what opens something, or somebody's name.
    rule = request.url_rule.rule if request.url_rule is not None else ""
    facts = {"http.request.method": request.method, "http.route": rule, "request": g.request_id}
    g.watched = ExitStack()
    g.span = g.watched.enter_context(watching.span(f"{request.method} {rule}".rstrip(), **facts))


def _tell(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    g.span.note(**{"http.response.status_code": response.status_code})
    return response


def _end(_error: BaseException | None) -> None:
    if "watched" in g:
        g.watched.close()
