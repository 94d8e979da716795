"""A reminder of a basket leaves once its shop was asked, and not if it was bought meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Response

from app import consent
from app.config import Settings
from app.consent import NewConsent
from app.db import Database
from app.flows import switch
from app.messaging import copies
from app.mirror import pulls as rows
from app.models import Checkout, Decision, Message, Store, Voucher
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from jobs import checkouts, flows, outbox, pulls
from jobs.kit import Kit
from tests.connectors.sandbox.sandbox_fake_world import NOW, FakeWorld, checkout, order, small_world
from tests.jobs.jobs_shopify import connect, running_shop
from tests.jobs.jobs_woo import running_bottega
from tests.seeds import SETTINGS, rows_of, switch_on, values_of

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
LEFT = NOW + 10 * MINUTE
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
BOTH = pytest.mark.parametrize("platform", [SHOPIFY, WOOCOMMERCE])
PERK = {"abandoned_checkout.perk": "on"}


@dataclass
class Basket:
    """A shop whose customer left three bags of coffee at the till, and the worker that reminds of them."""

    world: FakeWorld
    kit: Kit
    store_id: int
    server: Any
    platform: str
    household: int

    def tick(self, at: datetime) -> None:
        """What a tick does about baskets."""
        self.world.now = at
        checkouts.run(self.kit, at)
        flows.run(self.kit, at)
        outbox.run(self.kit, at)

    def buy(self, at: datetime) -> None:
        """The basket is bought, and nobody tells us."""
        self.world.checkouts[771] = replace(self.world.checkouts[771], completed_at=at)

    def statuses(self) -> list[tuple[Any, ...]]:
        return rows_of(self.kit.runtime.database, Message, "step", "status", "reason")

    def letter(self) -> dict[str, Any]:
        """The one message that left."""
        packed = [one for one in values_of(self.kit.runtime.database, Message, "content") if one]
        content = copies.read_content(packed[0])
        assert content is not None
        return content


@contextmanager
def left_basket(
    settings: Settings, database: Database, platform: str, chosen: dict[str, str]
) -> Iterator[Basket]:
    """Mirrored, a minute after it was left; its owner agreed to mails."""
    world = small_world()
    if platform == SHOPIFY:
        with running_shop(world) as shop:
            reader = connect(settings, database, shop)
            reader.finish()
            yield _opened(Basket(world, reader.kit, reader.store_id, shop, platform, 2), chosen)
    else:
        with running_bottega(settings, database, world) as bottega:
            bottega.mirror(NOW)
            yield _opened(Basket(world, bottega.kit, bottega.store_id, bottega, platform, 1), chosen)


def _opened(basket: Basket, chosen: dict[str, str]) -> Basket:
    world, database = basket.world, basket.kit.runtime.database
    world.checkouts[771] = checkout(771, basket.household, basket.platform, started_at=LEFT)
    world.now = LEFT + MINUTE
    with database.write() as session:
        store = session.get_one(Store, basket.store_id)
        store.settings = {**store.settings, **SETTINGS, **chosen}
        switch.ensure_flows(session, store.id, NOW)
        rows.ensure_reconciliations(session, store, world.now)
        mine = rows.RECONCILIATIONS.c.store_id == store.id
        due = {"next_at": world.now, "pulled_to": NOW}
        session.execute(rows.RECONCILIATIONS.update().where(mine).values(**due))
    switch_on(database, basket.store_id, "abandoned_checkout", since=NOW)
    pulls.run_reconciliations(basket.kit, world.now)
    [owner] = values_of(database, Checkout, "customer_id")
    said = NewConsent(basket.store_id, owner, "email", "subscribed", "consent", NOW, "test")
    with database.write() as session:
        consent.record(session, [said], NOW)
    return basket


@ON_SQLITE
@BOTH
def test_the_first_reminder_shows_the_basket_and_the_way_back(
    settings: Settings, database: Database, platform: str
) -> None:
    with left_basket(settings, database, platform, {}) as basket:
        basket.tick(LEFT + HOUR)

    assert basket.statuses() == [("A1", "sent", None)]
    letter = basket.letter()
    assert "9,00" in letter["text"]
    assert "Espresso blend 501" in letter["text"]
    [link] = values_of(database, Checkout, "recovery_url")
    assert any(one.startswith(link) for one in letter["links"])


@ON_SQLITE
@BOTH
def test_who_bought_meanwhile_is_not_reminded_though_nobody_told_us(
    settings: Settings, database: Database, platform: str
) -> None:
    with left_basket(settings, database, platform, {}) as basket:
        basket.buy(LEFT + 30 * MINUTE)
        basket.world.add_order(order(771, basket.household, platform, placed_at=LEFT + 30 * MINUTE))
        basket.tick(LEFT + HOUR)

    assert basket.statuses() == [("A1", "stopped", "trigger-false")]
    steps = values_of(database, Decision, "steps")[-1]
    assert steps[-1]["value"] == "basket-stands"


@ON_SQLITE
@BOTH
def test_the_later_reminders_follow_and_a_perk_is_minted_for_those_that_leave(
    settings: Settings, database: Database, platform: str
) -> None:
    with left_basket(settings, database, platform, PERK) as basket:
        for at in (LEFT + HOUR, LEFT + DAY, LEFT + DAY + 2 * HOUR, LEFT + 3 * DAY):
            basket.tick(at)

    assert basket.statuses() == [("A1", "sent", None), ("A2", "sent", None), ("A3", "sent", None)]
    assert rows_of(database, Voucher, "kind", "value") == [("free_shipping", "0")]


@ON_SQLITE
def test_no_perk_is_minted_for_a_basket_that_was_bought(settings: Settings, database: Database) -> None:
    with left_basket(settings, database, SHOPIFY, PERK) as basket:
        basket.tick(LEFT + HOUR)
        basket.buy(LEFT + 2 * DAY)
        basket.tick(LEFT + 3 * DAY)

    assert basket.statuses()[-1] == ("A3", "stopped", "trigger-false")
    assert rows_of(database, Voucher) == []


@ON_SQLITE
def test_while_the_shop_gives_no_answer_nothing_leaves(settings: Settings, database: Database) -> None:
    with left_basket(settings, database, WOOCOMMERCE, {}) as basket:
        basket.server.instead = lambda _path: Response("busy", 503)
        basket.tick(LEFT + HOUR)
        away = basket.statuses()
        basket.server.instead = lambda _path: None
        basket.tick(LEFT + HOUR + 9 * MINUTE)
        early = basket.statuses()
        basket.tick(LEFT + HOUR + 10 * MINUTE)

    assert away == early == [("A1", "queued", None)]
    assert basket.statuses() == [("A1", "sent", None)]
