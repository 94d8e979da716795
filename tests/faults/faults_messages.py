"""What is put into the outbox: mails, texts, and mails that promise a code, each to a person of its own."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from app.db import to_micros
from app.models import ConsentState
from tests import seeds

MAIL, TEXT, CODE = "mail", "text", "code"
_numbers = count(1)


def add_due(session: Session, store_id: int, kind: str, now: datetime) -> int:
    """A message that is due now and may leave at any hour; its number."""
    number = next(_numbers)
    customer = seeds.add_customer(session, store_id, f"person{number}", phone=f"+39{3_330_000_000 + number}")
    for channel in ("email", "sms"):
        said = {"channel": channel, "state": "subscribed", "basis": "consent", "occurred_at": now}
        session.add(ConsentState(store_id=store_id, customer_id=customer.id, **said))
    values = _KINDS[kind](session, store_id, customer.id, now)
    return seeds.add_message(session, store_id, customer.id, due_at=now, purpose="transactional", **values).id


def _mail(_session: Any, _store_id: int, _customer_id: int, _now: datetime) -> dict[str, Any]:
    return {}


def _text(_session: Any, _store_id: int, _customer_id: int, _now: datetime) -> dict[str, Any]:
    context = {"content": "birthday/B2", "only_if": []}
    return {"channel": "sms", "flow_key": "birthday", "step": "B2", "context": context}


def _mail_with_code(session: Any, store_id: int, customer_id: int, now: datetime) -> dict[str, Any]:
    journey = seeds.add_enrollment(session, store_id, customer_id, state="finished", entered_at=now)
    terms = {
        "name": "welcome",
        "kind": "percentage",
        "setting": "welcome.percentage",
        "ends_at": to_micros(now + timedelta(days=10)),
    }
    context = {"content": "welcome/W1", "only_if": [], "voucher": terms}
    return {"step": "W1", "enrollment_id": journey.id, "context": context}


_KINDS = {MAIL: _mail, TEXT: _text, CODE: _mail_with_code}
