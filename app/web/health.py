"""Alive, ready, and in figures."""

import hmac
import ipaddress
from collections.abc import Callable

from flask import Blueprint, Response, current_app, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import inspect, text
from sqlalchemy.orm import Session
from werkzeug.exceptions import Forbidden

from app import clock
from app.web import metrics
from app.web.auth import public
from app.web.context import runtime
from app.web.errors import problem

MIGRATION_HEAD = "ritorno_migration_head"
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@public("says only that the process answers")
def alive() -> ResponseReturnValue:
    """200 as long as the process answers."""
    return {"status": "ok"}


@blueprint.get("/readyz")
@public("says only whether requests can be served")
def ready() -> ResponseReturnValue:
    """200 when the database answers and is migrated as far as this program needs, else 503 with the reason.

    A newer program may have brought it further: the programs of before serve until they are replaced.
    """
    head: Callable[[], str | None] = current_app.extensions[MIGRATION_HEAD]
    with runtime().database.read() as session:
        found = _version(session)
    wanted = head()
    if wanted is not None and (found or "") < wanted:
        reason = f"the database is at version {found or 'none'}, this program needs {wanted}: run migrate"
        return problem(503, reason)
    return {"status": "ok", "version": found}


@blueprint.get("/metrics")
@public("checks the address or METRICS_TOKEN itself")
def show_metrics() -> ResponseReturnValue:
    """Prometheus text, for this machine or for the holder of METRICS_TOKEN."""
    if not (_is_local() or _has_token()):
        raise Forbidden("only from this machine, or with METRICS_TOKEN")
    with runtime().database.over_all_stores().read() as session:
        body = metrics.render(session, clock.now())
    return Response(body, content_type=CONTENT_TYPE_LATEST)


def _version(session: Session) -> str | None:
    """What alembic noted; None when it never ran here."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return None
    return session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _is_local() -> bool:
    """Whether the request comes from this machine itself, not from a proxy on it."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _has_token() -> bool:
    """An empty METRICS_TOKEN is a closed door."""
    token = runtime().settings.metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())
