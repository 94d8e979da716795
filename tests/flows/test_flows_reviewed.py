"""Nobody is asked to review what they have reviewed: not chosen, not sent, not reminded of."""

from datetime import timedelta

import pytest

from app.db import Database
from app.flows import choosers
from app.flows.definition import Message, recipe
from app.flows.goods import OrderProduct
from app.flows.shop import LiveShop
from app.messaging.reviewed import CONDITION
from app.models import Review
from app.runtime import Runtime
from jobs.outbox import run
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop
from tests.seeds import new_store


def _review(database: Database, store_id: int, customer_id: int | None, product: str, status: str) -> None:
    with database.write() as session:
        session.add(
            Review(
                store_id=store_id,
                source="woocommerce",
                external_id=f"{customer_id}-{product}",
                product_external_id=product,
                customer_id=customer_id,
                email="anna@example.com",
                rating=4,
                text="",
                status=status,
                is_verified=True,
                written_at=NOW - timedelta(days=1),
            )
        )


def _chosen(database: Database, store_id: int) -> list[str]:
    bought = [OrderProduct(name, name, 1000) for name in "ABC"]
    with database.read() as session:
        found = choosers.review_products(
            LiveShop(session, store_id), bought, customer_id=1, asked_now=frozenset()
        )
    return [item["external_id"] for item in found]


@pytest.mark.parametrize(
    ("status", "left"),
    [("approved", ["A", "C"]), ("held", ["A", "C"]), ("spam", ["A", "B", "C"]), ("trash", ["A", "B", "C"])],
)
def test_a_reviewed_product_is_not_chosen(database: Database, status: str, left: list[str]) -> None:
    store_id = new_store(database)
    _review(database, store_id, 1, "B", status)

    assert _chosen(database, store_id) == left


@pytest.mark.parametrize("engine", ["sqlite"])
def test_reviews_of_others_and_in_other_shops_do_not_count(database: Database) -> None:
    store_id, other_id = new_store(database), new_store(database, "other")
    _review(database, store_id, 2, "A", "approved")
    _review(database, store_id, None, "B", "approved")
    _review(database, other_id, 1, "C", "approved")

    assert _chosen(database, store_id) == ["A", "B", "C"]


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def _ask(shop: Shop, customer_id: int, *conditions: str) -> int:
    products = [{"external_id": name, "title": name} for name in "AB"]
    context = {"content": "welcome/W2", "only_if": list(conditions), "products": products}
    return shop.add_message(customer_id, context=context)


def test_an_ask_that_was_answered_meanwhile_stays_home(shop: Shop) -> None:
    anna, bruno = shop.add_subscriber(), shop.add_subscriber()
    asked = [_ask(shop, anna, CONDITION), _ask(shop, bruno, CONDITION), _ask(shop, anna)]
    _review(shop.database, shop.id, anna, "B", "held")

    run(shop.kit(Post()), NOW)

    rows = [shop.message(number) for number in asked]
    assert [(row.status, row.reason) for row in rows[:2]] == [("stopped", "trigger-false"), ("sent", None)]
    assert rows[2].reason != "trigger-false"


@pytest.mark.parametrize("step", ["M3", "M3R"])
def test_the_ask_and_its_reminder_carry_the_condition(step: str) -> None:
    (message,) = [
        one
        for entry in recipe("review").entries
        for one in entry.steps
        if isinstance(one, Message) and one.name == step
    ]

    assert CONDITION in message.only_if
