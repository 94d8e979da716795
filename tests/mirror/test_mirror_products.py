from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.mirror import lookups
from app.models import Product, ProductVariant
from connectors.base import Money, Resource, VariantRecord
from tests.conftest import NOW
from tests.mirror.mirror_news import PLACED, product, tell
from tests.seeds import new_store, rows_of, values_of

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

LATER = PLACED + timedelta(hours=1)
CHOICES = ("categories", "cross_sell_ids", "up_sell_ids", "url")


def test_a_product_is_mirrored_with_its_variants(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, product())

    assert rows_of(database, Product, "external_id", "price_minor", "currency", *CHOICES) == [
        ("P1", 990, "EUR", ["Kitchen"], ["P2"], ["P3"], "https://bottega.example/p/P1")
    ]
    assert rows_of(database, ProductVariant, "external_id", "sku", "price_minor", "quantity") == [
        ("V1", "SKU-1", 990, 3)
    ]


def test_fields_that_the_news_do_not_carry_are_left_alone(database: Database) -> None:
    """Shopify's product webhooks name no collections and no complements."""
    store_id = new_store(database)
    silent: dict[str, Any] = {
        "url": None,
        "categories": None,
        "cross_sell_external_ids": None,
        "up_sell_external_ids": None,
    }
    tell(database, store_id, product())

    tell(database, store_id, product(title="New", updated_at=LATER, **silent), product("P9", **silent))

    assert rows_of(database, Product, "title", *CHOICES) == [
        ("New", ["Kitchen"], ["P2"], ["P3"], "https://bottega.example/p/P1"),
        ("Product P9", [], [], [], None),
    ]


def test_an_empty_choice_is_a_choice(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, product())

    tell(database, store_id, product(categories=(), cross_sell_external_ids=(), updated_at=LATER))

    assert rows_of(database, Product, *CHOICES) == [([], [], ["P3"], "https://bottega.example/p/P1")]


@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
def test_stale_news_change_neither_product_nor_variants(database: Database, *, together: bool) -> None:
    store_id = new_store(database)
    stale = product(title="Old", variants=(), updated_at=PLACED - timedelta(days=1))
    news = [product(), stale]

    for batch in [news] if together else [[item] for item in news]:
        tell(database, store_id, *batch)

    assert values_of(database, Product, "title") == ["Product P1"]
    assert values_of(database, ProductVariant, "external_id") == ["V1"]


def test_newer_news_replace_the_variants(database: Database) -> None:
    store_id = new_store(database)
    large = VariantRecord("V2", "Large", "SKU-2", Money("19.90", "EUR"), is_available=False)
    tell(database, store_id, product())

    tell(database, store_id, product(variants=(large,), updated_at=LATER))

    assert rows_of(database, ProductVariant, "external_id", "is_available", "quantity") == [
        ("V2", False, None)
    ]


def test_a_product_that_is_gone_cannot_be_bought_until_it_is_told_again(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, product())

    with database.write() as session:
        lookups.mark_gone(session, store_id, Resource.PRODUCTS, "P1", now=NOW)
    gone = rows_of(database, Product, "is_available", "deleted_at")
    tell(database, store_id, replace(product(), updated_at=NOW))

    assert gone == [(False, NOW)]
    assert rows_of(database, Product, "is_available", "deleted_at") == [(True, None)]
