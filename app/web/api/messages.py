"""`/messages`: the outbox, with the reasons and the content."""

from flask import Blueprint, g
from flask.typing import ResponseReturnValue

from app import access_log
from app.db import unindexed
from app.errors import NotFound
from app.messaging import copies
from app.models import Decision, Message
from app.web.acting import showed
from app.web.api import lists, shapes
from app.web.auth import api_key_required
from app.web.context import row_of, rows_of, runtime
from app.web.outbox import STATUSES

blueprint = Blueprint("messages", __name__)

_STEP_FIELDS = ("step", "verdict", "reason", "value")


@blueprint.get("/messages")
@api_key_required
def listing() -> ResponseReturnValue:
    """Messages by rising id; by customer, flow and status if asked."""
    lists.check_filters("customer", "flow", "status")
    statement = rows_of(Message, g.store_id)
    customer_id, flow = lists.id_filter("customer"), lists.text_filter("flow")
    status = lists.choice_filter("status", STATUSES)
    if customer_id is not None:
        statement = statement.where(Message.customer_id == customer_id)
    if status is not None:
        statement = statement.where(Message.status == status)
    sift = [] if flow is None else [unindexed(Message.flow_key) == flow]
    with runtime().database.read() as session:
        found = lists.page(session, statement, Message.id, sift=sift)
    showed(g.store_id, access_log.MESSAGES, customer_id=customer_id, count=len(found.rows))
    return lists.envelope(found, shapes.message)


@blueprint.get("/messages/<int:message_id>")
@api_key_required
def one(message_id: int) -> ResponseReturnValue:
    """One message."""
    with runtime().database.read() as session:
        message = row_of(session, Message, g.store_id, message_id)
    showed(g.store_id, access_log.MESSAGE, customer_id=message.customer_id)
    return shapes.message(message)


@blueprint.get("/messages/<int:message_id>/why")
@api_key_required
def why(message_id: int) -> ResponseReturnValue:
    """The gate's steps in order, as it last looked; an empty list while it never did."""
    with runtime().database.read() as session:
        message = row_of(session, Message, g.store_id, message_id)
        newest = rows_of(Decision, g.store_id).where(Decision.message_id == message.id)
        decision = session.scalars(newest.order_by(Decision.id.desc()).limit(1)).one_or_none()
    showed(g.store_id, access_log.MESSAGE, customer_id=message.customer_id)
    if decision is None:
        return {"data": [], "next": None, "verdict": None, "reason": message.reason, "decided_at": None}
    return {
        "data": [{name: step.get(name) for name in _STEP_FIELDS} for step in decision.steps],
        "next": None,
        "verdict": decision.verdict,
        "reason": decision.reason,
        "decided_at": shapes.moment(decision.decided_at),
    }


@blueprint.get("/messages/<int:message_id>/content")
@api_key_required
def content(message_id: int) -> ResponseReturnValue:
    """Subject, text, HTML, headers and links as they were rendered; 404 until they are."""
    with runtime().database.read() as session:
        message = row_of(session, Message, g.store_id, message_id)
        rendered = copies.read_content(message.content)
    if rendered is None:
        raise NotFound("this message has not been rendered")
    showed(g.store_id, access_log.MESSAGE_TEXT, customer_id=message.customer_id)
    return dict(rendered)
