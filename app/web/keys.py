"""API keys of a store: made, named, seen at work and revoked; the owner's alone."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import audit, clock
from app.members import keys
from app.members.roles import OWNER
from app.web.acting import actor
from app.web.auth import role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, runtime

blueprint = Blueprint("keys", __name__)


@blueprint.get("/app/settings/keys")
@role_required(OWNER)
def show() -> ResponseReturnValue:
    """Every key with what became of it, and the form that makes one."""
    return _page()


@blueprint.post("/app/settings/keys")
@role_required(OWNER)
def make() -> ResponseReturnValue:
    """Make a key and show it, this once."""
    name = request.form.get("name", "").strip()[: keys.LONGEST_NAME]
    if not name:
        return _page(error=translate("keys.name.missing")), 400
    with runtime().database.write() as session:
        store, now = chosen_store(session), clock.now()
        key = keys.make(session, store.id, name, now)
        audit.record(session, store.id, actor(), audit.KEY_CREATED, now=now, subject=name)
    return _page(made=key, name=name)


@blueprint.post("/app/settings/keys/<int:key_id>/revoke")
@role_required(OWNER)
def revoke(key_id: int) -> ResponseReturnValue:
    """Let a key open nothing any more, at once and for good."""
    with runtime().database.write() as session:
        store, now = chosen_store(session), clock.now()
        key = keys.revoke(session, store.id, key_id, now)
        audit.record(session, store.id, actor(), audit.KEY_REVOKED, now=now, subject=key.name)
        name = key.name
    flash(translate("keys.revoked", name=name))
    return redirect(url_for("keys.show"), code=303)


def _page(*, made: str = "", name: str = "", error: str | None = None) -> str:
    with runtime().database.read() as session:
        rows = keys.of_store(session, chosen_store(session).id)
    return render_template(
        "keys.html",
        open_keys=[row for row in rows if row.revoked_at is None],
        revoked=[row for row in rows if row.revoked_at is not None],
        longest=keys.LONGEST_NAME,
        made=made,
        name=name,
        error=error,
    )
