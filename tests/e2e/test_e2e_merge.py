"""Two customers merged at the shop in the middle of their journeys: each step reaches the one left once."""

import threading
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db import Database
from app.models import Customer, CustomerMerge, Enrollment, Message, Order, Store
from app.models.message import COUNTED_STATES
from tests.e2e.small_world import Size, SmallWorld, small_world
from tests.engines import POSTGRESQL, SQLITE

SIZES = {
    SQLITE: Size(seed=3, households=16, days=28),
    # Every step of a journey costs there twice as much.
    POSTGRESQL: Size(seed=3, households=8, days=14, step=timedelta(days=1)),
}


class Merchant:
    """Merges the two customers of the Shopify shop with the most under way, once half of the time is over."""

    def __init__(self, world: SmallWorld, deletion: str) -> None:
        self._world = world
        self._deletion = deletion
        self.kept = self.merged = ""
        self.orders = 0

    def look_on(self, start: datetime, moment: datetime, end: datetime) -> None:
        """What the journey shows after every step."""
        if self.merged or moment < start + (end - start) / 2:
            return
        with self._world.journey.kit.runtime.database.read() as session:
            store_id = session.scalars(select(Store.id).where(Store.platform == "shopify")).one()
            under_way = session.scalars(
                select(Customer.external_id)
                .join(Enrollment, Enrollment.customer_id == Customer.id)
                .where(Customer.store_id == store_id, Enrollment.state == "active")
            )
            (self.kept, _), (self.merged, _) = Counter(map(str, under_way)).most_common(2)
            both = Customer.external_id.in_((self.kept, self.merged))
            mine = (Customer.store_id == store_id, both)
            orders = select(Order.id).join(Customer, Customer.id == Order.customer_id).where(*mine)
            self.orders = len(session.scalars(orders).all())
        body = {"kept": self.kept, "merged": self.merged, "deletion": self._deletion}
        assert self._world.journey.sandbox.post("/control/merge", body) == {"ok": True}


@pytest.mark.parametrize(
    ("engine", "deletion"),
    [
        (SQLITE, "after"),
        pytest.param(SQLITE, "before", marks=pytest.mark.oracle),
        pytest.param(POSTGRESQL, "after", marks=pytest.mark.oracle),
        pytest.param(POSTGRESQL, "before", marks=pytest.mark.oracle),
    ],
)
def test_two_who_are_merged_mid_flow_are_one_to_the_end(
    deletion: str, engine: str, database_url: str, tmp_path: Path
) -> None:
    with small_world(SIZES[engine], tmp_path, database_url) as world:
        merchant = Merchant(world, deletion)
        world.journey.prepare()
        world.journey.travel(merchant.look_on, threading.Event())
        database = world.journey.kit.runtime.database

        assert merchant.merged
        assert merchant.orders > 1
        assert _told(database) == [(merchant.kept, merchant.merged, True)]
        assert merchant.merged not in _names(database)
        assert _orders_of(database, merchant.kept) >= merchant.orders
        assert _strays(database) == 0
        assert _again(database) == []


def _told(database: Database) -> list[tuple[str, str, bool]]:
    with database.read() as session:
        merges = session.scalars(select(CustomerMerge))
        return [(one.kept_external_id, one.merged_external_id, one.merged_at is not None) for one in merges]


def _names(database: Database) -> list[str | None]:
    with database.read() as session:
        return list(session.scalars(select(Customer.external_id).where(Customer.store_id.is_not(None))))


def _orders_of(database: Database, external_id: str) -> int:
    with database.read() as session:
        orders = select(Order.id).join(Customer, Customer.id == Order.customer_id)
        return len(session.scalars(orders.where(Customer.external_id == external_id)).all())


def _strays(database: Database) -> int:
    """Rows of a customer who is not there any more."""
    known = select(Customer.id)
    with database.read() as session:
        return sum(
            len(session.scalars(select(model.id).where(model.customer_id.not_in(known))).all())
            for model in (Enrollment, Message, Order)
        )


def _again(database: Database) -> list[tuple[object, ...]]:
    """The steps that left after the merge though they had left to either of the two, or leave again."""
    heard: set[tuple[object, ...]] = set()
    again: list[tuple[object, ...]] = []
    with database.read() as session:
        merged_at = session.scalars(select(CustomerMerge.merged_at)).one()
        assert merged_at is not None
        left = select(Message).where(Message.status.in_(COUNTED_STATES)).order_by(Message.sent_at)
        for message in session.scalars(left):
            occasion = message.key.split(":", 3)[3].partition("|")[0]
            step = (message.customer_id, message.flow_key, message.step, occasion)
            if step in heard and message.sent_at is not None and message.sent_at >= merged_at:
                again.append(step)
            heard.add(step)
    return again
