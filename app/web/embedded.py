"""Ritorno inside Shopify's admin: a session token instead of a cookie, one shop and no other.

A screen is a document in a frame, so no cookie of ours need arrive. App Bridge gives each document an
`id_token` and each fetch a header; a document without one is sent to the reload page, whose only
content is App Bridge, which comes back with it. The first token of a shop installs it by token exchange.
Source: shopify.dev, session tokens and token exchange; facts of November 2026, sections 1c and 1f.
"""

import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Flask, Request, Response, g, redirect, render_template, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.exceptions import ServiceUnavailable, Unauthorized

from app import audit, clock
from app.audit import Actor
from app.db import wall_now
from app.members import keys
from app.models import Store
from app.runtime import Runtime
from app.stores import arrivals, attempts, install, verification
from app.stores.platforms import CONNECTED, SHOPIFY
from app.web import headers
from app.web.auth import is_signed_in, public
from app.web.context import Visit, runtime, visit
from app.web.places import is_own_path
from connectors.base import ConnectorError, InvalidSignature
from connectors.base import Unauthorized as Refused
from connectors.storefronts.shopify import auth as shopify
from connectors.storefronts.shopify import session_token
from connectors.storefronts.shopify.session_token import SessionToken

blueprint = Blueprint("embedded", __name__)

RETRY_HEADER = "X-Shopify-Retry-Invalid-Session-Request"
"""What makes App Bridge repeat a fetch with a fresh token."""


def register(app: Flask) -> None:
    """Know who looks from inside the admin, before any view of a screen runs."""
    app.before_request(_recognise)
    app.context_processor(_of_this_visit)
    app.session_interface = _FramedSessions()


@blueprint.get("/auth/shopify/reload")
@public("it holds nothing but App Bridge's script")
def reload() -> ResponseReturnValue:
    """The page that App Bridge leaves at once for the path in `shopify-reload`, with a fresh token."""
    if not is_own_path(request.args.get(_RELOAD, "")):
        return redirect(url_for("home.show"), code=303)
    page = Response(render_template("reload.html", client_id=runtime().settings.shopify_client_id))
    page.headers["Content-Security-Policy"] = headers.framed_policy(_named_shop())
    page.headers["Cache-Control"] = "no-store"
    return page


def refuse_inside_admin() -> None:
    """What belongs to the operator's own sign-in is not offered to a shop's members.

    Raises:
        Unauthorized: the visit comes from a shop's admin.
    """
    if visit() is not None:
        raise Unauthorized


_RELOAD = "shopify-reload"
_CARRIED = ("shop", "host", "embedded", "locale")
_FRAMED = "framed"
_FRAME_LASTS = timedelta(minutes=2)
_READING = frozenset({"GET", "HEAD"})
_LOCKS = tuple(threading.Lock() for _ in range(64))


def _recognise() -> ResponseReturnValue | None:
    """Put the visit into `g`, or send a document away to fetch its token."""
    if not request.path.startswith("/app/") or request.endpoint == "sign_in.by_link":
        return None
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and not bearer.startswith(keys.PREFIX):
        return _enter(bearer, is_document=False)
    if request.method not in _READING:
        return None
    if _FRAMED in request.args:
        g.visit = _framed_visit(request.args[_FRAMED])
        return None
    token = request.args.get("id_token", "")
    if token:
        return _enter(token, is_document=True)
    is_framed = request.headers.get("Sec-Fetch-Dest") == "iframe" or request.args.get("embedded") == "1"
    # Our own pages have frames, too: a session's cookie arrives in those, and in no other site's.
    return _to_reload() if is_framed and not is_signed_in() else None


def _enter(token: str, *, is_document: bool) -> ResponseReturnValue | None:
    built = runtime()
    with built.database.read() as session:
        now = wall_now(session)
    secrets = verification.shopify_secrets(built, None)
    try:
        seen = session_token.verify(token, built.settings.shopify_client_id, secrets, now)
        store_id = _store_of(built, seen.shop) or _arrive(built, seen, token)
    except (InvalidSignature, Refused):
        return _to_reload() if is_document else _try_again()
    except ConnectorError as error:
        raise ServiceUnavailable(str(error)) from error
    by_header, member = not is_document, seen.member_external_id
    g.visit = Visit(seen.shop, store_id, is_by_header=by_header, member=member)
    return None


def _store_of(built: Runtime, shop: str) -> int | None:
    """The shop's store, if we hold a good token of it; else it must arrive, for the first time or again."""
    wanted = select(Store.id).where(Store.platform == SHOPIFY, Store.domain == shop, Store.state == CONNECTED)
    with built.database.read() as session:
        return session.execute(wanted).scalar_one_or_none()


def _arrive(built: Runtime, seen: SessionToken, token: str) -> int:
    """Install by token exchange; of the requests of a first visit, which come at once, one does it.

    Raises:
        ConnectorError: Shopify did not answer, or another process is at it.
    """
    with _LOCKS[hash(seen.shop) % len(_LOCKS)]:
        store_id = _store_of(built, seen.shop)
        if store_id is not None:
            return store_id
        with built.database.write() as session:
            now = wall_now(session)
            claim = attempts.claim_arrival(session, seen.shop)
        if claim is None:
            raise ConnectorError("the shop is being connected; reload this page in a moment")
        try:
            arrival = arrivals.shopify_by_session(built, seen.shop, token, now)
            with built.database.write() as session:
                store = install.complete(session, built.vault, arrival, clock.now())
                by = Actor(audit.STAFF, seen.member_external_id)
                audit.record(
                    session, store.id, by, audit.STORE_CONNECTED, now=clock.now(), subject=store.domain
                )
                return store.id
        finally:
            with built.database.write() as session:
                attempts.forget(session, claim)


def _to_reload() -> ResponseReturnValue:
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in _DROPPED]
    path = f"{request.path}?{urlencode(kept)}" if kept else request.path
    carried = [(name, request.args[name]) for name in _CARRIED if name in request.args]
    query = urlencode([*carried, (_RELOAD, path)])
    return redirect(f"{url_for('embedded.reload')}?{query}", code=302)


_DROPPED = frozenset({"id_token", "session", "hmac", "timestamp", *_CARRIED})


def _try_again() -> Response:
    answer = Response("the session token does not hold", status=401, mimetype="text/plain")
    answer.headers[RETRY_HEADER] = "1"
    return answer


def _named_shop() -> str | None:
    try:
        return shopify.normalize_shop(request.args.get("shop", ""))
    except shopify.InvalidShop:
        return None


def _of_this_visit() -> dict[str, Any]:
    """What the templates need: our id in the admin, None outside of it, and addresses for frames."""
    seen = visit()
    client_id = runtime().settings.shopify_client_id if seen is not None else None
    return {"embedded_client_id": client_id, "framed": _framed_address}


def _framed_address(path: str) -> str:
    """An address for a frame in a page: the frame has no token of its own, so it is signed for a moment."""
    seen = visit()
    if seen is None:
        return path
    built = runtime()
    with built.database.read() as session:
        until = int((wall_now(session) + _FRAME_LASTS).timestamp())
    value = f"{until}:{seen.store_id}:{seen.shop}:{path}"
    return f"{path}?{urlencode({_FRAMED: built.signer.sign(_FRAMED, value)})}"


def _framed_visit(token: str) -> Visit | None:
    """Who a frame's signed address is for; it opens that one address only."""
    built = runtime()
    value = built.signer.check(_FRAMED, token) or "0:0::"
    until, store_id, shop, path = value.split(":", 3)
    with built.database.read() as session:
        is_late = wall_now(session).timestamp() > int(until)
    if is_late or path != request.path:
        return None
    return Visit(shop, int(store_id), is_by_header=False)


class _FramedSessions(SecureCookieSessionInterface):
    """In a frame a cookie carries the language and notices, apart for each site; never who somebody is."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """A new one where the browser brings none, as it never does from a mail."""
        is_brought = self.get_cookie_name(app) in request.cookies
        return super().open_session(app, request) if is_brought else self.session_class()

    def get_cookie_samesite(self, app: Flask) -> str | None:
        """None inside the admin, where every request comes from another site."""
        return super().get_cookie_samesite(app) if visit() is None else "None"

    def get_cookie_partitioned(self, app: Flask) -> bool:
        """Apart for each embedding site, so that it works without third-party cookies."""
        return super().get_cookie_partitioned(app) if visit() is None else True

    def get_cookie_secure(self, app: Flask) -> bool:
        """A partitioned cookie must be secure."""
        return super().get_cookie_secure(app) if visit() is None else True
