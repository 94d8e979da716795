"""Each request has a number: in its log lines, in its answer, and on the page that says what broke."""

import secrets

from flask import Flask, Response, g
from structlog.contextvars import bind_contextvars, clear_contextvars

HEADER = "X-Request-Id"
"""Ours on every answer; what a caller sends under this name is not believed."""


def register(app: Flask) -> None:
    """Number every request, before whatever else may refuse it."""
    app.before_request(_begin)
    app.after_request(_tell)


def _begin() -> None:
    """The thread may still know what the request before it was about."""
    clear_contextvars()
    g.request_id = secrets.token_hex(8)
    bind_contextvars(request=g.request_id)


def _tell(response: Response) -> Response:
    response.headers[HEADER] = g.request_id
    return response
