"""A customer and mails that left, as rows of store 1: what reports and clicks come back to."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.db import insert_rows, table_of
from app.models import Customer

STORE_ID = 1


def add_customer(session: Session, created_at: datetime) -> None:
    """The one customer, number 1 of a fresh database."""
    person = {"identity": "id:c1", "external_id": "c1", "email": "c1@example.com", "tags": []}
    insert_rows(session, table_of(Customer), [{"store_id": STORE_ID, **person, "created_at": created_at}])


def sent(number: int, at: datetime, **more: object) -> Mapping[str, Any]:
    """A marketing mail to that customer, the so many-th, which left at a moment."""
    return {
        **dict.fromkeys(("due_at", "next_at", "created_at", "sent_at"), at),
        "store_id": STORE_ID,
        "customer_id": 1,
        "key": f"welcome:W2:{number}",
        "flow_key": "welcome",
        "step": "W2",
        "channel": "email",
        "purpose": "marketing",
        "priority": 3,
        "status": "sent",
        "expires_at": at + timedelta(hours=48),
        "to_address": "c1@example.com",
        "attempts": 1,
        "context": {},
        **more,
    }
