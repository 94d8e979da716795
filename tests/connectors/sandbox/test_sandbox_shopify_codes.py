"""Many codes of one discount: queued, made when looked for, each by itself."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from connectors.base import ConnectorError
from connectors.sandbox.model import SHOPIFY
from connectors.sandbox.shopify_codes import PACE
from connectors.storefronts.shopify.admin import Admin
from tests.connectors.sandbox.sandbox_fake_world import small_world
from tests.connectors.sandbox.test_sandbox_shopify_api import BY_CODE, DISCOUNT, MINT
from tests.jobs.jobs_shopify import Shop, running_shop

ADD = """mutation($id:ID!,$codes:[DiscountRedeemCodeInput!]!){
discountRedeemCodeBulkAdd(discountId:$id,codes:$codes){
bulkCreation{id done codesCount failedCount} userErrors{field code}}}"""
LOOK = """query($id:ID!){discountRedeemCodeBulkCreation(id:$id){
done importedCount failedCount discountCode{id}
codes(first:250){nodes{code discountRedeemCode{code asyncUsageCount} errors{code}}}}}"""


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The emulated shop."""
    with running_shop(small_world()) as running:
        yield running


@pytest.fixture
def admin(shop: Shop) -> Admin:
    """Its API."""
    return shop.admin()


@pytest.fixture
def discount(admin: Admin) -> str:
    """A discount with a code of its own."""
    made = admin.run(MINT, {"d": DISCOUNT})["discountCodeBasicCreate"]
    return str(made["codeDiscountNode"]["id"])


def add(admin: Admin, discount: str, *codes: str) -> Any:
    """Have codes added."""
    asked = {"id": discount, "codes": [{"code": code} for code in codes]}
    return admin.run(ADD, asked)["discountRedeemCodeBulkAdd"]


def look(admin: Admin, added: Any) -> Any:
    """How far a creation is."""
    return admin.run(LOOK, {"id": added["bulkCreation"]["id"]})["discountRedeemCodeBulkCreation"]


def test_codes_are_there_once_their_creation_is_done(admin: Admin, discount: str) -> None:
    added = add(admin, discount, "ONE", "TWO")
    before = admin.run(BY_CODE, {"code": "one"})["codeDiscountNodeByCode"]

    seen = look(admin, added)

    assert (added["bulkCreation"]["done"], added["userErrors"], before) == (False, [], None)
    assert (seen["done"], seen["importedCount"], seen["failedCount"]) == (True, 2, 0)
    after = admin.run(BY_CODE, {"code": "one"})["codeDiscountNodeByCode"]
    assert after["id"] == seen["discountCode"]["id"] == discount


def test_a_slow_creation_needs_several_looks(shop: Shop, admin: Admin, discount: str) -> None:
    shop.world.remember(PACE, {"looks": 3})
    added = add(admin, discount, "ONE")

    assert [look(admin, added)["done"] for _ in range(4)] == [False, False, True, True]


def test_a_code_that_cannot_be_made_fails_alone(admin: Admin, discount: str) -> None:
    seen = look(admin, add(admin, discount, "ONE", "bday-7f3k", "X" * 256, " ", "one"))

    results = [(node["discountRedeemCode"] is None, *node["errors"]) for node in seen["codes"]["nodes"]]
    assert results == [
        (False,),
        (True, {"code": "TAKEN"}),
        (True, {"code": "TOO_LONG"}),
        (True, {"code": "BLANK"}),
        (True, {"code": "TAKEN"}),
    ]
    assert seen["failedCount"] == 4


def test_each_code_is_used_by_itself(shop: Shop, admin: Admin, discount: str) -> None:
    added = add(admin, discount, "ONE", "TWO")
    look(admin, added)
    place = [voucher.code for voucher in shop.world.vouchers].index("ONE")
    shop.world.vouchers[place] = replace(shop.world.vouchers[place], redeemed_by_order=2000)

    uses = {
        node["code"]: node["discountRedeemCode"]["asyncUsageCount"]
        for node in look(admin, added)["codes"]["nodes"]
    }

    assert uses == {"ONE": 1, "TWO": 0}
    found = admin.run(BY_CODE, {"code": "TWO"})["codeDiscountNodeByCode"]["codeDiscount"]
    assert (found["asyncUsageCount"], found["usageLimit"]) == (1, 1)
    two = shop.world.voucher(SHOPIFY, "TWO")
    assert two is not None
    assert two.redeemed_by_order is None


def test_a_discount_that_is_not_there_takes_no_codes(admin: Admin) -> None:
    added = add(admin, "gid://shopify/DiscountCodeNode/1", "ONE")

    assert (added["bulkCreation"], added["userErrors"]) == (
        None,
        [{"field": ["discountId"], "code": "INVALID"}],
    )


def test_more_codes_than_a_call_takes_are_refused(admin: Admin, discount: str) -> None:
    with pytest.raises(ConnectorError, match="MAX_INPUT_SIZE_EXCEEDED"):
        add(admin, discount, *(f"CODE-{number}" for number in range(251)))


def test_a_creation_that_nobody_began_is_none(admin: Admin) -> None:
    asked = {"id": "gid://shopify/DiscountRedeemCodeBulkCreation/1"}

    assert admin.run(LOOK, asked)["discountRedeemCodeBulkCreation"] is None
