"""The inbox's tick: a row that fails stands alone, and a storm at one shop keeps no other waiting."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from app import clock, inbox
from app.errors import AppError
from app.models import Fulfillment, Order, Product
from app.runtime import Runtime
from jobs.guard import PAUSES
from jobs.inbox import BATCH, run
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import body_of, delivered, delivery, kit_of, product_body, receive

STORM = 2_000
SHARE = 300
"""How many rows of each of two shops one round reads."""


@pytest.fixture
def store_id(runtime: Runtime) -> int:
    """A shop on Shopify."""
    return seeds.new_store(runtime.database, platform="shopify")


def early_parcel(store_id: int) -> dict[str, object]:
    """News of a parcel whose order has not arrived."""
    return delivery(store_id, "fulfillments/create", body_of("fulfillments/create"), "early")


def wear_out(runtime: Runtime) -> list[float]:
    """Run at each moment at which the early parcel is due, until it rests; the pauses in seconds."""
    pauses: list[float] = []
    moment: datetime = NOW
    for _ in range(20):
        run(kit_of(runtime), moment)
        row = delivered(runtime.database, "early")
        if row.status == "dead":
            break
        pauses.append((row.next_at - moment).total_seconds())
        moment = row.next_at
    return pauses


def test_a_row_that_fails_is_put_off_alone(runtime: Runtime, store_id: int) -> None:
    before = delivery(store_id, "products/create", product_body(1), "before")
    after = delivery(store_id, "products/create", product_body(2), "after")
    receive(runtime.database, [before, early_parcel(store_id), after])

    run(kit_of(runtime), NOW)

    row = delivered(runtime.database, "early")
    assert (row.status, row.attempts) == ("retrying", 1)
    assert row.next_at > NOW
    assert "has not arrived yet" in row.error
    assert [delivered(runtime.database, key).status for key in ("before", "after")] == ["done", "done"]
    assert seeds.values_of(runtime.database, Product, "external_id") == ["1", "2"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_row_that_is_put_off_is_left_alone_until_its_moment(runtime: Runtime, store_id: int) -> None:
    receive(runtime.database, [early_parcel(store_id)])
    run(kit_of(runtime), NOW)
    before = delivered(runtime.database, "early")

    run(kit_of(runtime), NOW)

    assert delivered(runtime.database, "early") == before


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_row_that_always_fails_rests_as_dead_after_all_pauses(runtime: Runtime, store_id: int) -> None:
    receive(runtime.database, [early_parcel(store_id)])

    pauses = wear_out(runtime)

    expected = [pause.total_seconds() for pause in PAUSES]
    assert len(pauses) == len(expected)
    assert pauses == pytest.approx(expected, rel=0.101)
    row = delivered(runtime.database, "early")
    assert (row.status, row.attempts) == ("dead", len(PAUSES))
    assert row.body == body_of("fulfillments/create")


def test_a_dead_row_is_replayed_once_its_order_is_there(runtime: Runtime, store_id: int) -> None:
    receive(runtime.database, [early_parcel(store_id)])
    wear_out(runtime)
    receive(runtime.database, [delivery(store_id, "orders/create", body_of("orders/create"), "order")])
    run(kit_of(runtime), NOW)
    dead = delivered(runtime.database, "early")
    with runtime.database.write() as session:
        replayed = inbox.replay(session, [dead.id], NOW)

    run(kit_of(runtime), NOW)

    row = delivered(runtime.database, "early")
    assert replayed == 1
    assert (row.status, row.error) == ("done", None)
    assert len(seeds.rows_of(runtime.database, Order, "id")) == 1
    assert len(seeds.rows_of(runtime.database, Fulfillment, "external_id")) == 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_only_what_rests_as_dead_can_be_replayed(runtime: Runtime, store_id: int) -> None:
    receive(runtime.database, [early_parcel(store_id)])
    waiting = delivered(runtime.database, "early")

    with pytest.raises(AppError), runtime.database.write() as session:
        inbox.replay(session, [waiting.id], NOW)


def test_an_order_of_arrival_that_was_wrong_mends_itself(runtime: Runtime, store_id: int) -> None:
    receive(runtime.database, [early_parcel(store_id)])
    run(kit_of(runtime), NOW)
    receive(runtime.database, [delivery(store_id, "orders/create", body_of("orders/create"), "order")])

    run(kit_of(runtime), delivered(runtime.database, "early").next_at)

    assert delivered(runtime.database, "early").status == "done"


def test_a_shops_storm_keeps_another_shop_waiting_for_one_share_at_most(
    runtime: Runtime, store_id: int
) -> None:
    quiet_id = seeds.new_store(runtime.database, "quiet", platform="shopify")
    storm = [
        delivery(store_id, "products/create", product_body(number), f"storm-{number}")
        for number in range(1, STORM + 1)
    ]
    receive(runtime.database, [*storm, delivery(quiet_id, "products/create", product_body(1), "quiet")])

    run(kit_of(runtime), NOW)

    order = seeds.values_of(runtime.database, Product, "store_id")
    assert len(order) == STORM + 1
    assert order.index(quiet_id) == SHARE


def test_what_comes_in_the_middle_of_anothers_storm_is_read_in_the_next_round(
    runtime: Runtime, store_id: int
) -> None:
    quiet_id = seeds.new_store(runtime.database, "quiet", platform="shopify")
    storm = [
        delivery(store_id, "products/create", product_body(number), f"storm-{number}")
        for number in range(1, 3 * BATCH + 1)
    ]
    later = {"next_at": NOW + timedelta(milliseconds=1)}
    receive(runtime.database, [*storm, delivery(quiet_id, "products/create", product_body(1), "q", **later)])
    clock.travel_to(None)

    run(kit_of(runtime), NOW)

    assert seeds.values_of(runtime.database, Product, "store_id").index(quiet_id) == BATCH + SHARE


@pytest.mark.parametrize("engine", ["sqlite"])
def test_deliveries_of_a_shop_that_nobody_knows_are_ignored(runtime: Runtime, store_id: int) -> None:
    receive(runtime.database, [delivery(0, "products/create", product_body(1), "stranger")])

    run(kit_of(runtime), NOW)

    row = delivered(runtime.database, "stranger")
    assert (row.status, row.error) == ("ignored", "unknown shop")
    assert seeds.rows_of(runtime.database, Product) == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_what_follows_from_a_delivery_is_written_behind_the_wall_of_its_store(
    runtime: Runtime, store_id: int
) -> None:
    """Only whose it is, is asked over all stores."""
    receive(runtime.database, [delivery(store_id, "products/create", product_body(1), "walled")])
    kit, scopes = kit_of(runtime), []

    def note(session: Session) -> None:
        scopes.append(session.execute(text("SELECT current_setting('app.store', true)")).scalar_one())

    event.listen(Session, "before_commit", note)
    try:
        run(kit, NOW)
    finally:
        event.remove(Session, "before_commit", note)

    assert scopes == [str(store_id)]
    assert delivered(runtime.database, "walled").status == "done"
