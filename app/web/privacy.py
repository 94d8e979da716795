"""Privacy: the open requests with their last day, the report to hand over, and forgetting somebody."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from app import access_log, clock
from app.members.roles import MARKETER
from app.models import AccessEntry, PrivacyRequest
from app.privacy import asked
from app.web import log_words, paging
from app.web.acting import actor
from app.web.auth import merchant_required, role_required
from app.web.catalogue import translate
from app.web.context import chosen_store, customer_of, rows_of, runtime
from app.web.log_words import Who

blueprint = Blueprint("privacy", __name__)

_RECENT = 100
_PER_PAGE = 50
_NEWEST = paging.Order((AccessEntry.at, AccessEntry.id), is_descending=True)


@blueprint.get("/app/privacy")
@merchant_required
def show() -> ResponseReturnValue:
    """What is open, the most urgent first, then what was done."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        requests = rows_of(PrivacyRequest, store.id)
        waiting = requests.where(PrivacyRequest.done_at.is_(None)).order_by(PrivacyRequest.due_at)
        closed = requests.where(PrivacyRequest.done_at.is_not(None)).order_by(PrivacyRequest.id.desc())
        parts = {
            "waiting": list(session.scalars(waiting.limit(_RECENT))),
            "closed": list(session.scalars(closed.limit(_RECENT))),
            "looks": _looks(session, store.id),
        }
    return render_template("privacy.html", **parts)


@dataclass(frozen=True, slots=True)
class Looks:
    """A page of the access log, each entry with who it names."""

    page: paging.Page[AccessEntry]
    lines: Sequence[tuple[AccessEntry, Who]]


def _looks(session: Session, store_id: int) -> Looks:
    """Who looked at customers' data, the newest first."""
    page = paging.fetch(
        session,
        rows_of(AccessEntry, store_id),
        _NEWEST,
        cursor=request.args.get("cursor"),
        limit=_PER_PAGE,
    )
    names = log_words.actor_names(session, store_id, page.rows)
    return Looks(page, [(row, log_words.who(row, names)) for row in page.rows])


@blueprint.post("/app/customers/<int:customer_id>/report")
@role_required(MARKETER)
def report(customer_id: int) -> ResponseReturnValue:
    """Everything that is kept about a customer as a file; open requests for it are answered by that."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        customer_id = customer_of(session, store.id, customer_id).id
    found = asked.report_now(
        runtime(), store.id, customer_id, now=clock.now(), by=actor(), how=access_log.DOWNLOAD
    )
    answer = Response(json.dumps(found, ensure_ascii=False, indent=2), mimetype="application/json")
    answer.headers["Content-Disposition"] = f'attachment; filename="customer-{customer_id}.json"'
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/app/customers/<int:customer_id>/erase")
@role_required(MARKETER)
def erase(customer_id: int) -> ResponseReturnValue:
    """Forget a customer."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        customer_id = customer_of(session, store.id, customer_id).id
    asked.erase_now(runtime(), store.id, customer_id, source="screen", now=clock.now(), by=actor())
    flash(translate("privacy.erased"))
    return redirect(url_for("customers.show", customer_id=customer_id), code=303)
