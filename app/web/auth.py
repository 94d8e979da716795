"""Who may come in: a mark on every route that names the least role, API keys, CSRF tokens."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from flask import current_app, g, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized

from app import clock
from app.errors import Busy
from app.members import keys, links, roles
from app.members.keys import Opened
from app.web.context import SESSION, bind, bind_chosen, load_stores, reader, role, runtime, visit

MARK, LEAST = "_ritorno_auth", "_ritorno_least"
CSRF_FIELD = "csrf"
_CSRF = "csrf"
LARGEST_OPEN_FORM = 8 * 1024
"""Bytes: several times what any form that is open to everybody holds."""
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


def bound_open_forms() -> None:
    """What anybody may post is small: read no more of it. A page whose form is larger says so itself."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, MARK, None) == "public":
        request.max_content_length = LARGEST_OPEN_FORM


def merchant_required(view: View[P]) -> View[P]:
    """Open a view to whoever is in: signed in, or seen in their shop's admin.

    One that changes something names the least role instead (`role_required`); until it does, it is the
    owner's alone.
    """
    return _guarded(view, None)


def role_required(least: str) -> Callable[[View[P]], View[P]]:
    """Open a view to who is at least this in the chosen store. Changes need a CSRF token."""

    def guard(view: View[P]) -> View[P]:
        return _guarded(view, least)

    return guard


def api_key_required(view: View[P]) -> View[P]:
    """Open a view to the holder of a store's API key; the store's id is `g.store_id`."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        opened = _opened_by(request.headers.get("Authorization", ""))
        g.store_id, g.api_key_id = opened.store_id, opened.key_id
        bind(opened.store_id)
        _note_use(opened)
        return view(*args, **kwargs)

    setattr(guarded, MARK, "api")
    return guarded


@contextmanager
def changing_by_key() -> Iterator[Session]:
    """A transaction in which the holder of an API key changes something.

    A key may be revoked while a request of its waits for its turn to write: once that is committed, nothing
    more is changed by it.

    Raises:
        Unauthorized: it was.
    """
    with runtime().database.write() as session:
        if not keys.still_opens(session, g.store_id, g.api_key_id):
            raise _wants_key()
        yield session


def issue_sign_in_link(session: Session, now: datetime) -> str:
    """Make the token of the operator's own link: shown once, good once, for 12 hours."""
    return links.issue(session, now, lasts=links.OPERATORS_LASTS)


def csrf_token() -> str:
    """What a form of this session must carry."""
    held = cookie.get(_CSRF)
    if held is None:
        held = cookie[_CSRF] = secrets.token_urlsafe(16)
    return runtime().signer.sign(_CSRF, held)


def check_csrf() -> None:
    """Take a form from our own pages only.

    Raises:
        BadRequest: its token is not this session's, or see `check_fields`.
    """
    check_fields()
    held = cookie.get(_CSRF)
    given = runtime().signer.check(_CSRF, request.form.get(CSRF_FIELD, ""))
    if held is None or given is None or not secrets.compare_digest(held.encode(), given.encode()):
        raise BadRequest("csrf")


def check_fields() -> None:
    """Take nothing that PostgreSQL could not keep.

    Raises:
        BadRequest: there is a NUL in a field, which nobody types.
    """
    if any("\0" in text for _, texts in request.form.lists() for text in texts):
        raise BadRequest("NUL")


def is_signed_in() -> bool:
    """Whether the reader's cookie names a session; error pages show the way back by it."""
    return bool(cookie.get(SESSION))


def may(least: str) -> bool:
    """Whether the reader is at least this in the chosen store; what they may not do is not offered."""
    return roles.covers(role(), least)


def _guarded(view: View[P], least: str | None) -> View[P]:
    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        _check(least)
        return view(*args, **kwargs)

    setattr(guarded, MARK, "merchant")
    setattr(guarded, LEAST, least)
    return guarded


def _check(least: str | None) -> None:
    """The one place where a session, a form's token and a role are asked for."""
    seen, is_change = visit(), request.method not in _READING
    if seen is None and reader() is None:
        cookie.pop(SESSION, None)
        raise Unauthorized
    if is_change and seen is not None and seen.is_by_header:
        check_fields()
    elif is_change:
        check_csrf()
    bind_chosen()
    wanted = least or (roles.OWNER if is_change else roles.READER)
    if wanted == roles.READER:
        return
    with runtime().database.read() as session:
        load_stores(session)
    if not may(wanted):
        raise Forbidden(wanted)


def _opened_by(header: str) -> Opened:
    """The store of a key and the key's own id."""
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer" or not key.startswith(keys.PREFIX):
        raise _wants_key()
    # Which store's key it is shows only once it is found.
    with runtime().database.over_all_stores().read() as session:
        found = keys.find(session, key.strip(), clock.now())
    if found is None:
        raise _wants_key()
    return found


def _note_use(opened: Opened) -> None:
    """When a key was last used is worth no error where the database cannot be written now."""
    if opened.is_stale:
        with suppress(Busy), runtime().database.write() as session:
            keys.touch(session, opened, clock.now())


def _wants_key() -> Unauthorized:
    return Unauthorized(
        "an API key of this store is needed: Authorization: Bearer rit_…",
        www_authenticate=WWWAuthenticate("bearer"),
    )
