"""The JSON schemas of the API's objects, written by hand; a test compares them with real answers."""

from typing import Any

from app.models import message as states
from app.models import review as reviews
from app.models.inbound_event import DEAD, DONE, IGNORED, RETRYING, WAITING

Schema = dict[str, Any]


def _nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


ID: Schema = {"type": "integer", "format": "int64", "minimum": 1}
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
FLAG: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
MOMENT: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {"type": "object", "additionalProperties": True}
MAYBE_TEXT = _nullable(TEXT)
MAYBE_MOMENT = _nullable(MOMENT)
TEXTS = _list_of(TEXT)
MESSAGE_STATUS: Schema = {
    "type": "string",
    "enum": [
        *(states.QUEUED, states.PREPARING, states.SENDING, states.SENT, states.DELIVERED, states.BOUNCED),
        *(states.FAILED, states.STOPPED, states.EXPIRED, states.CANCELLED, states.HELD, states.UNKNOWN),
    ],
}
INBOUND_STATUS: Schema = {"type": "string", "enum": [WAITING, DONE, IGNORED, RETRYING, DEAD]}
REVIEW_STATE: Schema = {"type": "string", "enum": [*reviews.STATES]}
REVIEW_OBJECT: Schema = {"type": "string", "enum": [*reviews.OBJECTS]}
CHANNEL: Schema = {"type": "string", "enum": ["email", "sms", "whatsapp", "tracking"]}
BASIS: Schema = {"type": "string", "enum": ["consent", "soft_opt_in", "double_opt_in"]}

SCHEMAS: dict[str, Schema] = {
    "Money": _object(minor={"type": "integer", "format": "int64"}, currency=TEXT),
    "Problem": {
        "type": "object",
        "description": "RFC 9457",
        "properties": {
            "type": TEXT,
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "field": {"type": "string", "description": "the place of a bad input"},
        },
        "required": ["type", "title", "status", "detail"],
    },
    "Consent": _object(
        state={"type": "string", "enum": ["subscribed", "pending", "unsubscribed", "unknown"]},
        basis=_nullable(BASIS),
        at=MAYBE_MOMENT,
    ),
    "Customer": _object(
        id=ID,
        external_id=MAYBE_TEXT,
        email=MAYBE_TEXT,
        phone=MAYBE_TEXT,
        first_name=MAYBE_TEXT,
        last_name=MAYBE_TEXT,
        locale=MAYBE_TEXT,
        timezone=MAYBE_TEXT,
        birthday=_nullable({"type": "string", "description": "1990-02-28, or --02-28 without a year"}),
        tags=TEXTS,
        classes=TEXTS,
        rfm=_nullable(ANYTHING),
        scores={"type": "object", "additionalProperties": COUNT},
        consents=_object(
            email=_ref("Consent"), sms=_ref("Consent"), whatsapp=_ref("Consent"), tracking=_ref("Consent")
        ),
        orders_count=COUNT,
        total_spent=_ref("Money"),
        first_order_at=MAYBE_MOMENT,
        last_order_at=MAYBE_MOMENT,
        erased=FLAG,
    ),
    "Order": _object(
        id=ID,
        external_id=TEXT,
        number=TEXT,
        customer_id=_nullable(ID),
        status=TEXT,
        financial_status=TEXT,
        fulfillment_status=TEXT,
        total=_ref("Money"),
        refunded=_ref("Money"),
        discount_codes=TEXTS,
        lines=_list_of(_ref("OrderLine")),
        placed_at=MOMENT,
        paid_at=MAYBE_MOMENT,
        fulfilled_at=MAYBE_MOMENT,
        delivered_at=MAYBE_MOMENT,
        cancelled_at=MAYBE_MOMENT,
        source_updated_at=MOMENT,
    ),
    "OrderLine": _object(
        external_product_id=MAYBE_TEXT, title=TEXT, quantity={"type": "integer"}, total=_ref("Money")
    ),
    "Product": _object(
        id=ID,
        external_id=TEXT,
        title=TEXT,
        handle=TEXT,
        type=TEXT,
        vendor=TEXT,
        status=TEXT,
        available=FLAG,
        url=MAYBE_TEXT,
        image_url=MAYBE_TEXT,
        price=_ref("Money"),
        tags=TEXTS,
        categories=TEXTS,
        deleted_at=MAYBE_MOMENT,
        source_updated_at=MOMENT,
    ),
    "Event": _object(id=ID, customer_id=ID, type=TEXT, occurred_at=MOMENT, subject=TEXT, data=ANYTHING),
    "InboundEvent": _object(
        id=ID,
        source=TEXT,
        topic=TEXT,
        status=INBOUND_STATUS,
        attempts=COUNT,
        error=MAYBE_TEXT,
        received_at=MOMENT,
    ),
    "Message": _object(
        id=ID,
        customer_id=ID,
        flow=TEXT,
        step=TEXT,
        channel=TEXT,
        to=MAYBE_TEXT,
        subject=MAYBE_TEXT,
        status=MESSAGE_STATUS,
        reason=MAYBE_TEXT,
        due_at=MOMENT,
        expires_at=MOMENT,
        sent_at=MAYBE_MOMENT,
        provider_message_id=MAYBE_TEXT,
        unknown_since=MAYBE_MOMENT,
    ),
    "Review": _object(
        id=ID,
        source=TEXT,
        object=REVIEW_OBJECT,
        rating=_nullable({"type": "integer", "minimum": 1, "maximum": 5}),
        text=MAYBE_TEXT,
        display_name=MAYBE_TEXT,
        state=REVIEW_STATE,
        verified=FLAG,
        customer_id=_nullable(ID),
        external_product_id=MAYBE_TEXT,
        external_order_id=MAYBE_TEXT,
        message_id=_nullable(ID),
        written_at=MOMENT,
        edited_at=MAYBE_MOMENT,
    ),
    "Why": _object(
        data=_list_of(
            _object(
                step=TEXT,
                verdict={"type": "string", "enum": ["pass", "postpone", "stop"]},
                reason=MAYBE_TEXT,
                value={},
            )
        ),
        next={"type": "null"},
        verdict=MAYBE_TEXT,
        reason=MAYBE_TEXT,
        decided_at=MAYBE_MOMENT,
    ),
    "WhyOfDay": _object(data=_list_of(_ref("Answer")), next={"type": "null"}),
    "Answer": _object(
        customer_id=ID,
        flow=TEXT,
        on=DAY,
        begin=MOMENT,
        end=MOMENT,
        messages=_list_of(ANYTHING),
        enrollments=_list_of(ANYTHING),
        findings=_list_of(_object(code=TEXT, at=MAYBE_MOMENT, until=MAYBE_MOMENT, text=TEXT)),
        text=TEXT,
    ),
    "Content": _object(subject=MAYBE_TEXT, text=MAYBE_TEXT, html=MAYBE_TEXT, headers=ANYTHING, links=TEXTS),
    "Flow": _object(key=TEXT, is_active=FLAG, active_since=MAYBE_MOMENT, version=_nullable(COUNT)),
    "FlowInFull": _object(
        key=TEXT,
        is_active=FLAG,
        active_since=MAYBE_MOMENT,
        version=_nullable(COUNT),
        definition=_nullable(ANYTHING),
        steps={"type": "object", "additionalProperties": _ref("StepFigures")},
        effect=_nullable(_ref("Effect")),
        learned=_list_of(_ref("Lesson")),
    ),
    "Effect": _object(
        since=MOMENT,
        until=MOMENT,
        days=COUNT,
        treated=_ref("Arm"),
        held_out=_ref("Arm"),
        difference=_nullable(
            _object(
                buyers_share=_ref("Interval"),
                revenue_minor_per_person=_nullable(_ref("Interval")),
                currency=TEXT,
                entrants_needed=_nullable(COUNT),
            )
        ),
    ),
    "Arm": _object(people=COUNT, buyers=COUNT, orders=COUNT, revenue=_ref("Money")),
    "Interval": _object(low=NUMBER, value=NUMBER, high=NUMBER),
    "Lesson": _object(
        external_id=TEXT,
        title=TEXT,
        review_days=COUNT,
        default_days=COUNT,
        median_days=COUNT,
        low_days=COUNT,
        high_days=COUNT,
        long_days=_nullable(COUNT),
        gaps=COUNT,
        people=COUNT,
        share_percent=COUNT,
    ),
    "StepFigures": _object(
        sent=COUNT,
        clicked=COUNT,
        waiting=COUNT,
        unknown=COUNT,
        stopped={"type": "object", "additionalProperties": COUNT},
    ),
    "Enrollment": _object(
        id=ID,
        flow=TEXT,
        customer_id=ID,
        occurrence=TEXT,
        state={"type": "string", "enum": ["active", "completed", "exited", "held_out"]},
        step=TEXT,
        due_at=MAYBE_MOMENT,
        version=_nullable(COUNT),
        entered_at=MOMENT,
        ended_at=MAYBE_MOMENT,
        exit_reason=MAYBE_TEXT,
    ),
    "NewConsent": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "channel": CHANNEL,
            "state": {"type": "string", "enum": ["subscribed", "pending", "unsubscribed"]},
            "basis": _nullable(BASIS),
            "at": MOMENT,
            "text": _nullable({"type": "string", "maxLength": 5000}),
            "source": {"type": "string", "minLength": 1, "maxLength": 40, "default": "api"},
        },
        "required": ["channel", "state", "at"],
    },
    "NewEvent": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "customer": ID,
            "type": {"type": "string", "enum": ["support.opened", "support.closed", "review.received"]},
            "occurred_at": MOMENT,
            "data": ANYTHING,
        },
        "required": ["customer", "type", "occurred_at"],
    },
}
