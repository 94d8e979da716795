"""The editor of a flow's steps: a draft, step by step, that holds for nobody until it is published."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import audit, clock
from app.audit import Actor
from app.errors import BadInput, NotFound
from app.flows import changing, drafts, guards
from app.flows.definition import Definition
from app.flows.drafts import Desk
from app.flows.steps import Step
from app.members.roles import MARKETER
from app.messaging import editions, senders
from app.models import Store
from app.web import flow_steps, new_steps, step_reading, step_words
from app.web.acting import actor
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, runtime
from app.web.step_forms import Form, Place

blueprint = Blueprint("steps", __name__)


@blueprint.get("/app/flows/<key>/steps")
@merchant_required
def show(key: str) -> ResponseReturnValue:
    """The draft as a drawing, or what holds now, with what may be done to each step."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        own = editions.names(session, store.id)
    ways = flow_steps.ways(desk.current, store, None, own=own, origin=desk.origin)
    return render_template(
        "steps.html", key=key, desk=desk, ways=ways, kinds=guards.OWN, allows=_allowing(desk)
    )


@blueprint.get("/app/flows/<key>/steps/<step_id>")
@merchant_required
def edit(key: str, step_id: str) -> ResponseReturnValue:
    """The form of one step."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        return _page(key, desk, Form(_place(session, desk, store, step_id)))


@blueprint.post("/app/flows/<key>/steps/<step_id>")
@role_required(MARKETER)
def save(key: str, step_id: str) -> ResponseReturnValue:
    """Keep a step in the draft, or show what is wrong and keep nothing."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        place = _place(session, desk, store, step_id)
    return _keep(key, desk, place, "changed", by=actor())


@blueprint.get("/app/flows/<key>/new-step")
@merchant_required
def begin(key: str) -> ResponseReturnValue:
    """The form of a step that is not there yet; the steps themselves where nobody says which."""
    if "kind" not in request.args:
        return redirect(url_for("steps.show", key=key))
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        place = new_steps.place_for(session, desk, store, request.args)
        return _page(key, desk, Form(place, left_open=new_steps.LEFT_OPEN), is_new=True)


@blueprint.post("/app/flows/<key>/new-step")
@role_required(MARKETER)
def add(key: str) -> ResponseReturnValue:
    """Add a step of the merchant's own to the draft."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        place = new_steps.place_for(session, desk, store, request.form)
    return _keep(key, desk, place, "added", by=actor())


@blueprint.post("/app/flows/<key>/steps/<step_id>/move")
@role_required(MARKETER)
def move(key: str, step_id: str) -> ResponseReturnValue:
    """Let a step of the merchant's own change places with its neighbour."""
    by = -1 if request.form.get("to") == "up" else 1
    return _change(key, step_id, "moved", lambda current: changing.moved(current, step_id, by), by=actor())


@blueprint.post("/app/flows/<key>/steps/<step_id>/remove")
@role_required(MARKETER)
def remove(key: str, step_id: str) -> ResponseReturnValue:
    """Take a step of the merchant's own out."""
    return _change(key, step_id, "removed", lambda current: changing.without(current, step_id), by=actor())


@blueprint.post("/app/flows/<key>/discard")
@role_required(MARKETER)
def discard(key: str) -> ResponseReturnValue:
    """Throw the draft away; what holds now was never touched."""
    try:
        with runtime().database.write() as session:
            store = chosen_store(session)
            drafts.keep(session, store.id, key, None, seen=seen(), now=clock.now())
            audit.record(session, store.id, actor(), audit.FLOW_DISCARDED, now=clock.now(), subject=key)
        flash(translate("steps.discarded"))
    except drafts.Stale:
        flash(translate("steps.stale"), "bad")
    return redirect(url_for("steps.show", key=key), code=303)


def seen() -> int:
    """The revision that the form was made from."""
    text = request.form.get("seen", "")[:18]
    return int(text) if text.isascii() and text.isdigit() else -1


def _allowing(desk: Desk) -> Callable[[str, str], bool]:
    """Whether an act makes sense at a step: `edit` or `move`; or what comes behind it."""
    steps = {step.id: step for entry in desk.current.entries for step in entry.steps}

    def allows(act: str, step_id: str) -> bool:
        if act == "edit":
            return not guards.is_fixed(desk.origin, steps[step_id]) and steps[step_id].kind != "end"
        if act in _BEHIND:
            return steps[step_id].kind in _BEHIND[act]
        return guards.is_own(desk.origin, step_id)

    return allows


_BEHIND = {"else": ("split", "wait-event"), "nothing": ("arms", "end")}
"""Steps behind which one stands on their other way only, and such that nobody goes straight on from."""


def _place(session: Session, desk: Desk, store: Store, step_id: str) -> Place:
    entry = changing.entry_of(desk.current, step_id)
    step = entry.by_id[step_id]
    if guards.is_fixed(desk.origin, step):
        raise NotFound("nothing of this step may be changed")
    can_text = senders.can_text(session, store.id)
    return Place(desk.origin, desk.current, entry, step, store, can_text)


def _keep(key: str, desk: Desk, place: Place, what: str, *, by: Actor) -> ResponseReturnValue:
    """Keep what was typed into a form; the form again with what was typed, where it cannot be."""
    is_new = what == "added"
    found = step_reading.read(place, request.form)
    form = Form(place, request.form, found.errors)
    if found.changed is None:
        return _page(key, desk, form, is_new=is_new, status=400)
    try:
        _write(place.store.id, found.changed, step=place.step, what=what, by=by)
    except drafts.Unsound as error:
        form.errors = step_reading.told(error.problems, place.step.id, found.changed)
        return _page(key, desk, form, is_new=is_new, status=400)
    except drafts.Stale:
        return _page(key, desk, form, is_new=is_new, status=409)
    if is_new and place.step.kind == "message":
        # What it says comes next: it is nobody's until somebody wrote it.
        flash(translate("steps.message.added", step=step_words.name_of(place.step)))
        return redirect(url_for("editor.show", key=key, step=place.step.id), code=303)
    flash(translate("steps.kept"))
    return redirect(url_for("steps.show", key=key, _anchor=f"step-{place.step.id}"), code=303)


def _change(
    key: str, step_id: str, what: str, change: Callable[[Definition], Definition], *, by: Actor
) -> ResponseReturnValue:
    """Change the draft by a button; what cannot be done is said on the page that is shown next."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
    if not guards.is_own(desk.origin, step_id):
        raise BadInput("this step belongs to the recipe", "step")
    step = changing.entry_of(desk.current, step_id).by_id[step_id]
    try:
        _write(store.id, change(desk.current), step=step, what=what, by=by)
        flash(translate(f"steps.{what}"))
    except drafts.Unsound as error:
        flash(step_reading.refusal(error.problems, desk.current), "bad")
    except drafts.Stale:
        flash(translate("steps.stale"), "bad")
    return redirect(url_for("steps.show", key=key, _anchor=f"step-{step_id}"), code=303)


def _write(store_id: int, definition: Definition, *, step: Step, what: str, by: Actor) -> None:
    """Keep the draft, and who changed which step of it how, in one transaction."""
    key, now = definition.key, clock.now()
    details: dict[str, Any] = {"step": step.id, "kind": step.kind, "what": what}
    with runtime().database.write() as session:
        drafts.keep(session, store_id, key, definition, seen=seen(), now=now)
        audit.record(session, store_id, by, audit.FLOW_DRAFTED, now=now, subject=key, details=details)


def _page(
    key: str, desk: Desk, form: Form, *, is_new: bool = False, status: int = 200
) -> ResponseReturnValue:
    place = form.place
    page = render_template(
        "step.html",
        key=key,
        desk=desk,
        form=form,
        is_new=is_new,
        is_stale=status == 409,
        name=step_words.name_of(place.step),
        told=step_words.told(place.step, place.entry, place.store),
        values=request.values,
    )
    return page, status
