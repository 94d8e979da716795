"""Merchants are told by mail, from the operator's account: what stands still, low ratings, their week."""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Row

from app.analytics import weekly
from app.messaging import addresses
from app.messaging.notices import language_of, mail
from app.models import Store
from app.stores import notices, settings
from connectors.base import Channel, Outcome, OutgoingMessage, SendResult
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.send import SendGridChannel
from jobs.guard import Failed, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
_AGAIN = timedelta(minutes=15)
_NO_ADDRESS = SendResult(Outcome.FAILED, error="the shop named no address to write to")
_STATUS = {Outcome.ACCEPTED: "sent", Outcome.UNKNOWN: "unknown", Outcome.RETRY: notices.QUEUED}


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Tell those who are to be told; nobody where the operator has no account or no address for it."""
    told: Counter[str] = Counter()
    if not (kit.runtime.settings.sendgrid_api_key and kit.runtime.settings.notice_from):
        return told
    with kit.database.over_all_stores().read() as session:
        is_due = notices.is_due(session, now)
    if not is_due:
        return told
    with kit.database.over_all_stores().write() as session:
        notices.follow(session, now)
        claimed = notices.claim(session, now)
        stores = {row.store_id: session.get_one(Store, row.store_id) for row in claimed}
    if claimed:
        channel = open_channel(kit)
        for row in claimed:
            _tell(kit, channel, stores[row.store_id], row=row, now=now)
        channel.close()
    told["notices"] = len(claimed)
    return +told


def open_channel(kit: Kit) -> SendGridChannel:
    """The operator's own account, by which merchants hear from us."""
    operator = kit.runtime.settings
    return SendGridChannel(SendGridAccount(operator.sendgrid_api_key, operator.sendgrid_api_url))


def send_one(channel: Channel, letter: OutgoingMessage) -> SendResult:
    """Hand one mail to a merchant over; those to merchants leave here, those to customers by the outbox."""
    (result,) = channel.send([letter])
    return result


def _tell(kit: Kit, channel: Channel, store: Store, *, row: Row[Any], now: datetime) -> None:
    """One notice; where writing it fails, it rests with the reason, and keeps no other merchant waiting."""
    made = run_guarded(partial(_hand_over, kit, channel, store, row), store=store.id)
    if isinstance(made, Failed):
        log.error("notice failed", store=store.id, notice=row.kind, error=made.told)
    result = SendResult(Outcome.FAILED, error=made.told) if isinstance(made, Failed) else made
    values: dict[str, Any] = {"status": _STATUS.get(result.outcome, "failed"), "error": result.error}
    if values["status"] == notices.QUEUED:
        values["next_at"] = now + _AGAIN
    with kit.database.of_store(store.id).write() as session:
        notices.finish(session, store.id, row.kind, **values)


def _hand_over(kit: Kit, channel: Channel, store: Store, row: Row[Any]) -> SendResult:
    operator = kit.runtime.settings
    to_address = settings.read(store, "notices.email")
    if addresses.problem("email", to_address) is not None:
        return _NO_ADDRESS
    letter = mail(
        store,
        row.kind,
        to_address=to_address,
        from_address=operator.notice_from,
        base_url=operator.base_url,
        told={"n": row.n} | _values(kit, store, row),
    )
    return send_one(channel, letter)


def _values(kit: Kit, store: Store, row: Row[Any]) -> dict[str, str]:
    """What a notice tells besides how often it happened: the week's numbers, as of the Monday it is of."""
    if row.kind != notices.WEEKLY:
        return {}
    with kit.database.of_store(store.id).read() as session:
        return weekly.values(session, store, weekly.week_before(store, row.raised_at), language_of(store))
