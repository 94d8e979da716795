"""What providers posted, read by their connectors and handed to those whose messages it is about."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import inbox
from app.crypto import Signer
from app.inbox import NOBODY, Delivery
from app.messaging import provider_events
from app.models import Store
from app.stores.accounts import SENDGRID, TWILIO
from connectors.base import UnreadablePayload
from connectors.channels.sendgrid import events as sendgrid
from connectors.channels.twilio import events as twilio
from connectors.delivery import DeliveryUpdate, number_of

log = structlog.get_logger()
CHANNELS: Mapping[str, str] = {SENDGRID: "email", TWILIO: "sms"}
"""What each provider carries, by the source of its posts."""
_INBOUND = "inbound"
_AT_ONCE = 4000
"""Events that take effect together, whichever posts they came with: most hold few, a text's only one."""


def apply(
    session: Session, signer: Signer, store_id: int, *, posts: Sequence[Delivery], now: datetime
) -> None:
    """Let posts take effect and mark them; their bodies, full of addresses, are not kept any longer.

    Args:
        store_id: whose account posted; NOBODY for the operator's own, whose events name their store.
    """
    ours = ("", signer.installation)
    read: list[int] = []
    told: dict[str, list[DeliveryUpdate]] = {channel: [] for channel in CHANNELS.values()}
    for post in posts:
        try:
            updates = [one for one in _read(post) if one.installation in ours]
        except UnreadablePayload as reason:
            inbox.mark_dead(session, store_id, [post.id], str(reason) or "unreadable")
            continue
        channel = CHANNELS[post.source]
        told[channel] += updates
        read.append(post.id)
        if len(told[channel]) >= _AT_ONCE:
            _take(session, signer, store_id, channel, updates=told[channel], now=now)
            told[channel] = []
    for channel, updates in told.items():
        _take(session, signer, store_id, channel, updates=updates, now=now)
    inbox.mark_done(session, store_id, read, now, is_forgotten=True)


def _take(
    session: Session,
    signer: Signer,
    store_id: int,
    channel: str,
    *,
    updates: Sequence[DeliveryUpdate],
    now: datetime,
) -> None:
    for owner, own in _by_owner(session, store_id, updates):
        for start in range(0, len(own), _AT_ONCE):
            part = own[start : start + _AT_ONCE]
            provider_events.apply(session, signer, owner, channel, updates=part, now=now)


def _read(post: Delivery) -> Sequence[DeliveryUpdate]:
    body = post.body or b""
    if post.source == SENDGRID:
        report = sendgrid.read(body, received_at=post.received_at)
        if report.unreadable:
            log.warning("events unreadable", n=report.unreadable, of=report.total, post=post.id)
        return report.updates
    if post.topic == _INBOUND:
        return twilio.read_inbound(body, received_at=post.received_at)
    return twilio.read_status(body, post.subject_external_id, received_at=post.received_at)


def _by_owner(
    session: Session, store_id: int, updates: Sequence[DeliveryUpdate]
) -> Iterator[tuple[int, list[DeliveryUpdate]]]:
    """The events by the store that they are about.

    A store's own account speaks of its messages alone; the operator's says with each event whose it is.
    """
    named = {one.store_id for one in updates}
    if store_id != NOBODY:
        ours = {told for told in named if number_of(told) in (None, store_id)}
        own = [one for one in updates if one.store_id in ours]
        if own:
            yield store_id, own
        return
    known = set(session.execute(select(Store.id)).scalars())
    owners = {told: number for told in named if (number := number_of(told)) in known}
    for owner in sorted(set(owners.values())):
        yield owner, [one for one in updates if owners.get(one.store_id) == owner]
