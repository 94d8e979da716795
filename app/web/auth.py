"""Who may come in: a mark on every route, one-time sign-in links, API keys, CSRF tokens."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import Blueprint, Response, g, redirect, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Unauthorized
from werkzeug.wrappers import Response as WerkzeugResponse

from app.db import lease_now
from app.models import ApiKey, SignInLink
from app.web.acting import SESSION
from app.web.context import bind, bind_chosen, runtime, visit

blueprint = Blueprint("auth", __name__)

MARK = "_ritorno_auth"
KEY_PREFIX = "rit_"
LINK_LASTS = timedelta(hours=12)
CSRF_FIELD = "csrf"
_SIGNED_IN = "member"
_CSRF = "csrf"
_MARK_DIGITS = 8
_READING = frozenset({"GET", "HEAD", "OPTIONS"})

P = ParamSpec("P")
View = Callable[P, ResponseReturnValue]
AnyView = TypeVar("AnyView", bound=Callable[..., Any])


def public(reason: str) -> Callable[[AnyView], AnyView]:
    """Mark a view as open to everybody, and say why."""

    def mark(view: AnyView) -> AnyView:
        setattr(view, MARK, "public")
        view.__dict__["_ritorno_reason"] = reason
        return view

    return mark


def merchant_required(view: View[P]) -> View[P]:
    """Open a view to members only: signed in, or seen in their shop's admin. Changes need a CSRF token."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        seen = visit()
        if seen is None and not cookie.get(_SIGNED_IN):
            raise Unauthorized
        if request.method not in _READING and not (seen is not None and seen.is_by_header):
            _check_csrf()
        bind_chosen()
        return view(*args, **kwargs)

    setattr(guarded, MARK, "merchant")
    return guarded


def api_key_required(view: View[P]) -> View[P]:
    """Open a view to the holder of a store's API key; the store's id is `g.store_id`."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        g.store_id, g.api_key_id = _key_of(request.headers.get("Authorization", ""))
        bind(g.store_id)
        return view(*args, **kwargs)

    setattr(guarded, MARK, "api")
    return guarded


def issue_sign_in_link(session: Session, now: datetime) -> str:
    """Make a link's token: shown once, good once, for 12 hours of the database's clock."""
    token = secrets.token_urlsafe(32)
    expires_at = lease_now(session) + LINK_LASTS
    session.add(SignInLink(token_hash=_digest(token), created_at=now, expires_at=expires_at))
    session.flush()
    return token


def create_api_key(session: Session, store_id: int, name: str, now: datetime) -> str:
    """Make a key of one store and return it; only its hash is kept."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    session.add(ApiKey(store_id=store_id, name=name[:100], key_hash=_digest(key), created_at=now))
    session.flush()
    return key


def csrf_token() -> str:
    """What a form of this session must carry."""
    held = cookie.get(_CSRF)
    if held is None:
        held = cookie[_CSRF] = secrets.token_urlsafe(16)
    return runtime().signer.sign(_CSRF, held)


def is_signed_in() -> bool:
    """Whether the reader has a session; error pages show the way back by it."""
    return bool(cookie.get(_SIGNED_IN))


@blueprint.get("/app/sign-in/<token>")
@public("the link itself is the proof, and is good once")
def sign_in(token: str) -> ResponseReturnValue:
    """Exchange a one-time link for a session; link previews that only ask for the head use nothing up."""
    if request.method == "HEAD":
        return Response(status=204)
    with runtime().database.write() as session:
        is_good = _use_link(session, token)
    if not is_good:
        raise Unauthorized
    language = cookie.get("language")
    cookie.clear()
    cookie.permanent = True
    cookie[_SIGNED_IN] = True
    cookie[SESSION] = _digest(token)[:_MARK_DIGITS]
    if language:
        cookie["language"] = language
    return _home()


@blueprint.post("/app/sign-out")
@merchant_required
def sign_out() -> ResponseReturnValue:
    """End the session."""
    cookie.clear()
    return _home()


def _home() -> WerkzeugResponse:
    return redirect(url_for("home.show"), code=303)


def _use_link(session: Session, token: str) -> bool:
    """Claim the link in one statement, so that two clicks at once open one door."""
    moment = lease_now(session)
    claim = (
        update(SignInLink)
        .where(
            SignInLink.token_hash == _digest(token),
            SignInLink.used_at.is_(None),
            SignInLink.expires_at > moment,
        )
        .values(used_at=moment)
        .returning(SignInLink.token_hash)
    )
    return session.execute(claim).one_or_none() is not None


def _key_of(header: str) -> tuple[int, int]:
    """The store of a key and the key's own id."""
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.startswith(KEY_PREFIX):
        raise _wants_key()
    opened = select(ApiKey.store_id, ApiKey.id).where(ApiKey.key_hash == _digest(key.strip()))
    # Which store's key it is shows only once it is found.
    with runtime().database.over_all_stores().read() as session:
        found = session.execute(opened.where(ApiKey.revoked_at.is_(None))).one_or_none()
    if found is None:
        raise _wants_key()
    return found.store_id, found.id


def _wants_key() -> Unauthorized:
    return Unauthorized(
        "an API key of this store is needed: Authorization: Bearer rit_…",
        www_authenticate=WWWAuthenticate("bearer"),
    )


def _check_csrf() -> None:
    held = cookie.get(_CSRF)
    given = runtime().signer.check(_CSRF, request.form.get(CSRF_FIELD, ""))
    if held is None or given is None or not secrets.compare_digest(held.encode(), given.encode()):
        raise BadRequest("csrf")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
