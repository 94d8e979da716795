"""What the workers of a world made, and what the dry run says of the same time."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.db import table_of
from app.flows.definition import recipe_keys
from app.flows.simulate import run
from app.models import Enrollment, Flow, Message, Order, Store, Voucher
from app.runtime import Runtime

MESSAGES, ENROLLMENTS, VOUCHERS = table_of(Message), table_of(Enrollment), table_of(Voucher)
_LEFT = {"sent", "delivered", "bounced", "unknown"}
Case = tuple[int, str]


@dataclass(frozen=True)
class Told:
    """By store and flow: the messages, and how many entered, were held out, and what their codes would cost.

    A message is customer, step, channel, due moment, status and reason.
    """

    messages: dict[Case, list[tuple[Any, ...]]]
    figures: dict[Case, tuple[int, int, int, int]]


def made(runtime: Runtime) -> Told:
    """What the workers made."""
    names = ("store_id", "flow_key", "customer_id", "step", "channel", "due_at", "status", "reason")
    with runtime.database.over_all_stores().read() as session:
        found: dict[Case, list[tuple[Any, ...]]] = {case: [] for case in _cases(session)}
        for row in session.execute(select(*(MESSAGES.c[name] for name in names))):
            status = "sent" if row.status in _LEFT else row.status
            found[row.store_id, row.flow_key].append((*row[2:6], status, row.reason))
        figures = {case: _figures(session, *case) for case in found}
    return Told({case: sorted(rows, key=str) for case, rows in found.items()}, figures)


def would_be(runtime: Runtime, ticks: Sequence[datetime]) -> Told:
    """The same by the dry run of each flow, where workers looked at these moments."""

    def tick_at(moment: datetime) -> datetime | None:
        place = bisect_left(ticks, moment)
        return ticks[place] if place < len(ticks) else None

    with runtime.database.over_all_stores().read() as session:
        cases = _cases(session)
    found = Told({}, {})
    for store_id, key in cases:
        database = runtime.database.of_store(store_id)
        with database.read() as session:
            since = session.execute(
                select(Flow.active_since).where(Flow.store_id == store_id, Flow.key == key)
            ).scalar_one()
            assert since is not None
            store = session.get_one(Store, store_id)
            question = run.ask(session, store, key, since=since, until=ticks[-1], tick_at=tick_at)
        report = run.simulate(database, runtime.signer, question)
        messages = ((m.customer_id, m.step, m.channel, m.due_at, m.status, m.reason) for m in report.messages)
        found.messages[store_id, key] = sorted(messages, key=str)
        codes = (report.vouchers, round(report.vouchers_cost))
        found.figures[store_id, key] = (report.enrolled, report.held_out, *codes)
    return found


def _figures(session: Session, store_id: int, key: str) -> tuple[int, int, int, int]:
    """From the rows: a percentage is taken of the mean order, what a delivery costs of the mean delivery."""
    mine = (ENROLLMENTS.c.store_id == store_id, ENROLLMENTS.c.flow_key == key)
    states = session.execute(select(ENROLLMENTS.c.state).where(*mine)).scalars().all()
    codes = session.execute(
        select(VOUCHERS.c.kind, VOUCHERS.c.value).where(
            VOUCHERS.c.store_id == store_id, VOUCHERS.c.flow_key == key
        )
    ).all()
    means = select(func.avg(Order.total_minor), func.avg(Order.shipping_minor))
    total, shipping = session.execute(means.where(Order.store_id == store_id, Order.is_counted)).one()
    cost = 0.0
    for kind, value in codes:
        of_kind = {
            "percentage": float(total or 0) / 100 * float(value or 0),
            "free_shipping": float(shipping or 0),
        }
        cost += of_kind[kind] if kind in of_kind else 100 * float(value)
    return len(states), states.count("held_out"), len(codes), round(cost)


def _cases(session: Session) -> list[Case]:
    """Every store with every flow that is on somewhere."""
    stores = session.execute(select(Store.id).order_by(Store.id)).scalars().all()
    active = set(session.execute(select(Flow.key).where(Flow.is_active)).scalars())
    return [(store_id, key) for store_id in stores for key in recipe_keys() if key in active]
