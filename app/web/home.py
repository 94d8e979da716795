"""Home: what came back, what needs attention, how far the history has arrived."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import clock
from app.errors import BadInput
from app.flows import switch
from app.members.roles import READER
from app.models import Backfill, Store
from app.stores import scopes, settings
from app.web import attention, guide_steps, headers, overview, senders, standing
from app.web.auth import merchant_required, role_required
from app.web.context import choose_store, load_stores, runtime

blueprint = Blueprint("home", __name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one resource's history has arrived; `percent` is None while the whole is unknown."""

    resource: str
    done: int
    total: int | None
    percent: int | None
    is_finished: bool
    error: str | None


@blueprint.get("/")
@merchant_required
def root() -> ResponseReturnValue:
    """The bare address leads home."""
    return redirect(url_for("home.show"), code=303)


@blueprint.get("/app/")
@merchant_required
def show() -> ResponseReturnValue:
    """The first screen."""
    now = clock.now()
    with runtime().database.read() as session:
        stores = load_stores(session)
        chosen = _chosen(session, now)
    progress = _progress_of_all(stores)
    return headers.may_connect(Response(render_template("home.html", progress=progress, **chosen)))


@blueprint.get("/app/progress.json")
@merchant_required
def progress_now() -> ResponseReturnValue:
    """What the page asks every two seconds while history arrives."""
    with runtime().database.read() as session:
        stores = load_stores(session)
    progress = _progress_of_all(stores)
    flat = [(store_id, one) for store_id, parts in progress.items() for one in parts]
    rows = [
        {
            "store": store_id,
            "resource": one.resource,
            "done": one.done,
            "total": one.total,
            "percent": one.percent,
        }
        for store_id, one in flat
    ]
    return {"backfills": rows, "finished": all(one.is_finished for _, one in flat)}


@blueprint.post("/app/store")
@role_required(READER)
def choose() -> ResponseReturnValue:
    """Look at another store."""
    wanted = request.form.get("store", "")
    if not wanted.isascii() or not wanted.isdigit() or len(wanted) > 18:
        raise BadInput("a store is chosen by its number", "store")
    with runtime().database.read() as session:
        choose_store(session, int(wanted))
    return redirect(url_for("home.show"), code=303)


def progress_of(session: Session, store_ids: Sequence[int]) -> dict[int, list[Progress]]:
    """Each store's backfills, in the order in which they began."""
    progress: dict[int, list[Progress]] = {store_id: [] for store_id in store_ids}
    statement = select(Backfill).order_by(Backfill.store_id, Backfill.started_at, Backfill.resource)
    for row in session.scalars(statement.where(Backfill.store_id.in_(store_ids))):
        progress[row.store_id].append(_progress(row))
    return progress


def _progress_of_all(stores: Sequence[Store]) -> dict[int, list[Progress]]:
    """Those of every store that the reader may look at, not of the chosen one alone."""
    with runtime().database.over_all_stores().read() as session:
        return progress_of(session, [store.id for store in stores])


def _chosen(session: Session, now: datetime) -> dict[str, object]:
    """The figures of the chosen store, or nothing where none is installed."""
    store: Store | None = g.store
    if store is None:
        return {}
    views = switch.listing(session, store.id)
    number = overview.span_of(request.args.get("days", ""))
    ways_out = senders.of_store(session, runtime(), store, now)
    steps = [] if store.guide_hidden_at else guide_steps.of_store(session, store, ways_out, views)
    steps_left = guide_steps.left(steps)
    needs = attention.of_store(
        session,
        store,
        has_sender=bool(settings.read(store, "sender.email")),
        active_flows=sum(view.is_active for view in views),
        grant_url=scopes.grant_url(store, standing.client_id(runtime(), store)),
        ways_out=ways_out,
    )
    return {
        "steps": steps,
        "steps_left": steps_left,
        "overview": overview.of_store(session, store, views, number=number, now=now),
        "spans": overview.SPANS,
        "attention": [need for need in needs if not (steps_left and need.key in _STEPS)],
    }


_STEPS = frozenset({"no_sender", "no_flow"})
"""What the guide's steps ask for as well: said once, by the guide while it is shown."""


def _progress(row: Backfill) -> Progress:
    is_finished = row.finished_at is not None
    percent = None
    if is_finished:
        percent = 100
    elif row.total:
        percent = min(99, row.done * 100 // row.total)
    return Progress(
        resource=row.resource,
        done=row.done,
        total=row.total,
        percent=percent,
        is_finished=is_finished,
        error=row.error,
    )
