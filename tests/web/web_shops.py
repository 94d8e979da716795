"""Stores with one of everything in them, whose word stands in every text, so that a leak can be seen."""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.db import Base
from app.flows import switch
from app.members import keys
from app.models import (
    Attribution,
    Backfill,
    Consent,
    ConsentState,
    Customer,
    CustomerEvent,
    Decision,
    DeliveryEvent,
    Enrollment,
    FlowVersion,
    InboundEvent,
    Message,
    MessageAttempt,
    Order,
    OrderLine,
    Product,
    Review,
    Store,
    Voucher,
)
from app.runtime import Runtime
from app.web import auth, register

Csrf = Callable[[FlaskClient], str]
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)
GATE = [
    {"step": "switches", "verdict": "pass", "reason": None, "value": "on"},
    {"step": "still-due", "verdict": "pass", "reason": None, "value": "until 2026-11-27T09:00+00:00"},
    {"step": "legal-basis", "verdict": "stop", "reason": "no-legal-basis", "value": "email: unknown"},
]


@dataclass(frozen=True)
class Shop:
    """One store with one of everything; `word` stands in every text of it, so that a leak can be seen."""

    word: str
    store_id: int
    key: str
    ids: dict[str, int]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}


def make_app(runtime: Runtime) -> Flask:
    """An app with all of app.web on it."""
    app = Flask("ritorno", static_folder=None)
    app.extensions["ritorno"] = runtime
    register(app)
    return app


def signed_in(app: Flask, runtime: Runtime) -> FlaskClient:
    """A browser with a session."""
    with runtime.database.write() as session:
        token = auth.issue_sign_in_link(session, NOW)
    client = app.test_client()
    assert client.get(f"/app/sign-in/{token}").status_code == 303
    return client


def make_shop(runtime: Runtime, word: str) -> Shop:
    with runtime.database.write() as session:
        store = Store(
            platform="woocommerce",
            domain=f"{word}.example",
            url=f"https://{word}.example",
            name=f"{word} shop",
            state="connected",
            timezone="Europe/Rome",
            currency="EUR",
            country="IT",
            locale="it",
            credentials=runtime.vault.seal({}),
            installed_at=NOW - timedelta(days=90),
            settings={},
        )
        session.add(store)
        session.flush()
        switch.ensure_flows(session, store.id, NOW - timedelta(days=90))
        ids = _fill(session, store.id, word)
        key = keys.make(session, store.id, word, NOW)
    return Shop(word=word, store_id=store.id, key=key, ids=ids)


def _fill(session: Session, store_id: int, word: str) -> dict[str, int]:
    customer = add_customer(session, store_id, f"{word}-1", first_name=word)
    order = _order(session, store_id, word, customer.id)
    message = add_message(session, store_id, customer.id, word=word)
    version = session.query(FlowVersion).filter_by(store_id=store_id, flow_key="welcome").one()
    event = add_inbound(session, store_id, f"{word}.updated", status="dead")
    sold = {"product_type": "", "vendor": "", "status": "active", "is_available": True, "price_minor": 990}
    named = {"external_id": word, "title": word, "handle": word, "currency": "EUR"}
    product = Product(store_id=store_id, source_updated_at=NOW, **sold, **named)
    enrollment = Enrollment(
        store_id=store_id,
        flow_key="welcome",
        version_id=version.id,
        customer_id=customer.id,
        occurrence=word,
        subject="consent:email",
        state="active",
        step="to-W2",
        entered_at=NOW,
    )
    review = Review(
        store_id=store_id,
        source="ritorno",
        external_id=f"1:product:{word}",
        product_external_id=word,
        customer_id=customer.id,
        display_name=word,
        rating=5,
        text=f"{word} is <b>good</b>",
        status="given",
        is_verified=True,
        written_at=NOW,
    )
    session.add_all([product, enrollment, review])
    session.flush()
    ids = {
        "customer": customer.id,
        "order": order.id,
        "message": message.id,
        "event": event.id,
        "product": product.id,
        "enrollment": enrollment.id,
        "review": review.id,
    }
    session.add_all([*_told(store_id, customer.id, word), *_sent(store_id, ids, word)])
    session.flush()
    return ids


def _told(store_id: int, customer_id: int, word: str) -> list[Base]:
    """What the customer said and did."""
    theirs: dict[str, Any] = {"store_id": store_id, "customer_id": customer_id}
    said = {"channel": "email", "state": "subscribed", "basis": "consent", "occurred_at": NOW}
    ledger = {"recorded_at": NOW, "source": "api", "source_key": word, "wording": f"{word} says yes"}
    placed = {"type": "order.placed", "subject": f"order:{word}", "source_key": f"order.placed:{word}"}
    voucher = {"name": "welcome", "flow_key": "welcome", "code": f"{word}-CODE", "kind": "percentage"}
    return [
        ConsentState(**theirs, **said),
        Consent(**theirs, **said, **ledger),
        CustomerEvent(**theirs, **placed, occurred_at=NOW, recorded_at=NOW, details={"word": word}),
        Voucher(**theirs, **voucher, enrollment_id=1, value="10", expires_at=NOW),
    ]


def _sent(store_id: int, ids: dict[str, int], word: str) -> list[Base]:
    """What was decided about the message, and what it brought."""
    mine: dict[str, Any] = {"store_id": store_id, "message_id": ids["message"]}
    steps = [*GATE, {"step": "rails", "verdict": "pass", "reason": None, "value": word}]
    stopped = {"verdict": "stop", "reason": "no-legal-basis", "steps": steps, "step": "W1"}
    clicked = {"type": "clicked", "event_key": word, "url": f"https://{word}.example"}
    brought = {"rule": "last-click", "amount_minor": 1500, "currency": "EUR"}
    return [
        Decision(**mine, **stopped, customer_id=ids["customer"], flow_key="welcome", decided_at=NOW),
        MessageAttempt(**mine, started_at=NOW, outcome="sent"),
        DeliveryEvent(**mine, **clicked, occurred_at=NOW),
        Attribution(
            **mine,
            **brought,
            order_id=ids["order"],
            flow_key="welcome",
            step="W1",
            occurred_at=NOW - timedelta(days=2),
        ),
        Backfill(store_id=store_id, resource="orders", done=30, total=120, next_at=NOW, started_at=NOW),
    ]


def add_customer(session: Session, store_id: int, name: str, **values: Any) -> Customer:
    customer = Customer(
        store_id=store_id,
        identity=f"id:{name}",
        external_id=name,
        email=f"{name}@example.com",
        created_at=NOW,
        **values,
    )
    session.add(customer)
    session.flush()
    return customer


def add_message(session: Session, store_id: int, customer_id: int, *, word: str, **values: Any) -> Message:
    content = {
        "subject": f"{word} for you",
        "text": f"{word} text",
        "html": f"<p>{word} html</p><script>alert(1)</script>",
        "headers": {"List-Unsubscribe": f"<https://{word}.example/u>"},
        "links": [f"https://{word}.example/"],
    }
    fields: dict[str, Any] = {
        "key": f"welcome:W1:{customer_id}:{word}",
        "flow_key": "welcome",
        "step": "W1",
        "channel": "email",
        "purpose": "answer",
        "priority": 1,
        "status": "sent",
        "due_at": NOW,
        "expires_at": NOW + timedelta(days=1),
        "next_at": NOW,
        "created_at": NOW,
        "to_address": f"{word}@example.com",
        "subject": f"{word} for you",
        "content": zlib.compress(json.dumps(content).encode()),
        "sent_at": NOW,
    }
    message = Message(store_id=store_id, customer_id=customer_id, **(fields | values))
    session.add(message)
    session.flush()
    return message


def add_inbound(session: Session, store_id: int, topic: str, *, status: str, key: str = "k") -> InboundEvent:
    event = InboundEvent(
        store_id=store_id,
        source="woocommerce",
        topic=topic,
        dedupe_key=key,
        received_at=NOW,
        status=status,
        next_at=NOW,
        error="not readable" if status == "dead" else None,
    )
    session.add(event)
    session.flush()
    return event


def _order(session: Session, store_id: int, word: str, customer_id: int) -> Order:
    order = Order(
        store_id=store_id,
        external_id=word,
        number=f"#{word}",
        customer_id=customer_id,
        status="processing",
        financial_status="paid",
        fulfillment_status="",
        currency="EUR",
        total_minor=2500,
        is_counted=True,
        placed_at=NOW - timedelta(days=2),
        paid_at=NOW - timedelta(days=2),
        source_updated_at=NOW,
    )
    session.add(order)
    session.flush()
    line = {"product_external_id": word, "variant_external_id": None, "title": f"{word} thing"}
    session.add(
        OrderLine(
            store_id=store_id,
            order_id=order.id,
            external_id="1",
            quantity=1,
            current_quantity=1,
            total_minor=2500,
            **line,
        )
    )
    return order
