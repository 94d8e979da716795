"""The red button's page: what stopping everything means, and the way back."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from app import audit, clock
from app.errors import BadInput
from app.members.roles import MARKETER
from app.models import Message
from app.models.message import OPEN_STATES
from app.stores import stopping
from app.web.acting import actor
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, count_up_to, literals, runtime

blueprint = Blueprint("stopping", __name__)

_CAP = 9_999
STOP, RESUME = "stop", "resume"
_ACTS = {
    STOP: (stopping.stop, audit.STORE_STOPPED, "stop.stopped"),
    RESUME: (stopping.resume, audit.STORE_RESUMED, "stop.resumed"),
}


@blueprint.get("/app/stop")
@merchant_required
def ask() -> ResponseReturnValue:
    """What would be stopped, or what waits while it is, before anything is done."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        mine = select(Message.id).where(Message.store_id == store.id)
        waiting = count_up_to(session, mine.where(Message.status.in_(literals(OPEN_STATES))), _CAP)
    return render_template("stop.html", waiting=waiting, cap=_CAP)


@blueprint.post("/app/stop")
@role_required(MARKETER)
def decide() -> ResponseReturnValue:
    """Stop everything, or let it go on."""
    act = request.form.get("act", "")
    if act not in _ACTS:
        raise BadInput("everything is stopped or goes on", "act")
    change, action, told = _ACTS[act]
    with runtime().database.write() as session:
        store, now = chosen_store(session), clock.now()
        if change(session, store.id, now):
            audit.record(session, store.id, actor(), action, now=now)
    flash(translate(told))
    return redirect(url_for("home.show"), code=303)
