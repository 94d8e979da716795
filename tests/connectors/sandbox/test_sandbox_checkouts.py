"""The emulated shops' checkouts: who begins them, how each platform shows them, and what stays as it was."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.checkouts import Begun
from connectors.sandbox.config import Rates
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from connectors.sandbox.plan import plan_deliveries
from connectors.sandbox.script import Kind, Script, write_script
from connectors.sandbox.shopify_graphql import prepare
from connectors.sandbox.shopify_payloads import webhook as shopify_webhook
from connectors.sandbox.woo_payloads import webhook as woo_webhook
from connectors.storefronts.shopify import documents
from tests.connectors.sandbox.sandbox_fake_world import NOW, PLACED, checkout, small_world
from tests.connectors.sandbox.sandbox_stage import CALM, config, write_data
from tests.connectors.sandbox.sandbox_woo_store import Store

MINUTE = timedelta(minutes=1)
DAY = 86400
ALL = replace(CALM, checkouts=0.5, abandoned=0.5)
NONE = replace(CALM, checkouts=0.0, abandoned=0.0)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_data(tmp_path_factory.mktemp("checkouts"))


def script_of(data: Path, rates: Rates) -> Script:
    return write_script(config(rates=rates), data)


def facts_of(script: Script) -> list[tuple[int, Kind, str, int]]:
    return list(script.facts(None, script.span.end + 60 * DAY))


def test_checkouts_leave_everything_else_of_a_seed_as_it_is(data: Path) -> None:
    without, with_them = script_of(data, NONE), script_of(data, ALL)

    others = [fact for fact in facts_of(with_them) if fact[1] is not Kind.CHECKOUT]

    assert without.shoppers == with_them.shoppers
    assert facts_of(without) == others
    assert len(with_them.checkouts) > 40


def test_a_checkout_comes_before_its_order_or_is_left_behind(data: Path) -> None:
    script = script_of(data, ALL)
    book = script.book

    def is_right(begun: Begun) -> bool:
        placed = book.placed[begun.order]
        minutes = (placed - begun.at) / 60
        return 2 <= minutes <= 20 and begun.completed == placed if begun.completed else begun.at > placed

    fates = [bool(begun.completed) for begun in script.checkouts.values()]
    assert all(map(is_right, script.checkouts.values()))
    assert True in fates
    assert False in fates


def test_each_platform_tells_of_them_its_own_way(data: Path) -> None:
    script = script_of(data, ALL)
    begun = [fact for fact in script.facts(None, script.span.end) if fact.kind is Kind.CHECKOUT]

    told = {(one.platform, one.topic) for one in plan_deliveries(script, begun)}

    assert told == {(SHOPIFY, "checkouts/create"), (WOOCOMMERCE, "order.updated")}


def test_shopifys_body_names_the_checkout_and_its_person() -> None:
    world = small_world()
    world.checkouts[77] = checkout(77, 2, SHOPIFY)

    body = shopify_webhook("checkouts/create", world, 77, NOW)

    assert (body["name"], body["token"], body["email"]) == ("#77", "token77", "lucia.rossi2@example.com")
    assert "id" not in body
    assert body["abandoned_checkout_url"].partition("?")[0].endswith("/checkouts/token77/recover")
    assert (body["total_price"], body["completed_at"], body["customer"]["id"]) == ("9.00", None, 2)


@pytest.mark.parametrize("name", ["CHECKOUTS", "CHECKOUT", "CHECKOUTS_COUNT", "ORDERS", "SEVERAL_ORDERS"])
def test_our_documents_cost_no_more_than_is_allowed(name: str) -> None:
    (operation,) = prepare(vars(documents)[name]).operations.values()

    assert operation.costs.requested({"ids": ["x"] * 10}) <= 1000


@pytest.fixture
def store() -> Store:
    """A bottega with a draft that nobody placed, and one that is the order 1001 by now."""
    found = Store()
    found.world.checkouts[88] = checkout(88, 1, WOOCOMMERCE)
    placed = found.world.orders[1001].placed_at
    found.world.checkouts[1001] = checkout(
        1001, 3, WOOCOMMERCE, started_at=placed - 5 * MINUTE, completed_at=placed
    )
    return found


def listed(store: Store, **asked: str) -> list[Any]:
    return [found["id"] for found in store.get("/orders", **asked)]


def test_a_draft_is_listed_among_the_orders_until_it_is_a_day_old(store: Store) -> None:
    young = (listed(store, orderby="id", order="asc"), listed(store, status="checkout-draft"))
    recent = {"orderby": "modified", "modified_after": "2026-05-19T00:00:00", "dates_are_gmt": "true"}
    changed = listed(store, status="checkout-draft", **recent)
    store.world.now = NOW + timedelta(hours=1)

    assert young == ([88, 1000, 1001, 1002], [88])
    assert changed == [88]
    assert listed(store, status="checkout-draft") == []
    assert listed(store, orderby="date", order="asc") == [1000, 1001, 1002]


def test_a_draft_is_an_order_that_was_not_sent(store: Store) -> None:
    body = store.get("/orders/88")

    assert (body["status"], body["needs_payment"], body["date_paid_gmt"]) == ("checkout-draft", True, None)
    assert body["billing"]["email"] == "lucia.rossi1@example.com"
    assert (body["total"], [line["quantity"] for line in body["line_items"]]) == ("9.00", [3])
    assert [meta["key"] for meta in body["meta_data"]] == ["is_vat_exempt"]


def test_a_draft_becomes_the_order_of_the_same_id(store: Store) -> None:
    placed = store.world.orders[1001].placed_at

    before, after = (
        woo_webhook("order.updated", store.world, 1001, at) for at in (placed - MINUTE, placed + MINUTE)
    )

    assert (before["id"], before["status"]) == (1001, "checkout-draft")
    assert (after["id"], after["status"]) == (1001, "processing")
    assert placed == PLACED + timedelta(days=1)
