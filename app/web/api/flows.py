"""`/flows` with their switches, `/enrollments`: who is on the way."""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, g
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import access_log, audit, clock
from app.analytics import effects
from app.analytics.effects import Effect
from app.analytics.holdout import Arm
from app.db import unindexed
from app.errors import NotFound
from app.flows import learned, switch
from app.flows.switch import FlowView
from app.models import Enrollment, FlowVersion, Store
from app.web import figures
from app.web.acting import actor, showed
from app.web.api import lists, shapes
from app.web.auth import api_key_required, changing_by_key
from app.web.context import rows_of, runtime
from app.web.flow_steps import definition_of

blueprint = Blueprint("flows", __name__)
_LESSONS = 100


@blueprint.get("/flows")
@api_key_required
def listing() -> ResponseReturnValue:
    """Every flow of the store; they are few, so there is one page."""
    lists.check_filters()
    lists.check_one_page()
    with runtime().database.read() as session:
        return {"data": [_shape(view) for view in switch.listing(session, g.store_id)], "next": None}


@blueprint.get("/flows/<key>")
@api_key_required
def one(key: str) -> ResponseReturnValue:
    """One flow with its definition and its steps' figures."""
    with runtime().database.read() as session:
        view = _view(session, key)
        definition = definition_of(session, g.store_id, key)
        sent = figures.by_step(session, g.store_id, key)
        effect = effects.of_flow(session, g.store_id, key)
        currency = session.get_one(Store, g.store_id).currency
        lessons = learned.lessons(session, g.store_id, _LESSONS) if key in learned.FLOWS else []
    steps = {name: _figures(part) for name, part in sorted(sent.items())}
    return _shape(view) | {
        "definition": definition and definition.model_dump(mode="json"),
        "steps": steps,
        "effect": _effect(effect, currency) if effect is not None else None,
        "learned": [asdict(lesson) for lesson in lessons],
    }


@blueprint.post("/flows/<key>/activate")
@api_key_required
def activate(key: str) -> ResponseReturnValue:
    """Switch a flow on; what happened before this moment never starts it."""
    with changing_by_key() as session:
        _view(session, key)
        if switch.activate(session, g.store_id, key, clock.now()):
            audit.record(session, g.store_id, actor(), audit.FLOW_ON, now=clock.now(), subject=key)
        return _shape(_view(session, key))


@blueprint.post("/flows/<key>/deactivate")
@api_key_required
def deactivate(key: str) -> ResponseReturnValue:
    """Switch a flow off; nothing of it leaves any more."""
    with changing_by_key() as session:
        _view(session, key)
        if switch.deactivate(session, g.store_id, key, clock.now()):
            audit.record(session, g.store_id, actor(), audit.FLOW_OFF, now=clock.now(), subject=key)
        return _shape(_view(session, key))


@blueprint.get("/enrollments")
@api_key_required
def enrollments() -> ResponseReturnValue:
    """Enrollments by rising id; of one flow or one customer if asked."""
    lists.check_filters("flow", "customer")
    flow, customer_id = lists.text_filter("flow"), lists.id_filter("customer")
    statement = lists.rows_by_id(Enrollment, g.store_id)
    if customer_id is not None:
        statement = rows_of(Enrollment, g.store_id).where(Enrollment.customer_id == customer_id)
    sift = [] if flow is None else [unindexed(Enrollment.flow_key) == flow]
    with runtime().database.read() as session:
        found = lists.page(session, statement, Enrollment.id, sift=sift)
        numbers = _numbers(session, {row.version_id for row in found.rows})
    showed(g.store_id, access_log.ENROLLMENTS, customer_id=customer_id, count=len(found.rows))
    return lists.envelope(found, lambda row: shapes.enrollment(row, numbers.get(row.version_id)))


def _view(session: Session, key: str) -> FlowView:
    for view in switch.listing(session, g.store_id):
        if view.key == key:
            return view
    raise NotFound("this store has no such flow")


def _shape(view: FlowView) -> shapes.Json:
    return {
        "key": view.key,
        "is_active": view.is_active,
        "active_since": shapes.moment(view.active_since),
        "version": view.version,
    }


def _effect(effect: Effect, currency: str) -> shapes.Json:
    """The arms and how they differ; `difference` is null while they are too few."""
    difference = effect.difference
    return {
        "since": shapes.moment(effect.since),
        "until": shapes.moment(effect.until),
        "days": effects.WINDOW.days,
        "treated": _arm(effect.treated, currency),
        "held_out": _arm(effect.held_out, currency),
        "difference": difference
        and {
            "buyers_share": asdict(difference.buyers),
            "revenue_minor_per_person": difference.revenue and asdict(difference.revenue),
            "currency": currency,
            "entrants_needed": difference.needed,
        },
    }


def _arm(arm: Arm, currency: str) -> shapes.Json:
    return {
        "people": arm.people,
        "buyers": arm.buyers,
        "orders": arm.orders,
        "revenue": shapes.money(arm.revenue_minor, currency),
    }


def _figures(part: figures.Sent) -> dict[str, Any]:
    return {
        "sent": part.sent,
        "clicked": part.clicked,
        "waiting": part.waiting,
        "unknown": part.unknown,
        "stopped": part.reasons,
    }


def _numbers(session: Session, version_ids: set[int]) -> dict[int, int]:
    """The number of each version."""
    statement = select(FlowVersion.id, FlowVersion.number).where(
        FlowVersion.store_id == g.store_id, FlowVersion.id.in_(version_ids)
    )
    return dict(session.execute(statement).all())
