"""Texts that merchants send to themselves leave by their shop's account, each by exactly one call."""

from collections import Counter
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Row

from app.messaging import trials
from app.models import Store
from app.scans import StoreScan
from connectors.base import Outcome, SendResult
from jobs import notices
from jobs.guard import each_store
from jobs.kit import Kit
from jobs.schedule import is_connected

_QUEUED = StoreScan(trials.TRIALS.c.store_id, trials.TRIALS.c.status == trials.QUEUED)
_NO_ACCOUNT = SendResult(Outcome.FAILED, error="no account carries it")
_MAY_NOT = SendResult(Outcome.FAILED, error="the shop is not connected, or is a copy")


def run(kit: Kit, _now: datetime) -> Counter[str]:
    """Send what merchants asked to see."""
    with kit.database.over_all_stores().read() as session:
        stores = _QUEUED.run(session)
    return +Counter({"trials": each_store(stores, partial(_of_store, kit))})


def _of_store(kit: Kit, store_id: int) -> int:
    if kit.stopping.is_set():
        return 0
    with kit.database.of_store(store_id).write() as session:
        store = session.get_one(Store, store_id)
        ways = {name: kit.carriers.of(store, name) for name in trials.ADDRESSES}
        claimed = trials.claim(session, store_id)
    may_send = is_connected(store) and not store.is_copy and not store.other_home
    for row in claimed:
        channel = ways[row.channel]
        if not may_send:
            result = _MAY_NOT
        elif channel is None:
            result = _NO_ACCOUNT
        else:
            result = notices.send_one(channel, trials.outgoing(store, row))
        _note(kit, row, result)
    return len(claimed)


def _note(kit: Kit, row: Row[Any], result: SendResult) -> None:
    with kit.database.of_store(row.store_id).write() as session:
        trials.note(session, row, result)
