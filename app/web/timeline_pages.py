"""Pages of the timeline: its own entries, and those that stand among the delivery events alone.

That a message arrived is kept once (`app/timeline.py`); whoever reads the timeline finds it in its place.
"""

from collections.abc import Sequence

from sqlalchemy import Select, and_, select, true
from sqlalchemy.orm import Session

from app import timeline
from app.db import unindexed
from app.models import CustomerEvent, DeliveryEvent, Message
from app.web import paging
from app.web.api import lists
from app.web.context import rows_of

BY_ID, LATEST = ("id",), ("occurred_at", "id")


def page(
    session: Session,
    store_id: int,
    order: Sequence[str],
    *,
    customer_id: int | None = None,
    kind: str | None = None,
    cursor: str | None,
    limit: int,
) -> paging.Page[CustomerEvent]:
    """Entries by rising id (BY_ID) or the latest first (LATEST); of one customer or one type if asked.

    Raises:
        BadInput: the cursor was not made by us for this order.
    """
    own, others = (
        paging.Order([getattr(model, name) for name in order], is_descending=order == LATEST)
        for model in (CustomerEvent, DeliveryEvent)
    )
    pages: list[paging.Page[CustomerEvent]] = []
    if kind != timeline.DELIVERED:
        sift = [] if kind is None else [CustomerEvent.type == kind]
        entries = _entries(store_id, customer_id)
        pages.append(paging.fetch(session, entries, own, cursor=cursor, limit=limit, sift=sift))
    if kind in (None, timeline.DELIVERED):
        arrivals = _arrivals(session, store_id, customer_id)
        found = paging.fetch(session, arrivals, others, cursor=cursor, limit=limit)
        pages.append(paging.Page(_as_entries(session, store_id, found.rows), found.next))
    return paging.merged(pages, own, limit=limit)


def _entries(store_id: int, customer_id: int | None) -> Select[CustomerEvent]:
    if customer_id is None:
        return lists.rows_by_id(CustomerEvent, store_id)
    return rows_of(CustomerEvent, store_id).where(CustomerEvent.customer_id == customer_id)


def _arrivals(session: Session, store_id: int, customer_id: int | None) -> Select[DeliveryEvent]:
    if customer_id is None:
        return rows_of(DeliveryEvent, store_id).where(DeliveryEvent.is_entry == true())
    # Asked for first: in the order of a page SQLite would go through the events of the whole store.
    theirs = session.scalars(arrivals_of(store_id, customer_id)).all()
    return select(DeliveryEvent).where(
        unindexed(DeliveryEvent.store_id) == store_id, DeliveryEvent.id.in_(theirs)
    )


def arrivals_of(store_id: int, customer_id: int) -> Select[int]:
    """The ids of the events that say that a customer's messages arrived, one of each message at most."""
    return (
        select(DeliveryEvent.id)
        .join(
            Message,
            and_(Message.store_id == DeliveryEvent.store_id, Message.id == DeliveryEvent.message_id),
        )
        .where(
            DeliveryEvent.store_id == store_id,
            Message.store_id == store_id,
            Message.customer_id == customer_id,
            unindexed(DeliveryEvent.is_entry),
        )
    )


def _as_entries(
    session: Session, store_id: int, arrivals: Sequence[DeliveryEvent]
) -> Sequence[CustomerEvent]:
    """Entries as the timeline would hold them."""
    told_of = (Message.id, Message.customer_id, Message.flow_key, Message.step, Message.channel)
    asked = select(*told_of).where(
        Message.store_id == store_id, Message.id.in_({event.message_id for event in arrivals})
    )
    messages = {row.id: row for row in session.execute(asked)} if arrivals else {}
    return [
        CustomerEvent(
            id=event.id,
            store_id=store_id,
            customer_id=message.customer_id,
            type=timeline.DELIVERED,
            subject=f"message:{message.id}",
            source_key=f"{timeline.DELIVERED}:{message.id}",
            occurred_at=event.occurred_at,
            details={
                "flow": message.flow_key,
                "step": message.step,
                "channel": message.channel,
                "reason": event.reason or "",
            },
        )
        for event in arrivals
        if (message := messages.get(event.message_id)) is not None
    ]
