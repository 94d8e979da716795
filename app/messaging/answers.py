"""The answers to our asks: what a mail asked about, what was answered, and what follows from it.

An ask is a message of the review flow. Each thing that it asks about is answered once: the answer to M3 and
the one to its reminder are the same row, and for thirty days a later one takes the place of an earlier one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from app import timeline
from app.db import Among, insert_new, table_of, upsert
from app.models import Customer, Message, Order, Review
from app.models.review import (
    DELIVERY,
    EXPERIENCE,
    GIVEN,
    LOW,
    OBJECTS,
    PENDING,
    PRODUCT,
    RITORNO,
    SERVICE,
    TOLD,
)
from app.stores import notices
from app.timeline import NewEvent

REVIEWS, MESSAGES, ORDERS = table_of(Review), table_of(Message), table_of(Order)
CUSTOMERS = table_of(Customer)
RECEIVED = "review.received"
FLOW = "review"
OBJECT_OF = {"M1": EXPERIENCE, "M2": DELIVERY, "M3": PRODUCT, "M3R": PRODUCT, "M4": SERVICE}
"""What each step of the flow asks about."""
EDITABLE = timedelta(days=30)
LONGEST_TEXT, LONGEST_NAME = 2_000, 60
_MOST_STARS, _LONGEST_ID, _LONGEST_KEY = 5, 64, 110


_ASKING = select(
    *(MESSAGES.c[name] for name in ("id", "customer_id", "enrollment_id", "flow_key", "step", "context"))
).where(MESSAGES.c.store_id == bindparam("store"), MESSAGES.c.id == bindparam("message"))
_GIVEN = select(REVIEWS).where(
    REVIEWS.c.store_id == bindparam("store"),
    REVIEWS.c.source == RITORNO,
    Among(REVIEWS.c.external_id, "keys"),
)


@dataclass(frozen=True, slots=True)
class Thing:
    """One thing that is asked about; `key` is its answer's name in the store."""

    key: str
    object: str
    product_external_id: str | None = None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """A message that asks, and everything that it asks about."""

    store_id: int
    message_id: int
    customer_id: int
    order_external_id: str | None
    things: tuple[Thing, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody said of one thing: 1 to 5 stars, and perhaps a text."""

    thing: Thing
    rating: int
    text: str | None = None


def is_ask(row: Any) -> bool:
    """Whether a message asks something that the rating page knows."""
    return row.flow_key == FLOW and row.step in OBJECT_OF


def find_ask(session: Session, store_id: int, message_id: int) -> Ask | None:
    """What a message asks about; None where there is no such message, or it asks nothing."""
    row = session.execute(_ASKING, {"store": store_id, "message": message_id}).one_or_none()
    if row is None or not is_ask(row):
        return None
    return Ask(
        store_id=store_id,
        message_id=row.id,
        customer_id=row.customer_id,
        order_external_id=row.context.get("order"),
        things=tuple(_things(row)),
    )


def given(session: Session, ask: Ask) -> Mapping[str, Row[Any]]:
    """The answers that the ask has got so far, by the things' keys."""
    keys = [thing.key for thing in ask.things]
    return {row.external_id: row for row in session.execute(_GIVEN, {"store": ask.store_id, "keys": keys})}


def is_open(answers: Mapping[str, Row[Any]], now: datetime) -> bool:
    """Whether the ask may still be answered, or answered anew."""
    first = min((row.written_at for row in answers.values()), default=now)
    return bool(now < first + EDITABLE)


def record(session: Session, ask: Ask, answers: Sequence[Answer], *, name: str | None, now: datetime) -> bool:
    """Keep what was answered, and tell timeline and merchant of it; False if it is not for keeping any more.

    The customer's row is locked, so that an erasure waits for the answer, or the answer for the erasure.
    """
    mine = (CUSTOMERS.c.store_id == ask.store_id, CUSTOMERS.c.id == ask.customer_id)
    customer = session.execute(select(CUSTOMERS).where(*mine).with_for_update()).one_or_none()
    held = given(session, ask)
    if customer is None or customer.erased_at is not None or not is_open(held, now):
        return False
    is_verified = _has_bought(session, ask, customer)
    rows = [
        _row(ask, answer, held.get(answer.thing.key), name=name, is_verified=is_verified, now=now)
        for answer in answers
    ]
    rows = [row for row in rows if _is_news(row, held.get(row["external_id"]))]
    upsert(session, REVIEWS, rows, key=("store_id", "source", "external_id"), update=_CHANGED)
    timeline.record(session, [_event(row) for row in rows], now)
    fallen = [row for row in rows if row["rating"] in LOW and not _was_low(held.get(row["external_id"]))]
    if fallen:
        notices.raise_again(session, ask.store_id, notices.LOW_RATING, n=len(fallen), now=now)
    return True


def tell(session: Session, event: NewEvent, now: datetime) -> None:
    """Keep as a review what another system told: stars from 1 to 5, `object`, `product`, `text`.

    Without stars it stays an entry of the timeline. It proves no purchase, so that no mail quotes it.
    """
    said = event.details
    rating, product, text = said.get("rating"), said.get("product"), said.get("text")
    if type(rating) is not int or not 1 <= rating <= _MOST_STARS:
        return
    product = product[:_LONGEST_ID] if isinstance(product, str) and product else None
    about = said.get("object")
    row = {
        "store_id": event.store_id,
        "source": TOLD,
        "external_id": event.source_key[:_LONGEST_KEY],
        "object": about if about in OBJECTS else PRODUCT if product else EXPERIENCE,
        "product_external_id": product,
        "customer_id": event.customer_id,
        "rating": rating,
        "text": text[:LONGEST_TEXT] if isinstance(text, str) and text else None,
        "status": GIVEN,
        "state": PENDING,
        "is_verified": False,
        "written_at": event.occurred_at,
    }
    is_new = insert_new(session, REVIEWS, [row], REVIEWS.c.id)
    if is_new and rating in LOW:
        notices.raise_again(session, event.store_id, notices.LOW_RATING, n=1, now=now)


_CHANGED = ("rating", "text", "display_name", "state", "message_id", "edited_at")


def _things(row: Row[Any]) -> list[Thing]:
    journey = str(row.enrollment_id) if row.enrollment_id else f"m{row.id}"
    kind = OBJECT_OF[row.step]
    if kind != PRODUCT:
        return [Thing(f"{journey}:{kind}", kind)]
    return [
        Thing(f"{journey}:{kind}:{item['external_id']}", kind, item["external_id"], item.get("title", ""))
        for item in row.context.get("products", ())
    ]


def _row(
    ask: Ask, answer: Answer, held: Row[Any] | None, *, name: str | None, is_verified: bool, now: datetime
) -> dict[str, Any]:
    """The answer's row; whatever was changed is looked at again before anybody quotes it."""
    return {
        "store_id": ask.store_id,
        "source": RITORNO,
        "external_id": answer.thing.key,
        "object": answer.thing.object,
        "product_external_id": answer.thing.product_external_id,
        "order_external_id": ask.order_external_id,
        "message_id": ask.message_id,
        "customer_id": ask.customer_id,
        "email": None,
        "display_name": name,
        "rating": answer.rating,
        "text": answer.text,
        "status": GIVEN,
        "state": PENDING,
        "is_verified": is_verified,
        "written_at": now if held is None else held.written_at,
        "edited_at": None if held is None else now,
    }


def _is_news(row: Mapping[str, Any], held: Row[Any] | None) -> bool:
    """Whether anything was said that was not said before: a second click must undo no approval."""
    if held is None:
        return True
    return any(row[name] != held._mapping[name] for name in ("rating", "text", "display_name"))


def _was_low(held: Row[Any] | None) -> bool:
    return held is not None and held.rating in LOW


def _has_bought(session: Session, ask: Ask, customer: Row[Any]) -> bool:
    """Whether the answer is a buyer's: of the order that it is about, or of any where it is about none."""
    if ask.order_external_id is None:
        return bool(customer.orders_count)
    statement = select(ORDERS.c.id).where(
        ORDERS.c.store_id == ask.store_id,
        ORDERS.c.external_id == ask.order_external_id,
        ORDERS.c.customer_id == customer.id,
        ORDERS.c.is_counted,
    )
    return session.execute(statement).first() is not None


def _event(row: Mapping[str, Any]) -> NewEvent:
    """The entry of the first answer; of a changed one it is there already."""
    product, order = row["product_external_id"], row["order_external_id"]
    about = f"product:{product}" if product else f"order:{order}" if order else f"message:{row['message_id']}"
    return NewEvent(
        store_id=row["store_id"],
        customer_id=row["customer_id"],
        type=RECEIVED,
        subject=about,
        source_key=f"{RECEIVED}:{row['external_id']}",
        occurred_at=row["written_at"],
        details={"rating": row["rating"], "object": row["object"]},
    )
