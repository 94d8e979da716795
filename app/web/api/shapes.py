"""How each row looks in JSON."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.customers import agreeing
from app.messaging import addresses
from app.models import (
    ConsentState,
    Customer,
    CustomerEvent,
    Enrollment,
    InboundEvent,
    Message,
    Order,
    OrderLine,
    Product,
    Review,
)

Json = dict[str, Any]
CHANNELS = ("email", "sms", "whatsapp", "tracking")


def moment(value: datetime | None) -> str | None:
    """RFC 3339 in UTC (`2026-12-01T09:00:00Z`)."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def money(minor: int, currency: str) -> Json:
    """An amount in minor units with its currency."""
    return {"minor": minor, "currency": currency}


def customer(
    row: Customer,
    consents: Mapping[str, ConsentState],
    currency: str,
    *,
    classes: Sequence[str],
    scores: Mapping[str, int],
) -> Json:
    """A person. RFM is empty until somebody computes it."""
    return {
        "id": row.id,
        "external_id": row.external_id,
        "email": row.email,
        "phone": row.phone,
        "first_name": row.first_name,
        "last_name": row.last_name,
        "locale": row.locale,
        "timezone": row.timezone,
        "birthday": _birthday(row),
        "tags": row.tags,
        "classes": list(classes),
        "rfm": None,
        "scores": dict(scores),
        "consents": {channel: consent(row, channel, consents.get(channel)) for channel in CHANNELS},
        "orders_count": row.orders_count,
        "total_spent": money(row.total_spent_minor, currency),
        "first_order_at": moment(row.first_paid_at),
        "last_order_at": moment(row.last_paid_at),
        "erased": row.erased_at is not None,
    }


def consent(person: Customer, channel: str, row: ConsentState | None) -> Json:
    """What the ledger says now; `unknown` where nobody spoke of the address of now, and of the erased."""
    state = agreeing.stands(row, addresses.address_of(person, channel))
    if row is None or state == agreeing.OTHER_ADDRESS or person.erased_at is not None:
        return {"state": agreeing.UNKNOWN, "basis": None, "at": None}
    return {"state": state, "basis": row.basis, "at": moment(row.occurred_at)}


def order(row: Order, lines: Sequence[OrderLine]) -> Json:
    """An order with its lines."""
    return {
        "id": row.id,
        "external_id": row.external_id,
        "number": row.number,
        "customer_id": row.customer_id,
        "status": row.status,
        "financial_status": row.financial_status,
        "fulfillment_status": row.fulfillment_status,
        "total": money(row.total_minor, row.currency),
        "refunded": money(row.refunded_minor, row.currency),
        "discount_codes": row.discount_codes,
        "lines": [_line(line, row.currency) for line in lines],
        "placed_at": moment(row.placed_at),
        "paid_at": moment(row.paid_at),
        "fulfilled_at": moment(row.fulfilled_at),
        "delivered_at": moment(row.delivered_at),
        "cancelled_at": moment(row.cancelled_at),
        "source_updated_at": moment(row.source_updated_at),
    }


def product(row: Product) -> Json:
    """A product."""
    return {
        "id": row.id,
        "external_id": row.external_id,
        "title": row.title,
        "handle": row.handle,
        "type": row.product_type,
        "vendor": row.vendor,
        "status": row.status,
        "available": row.is_available,
        "url": row.url,
        "image_url": row.image_url,
        "price": money(row.price_minor, row.currency),
        "tags": row.tags,
        "categories": row.categories,
        "deleted_at": moment(row.deleted_at),
        "source_updated_at": moment(row.source_updated_at),
    }


def event(row: CustomerEvent) -> Json:
    """An entry of the timeline."""
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "type": row.type,
        "occurred_at": moment(row.occurred_at),
        "subject": row.subject,
        "data": row.details,
    }


def inbound_event(row: InboundEvent) -> Json:
    """A delivery of the inbox, without its body."""
    return {
        "id": row.id,
        "source": row.source,
        "topic": row.topic,
        "status": row.status,
        "attempts": row.attempts,
        "error": row.error,
        "received_at": moment(row.received_at),
    }


def message(row: Message) -> Json:
    """A message of the outbox, without its content."""
    return {
        "id": row.id,
        "customer_id": row.customer_id,
        "flow": row.flow_key,
        "step": row.step,
        "channel": row.channel,
        "to": row.to_address,
        "subject": row.subject,
        "status": row.status,
        "reason": row.reason,
        "due_at": moment(row.due_at),
        "expires_at": moment(row.expires_at),
        "sent_at": moment(row.sent_at),
        "provider_message_id": row.provider_message_id,
        "unknown_since": moment(row.unknown_since),
    }


def review(row: Review) -> Json:
    """What somebody said of an order, a delivery, a product or the service."""
    return {
        "id": row.id,
        "source": row.source,
        "object": row.object,
        "rating": row.rating or None,
        "text": row.text,
        "display_name": row.display_name,
        "state": row.state,
        "verified": row.is_verified,
        "customer_id": row.customer_id,
        "external_product_id": row.product_external_id,
        "external_order_id": row.order_external_id,
        "message_id": row.message_id,
        "written_at": moment(row.written_at),
        "edited_at": moment(row.edited_at),
    }


def enrollment(row: Enrollment, version: int | None) -> Json:
    """Somebody's place in a flow; `version` is the number of the definition that they are on."""
    return {
        "id": row.id,
        "flow": row.flow_key,
        "customer_id": row.customer_id,
        "occurrence": row.occurrence,
        "state": row.state,
        "step": row.step,
        "due_at": moment(row.due_at),
        "version": version,
        "entered_at": moment(row.entered_at),
        "ended_at": moment(row.ended_at),
        "exit_reason": row.exit_reason,
    }


def _birthday(row: Customer) -> str | None:
    """`1990-02-28`, or `--02-28` (ISO 8601) for a birthday without a year."""
    if row.birth_month is None or row.birth_day is None:
        return None
    year = f"{row.birth_year:04d}" if row.birth_year else "-"
    return f"{year}-{row.birth_month:02d}-{row.birth_day:02d}"


def _line(row: OrderLine, currency: str) -> Json:
    return {
        "external_product_id": row.product_external_id,
        "title": row.title,
        "quantity": row.quantity,
        "total": money(row.total_minor, currency),
    }
