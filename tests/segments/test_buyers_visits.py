"""When the buyers of a shop bought what: visits in the order of people and time, and spells after them."""

from datetime import timedelta

import pytest

from app.db import Database
from app.models import Order, OrderLine
from app.segments import visits
from app.segments.survival import Spell
from tests.conftest import NOW
from tests.seeds import add_customer, add_order, new_store

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def twice_is_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "FEWEST_GAPS", 2)


def test_visits_lie_person_by_person_in_the_order_of_time(database: Database) -> None:
    ana, bea, made = _shop(database)

    assert list(made.people) == [ana, ana, ana, bea, bea, bea]
    assert list(made.moments) == [
        int((NOW - days * DAY).timestamp() * 1_000_000) for days in (30, 20, 5, 40, 10, 3)
    ]


def test_two_orders_of_one_moment_are_one_purchase_and_what_is_rare_tells_nothing(database: Database) -> None:
    _, _, made = _shop(database)

    assert {product: list(places) for product, places in made.bought.items()} == {
        "coffee": [0, 1, 3, 4],
        "tea": [1, 2],
    }


def test_a_spell_lasts_until_the_same_person_s_next_visit_or_until_now(database: Database) -> None:
    ana, bea, made = _shop(database)

    assert list(made.spells(range(6), NOW)) == [
        Spell(10.0, True, ana),
        Spell(15.0, True, ana),
        Spell(5.0, False, ana),
        Spell(30.0, True, bea),
        Spell(7.0, True, bea),
        Spell(3.0, False, bea),
    ]
    assert list(made.spells([3], NOW)) == [Spell(30.0, True, bea)]


def _shop(database: Database) -> tuple[int, int, visits.Visits]:
    """Two people's orders, written down in another order than theirs; two of them were paid at one moment.

    The last one holds nothing that is known.
    """
    store_id = new_store(database)
    with database.write() as session:
        ana = add_customer(session, store_id, "ana").id
        bea = add_customer(session, store_id, "bea").id
        for person, days, products in (
            (bea, 10, ["coffee", "honey"]),
            (ana, 20, ["coffee", "coffee"]),
            (ana, 5, ["tea"]),
            (ana, 30, ["coffee"]),
            (bea, 40, ["coffee"]),
            (ana, 20, ["tea", "coffee"]),
            (bea, 3, []),
        ):
            order = add_order(session, store_id, person, placed_at=NOW - days * DAY)
            session.add_all(_line(order, place, product) for place, product in enumerate(products))
    with database.read() as session:
        return ana, bea, visits.of_buyers(session, store_id, every=1)


def _line(order: Order, place: int, product: str) -> OrderLine:
    return OrderLine(
        store_id=order.store_id,
        order_id=order.id,
        external_id=f"L{place}",
        product_external_id=product,
        title=product,
        quantity=1,
        current_quantity=1,
        total_minor=1000,
    )
