"""What the workers of a world made, and what the dry run says of the same time."""

from bisect import bisect_left
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from app.db import table_of
from app.flows.definition import recipe_keys
from app.flows.simulate import run
from app.models import Flow, Message, Store
from app.runtime import Runtime

Rows = dict[tuple[int, str], list[tuple[Any, ...]]]
MESSAGES = table_of(Message)
_LEFT = {"sent", "delivered", "bounced", "unknown"}


def made(runtime: Runtime) -> Rows:
    """Customer, step, channel, due moment, status and reason of every message, by store and flow."""
    names = ("store_id", "flow_key", "customer_id", "step", "channel", "due_at", "status", "reason")
    found = _empty(runtime)
    with runtime.database.over_all_stores().read() as session:
        for row in session.execute(select(*(MESSAGES.c[name] for name in names))):
            status = "sent" if row.status in _LEFT else row.status
            found[row.store_id, row.flow_key].append((*row[2:6], status, row.reason))
    return {case: sorted(rows, key=str) for case, rows in found.items()}


def would_be(runtime: Runtime, ticks: Sequence[datetime]) -> Rows:
    """The same by the dry run of each flow, where workers looked at these moments."""

    def tick_at(moment: datetime) -> datetime | None:
        place = bisect_left(ticks, moment)
        return ticks[place] if place < len(ticks) else None

    found = _empty(runtime)
    for store_id, key in found:
        database = runtime.database.of_store(store_id)
        with database.read() as session:
            since = session.execute(
                select(Flow.active_since).where(Flow.store_id == store_id, Flow.key == key)
            ).scalar_one()
            assert since is not None
            store = session.get_one(Store, store_id)
            question = run.ask(session, store, key, since=since, until=ticks[-1], tick_at=tick_at)
        report = run.simulate(database, runtime.signer, question)
        found[store_id, key] = sorted(
            ((m.customer_id, m.step, m.channel, m.due_at, m.status, m.reason) for m in report.messages),
            key=str,
        )
    return found


def _empty(runtime: Runtime) -> Rows:
    with runtime.database.over_all_stores().read() as session:
        stores = session.execute(select(Store.id).order_by(Store.id)).scalars().all()
        active = session.execute(select(Flow.store_id, Flow.key).where(Flow.is_active)).all()
    keys = [key for key in recipe_keys() if any(key == flow.key for flow in active)]
    return {(store_id, key): [] for store_id in stores for key in keys}
