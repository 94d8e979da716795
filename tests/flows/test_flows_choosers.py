"""What a message speaks of: the products of a review ask, the complement of a cross-sell."""

from collections.abc import Mapping
from typing import Any

import pytest

from app.db import Database
from app.flows import choosers, goods
from app.flows.delays import review_delay_days
from app.flows.goods import OrderProduct
from app.flows.shop import LiveShop
from app.models import OrderLine, ProductCount, ProductPair
from tests.conftest import NOW
from tests.flows.flows_world import World
from tests.seeds import add_message, add_product

NOBODY: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("product_type", "days"),
    [
        ("Coffee", 7),
        ("FROZEN pizza", 7),
        ("Caffè in grani", 7),
        ("Women's shoes", 10),
        ("Electronics", 30),
        ("Frozen Electronics", 7),
        ("Watch", 14),
        ("Teapot", 14),
        ("", 14),
    ],
)
def test_how_long_a_product_wants_to_be_used(product_type: str, days: int) -> None:
    assert review_delay_days(product_type) == days


@pytest.mark.parametrize(
    ("products", "days"),
    [(("A", "B", "C", "D"), 10), (("A", "C"), 7), (("D", "A"), 30), (("A", "unknown"), 14), ((), 14)],
)
def test_of_an_order_the_three_dearest_products_decide_how_long(
    database: Database, products: tuple[str, ...], days: int
) -> None:
    world = World.open(database)
    with database.write() as session:
        for name, kind in {"A": "Coffee", "B": "Shoes", "C": "Coffee", "D": "Furniture"}.items():
            add_product(session, world.store_id, name, product_type=kind)

    with database.read() as session:
        found = choosers.longest_delay(LiveShop(session, world.store_id), _bought(products))

    assert found == days


def test_products_are_summed_over_their_lines_and_sorted_by_what_they_cost(database: Database) -> None:
    world = World.open(database)
    order_id = world.order(world.customer(), "100")
    other_id = world.order(world.customer(), "200")
    with database.write() as session:
        for number, (order, product, total) in enumerate(
            [
                (order_id, "B", 300),
                (order_id, "A", 500),
                (order_id, "B", 300),
                (order_id, None, 900),
                (order_id, "10", 500),
                (other_id, "A", 1),
            ]
        ):
            session.add(
                OrderLine(
                    store_id=world.store_id,
                    order_id=order,
                    external_id=str(number),
                    product_external_id=product,
                    title=f"Title {product}",
                    quantity=1,
                    current_quantity=1,
                    total_minor=total,
                )
            )

    with database.read() as session:
        found = goods.order_products(session, world.store_id, [order_id, other_id])

    assert [(item.external_id, item.total_minor) for item in found[order_id]] == [
        ("B", 600),
        ("10", 500),
        ("A", 500),
    ]
    assert [item.external_id for item in found[other_id]] == ["A"]


@pytest.mark.parametrize(
    ("status", "is_asked_again"),
    [
        ("queued", False),
        ("sent", False),
        ("unknown", False),
        ("bounced", False),
        ("stopped", True),
        ("expired", True),
        ("failed", True),
        ("cancelled", True),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_who_was_asked_about_a_product_is_not_asked_again(
    database: Database, status: str, *, is_asked_again: bool
) -> None:
    world = World.open(database)
    anna = world.customer()
    with database.write() as session:
        add_message(
            session, world.store_id, anna, flow_key="review", step="M3", status=status, asks_about='["A"]'
        )

    asked = _reviewed(world, anna, "A", "B", "C", "D")

    assert asked == (["A", "B", "C"] if is_asked_again else ["B", "C"])


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_others_were_asked_about_does_not_matter(database: Database) -> None:
    world = World.open(database)
    anna, bruno = world.customer(), world.customer()
    with database.write() as session:
        add_message(
            session, world.store_id, bruno, flow_key="review", step="M3", status="sent", asks_about='["A"]'
        )

    assert _reviewed(world, anna, "A") == ["A"]


def test_the_merchants_choice_comes_first_and_the_dearest_product_chooses(database: Database) -> None:
    world = _goods(database, {"A": ["Y"], "B": ["Z"], "Y": [], "Z": []})
    anna = world.customer()

    assert _complement(world, anna, "A", "B") == [{"external_id": "Y", "with": "Title A", "why": "merchant"}]
    assert [item["external_id"] for item in _complement(world, anna, "B", "A")] == ["Z"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_cannot_be_bought_or_is_owned_is_not_offered(database: Database) -> None:
    world = _goods(database, {"A": ["SOLD-OUT", "GONE", "OWNED", "UNKNOWN", "Z"], "Z": []})
    anna = world.customer()
    with database.write() as session:
        add_product(session, world.store_id, "SOLD-OUT", is_available=False)
        add_product(session, world.store_id, "GONE", deleted_at=NOW)
        add_product(session, world.store_id, "OWNED")
    world.order(anna, "100", "OWNED")

    assert [item["external_id"] for item in _complement(world, anna, "A")] == ["Z"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_came_back_with_a_cancelled_order_is_not_owned(database: Database) -> None:
    world = _goods(database, {"A": ["Z"], "Z": []})
    anna, bruno = world.customer(), world.customer()
    world.order(anna, "100", "Z", cancelled_at=NOW)
    world.order(bruno, "200", "Z")

    assert [item["external_id"] for item in _complement(world, anna, "A")] == ["Z"]
    assert _complement(world, bruno, "A") == []


def test_without_a_choice_what_most_of_its_buyers_bought_is_offered(database: Database) -> None:
    """Of 50 who bought A, 24 bought Y, too, and 20 Z: that nearly nobody buys Z without A tells nothing."""
    world = _goods(database, {"A": [], "Y": [], "Z": []})
    _pairs(world, {"A": 50, "Y": 200, "Z": 25}, {("A", "Y"): 24, ("A", "Z"): 20})
    anna = world.customer()

    assert _complement(world, anna, "A") == [
        {"external_id": "Y", "with": "Title of A", "why": "co-purchase", "together": 24, "of": 50}
    ]


def test_what_goes_with_several_of_their_things_wins_and_tells_the_best_reason(database: Database) -> None:
    """Y goes with A: 24 of 50. Z goes with A, 20 of 50, and with B of an earlier order: 20 of 40."""
    world = _goods(database, {"A": [], "B": [], "Y": [], "Z": []})
    _pairs(world, {"A": 50, "B": 40, "Y": 99, "Z": 99}, {("A", "Y"): 24, ("A", "Z"): 20, ("B", "Z"): 20})
    anna = world.customer()
    world.order(anna, "100", "B")

    assert _complement(world, anna, "A") == [
        {"external_id": "Z", "with": "Title of B", "why": "co-purchase", "together": 20, "of": 40}
    ]
    assert [item["external_id"] for item in _complement(world, world.customer(), "A")] == ["Y"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_less_than_twenty_orders_together_prove_nothing(database: Database) -> None:
    world = _goods(database, {"A": [], "Z": []})
    _pairs(world, {"A": 50, "Z": 25}, {("A", "Z"): 19})

    assert _complement(world, world.customer(), "A") == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_of_equals_the_lower_id_wins_as_text(database: Database) -> None:
    world = _goods(database, {"A": [], "9": [], "10": []})
    _pairs(world, {"A": 50, "9": 40, "10": 40}, {("A", "9"): 20, ("A", "10"): 20})

    assert [item["external_id"] for item in _complement(world, world.customer(), "A")] == ["10"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_next_best_is_offered_where_the_best_is_owned_or_sold_out(database: Database) -> None:
    world = _goods(database, {"A": [], "1": [], "3": []})
    with database.write() as session:
        add_product(session, world.store_id, "2", is_available=False)
    _pairs(world, {"A": 50, "1": 40, "2": 30, "3": 30}, {("A", "1"): 22, ("A", "2"): 21, ("A", "3"): 20})
    anna = world.customer()
    world.order(anna, "100", "1")

    assert [item["external_id"] for item in _complement(world, anna, "A")] == ["3"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_another_stores_pairs_and_goods_do_not_count(database: Database) -> None:
    ours = _goods(database, {"A": [], "Z": []})
    theirs = _goods(database, {"A": ["Z"], "Z": []}, word="theirs")
    _pairs(theirs, {"A": 50, "Z": 25}, {("A", "Z"): 20})

    assert _complement(ours, ours.customer(), "A") == []


def _bought(products: tuple[str, ...]) -> list[OrderProduct]:
    return [OrderProduct(name, f"Title {name}", 1000 - n) for n, name in enumerate(products)]


def _reviewed(world: World, customer_id: int, *products: str) -> list[str]:
    with world.database.read() as session:
        found = choosers.review_products(
            LiveShop(session, world.store_id), _bought(products), customer_id=customer_id, asked_now=NOBODY
        )
    return [item["external_id"] for item in found]


def _complement(world: World, customer_id: int, *products: str) -> list[Mapping[str, Any]]:
    """What is offered to somebody who has just bought these products."""
    world.order(customer_id, f"{customer_id}: {products}", *products)
    with world.database.read() as session:
        return choosers.complement(
            LiveShop(session, world.store_id), _bought(products), customer_id=customer_id, asked_now=NOBODY
        )


def _goods(database: Database, choices: dict[str, list[str]], word: str = "bottega") -> World:
    """A store that sells these products, each with the merchant's choices."""
    world = World.open(database, word=word)
    with database.write() as session:
        for product, chosen in choices.items():
            add_product(session, world.store_id, product, cross_sell_ids=chosen)
    return world


def _pairs(world: World, alone: dict[str, int], together: dict[tuple[str, str], int]) -> None:
    both = together | {(other, one): n for (one, other), n in together.items()}
    with world.database.write() as session:
        session.add_all(
            ProductCount(store_id=world.store_id, product_external_id=product, orders_count=n)
            for product, n in alone.items()
        )
        session.add_all(
            ProductPair(
                store_id=world.store_id,
                product_external_id=one,
                other_external_id=other,
                orders_count=n,
            )
            for (one, other), n in both.items()
        )
