"""What the emulated APIs see: only what has happened, listed in the order they ask for."""

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.sandbox.journal import FACTS
from connectors.sandbox.listing import Listing
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from connectors.sandbox.moments import aware
from connectors.sandbox.world import World
from tests.connectors.sandbox.sandbox_stage import config, open_simulation, write_data

DAY = 86400


@pytest.fixture
def world(tmp_path: Path) -> World:
    return open_simulation(write_data(tmp_path / "data"), tmp_path / "journal", config()).world


def test_listings_order_by_change_or_by_id() -> None:
    listing = Listing()
    for subject_id, at in ((5, 10), (9, 10), (3, 20), (5, 30)):
        listing.touch(subject_id, at)

    assert listing.ids(updated_from=None, by_id=True) == (3, 5, 9)
    assert listing.ids(updated_from=None, by_id=False) == (9, 3, 5)
    assert listing.ids(updated_from=20, by_id=False) == (3, 5)
    assert listing.ids(updated_from=20, by_id=True) == (3, 5)
    assert listing.ids(updated_from=31, by_id=True) == ()


def test_a_whole_listing_is_made_once_until_something_changes() -> None:
    listing = Listing()
    listing.touch(1, 10)

    first = listing.ids(updated_from=None, by_id=False)

    assert listing.ids(updated_from=None, by_id=False) is first
    listing.touch(2, 11)
    assert listing.ids(updated_from=None, by_id=False) == (1, 2)


def test_an_order_exists_from_the_moment_it_is_placed(world: World) -> None:
    index = world.script.book.index_of(2003)
    assert index is not None
    placed = world.script.book.placed[index]

    world.make_facts(placed - 1)
    assert world.order(2003) is None
    assert 2003 not in world.order_ids(SHOPIFY, updated_from=None, by_id=True)

    world.make_facts(placed)
    order = world.order(2003)
    assert order is not None
    assert order.placed_at == world.now
    assert world.order_ids(SHOPIFY, updated_from=world.now, by_id=True) == (2003,)
    assert world.order_ids(WOOCOMMERCE, updated_from=world.now, by_id=True) == ()


def test_an_order_moves_in_the_listing_as_its_life_goes_on(world: World) -> None:
    index = world.script.book.index_of(2000)
    assert index is not None
    fulfilled = world.script.book.fulfilled[index]

    world.make_facts(fulfilled)

    assert world.order_ids(SHOPIFY, updated_from=aware(fulfilled), by_id=False)[-1] == 2000
    order = world.order(2000)
    assert order is not None
    assert order.updated_at(world.now) == aware(fulfilled)


def test_paid_orders_are_counted(world: World) -> None:
    index = world.script.book.index_of(2001)
    assert index is not None
    paid = world.script.book.paid[index]

    world.make_facts(paid - 1)
    assert world.orders_count(2) == 1

    world.make_facts(paid)
    assert world.orders_count(2) == 2


def test_guests_are_known_by_their_orders_but_never_listed(tmp_path: Path) -> None:
    rates = config().rates.__class__(guests=1.0, preregistered=0.0)
    world = open_simulation(write_data(tmp_path / "data"), tmp_path / "journal", config(rates=rates)).world

    world.make_facts(world.script.span.end)

    assert world.customer_ids(WOOCOMMERCE, updated_from=None, by_id=True) == ()
    assert world.customer_ids(SHOPIFY, updated_from=None, by_id=True) == (2, 4, 6, 8)
    guest = world.shopper(1)
    assert guest is not None
    assert guest.is_guest


def test_consent_at_the_checkout_changes_the_customer(world: World) -> None:
    shopper = next(s for s in world.script.shoppers.values() if s.consent_at_checkout and not s.is_guest)
    assert shopper.email_consent_at is not None

    world.make_facts(int(shopper.registered_at.timestamp()))
    assert world.customer_updated_at(shopper) == shopper.registered_at

    world.make_facts(int(shopper.email_consent_at.timestamp()))
    assert world.customer_updated_at(shopper) == shopper.email_consent_at


def test_what_precedes_the_world_is_there_from_the_start(world: World) -> None:
    before = [s for s in world.script.shoppers.values() if s.registered_at <= world.now]
    listed = [
        household
        for platform in (SHOPIFY, WOOCOMMERCE)
        for household in world.customer_ids(platform, updated_from=None, by_id=True)
    ]

    assert sorted(listed) == sorted(shopper.household for shopper in before)
    assert len(world.product_ids(SHOPIFY, updated_from=None, by_id=True)) == 7
    assert world.order_ids(SHOPIFY, updated_from=None, by_id=True) == ()


def test_the_journal_tells_each_fact_once_with_what_a_judge_needs(world: World) -> None:
    world.make_facts(world.script.span.start + 30 * DAY)
    world.make_facts(world.script.span.end)

    lines = list(world.journal.read(FACTS))

    assert lines[0]["fact"] == "world.started"
    placed = [line for line in lines if line["fact"] == "order.placed"]
    assert len(placed) == len({line["basket"] for line in placed}) == 80
    assert placed[0]["total_minor"] == sum(line["total_minor"] for line in placed[0]["lines"])
    registered = [line for line in lines if line["fact"] == "shopper.registered"]
    assert len(registered) == 8
    told = {
        "email",
        "phone",
        "email_consent_at",
        "tracking_consent_at",
        "birth",
        "locale",
        "is_preregistered",
    }
    assert told <= set(registered[0])


def test_a_restarted_world_is_the_world_that_stopped(tmp_path: Path) -> None:
    data, folder = write_data(tmp_path / "data"), tmp_path / "journal"
    first = open_simulation(data, folder, config())
    moment = first.world.script.span.start + 100 * DAY
    first.advance(moment)
    first.close()

    second = open_simulation(data, folder, config())

    assert second.world.now == aware(moment)
    since = second.world.now - timedelta(days=40)
    for platform in (SHOPIFY, WOOCOMMERCE):
        for by_id in (True, False):
            assert second.world.order_ids(platform, updated_from=since, by_id=by_id) == first.world.order_ids(
                platform, updated_from=since, by_id=by_id
            )
    assert [second.world.orders_count(n) for n in range(9)] == [first.world.orders_count(n) for n in range(9)]


def test_facts_of_an_advance_that_was_never_finished_are_written_once(tmp_path: Path) -> None:
    data, folder = write_data(tmp_path / "data"), tmp_path / "journal"
    whole = open_simulation(data, tmp_path / "whole", config())
    end = whole.world.script.span.end
    whole.advance(end)
    torn = open_simulation(data, folder, config())
    torn.close()
    with (folder / "facts.jsonl").open("ab") as facts:
        facts.write((tmp_path / "whole" / "facts.jsonl").read_bytes()[-5000:].split(b"\n", 1)[1])

    again = open_simulation(data, folder, config())
    again.advance(end)

    assert list(again.world.journal.read(FACTS)) == list(whole.world.journal.read(FACTS))
