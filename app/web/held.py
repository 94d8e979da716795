"""Held messages: what may have left before a restore goes on or stays, as the merchant decides."""

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from app import audit, clock, wakeups
from app.errors import BadInput
from app.members.roles import MARKETER
from app.messaging import held
from app.models.message import HELD
from app.web.acting import actor
from app.web.auth import role_required
from app.web.catalogue import translate
from app.web.context import LARGEST_ID, chosen_store, runtime

blueprint = Blueprint("held", __name__)

RELEASE, CANCEL, CANCEL_ALL = "release", "cancel", "cancel-all"
_TOLD = {RELEASE: "held.released", CANCEL: "held.cancelled", CANCEL_ALL: "held.cancelled"}


@blueprint.post("/app/outbox/held")
@role_required(MARKETER)
def decide() -> ResponseReturnValue:
    """Put some back in line, where the gate looks at them, or call them off."""
    act = request.form.get("act", "")
    if act not in _TOLD:
        raise BadInput("held messages are released or cancelled", "act")
    ids = None if act == CANCEL_ALL else _ids()
    with runtime().database.write() as session:
        store, now = chosen_store(session), clock.now()
        if act == RELEASE:
            count = held.release(session, store.id, ids or [], now)
            wakeups.call(session, wakeups.OUTBOX)
        else:
            count = held.cancel(session, store.id, ids)
        if count:
            action = audit.MESSAGES_RELEASED if act == RELEASE else audit.MESSAGES_CANCELLED
            subject = f"message:{ids[0]}" if ids is not None and len(ids) == 1 else ""
            audit.record(session, store.id, actor(), action, now=now, subject=subject, details={"n": count})
    flash(translate(_TOLD[act], n=count))
    if ids is not None and len(ids) == 1:
        return redirect(url_for("outbox.show", message_id=ids[0]), code=303)
    return redirect(url_for("outbox.listing", status=HELD), code=303)


def _ids() -> list[int]:
    """The messages that the form names.

    Raises:
        BadInput: none, or something that is no number of a message.
    """
    given = request.form.getlist("id")
    if not given or not all(text.isascii() and text.isdigit() and len(text) < 20 for text in given):
        raise BadInput("choose the messages that are held", "id")
    return [int(text) for text in given if int(text) <= LARGEST_ID]
