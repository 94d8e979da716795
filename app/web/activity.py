"""Activity: what arrived, what rests, what runs when."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from app import asides, audit, clock, inbox, job_runs
from app.errors import BadInput
from app.members.roles import MARKETER
from app.mirror import lookups
from app.models import InboundEvent, Order, ScheduledJob
from app.models.inbound_event import DEAD, DONE, IGNORED, RETRYING, WAITING
from app.models.set_aside import ATTRIBUTION, CONFIRMATIONS, DOUBTS, FLOWS, OUTBOX, STATES
from app.models.store_write import RESTING
from app.stores import writes
from app.web import paging, upkeep
from app.web.acting import actor
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, count_up_to, literals, minds_all, rows_of, runtime
from app.web.home import progress_of

blueprint = Blueprint("activity", __name__)

STATUSES = (WAITING, RETRYING, DEAD, DONE, IGNORED)
_RESTING = (WAITING, RETRYING, DEAD)
_PER_PAGE = 30
_AT_A_GLANCE = 10
"""As long as nobody asks for a status, the rest of the page shall be in reach."""
_CAP = 9_999
_KINDS = paging.Kinds(InboundEvent.status, STATUSES)
_NEWEST = paging.Order((InboundEvent.id,), is_descending=True)


@blueprint.get("/app/activity")
@merchant_required
def show() -> ResponseReturnValue:
    """Deliveries by status, what was written back, the calendar of jobs, the history's progress."""
    status = request.args.get("status", "")
    with runtime().database.read() as session:
        store = chosen_store(session)
        statement = rows_of(InboundEvent, store.id)
        if status in STATUSES:
            statement = statement.where(InboundEvent.status.in_(literals((status,))))
        page = paging.fetch(
            session,
            statement,
            _NEWEST,
            cursor=request.args.get("cursor"),
            limit=_PER_PAGE if status in STATUSES else _AT_A_GLANCE,
            kinds=None if status in STATUSES else _KINDS,
        )
        counts = _counts(session, store.id)
        jobs = list(session.scalars(select(ScheduledJob).order_by(ScheduledJob.name)))
        # Of whichever shop a run failed, its error tells: that is for who minds all of them.
        failures = job_runs.last_errors(session) if minds_all() else {}
        progress = progress_of(session, [store.id])[store.id]
        written = writes.counts(session, store.id)
        kept = upkeep.of_store(session, store)
        aside = _asides(session, store.id)
    return render_template(
        "activity.html",
        page=page,
        status=status,
        statuses=STATUSES,
        counts=counts,
        jobs=jobs,
        failures=failures,
        progress=progress,
        written=written,
        upkeep=kept,
        asides=aside,
        can_write_again=any(group.state in RESTING for group in written),
    )


@blueprint.post("/app/activity/replay")
@role_required(MARKETER)
def replay() -> ResponseReturnValue:
    """Put dead deliveries of this store back in line; what belongs to another store is left alone."""
    given = request.form.getlist("id")
    if not given or not all(text.isascii() and text.isdigit() and len(text) <= 18 for text in given):
        raise BadInput("choose the deliveries to be read again", "id")
    with runtime().database.write() as session:
        store = chosen_store(session)
        own = rows_of(InboundEvent, store.id).where(InboundEvent.id.in_([int(text) for text in given]))
        ids = [event.id for event in session.scalars(own)]
        inbox.replay(session, ids, clock.now())
        details = {"ids": ids}
        audit.record(session, store.id, actor(), audit.INBOUND_REPLAYED, now=clock.now(), details=details)
    flash(translate("replay.done", n=len(ids)))
    return redirect(url_for("activity.show"), code=303)


@blueprint.post("/app/activity/write-again")
@role_required(MARKETER)
def write_again() -> ResponseReturnValue:
    """Put back in line what could not be written back to this store."""
    with runtime().database.write() as session:
        store = chosen_store(session)
        writes.try_again(session, store.id, clock.now())
        audit.record(session, store.id, actor(), audit.WRITES_REPEATED, now=clock.now())
    flash(translate("written.again.done"))
    return redirect(url_for("activity.show", _anchor="written-back"), code=303)


def _asides(session: Session, store_id: int) -> list[dict[str, Any]]:
    """What failed by itself, the longest first, each with where it is shown or its number at the shop."""
    found = asides.of_store(session, store_id, _AT_A_GLANCE)
    ids = [row.subject_id for row in found if row.work == ATTRIBUTION]
    orders = session.scalars(rows_of(Order, store_id).where(Order.id.in_(ids))) if ids else ()
    numbers = {(ATTRIBUTION, order.id): order.number for order in orders}
    return [
        {
            **row._mapping,
            "number": numbers.get((row.work, row.subject_id), _shops_own(row)),
            "shown_at": _SHOWN_AT.get(row.work),
        }
        for row in found
    ]


_SHOWN_AT = {DOUBTS: "outbox"} | dict.fromkeys((FLOWS, OUTBOX, STATES, CONFIRMATIONS), "customers")
"""By the work: the page of what it is about."""


def _shops_own(row: Row[Any]) -> str:
    """The number by which the shop is asked, of what is looked up there."""
    return str(row.subject_id) if row.work in lookups.KINDS else ""


def _counts(session: Session, store_id: int) -> dict[str, int]:
    """How many deliveries wait or rest; the settled ones are not counted, they only grow."""
    counts = {}
    for status in _RESTING:
        statement = select(InboundEvent.id).where(
            InboundEvent.store_id == store_id, InboundEvent.status.in_(literals((status,)))
        )
        counts[status] = count_up_to(session, statement, _CAP)
    return counts
