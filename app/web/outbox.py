"""The outbox: every message, why it left or stayed, and what it looked like."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import access_log, audit, clock, retention
from app.db import unindexed
from app.errors import BadInput, NotFound
from app.flows.definition import recipe_keys
from app.members.roles import MARKETER
from app.messaging import copies, settling
from app.models import Customer, Decision, DeliveryEvent, Message, MessageAttempt
from app.models.message import (
    BOUNCED,
    CANCELLED,
    DELIVERED,
    EXPIRED,
    FAILED,
    HELD,
    PREPARING,
    QUEUED,
    SENDING,
    SENT,
    STOPPED,
    UNKNOWN,
)
from app.web import headers, paging
from app.web.acting import actor, showed
from app.web.auth import merchant_required, role_required
from app.web.context import chosen_store, row_of, rows_of, runtime, visit
from connectors.base import Outcome, SendResult

blueprint = Blueprint("outbox", __name__)

_FATES = {"sent": Outcome.ACCEPTED, "not-sent": Outcome.RETRY}

_PER_PAGE = 25
_NEWEST = paging.Order((Message.id,), is_descending=True)
STATUSES = (
    *(QUEUED, PREPARING, SENDING, SENT, DELIVERED, BOUNCED),
    *(STOPPED, EXPIRED, CANCELLED, HELD, UNKNOWN, FAILED),
)
# The rendered mail is somebody's HTML: no script, no form, no pop-up, no cookie of ours.
_BODY_POLICY = (
    "sandbox; default-src 'none'; img-src 'self' https: http: data:; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@blueprint.get("/app/outbox")
@merchant_required
def listing() -> ResponseReturnValue:
    """Newest first, by flow and status if asked."""
    flow, status = request.args.get("flow", ""), request.args.get("status", "")
    with runtime().database.read() as session:
        store = chosen_store(session)
        statement = rows_of(Message, store.id)
        if status:
            statement = statement.where(Message.status == status)
        sift = [unindexed(Message.flow_key) == flow] if flow else []
        cursor = request.args.get("cursor")
        page = paging.fetch(session, statement, _NEWEST, cursor=cursor, limit=_PER_PAGE, sift=sift)
        people = _people(session, store.id, page.rows)
    showed(store.id, access_log.MESSAGES, count=len(page.rows))
    return render_template(
        "outbox.html",
        page=page,
        people=people,
        flow=flow,
        status=status,
        statuses=STATUSES,
        flow_keys=recipe_keys(),
    )


@blueprint.get("/app/outbox/<int:message_id>")
@merchant_required
def show(message_id: int) -> ResponseReturnValue:
    """One message: what it says, why it left or stayed, what came back."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        message = row_of(session, Message, store.id, message_id)
        content = copies.read_content(message.content)
        parts = _parts(session, store.id, message)
    showed(store.id, access_log.MESSAGE, customer_id=message.customer_id)
    parts |= {"missing": _missing(message), "kept_days": retention.CONTENT.days}
    page = Response(render_template("message.html", message=message, content=content, **parts))
    if visit() is None:
        page.headers["Content-Security-Policy"] = headers.policy(frame_src=headers.previews())
    return page


@blueprint.get("/app/outbox/<int:message_id>/body")
@merchant_required
def body(message_id: int) -> ResponseReturnValue:
    """The rendered mail alone, for the frame of the message's page."""
    with runtime().database.read() as session:
        store = chosen_store(session)
        message = row_of(session, Message, store.id, message_id)
        content = copies.read_content(message.content)
    if not content or not content.get("html"):
        raise NotFound("this message has no HTML part")
    showed(store.id, access_log.MESSAGE_TEXT, customer_id=message.customer_id)
    page = Response(str(content["html"]), mimetype="text/html")
    seen = visit()
    admin = f" {headers.admin_of(seen.shop)}" if seen is not None else ""
    page.headers["Content-Security-Policy"] = _BODY_POLICY + admin
    return page


@blueprint.post("/app/outbox/<int:message_id>/settle")
@role_required(MARKETER)
def settle(message_id: int) -> ResponseReturnValue:
    """What the merchant knows of an unknown message: it arrived, or it goes out again."""
    outcome = _FATES.get(request.form.get("fate", ""))
    if outcome is None:
        raise BadInput("a message was sent or was not sent", "fate")
    with runtime().database.write() as session:
        message = row_of(session, Message, chosen_store(session).id, message_id)
        mine = (Message.store_id == message.store_id, Message.id == message.id)
        row = session.execute(select(Message.__table__).where(*mine)).one()
        settling.settle(session, row, SendResult(outcome), clock.now())
        audit.record(
            session,
            message.store_id,
            actor(),
            audit.MESSAGE_SETTLED,
            now=clock.now(),
            subject=f"message:{message.id}",
            details={"fate": request.form["fate"]},
        )
    return redirect(url_for("outbox.show", message_id=message_id), code=303)


def _people(session: Session, store_id: int, messages: Sequence[Message]) -> dict[int, Customer]:
    """Who the messages are for, by id."""
    wanted = {message.customer_id for message in messages}
    found = session.scalars(rows_of(Customer, store_id).where(Customer.id.in_(wanted)))
    return {customer.id: customer for customer in found}


def _missing(message: Message) -> str:
    """Why a message has no text: it had one, never will have one, or has none yet."""
    if message.sent_at is not None:
        return "gone"
    return "never" if message.status in _STAYED else "none"


_STAYED = frozenset({STOPPED, EXPIRED, CANCELLED, FAILED})


def _parts(session: Session, store_id: int, message: Message) -> dict[str, Any]:
    def of_message(model: Any, *order: Any) -> list[Any]:
        statement = rows_of(model, store_id).where(model.message_id == message.id)
        return list(session.scalars(statement.order_by(*order)))

    who = rows_of(Customer, store_id).where(Customer.id == message.customer_id)
    return {
        "customer": session.scalars(who).one_or_none(),
        "looks": of_message(Decision, Decision.id.desc()),
        "attempts": of_message(MessageAttempt, MessageAttempt.id),
        "receipts": of_message(DeliveryEvent, DeliveryEvent.occurred_at, DeliveryEvent.id),
    }
