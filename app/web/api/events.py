"""`/events`: the timeline, read and told. `/inbound-events`: what the inbox holds."""

import hashlib
import json

from flask import Blueprint, g, request
from flask.typing import ResponseReturnValue

from app import access_log, clock, timeline, wakeups
from app.errors import BadInput
from app.messaging import answers
from app.models import CustomerEvent, InboundEvent
from app.models.inbound_event import DEAD, DONE, IGNORED, RETRYING, WAITING
from app.timeline import NewEvent
from app.web import timeline_pages
from app.web.acting import showed
from app.web.api import bodies, lists, shapes
from app.web.auth import api_key_required, changing_by_key
from app.web.context import customer_of, literals, rows_of, runtime

blueprint = Blueprint("events", __name__)

STATUSES = (WAITING, DONE, IGNORED, RETRYING, DEAD)
_LARGEST_DATA_BYTES = 8192


@blueprint.get("/events")
@api_key_required
def listing() -> ResponseReturnValue:
    """The timeline by rising id; of one customer or one type if asked."""
    lists.check_filters("customer", "type")
    customer_id, kind = lists.id_filter("customer"), lists.text_filter("type")
    with runtime().database.snapshot() as session:
        found = timeline_pages.page(
            session,
            g.store_id,
            timeline_pages.BY_ID,
            customer_id=customer_id,
            kind=kind,
            cursor=request.args.get("cursor"),
            limit=lists.asked_limit(),
        )
    showed(g.store_id, access_log.EVENTS, customer_id=customer_id, count=len(found.rows))
    return lists.envelope(found, shapes.event)


@blueprint.post("/events")
@api_key_required
def tell() -> ResponseReturnValue:
    """Add to the timeline what another system knows; told twice it stays one entry.

    Two tellings are the same when their `Idempotency-Key` is, or without one their content.
    """
    body = bodies.posted(bodies.EventBody)
    plain = json.dumps(body.data, sort_keys=True)
    if len(plain) > _LARGEST_DATA_BYTES:
        raise BadInput(f"data may hold {_LARGEST_DATA_BYTES} bytes", "data")
    key = request.headers.get("Idempotency-Key") or f"{body.customer}:{body.type}:{body.occurred_at}:{plain}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    with changing_by_key() as session:
        customer = customer_of(session, g.store_id, body.customer)
        if customer.erased_at is not None:
            raise BadInput("this customer was erased at their own wish", "customer")
        event = NewEvent(
            store_id=g.store_id,
            customer_id=customer.id,
            type=body.type,
            subject=f"api:{digest[:32]}",
            source_key=f"api:{digest}",
            occurred_at=body.occurred_at,
            details=body.data,
        )
        is_new = timeline.record_one(session, event, clock.now())
        if is_new and body.type == answers.RECEIVED:
            answers.tell(session, event, clock.now())
        wakeups.call(session, wakeups.FLOWS)
        told = rows_of(CustomerEvent, g.store_id).where(CustomerEvent.source_key == event.source_key)
        return shapes.event(session.scalars(told).one()), 201 if is_new else 200


@blueprint.get("/inbound-events")
@api_key_required
def inbound() -> ResponseReturnValue:
    """The inbox by rising id; by status or topic if asked."""
    lists.check_filters("status", "topic")
    status, topic = lists.choice_filter("status", STATUSES), lists.text_filter("topic")
    statement = lists.rows_by_id(InboundEvent, g.store_id)
    if status is not None:
        statement = rows_of(InboundEvent, g.store_id).where(InboundEvent.status.in_(literals((status,))))
    sift = [] if topic is None else [InboundEvent.topic == topic]
    with runtime().database.read() as session:
        return lists.envelope(
            lists.page(session, statement, InboundEvent.id, sift=sift), shapes.inbound_event
        )
