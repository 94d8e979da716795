"""Lists on the settings page: the form that takes one in, and what became of its rows.

The page takes what a request may carry (2 MB, some 25,000 rows); longer lists go by the command line, which
shows how far it is and holds up nobody's browser.
"""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app import clock
from app.errors import BadInput
from app.lists import importing
from app.members.roles import MARKETER
from app.web.acting import actor
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, runtime

blueprint = Blueprint("lists", __name__)

_ANCHOR = "lists"
FLASHED = "lists"
"""The kind of what is said at the form, which is far down its page, and not at the head of the page."""


@blueprint.get("/app/settings/lists")
@merchant_required
def show() -> ResponseReturnValue:
    """Whoever loads the report again is back at the form: it is not kept."""
    return redirect(url_for("settings.show", _anchor=_ANCHOR), code=303)


@blueprint.post("/app/settings/lists")
@role_required(MARKETER)
def take() -> ResponseReturnValue:
    """Take a list in and show what became of it."""
    with runtime().database.read() as session:
        store_id = chosen_store(session).id
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        return _refused("file")
    try:
        kind = request.form.get("kind", "")
        report = importing.import_list(
            runtime(), store_id, sent.stream, kind=kind, now=clock.now(), by=actor()
        )
    except BadInput as error:
        return _refused(error.field or "file")
    with runtime().database.read() as session:
        chosen_store(session)
    return render_template("list.html", report=report)


def _refused(why: str) -> ResponseReturnValue:
    flash(translate(f"lists.error.{why}"), FLASHED)
    return redirect(url_for("settings.show", _anchor=_ANCHOR), code=303)
