"""Flows: what runs by itself, step by step, with what became of it."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from app import access_log, audit, clock
from app.analytics import effects
from app.errors import NotFound
from app.flows import backlog, learned, rehearsals, switch
from app.flows.contents import BrokenText
from app.flows.simulate import telling
from app.flows.switch import FlowView
from app.members.roles import MARKETER
from app.messaging import editions
from app.models import Customer, Enrollment, Store
from app.segments.state_facts import FLOW
from app.stores import settings
from app.web import figures, flow_steps
from app.web.acting import actor, showed
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, rows_of, runtime

blueprint = Blueprint("flows", __name__)
_LESSONS = 10
"""How many products the page of a flow tells of."""


@blueprint.get("/app/flows")
@merchant_required
def listing() -> ResponseReturnValue:
    """Every flow with its switch and its figures."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        views = switch.listing(session, store.id)
        sent = figures.by_flow(session, store.id)
        sums = figures.attributed(session, store, clock.now())
        asks_to_confirm = settings.is_on(store, "consent.double_opt_in")
    nothing = figures.Money(0, store.currency)
    flows = [
        {
            "view": view,
            "sent": sent.get(view.key, figures.Sent()),
            "attributed": sums.get(view.key, (nothing, nothing)),
        }
        for view in views
    ]
    return render_template("flows.html", flows=flows, asks_to_confirm=asks_to_confirm)


@blueprint.get("/app/flows/<key>")
@merchant_required
def show(key: str) -> ResponseReturnValue:
    """One flow: its steps, and how many messages each sent, kept back or got a click for."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        view = _view(session, store.id, key)
        sent = figures.by_step(session, store.id, key)
        definition = flow_steps.definition_of(session, store.id, key)
        people = _people(session, store.id, key)
        own = editions.names(session, store.id)
        nothing = figures.Money(0, store.currency)
        silent = _silent(session, store, key)
        lessons = learned.lessons(session, store.id, _LESSONS) if key in learned.FLOWS else []
        effect = effects.of_flow(session, store.id, key)
        rehearsal = rehearsals.of_flow(session, store.id, key)
        people_of_rehearsal = _named(session, store.id, rehearsal)
        brought = figures.attributed(session, store, clock.now()).get(key, (nothing, nothing))
    showed(store.id, access_log.CUSTOMERS, count=len(people_of_rehearsal))
    ways = flow_steps.in_words(definition, sent, own) if definition else []
    return render_template(
        "flow.html",
        view=view,
        ways=ways,
        people=people,
        brought=brought,
        total=_total(sent.values()),
        silent=silent,
        effect=effect,
        effect_days=effects.WINDOW.days,
        currency=store.currency,
        teaches=key in learned.FLOWS,
        lessons=lessons,
        rehearsal=rehearsal,
        named=people_of_rehearsal,
        rehearsal_days=telling.DAYS,
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
        flash(translate("flow.broken", step=error.slot.step))
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


@blueprint.post("/app/flows/<key>/try")
@role_required(MARKETER)
def rehearse(key: str) -> ResponseReturnValue:
    """Queue a dry run over the last 90 days; a worker does it."""
    with runtime().database.write() as session:
        store = chosen_store(session)
        _view(session, store.id, key)
        span = telling.span_of(store, None, None, now=clock.now())
        rehearsals.ask(session, store.id, key, begin=span.begin, end=span.end)
        audit.record(session, store.id, actor(), audit.FLOW_REHEARSED, now=clock.now(), subject=key)
    return redirect(url_for("flows.show", key=key, _anchor="rehearsal"), code=303)


@blueprint.get("/app/flows/<key>/rehearsal.json")
@merchant_required
def rehearsal_now(key: str) -> ResponseReturnValue:
    """What the flow's page asks every two seconds while its dry run is under way."""
    with runtime().database.read() as session:
        rehearsal = rehearsals.of_flow(session, chosen_store(session).id, key)
    if rehearsal is None:
        raise NotFound("this flow was never tried")
    return {"done": rehearsal.done, "total": rehearsal.total, "finished": not rehearsal.is_waiting}


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


def _named(session: Session, store_id: int, rehearsal: Row[Any] | None) -> dict[int, Customer]:
    """Who the messages of a dry run are for, by id; who was erased since is missing."""
    listed = rehearsal.result["messages"] if rehearsal is not None and rehearsal.result else []
    wanted = {message["customer"] for message in listed}
    found = session.scalars(rows_of(Customer, store_id).where(Customer.id.in_(wanted)))
    return {customer.id: customer for customer in found}


def _people(session: Session, store_id: int, key: str) -> dict[str, int]:
    """How many enrollments stand in each state."""
    statement = (
        select(Enrollment.state, func.count())
        .where(Enrollment.store_id == store_id, Enrollment.flow_key == key)
        .group_by(Enrollment.state)
    )
    return dict(session.execute(statement).all())
