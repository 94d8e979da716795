"""Dry runs as screens show them: of a flow, and of its draft before anybody publishes it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row
from sqlalchemy.orm import Session

from app import audit, clock
from app.errors import NotFound
from app.flows import drafts, rehearsals
from app.flows.simulate import telling
from app.flows.simulate.telling import Span
from app.members.roles import MARKETER
from app.models import Customer, Store
from app.web import guide_steps
from app.web.acting import actor
from app.web.auth import merchant_required, role_required
from app.web.context import chosen_store, rows_of, runtime
from app.web.places import is_from_guide

blueprint = Blueprint("rehearsing", __name__)
SPANS = (telling.DAYS, 365)
"""Days that a merchant may have replayed."""


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """The latest dry run, if there is one, and who the messages that it lists are for, by id."""

    row: Row[Any] | None
    people: dict[int, Customer]
    is_draft: bool
    spans: tuple[int, ...] = SPANS

    @property
    def is_ahead(self) -> bool:
        """Whether it is about days to come."""
        return self.row is not None and rehearsals.is_ahead(self.row)

    @property
    def days(self) -> int:
        """The span to offer first: that of the latest one."""
        asked = (self.row.end - self.row.begin).days if self.row is not None else 0
        return max((days for days in SPANS if days <= asked), default=SPANS[0])


@blueprint.post("/app/flows/<key>/try")
@role_required(MARKETER)
def rehearse(key: str) -> ResponseReturnValue:
    """Queue a dry run over the last 90 days, or the last year, or the next 90 days; a worker does it."""
    is_draft, is_ahead = bool(request.form.get("draft")), bool(request.form.get("ahead"))
    with runtime().database.write() as session:
        store = chosen_store(session)
        drafts.lock(session, store.id, key)
        span = _span(store, is_ahead=is_ahead)
        asked = {"is_draft": is_draft, "is_ahead": is_ahead}
        rehearsals.ask(session, store.id, key, begin=span.begin, end=span.end, **asked)
        audit.record(session, store.id, actor(), audit.FLOW_REHEARSED, now=clock.now(), subject=key)
    if is_from_guide():
        return redirect(url_for("guide.show", _anchor=guide_steps.REHEARSAL), code=303)
    shown_at = "flow_versions.review" if is_draft else "flow_start.show" if is_ahead else "flows.show"
    return redirect(url_for(shown_at, key=key, _anchor="rehearsal"), code=303)


@blueprint.get("/app/flows/<key>/rehearsal.json")
@merchant_required
def rehearsal_now(key: str) -> ResponseReturnValue:
    """What a flow's page asks every two seconds while its dry run is under way."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        rehearsal = rehearsals.of_flow(session, store.id, key, is_draft=bool(request.args.get("draft")))
    if rehearsal is None:
        raise NotFound("this flow was never tried")
    return {"done": rehearsal.done, "total": rehearsal.total, "finished": not rehearsal.is_waiting}


def latest(session: Session, store_id: int, key: str, *, is_draft: bool = False) -> Rehearsed:
    """The latest dry run; who was erased since is missing among its people."""
    row = rehearsals.of_flow(session, store_id, key, is_draft=is_draft)
    result = row.result if row is not None and row.result else {"messages": []}
    begun = (result.get("release") or {}).get("people", ())
    wanted = {one["customer"] for one in (*result["messages"], *begun)}
    found = session.scalars(rows_of(Customer, store_id).where(Customer.id.in_(wanted))) if wanted else ()
    return Rehearsed(row, {customer.id: customer for customer in found}, is_draft)


def _span(store: Store, *, is_ahead: bool) -> Span:
    now = clock.now()
    if is_ahead:
        return telling.ahead_of(now, telling.DAYS)
    return telling.span_of(store, _since(request.form.get("days", "")), None, now=now)


def _since(days: str) -> str | None:
    """The first day of a span that is offered; None for the usual one."""
    offered = {str(span): span for span in SPANS[1:]}
    begin = clock.now() - timedelta(days=offered[days]) if days in offered else None
    return begin.date().isoformat() if begin is not None else None
