"""What went wrong, as a page for people and as problem JSON (RFC 9457) for programs."""

import json
import logging
import traceback

from flask import Flask, Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as NotFoundPage

from app import watching
from app.crypto import UnreadableSecret
from app.errors import AppError, BadInput, Busy, NotFound
from app.web.context import NoStoreYet
from app.web.places import way_in

log = logging.getLogger(__name__)

_STATUS: dict[type[AppError], int] = {NotFound: 404, BadInput: 400, Busy: 503}
_PAGES = frozenset({400, 401, 403, 404, 405, 413, 500, 503})
_TITLES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    413: "Too large",
    500: "Internal error",
    503: "Try again shortly",
}
_PROGRAMS = ("/api/", "/webhooks/", "/metrics", "/readyz", "/healthz", "/collect")
_CUSTOMERS = ("/c/", "/f/", "/o/", "/p/", "/r/", "/u/")
_OWN_WORDS: tuple[tuple[int, tuple[str, ...], str], ...] = (
    (404, _CUSTOMERS, "link"),
    (404, ("/app/password/",), "password"),
    (404, ("/app/invitation/",), "invitation"),
    (401, ("/app/sign-in/",), "entrance"),
    (400, ("/install/", "/auth/"), "connecting"),
)
"""Which status means more at some addresses than elsewhere, and the page that tells it."""
_RETRY_SECONDS = "5"


def register(app: Flask) -> None:
    """Answer every error of every blueprint here."""
    app.before_request(_refuse_nul)
    app.before_request(_refuse_large)
    app.register_error_handler(NoStoreYet, _to_home)
    app.register_error_handler(AppError, _app_error)
    app.register_error_handler(UnreadableSecret, _wrong_keys)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _surprise)


def problem(status: int, detail: str, field: str | None = None) -> Response:
    """An RFC 9457 answer; `field` names the place of a bad input."""
    body = {"type": "about:blank", "title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    if field is not None:
        body["field"] = field
    return Response(json.dumps(body), status=status, mimetype="application/problem+json")


def _refuse_nul() -> None:
    """PostgreSQL takes no NUL in a text, and nothing of ours is called by one."""
    if "\0" in request.path or b"%00" in request.query_string:
        raise NotFoundPage


def _refuse_large() -> None:
    """By its announced length, before any route acts: the servers hand on no body that is over the cap."""
    if (request.content_length or 0) > current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge


def _to_home(_error: NoStoreYet) -> ResponseReturnValue:
    return redirect(url_for("home.show"), code=303)


def _app_error(error: AppError) -> Response:
    field = error.field if isinstance(error, BadInput) else None
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 400)
    return _answer(status, str(error), field)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()
    response = _answer(error.code, error.description or "")
    for name, value in error.get_headers():
        if name in ("Allow", "WWW-Authenticate", "Retry-After"):
            response.headers[name] = value
    return response


def _wrong_keys(error: UnreadableSecret) -> Response:
    """The operator's to mend: said as it is, for nothing is lost and nobody else can."""
    log.error("request failed at %s: %s; put the key back that sealed it", request.endpoint, error)
    return _answer(500, str(error), kind="keys")


def _surprise(error: Exception) -> Response:
    """Anything else: logged by its kind and its way through the code, never by its text.

    The text of a database error carries the row's values, an address among them.
    """
    watching.report(error)
    way = "".join(traceback.format_tb(error.__traceback__))
    log.error("request failed: %s at %s\n%s", type(error).__name__, request.endpoint, way)
    return _answer(500, "something broke on our side; nothing was half done")


def _answer(status: int, detail: str, field: str | None = None, kind: int | str = 0) -> Response:
    if request.path.startswith(_PROGRAMS):
        response = problem(status, detail, field)
    else:
        kind = kind or _kind(status)
        entry = way_in(_asked_for()) if status == 401 else None
        of_shop = request.path.startswith(_CUSTOMERS)
        page = render_template("error.html", status=status, kind=kind, entry=entry, of_shop=of_shop)
        response = Response(page, status=status)
    if status == 503:
        response.headers["Retry-After"] = _RETRY_SECONDS
    return response


def _kind(status: int) -> int | str:
    """Which page tells it: some addresses have words of their own."""
    for code, places, kind in _OWN_WORDS:
        if status == code and request.path.startswith(places):
            return kind
    return status if status in _PAGES else 400


def _asked_for() -> str:
    """The page that a member wanted when they had no session, to come back to."""
    return request.full_path.rstrip("?") if request.method == "GET" else ""
