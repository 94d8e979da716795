"""A shop on the emulated Shopify with two customers, and the worker that hears that they are one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, select, update

from app import consent
from app.config import Settings
from app.consent import NewConsent
from app.customers import CUSTOMERS
from app.db import Database
from app.flows import switch, work
from app.models import ConsentState, Customer, Store
from connectors.base import CustomerMerge, Record
from connectors.sandbox.model import SHOPIFY
from jobs import lookups
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.connectors.sandbox.sandbox_fake_world import FakeWorld, order, shopper
from tests.jobs.jobs_shopify import connect, running_shop
from tests.mirror.mirror_news import tell

KEPT, MERGED = 2, 4
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SWEPT = timedelta(minutes=10)


@dataclass
class MergeShop:
    """The connected shop; `kept` and `merged` are our own ids of the two."""

    kit: Kit
    world: FakeWorld
    store_id: int
    kept: int = 0
    merged: int = 0

    @property
    def database(self) -> Database:
        """Where its rows are."""
        return self.kit.runtime.database

    def meet(self) -> None:
        """Both customers become known, with an address each."""
        with self.database.write() as session:
            for household in (KEPT, MERGED):
                email = f"lucia.rossi{household}@example.com"
                row = seeds.add_customer(session, self.store_id, str(household), email=email)
                if household == KEPT:
                    self.kept = row.id
                else:
                    self.merged = row.id

    def merge_there(self) -> None:
        """The merchant merges the two at the shop."""
        self.world.merge(KEPT, MERGED)

    def hear(self, *records: Record, now: datetime = NOW) -> None:
        """News arrive; by default those of the merge."""
        news = records or (CustomerMerge(str(KEPT), str(MERGED), now),)
        tell(self.database, self.store_id, *news, now=now)

    def look(self, now: datetime = NOW) -> int:
        """The look-ups that are due; how many were answered."""
        return lookups.run(self.kit, now)["looked up"]

    def merge(self) -> None:
        """All of it: merged there, heard of, looked up, and swept."""
        self.merge_there()
        self.hear()
        self.look()
        self.look(NOW + SWEPT)

    def run_flows(self, now: datetime) -> None:
        """The flows' stage until it finds nothing to do."""
        done = 1
        while done:
            with self.database.write() as session:
                done = work.run_batch(session, session.get_one(Store, self.store_id), now, 500)

    def says(
        self, customer_id: int, state: str, at: datetime = NOW - DAY, *, channel: str = "email", **values: Any
    ) -> None:
        """Somebody speaks of a channel."""
        said = NewConsent(
            self.store_id, customer_id, channel, state, "consent", at, "shopify", is_history=True, **values
        )
        with self.database.write() as session:
            consent.record(session, [said], at)

    def add(self, kind: str, customer_id: int, **values: Any) -> int:
        """A row of `seeds` (order, enrollment, message) of a customer; its id."""
        with self.database.write() as session:
            row_id: int = getattr(seeds, f"add_{kind}")(session, self.store_id, customer_id, **values).id
            return row_id

    def customers(self) -> list[Row[Any]]:
        """The store's customers by rising id."""
        with self.database.read() as session:
            mine = select(CUSTOMERS).where(CUSTOMERS.c.store_id == self.store_id)
            return list(session.execute(mine.order_by(CUSTOMERS.c.id)))

    def consents(self) -> dict[str, str]:
        """What the kept customer says now, by channel."""
        rows = seeds.rows_of(self.database, ConsentState, "customer_id", "channel", "state")
        return {channel: state for customer_id, channel, state in rows if customer_id == self.kept}

    def change(self, customer_id: int, **values: Any) -> None:
        """The mirror learns something of a customer."""
        with self.database.write() as session:
            mine = (Customer.store_id == self.store_id, Customer.id == customer_id)
            session.execute(update(Customer).where(*mine).values(**values))


@contextmanager
def merge_shop(settings: Settings, database: Database) -> Iterator[MergeShop]:
    """The shop, serving; the flows are on since two months."""
    world = FakeWorld(now=NOW)
    for household in (KEPT, MERGED):
        # What the shop says of consents is the business of other tests.
        world.shoppers[household] = shopper(household, SHOPIFY, email_consent_at=None)
    world.add_order(order(2000, KEPT, SHOPIFY))
    world.add_order(order(4000, MERGED, SHOPIFY))
    with running_shop(world) as shop:
        reader = connect(settings, database, shop)
        with database.write() as session:
            session.get_one(Store, reader.store_id).settings = dict(seeds.SETTINGS)
            switch.ensure_flows(session, reader.store_id, NOW - 60 * DAY)
        seeds.switch_on(database, reader.store_id, "welcome", "review", "birthday", since=NOW - 60 * DAY)
        opened = MergeShop(reader.kit, world, reader.store_id)
        opened.meet()
        yield opened
