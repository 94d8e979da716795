"""Product payloads as Records."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Deletion, Money, ProductRecord, Resource
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.records import records
from tests.connectors.woocommerce.woo_wire import Answers, Deliveries, only

PLAIN = MetaMapping()
AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def test_a_product_carries_price_stock_and_category(delivery: Deliveries) -> None:
    updated = delivery("hpos_015_product_updated")

    product = only(records("product.updated", updated.body, MetaMapping(currency="EUR"), AT), ProductRecord)

    assert (product.external_id, product.title) == ("38", "Miscela «Crème» 250 g")
    assert (product.status, product.is_available, product.product_type) == ("active", True, "Caffè H")
    assert product.categories == ("Caffè H",)
    assert product.url == "http://127.0.0.1:8088/product/miscela-creme-250-g-2/"
    [variant] = product.variants
    assert (variant.external_id, variant.sku, variant.quantity) == ("38", "CAF-251", 48)
    assert variant.price == Money("13.50", "EUR")


def test_names_lose_their_html_entities(delivery: Deliveries) -> None:
    created = delivery("hpos_001_product_created")
    body = created.payload(name="Tea &amp; Co", categories=[{"id": 1, "name": "Tea &amp; more"}])

    product = only(records("product.updated", body, PLAIN, AT), ProductRecord)

    assert (product.title, product.categories) == ("Tea & Co", ("Tea & more",))


def test_a_variable_product_names_its_variations(rest_answer: Answers) -> None:
    cup = next(row for row in rest_answer("rest_products_modified_after") if row["type"] == "variable")

    product = only(records("product.updated", json.dumps(cup).encode(), PLAIN, AT), ProductRecord)

    assert [variant.external_id for variant in product.variants] == [str(cup["variations"][0])]


def test_a_merchants_own_choices_are_kept(delivery: Deliveries) -> None:
    created = delivery("hpos_001_product_created")
    body = created.payload(cross_sell_ids=[39, 40], upsell_ids={"0": 41, "2": 42})

    product = only(records("product.updated", body, PLAIN, AT), ProductRecord)

    assert product.cross_sell_external_ids == ("39", "40")
    assert product.up_sell_external_ids == ("41", "42")


@pytest.mark.parametrize(
    ("changes", "status", "is_available"),
    [
        ({"status": "draft"}, "draft", False),
        ({"status": "private"}, "draft", False),
        ({"stock_status": "outofstock"}, "active", False),
        ({"stock_status": "onbackorder"}, "active", True),
        ({"catalog_visibility": "hidden"}, "active", False),
        ({"purchasable": False}, "active", False),
        ({"price": "", "purchasable": False, "status": "draft"}, "draft", False),
    ],
)
def test_drafts_and_sold_out_products_are_not_available(
    delivery: Deliveries, changes: dict[str, Any], status: str, is_available: bool
) -> None:
    created = delivery("hpos_001_product_created")

    product = only(records("product.created", created.payload(**changes), PLAIN, AT), ProductRecord)

    assert (product.status, product.is_available) == (status, is_available)


def test_a_product_in_the_trash_is_a_deletion(delivery: Deliveries) -> None:
    created = delivery("hpos_001_product_created")

    deletion = only(records("product.updated", created.payload(status="trash"), PLAIN, AT), Deletion)

    assert deletion == Deletion(Resource.PRODUCTS, "38", datetime(2026, 11, 22, 1, 55, 31, tzinfo=UTC))
