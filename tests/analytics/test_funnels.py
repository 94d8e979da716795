"""How far people come in a flow: counted by night, each person once, whoever was left out not at all."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from app.analytics import funnels
from app.db import table_of
from app.models import Attribution, Customer, Message
from app.runtime import Runtime
from jobs import daily
from jobs.schedule import Slot
from tests.conftest import NOW
from tests.engines import SQLITE
from tests.jobs.jobs_seed import kit_of
from tests.seeds import add_customer, add_enrollment, add_message, add_order, new_store

DAY = timedelta(days=1)


def _write_to(
    session: Session, person: Customer, state: str = "active", days: int = 3, **values: object
) -> int:
    """A message of a journey; its id."""
    journey = add_enrollment(
        session,
        person.store_id,
        person.id,
        occurrence=f"{state}:{days}",
        state=state,
        entered_at=NOW - days * DAY,
    )
    return add_message(session, person.store_id, person.id, enrollment_id=journey.id, **values).id


def _attribute(session: Session, message_id: int, amount_minor: int, currency: str = "EUR") -> None:
    message = session.get_one(Message, message_id)
    order = add_order(session, message.store_id, message.customer_id)
    row = {
        "store_id": message.store_id,
        "order_id": order.id,
        "message_id": message_id,
        "flow_key": message.flow_key,
        "step": message.step,
        "rule": "voucher",
        "amount_minor": amount_minor,
        "currency": currency,
        "occurred_at": NOW,
        "inputs": {},
    }
    session.execute(insert(table_of(Attribution)), [row])


def test_each_person_counts_once_as_far_as_they_came(runtime: Runtime) -> None:
    store_id, database = new_store(runtime.database), runtime.database
    with database.write() as session:
        loyal, quiet, waits, left_out, old = (add_customer(session, store_id) for _ in range(5))
        first = _write_to(session, loyal, status="delivered", clicked_at=NOW - DAY)
        second = _write_to(session, loyal, days=2, status="sent")
        third = _write_to(session, quiet, status="bounced")
        _write_to(session, waits, status="stopped")
        _write_to(session, left_out, state="held_out", status="sent")
        _write_to(session, old, days=91, status="sent", clicked_at=NOW - 90 * DAY)
        _attribute(session, first, 5_000)
        _attribute(session, second, 1_500)
        _attribute(session, third, 700, currency="USD")

    (job,) = [one for one in daily.CALENDAR if one.name == "holdout"]
    job.run(kit_of(runtime), Slot(NOW, NOW + DAY), NOW)

    with database.read() as session:
        found = funnels.of_flow(session, store_id, "welcome")
        other = funnels.of_flow(session, store_id, "review")
    assert found is not None
    assert (found.entered, found.reached, found.clicked, found.buyers) == (3, 2, 1, 1)
    assert (found.orders, found.revenue_minor) == (2, 6_500)
    assert other is None


@pytest.mark.parametrize("engine", [SQLITE])
def test_the_entries_of_the_last_weeks_are_found_by_their_index(runtime: Runtime, engine: str) -> None:
    store_id, asked = new_store(runtime.database), list[tuple[str, Any]]()
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))

    with runtime.database.of_store(store_id).read() as session:
        funnels.count(session, store_id, NOW)
        sql, values = next(one for one in asked if "enrollments" in one[0])
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all()

    assert any("ix_enrollments_entered" in step.detail for step in plan)
