"""Before a flow is switched on: what will happen, in numbers, and what is still missing."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log
from app.flows import backlog, contents, drafts, switch, versions
from app.messaging import terms
from app.models import Store
from app.segments.state_facts import FLOW
from app.stores import settings
from app.web import rehearsing, step_words
from app.web.acting import showed
from app.web.auth import merchant_required
from app.web.context import chosen_store, runtime
from app.web.places import is_from_guide

blueprint = Blueprint("flow_start", __name__)
_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Release:
    """Those silent already, whom a flow lets in little by little."""

    people: int
    a_day: int

    @property
    def days(self) -> int:
        """How many days it takes until all of them were let in."""
        return -(-self.people // self.a_day)


@blueprint.get("/app/flows/<key>/start")
@merchant_required
def show(key: str) -> ResponseReturnValue:
    """The plan of a flow that is off; one that is on has its page."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        desk = drafts.desk(session, store.id, key)
        is_on = any(view.key == key and view.is_active for view in switch.listing(session, store.id))
        if is_on:
            return redirect(url_for("flows.show", key=key), code=303)
        groups = versions.in_flight(session, store.id, key, desk.published)
        rehearsed = rehearsing.latest(session, store.id, key)
        broken = contents.broken_text(session, store.id, desk.published)
        release = _release(session, store) if key == FLOW else None
    row = rehearsed.row if not rehearsed.is_ahead else None
    found = row.result if row is not None else None
    days = max(1, (row.end - row.begin).days) if row is not None else 1
    showed(store.id, access_log.CUSTOMERS, count=len(rehearsed.people) if rehearsed.is_ahead else 0)
    return render_template(
        "start.html",
        key=key,
        is_from_guide=is_from_guide(),
        desk=desk,
        messages=desk.published.messages(),
        under_way=sum(group.people for group in groups),
        found=found,
        days=days,
        a_week=round(found["counts"].get("sent", 0) * _DAYS_A_WEEK / days) if found else 0,
        release=release,
        rehearsed=rehearsed,
        broken=broken,
        broken_name=step_words.called(broken.slot.step) if broken else "",
        lacks_sender=terms.sender_problem(store, "email") is not None,
        held_out_percent=settings.number(store, "rails.holdout_percent"),
    )


def _release(session: Session, store: Store) -> Release:
    return Release(backlog.waiting(session, store), backlog.a_day(session, store))
