"""An order that is cancelled or given back ends what would be said about it, however far that had come."""

from datetime import timedelta
from typing import Any

import pytest

from app import consent
from app.consent import NewConsent
from app.models import Order
from app.runtime import Runtime
from jobs import outbox
from jobs.kit import Kit
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.messaging.outbox_seed import Post
from tests.seeds import add_product

DAY = timedelta(days=1)
SENT, ARRIVED, DAYS = 0, 2, range(-2, 30)
BACK: dict[str, dict[str, Any]] = {
    "order.cancelled": {"cancelled_at": NOW, "is_counted": False},
    "order.refunded": {"refunded_minor": 4900},
}
Left = list[tuple[str, int]]


@pytest.mark.parametrize("happening", BACK)
def test_nothing_more_is_said_of_an_order_that_is_given_back_at_any_step(
    runtime: Runtime, happening: str
) -> None:
    """On the day of a step it happens between what the flows queue and what the worker sends."""
    kept = _left(runtime, "kept", happening)
    days = sorted({-1, 1, 5, *(day for _, day in kept), DAYS[-1]})

    told = {day: _left(runtime, f"back-on-{day}", happening, day) for day in days}

    assert kept == [("M3", 9), ("M3R", 16), ("X1", 17)]
    assert told == {day: [one for one in kept if one[1] < day] for day in days}


def _left(runtime: Runtime, word: str, happening: str, back: int | None = None) -> Left:
    """What is said of an order and on which day, if it is given back on a day or never."""
    world = World.open(runtime.database, "review", "cross_sell", word=word)
    kit = Kit.build(runtime, post := Post())
    anna = world.customer(first_paid_at=NOW - 2 * DAY, orders_count=1)
    with runtime.database.write() as session:
        said = NewConsent(world.store_id, anna, "email", "subscribed", "consent", NOW - 2 * DAY, "test")
        consent.record(session, [said], NOW - 2 * DAY)
        add_product(session, world.store_id, "A", product_type="Coffee", cross_sell_ids=["Z"])
        add_product(session, world.store_id, "Z", product_type="Coffee")
    order_id = world.order(anna, "100", "A", placed_at=NOW - 2 * DAY)
    left: Left = []
    for day in DAYS:
        now = NOW + day * DAY
        for kind in [kind for at, kind in ((SENT, "fulfilled"), (ARRIVED, "delivered")) if at == day]:
            world.happens(f"order.{kind}", anna, now, subject="order:100")
        world.run(now)
        if day == back:
            world.change(Order, order_id, **BACK[happening])
            world.happens(happening, anna, now, subject="order:100")
        outbox.run_store(kit, world.store_id, now, 10)
        steps = dict(world.messages("id", "step"))
        left += [(steps[one], day) for one in post.sent_ids[len(left) :]]
    return left
