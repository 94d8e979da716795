"""Messages whose answer was lost: the channel is asked what became of them; silence settles them on request.

Source: PRODUCT.md C5. An event of the provider that carries our id settles a message as well, in receipts.
"""

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Row, bindparam

from app import asides, failpoints
from app.db import UtcDateTime, table_of
from app.messaging import polls, provider_events, reports, settling, silence
from app.models import Message, Store
from app.models.message import UNKNOWN
from app.models.set_aside import DOUBTS
from app.scans import StoreLook
from connectors.base import Channel, Outcome, SendResult
from connectors.channels.twilio.send import TwilioChannel
from connectors.delivery import DeliveryUpdate
from jobs.alone import OF_NOBODY, set_aside
from jobs.guard import Failed, each_store, run_guarded
from jobs.kit import Kit

log = structlog.get_logger()
MESSAGES = table_of(Message)
_ASKED_FOR = timedelta(hours=24)
"""How long a provider is asked again; after that a message rests until somebody decides."""
_MOST_POLLS = 100
_UNKNOWN = StoreLook(
    MESSAGES.c.store_id,
    MESSAGES.c.status == UNKNOWN,
    MESSAGES.c.next_at <= bindparam("now", type_=UtcDateTime),
)


def run(kit: Kit, now: datetime) -> Counter[str]:
    """Settle what is in doubt and ask after what was not heard of, where it holds up no sending."""
    return +Counter({"settled": settle(kit, now), "polled": poll(kit, now)})


def settle(kit: Kit, now: datetime) -> int:
    """Ask about messages whose answer was lost; how many were settled."""
    with kit.database.over_all_stores().read() as session:
        stores = _UNKNOWN.run(session, now=now)
    return each_store(stores, lambda store_id: _settle_store(kit, store_id, now))


def poll(kit: Kit, now: datetime) -> int:
    """Ask what became of text messages of which no final word came; how many were asked about."""
    with kit.database.over_all_stores().read() as session:
        stores = polls.WAITING.run(session, now=now)
    return each_store(stores, lambda store_id: _poll_store(kit, store_id, now))


def _settle_store(kit: Kit, store_id: int, now: datetime) -> int:
    """Settle a store's messages as far as anybody can say what became of them."""
    with kit.database.of_store(store_id).read() as session:
        store = session.get(Store, store_id)
        rows = settling.unknown_rows(session, store_id, now)
        aside = asides.held(session, (DOUBTS,)) if rows else set()
    if store is None:
        return 0
    settled = 0
    for row in rows:
        if kit.stopping.is_set():
            break
        result = run_guarded(partial(_settle, kit, store, row, now))
        if isinstance(result, Failed):
            _set_aside(kit, row, result, now)
            continue
        settled += result
        if (store_id, DOUBTS, row.id) in aside:
            with kit.database.of_store(store_id).write() as session:
                asides.drop(session, store_id, DOUBTS, row.id)
    return settled


def _set_aside(kit: Kit, row: Row[Any], failure: Failed, now: datetime) -> None:
    """One that breaks our own code keeps no other of its shop in doubt."""
    if isinstance(failure.error, OF_NOBODY):
        raise failure.error
    with kit.database.of_store(row.store_id).write() as session:
        until = set_aside(session, row.store_id, DOUBTS, row.id, failure=failure, now=now)
        settling.ask_again(session, row, next_at=until)


def _settle(kit: Kit, store: Store, row: Row[Any], now: datetime) -> bool:
    channel = kit.carriers.of(store, row.channel)
    failpoints.reached("outbox.before-look-up")
    result = _look_up(channel, row, now)
    failpoints.reached("outbox.after-look-up")
    with kit.database.of_store(store.id).write() as session:
        if result is None and silence.speaks(session, store, row, now):
            result = SendResult(Outcome.RETRY, error="no event came, while later ones did")
            failpoints.reached("outbox.in-silence")
        if result is not None:
            settling.settle(session, row, result, now)
            failpoints.reached("outbox.in-settle")
            return True
        settling.ask_again(session, row, next_at=_next_look(channel, store, row, now))
    return False


def _look_up(channel: Channel | None, row: Row[Any], now: datetime) -> SendResult | None:
    age = now - row.unknown_since
    if channel is None or age < channel.look_up_after or (channel.look_up_after and age > _ASKED_FOR):
        return None
    return channel.look_up(settling.unsettled(row))


def _next_look(channel: Channel | None, store: Store, row: Row[Any], now: datetime) -> datetime:
    """Twice as late each time; a channel of this machine is asked at every turn."""
    first = channel.look_up_after if channel is not None else timedelta(hours=1)
    age = now - row.unknown_since
    pause = first - age if age < first else max(first, age) if first else timedelta(0)
    patience = silence.patience(store, row.channel)
    return now + (min(pause, patience) if patience is not None else pause)


def _poll_store(kit: Kit, store_id: int, now: datetime) -> int:
    with kit.database.of_store(store_id).read() as session:
        store = session.get(Store, store_id)
        rows = polls.due(session, store_id, now, _MOST_POLLS)
    channel = kit.carriers.of(store, "sms") if store is not None else None
    for row in rows:
        result = run_guarded(partial(_poll, kit, channel, row, now))
        if not isinstance(result, Failed):
            continue
        if isinstance(result.error, OF_NOBODY):
            raise result.error
        # What was said of this one breaks our own code: the others are asked about all the same.
        log.error("poll failed", store=store_id, message=row.id, error=result.told)
        with kit.database.of_store(store_id).write() as session:
            polls.asked(session, row, now)
    return len(rows)


def _poll(kit: Kit, channel: Channel | None, row: Row[Any], now: datetime) -> None:
    update = _status(channel, row, now)
    with kit.database.of_store(row.store_id).write() as session:
        polls.asked(session, row, now)
        if update is not None:
            told = reports.of([update])
            provider_events.apply(session, kit.runtime.signer, row.store_id, row.channel, told=told, now=now)


def _status(channel: Channel | None, row: Row[Any], now: datetime) -> DeliveryUpdate | None:
    if not isinstance(channel, TwilioChannel) or not row.provider_message_id:
        return None
    return channel.fetch_status(row.provider_message_id, message_id=str(row.id), received_at=now)
