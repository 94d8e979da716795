"""Flows: what runs by itself, step by step, with what became of it."""

from collections.abc import Iterable

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log, audit, clock
from app.analytics import effects, funnels
from app.errors import NotFound
from app.flows import backlog, drafts, learned, switch
from app.flows.contents import BrokenText
from app.flows.switch import FlowView
from app.members.roles import MARKETER
from app.messaging import editions
from app.models import Store
from app.segments.state_facts import FLOW
from app.stores import settings
from app.web import figures, flow_steps, guide_steps, overview, rehearsing, step_figures, step_words
from app.web.acting import actor, showed
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate, word
from app.web.context import chosen_store, runtime
from app.web.places import is_from_guide

blueprint = Blueprint("flows", __name__)
_LESSONS = 10
"""How many products the page of a flow tells of."""


@blueprint.get("/app/flows")
@merchant_required
def listing() -> ResponseReturnValue:
    """Every flow with its switch and its last thirty days, as the home page tells them."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        lines = overview.by_flow(session, store, switch.listing(session, store.id), clock.now())
        asks_to_confirm = settings.is_on(store, "consent.double_opt_in")
    return render_template(
        "flows.html", flows=lines, currency=store.currency, asks_to_confirm=asks_to_confirm
    )


@blueprint.get("/app/flows/<key>")
@merchant_required
def show(key: str) -> ResponseReturnValue:
    """One flow: its journey as a drawing, with what became of everybody at each step."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        view = _view(session, store.id, key)
        desk = drafts.desk(session, store.id, key)
        found = step_figures.of_flow(session, store, key, desk.version_id, now=clock.now())
        own = editions.names(session, store.id)
        silent = _silent(session, store, key)
        lessons = learned.lessons(session, store.id, _LESSONS) if key in learned.FLOWS else []
        effect = effects.of_flow(session, store.id, key)
        funnel = funnels.of_flow(session, store.id, key)
        rehearsed = rehearsing.latest(session, store.id, key)
    showed(store.id, access_log.CUSTOMERS, count=len(rehearsed.people))
    return render_template(
        "flow.html",
        view=view,
        desk=desk,
        ways=flow_steps.ways(desk.published, store, found, own=own, origin=desk.origin),
        people=found.states,
        elsewhere=sum(at.elsewhere for at in found.people.values()),
        brought=(found.lately, found.ever),
        total=_total(found.sent.values()),
        silent=silent,
        effect=effect,
        funnel=funnel,
        funnel_days=funnels.BACK.days,
        effect_days=effects.WINDOW.days,
        currency=store.currency,
        is_untouched=not (view.is_active or found.states or funnel or effect),
        teaches=key in learned.FLOWS,
        lessons=lessons,
        rehearsed=rehearsed,
    )


@blueprint.post("/app/flows/<key>/activate")
@role_required(MARKETER)
def activate(key: str) -> ResponseReturnValue:
    """Switch a flow on; what happened before this moment never starts it."""
    try:
        with runtime().database.write() as session:
            store = chosen_store(session)
            if switch.activate(session, store.id, key, clock.now()):
                audit.record(session, store.id, actor(), audit.FLOW_ON, now=clock.now(), subject=key)
    except BrokenText as error:
        said = "flow.unwritten" if error.is_unwritten else "flow.broken"
        flash(translate(said, step=step_words.called(error.slot.step)), "bad")
        return redirect(url_for("flows.show", key=key), code=303)
    if is_from_guide():
        flash(translate("guide.switched", flow=word("flow", key)))
        return redirect(url_for("guide.show", _anchor=guide_steps.SWITCH), code=303)
    return redirect(url_for("flows.show", key=key), code=303)


@blueprint.post("/app/flows/<key>/deactivate")
@role_required(MARKETER)
def deactivate(key: str) -> ResponseReturnValue:
    """Switch a flow off; nothing of it leaves any more."""
    with runtime().database.write() as session:
        store = chosen_store(session)
        if switch.deactivate(session, store.id, key, clock.now()):
            audit.record(session, store.id, actor(), audit.FLOW_OFF, now=clock.now(), subject=key)
    return redirect(url_for("flows.show", key=key), code=303)


def _view(session: Session, store_id: int, key: str) -> FlowView:
    for view in switch.listing(session, store_id):
        if view.key == key:
            return view
    raise NotFound("this store has no such flow")


def _silent(session: Session, store: Store, key: str) -> tuple[int, int] | None:
    """Whom switching the flow on concerns, and how many of them a day; None of a flow without a backlog."""
    if key != FLOW:
        return None
    return backlog.waiting(session, store), backlog.a_day(session, store)


def _total(parts: Iterable[figures.Sent]) -> figures.Sent:
    """The steps added up."""
    total = figures.Sent()
    for part in parts:
        total.sent += part.sent
        total.clicked += part.clicked
        total.waiting += part.waiting
        total.stayed += part.stayed
        total.unknown += part.unknown
    return total
