"""What providers posted, read by their connectors and handed to those whose messages it is about."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import inbox
from app.crypto import Signer
from app.inbox import NOBODY, Delivery
from app.messaging import provider_events, reports
from app.messaging.reports import Told
from app.models import Store
from app.stores.accounts import SENDGRID, TWILIO
from connectors.base import UnreadablePayload
from connectors.channels.sendgrid import events as sendgrid
from connectors.channels.twilio import events as twilio

log = structlog.get_logger()
CHANNELS: Mapping[str, str] = {SENDGRID: "email", TWILIO: "sms"}
"""What each provider carries, by the source of its posts."""
_INBOUND = "inbound"
_Value = TypeVar("_Value")
_AT_ONCE = 10_000
"""Events that take effect together, whichever posts they came with: most hold few, a text's only one."""


def apply(
    session: Session, signer: Signer, store_id: int, *, posts: Sequence[Delivery], now: datetime
) -> None:
    """Let posts take effect and mark them; their bodies, full of addresses, are not kept any longer.

    Args:
        store_id: whose account posted; NOBODY for the operator's own, whose events name their store.
    """
    ours = {"", signer.installation}
    read: list[int] = []
    told: dict[str, list[Told]] = {channel: [] for channel in CHANNELS.values()}
    for post in posts:
        try:
            report = _read(post)
        except UnreadablePayload as reason:
            inbox.mark_dead(session, store_id, [post.id], str(reason) or "unreadable")
            continue
        told[CHANNELS[post.source]].append(_among(report, report.installation, ours))
        read.append(post.id)
    for channel, parts in told.items():
        for owner, own in _by_owner(session, store_id, reports.joined(parts)):
            for part in own.parts(_AT_ONCE):
                provider_events.apply(session, signer, owner, channel, told=part, now=now)
    inbox.mark_done(session, store_id, read, now, is_forgotten=True)


def _read(post: Delivery) -> Told:
    body = post.body or b""
    if post.topic == reports.TOPIC:
        return reports.unpacked(body)
    if post.source == SENDGRID:
        report = sendgrid.read(body, received_at=post.received_at)
        if report.unreadable:
            log.warning("events unreadable", n=report.unreadable, of=report.total, post=post.id)
        return reports.of(report.others, report.well)
    if post.topic == _INBOUND:
        return reports.of(twilio.read_inbound(body, received_at=post.received_at))
    return reports.of(twilio.read_status(body, post.subject_external_id, received_at=post.received_at))


def _by_owner(session: Session, store_id: int, told: Told) -> Iterator[tuple[int, Told]]:
    """The events by the store that they are about.

    A store's own account speaks of its messages alone; the operator's says with each event whose it is.
    """
    if store_id != NOBODY:
        yield store_id, _among(told, told.store_id, {None, store_id})
        return
    known = set(session.execute(select(Store.id)).scalars())
    for owner in sorted(known.intersection(told.store_id)):
        yield owner, _among(told, told.store_id, {owner})


def _among(told: Told, column: Sequence[_Value], values: Collection[_Value]) -> Told:
    """Those events whose value in a column is among some."""
    if all(value in values for value in {*column}):
        return told
    return told.some([place for place, value in enumerate(column) if value in values])
