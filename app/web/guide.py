"""The set-up guide: from a fresh shop to its first flow, one step after the other, whenever there is time."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import audit, clock
from app.flows import rehearsals, switch
from app.flows.simulate import telling
from app.flows.switch import FlowView
from app.lists.taking import KINDS, REFUSALS
from app.members.roles import MARKETER
from app.messaging.senders import UNDECIDED
from app.models import Store
from app.stores import rivals, settings
from app.web import guide_steps, headers, senders
from app.web.acting import actor
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, load_stores, runtime
from app.web.home import progress_of
from app.web.settings import Field, fields_of, keep_typed

blueprint = Blueprint("guide", __name__)

_FIRST_FLOWS = ("welcome", "review", "abandoned_checkout")
"""Those that a shop does well to begin with, the simplest first."""


@blueprint.get("/app/setup")
@merchant_required
def show() -> ResponseReturnValue:
    """The guide as far as it is."""
    return _page({}, {})


@blueprint.post("/app/setup")
@role_required(MARKETER)
def save() -> ResponseReturnValue:
    """Keep what a step asked for, or say beside each field what is wrong with it."""
    typed, errors = keep_typed(by=actor())
    if errors:
        page = _page(typed, errors)
        page.status_code = 400
        return page
    flash(translate("settings.saved"))
    return redirect(url_for("guide.show"), code=303)


@blueprint.post("/app/setup/hide")
@role_required(MARKETER)
def hide() -> ResponseReturnValue:
    """Show the steps that are left on the home page no more, or again; the guide itself stays."""
    is_hidden = request.form.get("act") != "show"
    with runtime().database.write() as session:
        store, now = chosen_store(session), clock.now()
        store.guide_hidden_at = now if is_hidden else None
        action = audit.GUIDE_HIDDEN if is_hidden else audit.GUIDE_SHOWN
        audit.record(session, store.id, actor(), action, now=now)
    return redirect(url_for("home.show" if is_hidden else "guide.show"), code=303)


def _page(typed: Mapping[str, str], errors: Mapping[str, str]) -> Response:
    with runtime().database.read() as session:
        load_stores(session)
        store: Store | None = g.store
        shown = _of_store(session, store, typed, errors) if store is not None else _OF_NONE
    return headers.may_connect(Response(render_template("guide.html", errors=errors, **shown)))


_OF_NONE: Mapping[str, Any] = {"steps": guide_steps.begun(), "left": len(guide_steps.STEPS)}


def _of_store(
    session: Session, store: Store, typed: Mapping[str, str], errors: Mapping[str, str]
) -> Mapping[str, Any]:
    ways_out = senders.of_store(session, runtime(), store, clock.now())
    views = switch.listing(session, store.id)
    steps = guide_steps.of_store(session, store, ways_out, views)
    first = _first_flow(views)
    return {
        "steps": steps,
        "left": guide_steps.left(steps),
        "progress": progress_of(session, [store.id])[store.id],
        "ways_out": ways_out,
        # What was not said of earlier refusals is the next step's.
        "undecided": UNDECIDED,
        "fields": _fields(store, typed, errors),
        "list_kinds": KINDS,
        "list_kind": REFUSALS,
        "rivals": rivals.of_store(store),
        "first": first,
        "rehearsal": rehearsals.latest_of(session, store.id, first.key) if first else None,
        "rehearsal_days": telling.DAYS,
    }


def _first_flow(views: list[FlowView]) -> FlowView | None:
    """The flow to begin with: one that is on already, else the simplest that the store has."""
    by_key = {view.key: view for view in views}
    running = next((view for view in views if view.is_active), None)
    return running or next((by_key[key] for key in _FIRST_FLOWS if key in by_key), None)


def _fields(store: Store, typed: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, list[Field]]:
    """The fields of each form, filled in from the shop where nothing is set."""
    held = settings.read_all(store)
    held["sender.email"] = held["sender.email"] or store.email
    return {name: fields_of(keys, held, typed, errors) for name, keys in guide_steps.FIELDS.items()}
