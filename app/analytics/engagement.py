"""What each flow's mails did on a day of the shop, for the shop's own marketing reports.

Only what we truly know is counted: mails that left, clicks of people who agreed to be measured, orders by our
own attribution as it stands on the next morning. Opens we never know; text messages have no place there.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from sqlalchemy import BindParameter, and_, bindparam, distinct, func, select, union
from sqlalchemy.orm import Session

from app import money
from app.analytics.leaving import BEGIN, END, LEFT, STORE
from app.db import table_of
from app.messaging import links, zones
from app.models import Attribution, DeliveryEvent, Flow, Message, MessageAttempt, Store
from app.stores import scopes, writes
from app.stores.platforms import SHOPIFY
from app.stores.writes import NewWrite
from connectors.writing import FlowActivity, FlowEngagement

WRITE = "engagement"
"""The kind of the writes that tell a day."""
SCOPE = "write_marketing_events"
SETTLES_IN = timedelta(hours=1)
"""A day is told so long after its end, when the clicks and orders of its last minutes are known."""

MESSAGES, ATTEMPTS, CLICKS = table_of(Message), table_of(MessageAttempt), table_of(DeliveryEvent)
ATTRIBUTIONS, FLOWS = table_of(Attribution), table_of(Flow)
_CHANNEL = "email"
_SENT = LEFT.where(MESSAGES.c.channel == _CHANNEL, MESSAGES.c.purpose != "transactional")
"""How many mails left that were more than an answer."""
_CLICKED = (
    select(func.count(), func.count(distinct(MESSAGES.c.customer_id)))
    .select_from(CLICKS)
    .join(MESSAGES, and_(MESSAGES.c.store_id == STORE, MESSAGES.c.id == CLICKS.c.message_id))
    .where(
        CLICKS.c.store_id == STORE,
        CLICKS.c.occurred_at >= BEGIN,
        CLICKS.c.occurred_at < END,
        # A scanner's are kept as `scanned`.
        CLICKS.c.type == "clicked",
        MESSAGES.c.channel == _CHANNEL,
    )
)
"""How many clicks of people, and of how many people."""
_ORDERED = (
    select(func.count(), func.coalesce(func.sum(ATTRIBUTIONS.c.amount_minor), 0))
    .select_from(ATTRIBUTIONS)
    .join(MESSAGES, and_(MESSAGES.c.store_id == STORE, MESSAGES.c.id == ATTRIBUTIONS.c.message_id))
    .where(
        ATTRIBUTIONS.c.store_id == STORE,
        ATTRIBUTIONS.c.occurred_at >= BEGIN,
        ATTRIBUTIONS.c.occurred_at < END,
        MESSAGES.c.channel == _CHANNEL,
    )
)
"""How many orders went to mails, and what they brought in minor units."""
_BUSY = union(
    *(
        counted.with_only_columns(flow)
        for counted, flow in (
            (_SENT, MESSAGES.c.flow_key),
            (_CLICKED, MESSAGES.c.flow_key),
            (_ORDERED, ATTRIBUTIONS.c.flow_key),
        )
    )
)
"""The flows of which there is something to tell."""
_FLOW: BindParameter[str] = bindparam("flow")
_FLOW_ROW = select(FLOWS.c.is_active, FLOWS.c.active_since).where(
    FLOWS.c.store_id == STORE, FLOWS.c.key == _FLOW
)
_SENT_OF_FLOW = _SENT.where(MESSAGES.c.flow_key == _FLOW)
_CLICKED_OF_FLOW = _CLICKED.where(MESSAGES.c.flow_key == _FLOW)
_ORDERED_OF_FLOW = _ORDERED.where(
    ATTRIBUTIONS.c.flow_key == _FLOW, ATTRIBUTIONS.c.currency == bindparam("currency")
)


def plan(session: Session, store: Store, *, begin: datetime, end: datetime, now: datetime) -> int:
    """Have the days told that settled in [begin, end), for each flow that did something; how many are new.

    A day that was to be told before is not told again.
    """
    zone = zones.zone_named(store.timezone)
    new = 0
    for day in settled_days(store, begin=begin, end=end):
        flows = sorted(_busy_flows(session, store.id, *_span(day, zone)))
        told = [NewWrite(store.id, WRITE, f"{flow_key}:{day.isoformat()}") for flow_key in flows]
        new += writes.enqueue_once(session, told, now)
    return new


def settled_days(store: Store, *, begin: datetime, end: datetime) -> list[date]:
    """The days of the shop that settled in [begin, end); none where we cannot report them."""
    if store.platform != SHOPIFY or scopes.lacks(store, SCOPE):
        return []
    return list(_ended_days(zones.zone_named(store.timezone), begin - SETTLES_IN, end - SETTLES_IN))


def day_of(session: Session, store: Store, subject: str) -> tuple[str, FlowEngagement]:
    """The flow and the figures that a write is about, its subject being `<flow>:<day>`."""
    flow_key, _, text = subject.rpartition(":")
    day, zone = date.fromisoformat(text), zones.zone_named(store.timezone)
    begin, end = _span(day, zone)
    asked = {"store": store.id, "begin": begin, "end": end, "flow": flow_key}
    clicks, unique_clicks = session.execute(_CLICKED_OF_FLOW, asked).one()
    orders, minor = session.execute(_ORDERED_OF_FLOW, asked | {"currency": store.currency}).one()
    engagement = FlowEngagement(
        day=day,
        utc_offset=begin.astimezone(zone).utcoffset() or timedelta(0),
        sent=session.execute(_SENT_OF_FLOW, asked).scalar_one(),
        clicks=clicks,
        unique_clicks=unique_clicks,
        orders=orders,
        sales=money.to_decimal_text(int(minor), store.currency),
        currency=store.currency,
    )
    return flow_key, engagement


def activity_of(session: Session, store: Store, flow_key: str, base_url: str) -> FlowActivity | None:
    """A flow as the shop's reports are to know it; None for one that is not there."""
    flow = session.execute(_FLOW_ROW, {"store": store.id, "flow": flow_key}).one_or_none()
    if flow is None:
        return None
    return FlowActivity(
        name=f"flow:{flow_key}",
        title=f"Ritorno: {flow_key.replace('_', ' ')}",
        is_running=flow.is_active,
        started_at=flow.active_since,
        url=f"{base_url}/app/flows/{flow_key}",
        utm=(links.UTM_SOURCE, _CHANNEL, flow_key),
    )


def _ended_days(zone: tzinfo, begin: datetime, end: datetime) -> Iterator[date]:
    """The days that end in [begin, end)."""
    day = begin.astimezone(zone).date() - timedelta(days=1)
    while (ends_at := _span(day, zone)[1]) < end:
        if ends_at >= begin:
            yield day
        day += timedelta(days=1)


def _span(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """From midnight to midnight: 23 or 25 hours where the clocks change."""
    first, second = (datetime.combine(one, time(), zone) for one in (day, day + timedelta(days=1)))
    return first.astimezone(UTC), second.astimezone(UTC)


def _busy_flows(session: Session, store_id: int, begin: datetime, end: datetime) -> set[str]:
    """The flows of which that day has something to tell."""
    values = {"store": store_id, "begin": begin, "end": end}
    return set(session.execute(_BUSY, values).scalars())
