"""Codes at the wire: one discount for many, each settled by itself, none believed before it is there."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import responses
from responses.registries import OrderedRegistry

from connectors.base import ConnectorError, Unauthorized
from connectors.storefronts.shopify.vouchers import MOST_CODES
from connectors.storefronts.shopify.writer import ShopifyWriter
from connectors.transport import StoreTransport
from connectors.writing import VoucherPool, VoucherResult, VoucherSpec

SHOP = "ritorno-test.myshopify.com"
URL = f"https://{SHOP}/admin/api/2026-10/graphql.json"
POOL = VoucherPool("POOL-7KQ2", "Ritorno welcome, 2026-10-31", datetime(2026, 10, 31, 23, tzinfo=UTC))
OTHER_POOL = VoucherPool("POOL-8LR3", "Ritorno birthday, 2026-10-31", datetime(2026, 10, 31, 23, tzinfo=UTC))
VOUCHER = VoucherSpec(
    code="GRAZIE-7KQ2",
    title="Thank you",
    kind="percentage",
    value="15",
    currency="EUR",
    starts_at=datetime(2026, 10, 1, tzinfo=UTC),
    expires_at=datetime(2026, 10, 31, 9, tzinfo=UTC),
    pool=POOL,
)
CREATION = "gid://shopify/DiscountRedeemCodeBulkCreation/5"
DISCOUNT = {"id": "gid://shopify/DiscountCodeNode/77"}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    """The shop's answers, each given once, in order; every one must be asked for."""
    with responses.RequestsMock(registry=OrderedRegistry) as mock:
        yield mock


def answer(wire: responses.RequestsMock, *answers: dict[str, Any]) -> list[responses.BaseResponse]:
    """The next answers of the shop."""
    return [wire.post(URL, json={"data": data}) for data in answers]


def mint(*specs: VoucherSpec) -> list[VoucherResult]:
    """What becomes of these codes."""
    writer = ShopifyWriter("https://{shop}", SHOP, "shpat_test", StoreTransport())
    return list(writer.mint_vouchers(specs))


def variables(call: responses.BaseResponse) -> Any:
    """What was asked with a call."""
    return json.loads(call.calls[0].request.body or "")["variables"]


def found(node: dict[str, str] | None) -> dict[str, Any]:
    """The discount that carries a code."""
    return {"codeDiscountNodeByCode": node}


def made(node: dict[str, str] | None, *codes: str) -> dict[str, Any]:
    """A discount made, or refused with codes."""
    errors = [{"field": ["code"], "code": code, "message": "zoe@example.com"} for code in codes]
    return {"made": {"codeDiscountNode": node, "userErrors": errors}}


def added(*codes: str) -> dict[str, Any]:
    """Codes being added, or refused altogether."""
    errors = [{"field": ["codes"], "code": code} for code in codes]
    return {"added": {"bulkCreation": None if codes else {"id": CREATION}, "userErrors": errors}}


def creation(*, is_done: bool = True, failed: int = 0) -> dict[str, Any]:
    """How far it is."""
    return {"creation": {"done": is_done, "failedCount": failed, "discountCode": DISCOUNT}}


def results_of_codes(codes: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Each code with its error, "" for none."""
    nodes = [
        {
            "code": code,
            "discountRedeemCode": None if error else {"id": "gid://shopify/DiscountRedeemCode/1"},
            "errors": [{"code": error}] if error else [],
        }
        for code, error in codes
    ]
    return {"creation": {"codes": {"nodes": nodes}}}


def test_the_first_code_of_a_pool_makes_its_discount(wire: responses.RequestsMock) -> None:
    calls = answer(wire, found(None), made(DISCOUNT), added(), creation())

    assert mint(VOUCHER) == [VoucherResult("GRAZIE-7KQ2", external_id="77")]
    assert variables(calls[0]) == {"code": "POOL-7KQ2"}
    assert variables(calls[1])["voucher"] == {
        "title": "Ritorno welcome, 2026-10-31",
        "code": "POOL-7KQ2",
        "startsAt": "2026-10-01T00:00:00+00:00",
        "endsAt": "2026-10-31T23:00:00+00:00",
        "context": {"all": "ALL"},
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
        "customerGets": {"value": {"percentage": 0.15}, "items": {"all": True}},
    }
    assert variables(calls[2]) == {"discount": DISCOUNT["id"], "codes": [{"code": "GRAZIE-7KQ2"}]}
    assert variables(calls[3]) == {"id": CREATION}


def test_later_codes_join_the_discount_in_one_call(wire: responses.RequestsMock) -> None:
    calls = answer(wire, found(DISCOUNT), added(), creation())

    results = mint(VOUCHER, replace(VOUCHER, code="GRAZIE-2"), replace(VOUCHER, code="GRAZIE-3"))

    assert {result.external_id for result in results} == {"77"}
    assert len(variables(calls[1])["codes"]) == 3


def test_no_call_has_more_codes_than_shopify_takes(wire: responses.RequestsMock) -> None:
    calls = answer(wire, *[found(DISCOUNT), added(), creation()] * 2)
    codes = [replace(VOUCHER, code=f"GRAZIE-{number}") for number in range(MOST_CODES + 1)]

    assert len(mint(*codes)) == MOST_CODES + 1
    assert [len(variables(call)["codes"]) for call in (calls[1], calls[4])] == [MOST_CODES, 1]


def test_codes_of_other_worth_have_a_discount_of_their_own(wire: responses.RequestsMock) -> None:
    calls = answer(wire, found(None), made(DISCOUNT), added(), creation())
    calls += answer(wire, found(None), made({"id": "gid://shopify/DiscountCodeNode/78"}), added(), creation())
    free = replace(VOUCHER, code="FREE-1", kind="free_shipping", value="0", pool=OTHER_POOL)

    mint(VOUCHER, free)

    assert variables(calls[5])["voucher"]["destination"] == {"all": True}
    assert "discountCodeFreeShippingCreate" in str(calls[5].calls[0].request.body)


def test_an_amount_for_some_products(wire: responses.RequestsMock) -> None:
    calls = answer(wire, found(None), made(DISCOUNT), added(), creation())

    mint(replace(VOUCHER, kind="amount", value="5.00", product_external_ids=("5", "6")))

    assert variables(calls[1])["voucher"]["customerGets"] == {
        "value": {"discountAmount": {"amount": "5.00", "appliesOnEachItem": False}},
        "items": {"products": {"productsToAdd": ["gid://shopify/Product/5", "gid://shopify/Product/6"]}},
    }


def test_a_discount_that_somebody_made_meanwhile_is_taken(wire: responses.RequestsMock) -> None:
    answer(wire, found(None), made(None, "TAKEN"), found(DISCOUNT), added(), creation())

    assert mint(VOUCHER) == [VoucherResult("GRAZIE-7KQ2", external_id="77")]


def test_a_code_that_is_being_made_is_no_code_yet(wire: responses.RequestsMock) -> None:
    answer(wire, found(DISCOUNT), added(), creation(is_done=False))

    assert mint(VOUCHER) == [VoucherResult("GRAZIE-7KQ2", creation=CREATION)]


def test_what_is_being_made_is_asked_for_by_its_name_alone(wire: responses.RequestsMock) -> None:
    calls = answer(wire, creation())

    assert mint(replace(VOUCHER, creation=CREATION)) == [VoucherResult("GRAZIE-7KQ2", external_id="77")]
    assert variables(calls[0]) == {"id": CREATION}


def test_a_creation_that_shopify_forgot_is_begun_anew_next_time(wire: responses.RequestsMock) -> None:
    answer(wire, {"creation": None})

    assert mint(replace(VOUCHER, creation=CREATION)) == [VoucherResult("GRAZIE-7KQ2")]


def test_each_failure_is_its_own_and_a_code_that_is_there_is_ours(wire: responses.RequestsMock) -> None:
    codes = [("GOOD-1", ""), ("THERE-1", "TAKEN"), ("BAD-1", "TOO_LONG"), ("GONE-1", "TAKEN")]
    answer(wire, found(DISCOUNT), added(), creation(failed=3), results_of_codes(codes))
    answer(wire, found({"id": "gid://shopify/DiscountCodeNode/70"}), found(None))

    results = {result.code: result for result in mint(*(replace(VOUCHER, code=code) for code, _ in codes))}

    assert results["GOOD-1"].external_id == "77"
    assert results["THERE-1"].external_id == "70"
    assert str(results["BAD-1"].error) == "Shopify refused the voucher (TOO_LONG)"
    assert str(results["GONE-1"].error) == "Shopify refused the voucher (TAKEN)"


def test_a_code_that_is_missing_from_what_was_made_is_not_believed(wire: responses.RequestsMock) -> None:
    nodes = {"creation": {"codes": {"nodes": [{"code": VOUCHER.code, "errors": []}]}}}
    answer(wire, found(DISCOUNT), added(), creation(failed=1), nodes, found(None))

    [result] = mint(VOUCHER)

    assert (result.external_id, str(result.error)) == (None, "Shopify refused the voucher (missing)")


@pytest.mark.parametrize("codes", [("INVALID",), ("TAKEN", "INVALID")])
def test_a_refused_discount_is_refused_for_good_and_keeps_no_other_waiting(
    codes: tuple[str, ...], wire: responses.RequestsMock
) -> None:
    answer(wire, found(None), made(None, *codes), found(DISCOUNT), added(), creation())

    first, second = mint(VOUCHER, replace(VOUCHER, code="NEXT-1", pool=OTHER_POOL))

    assert first.error is not None
    assert first.error.permanent
    assert "zoe@example.com" not in str(first.error)
    assert second.external_id == "77"


def test_a_kind_of_voucher_that_shopify_lacks_is_never_asked_for(wire: responses.RequestsMock) -> None:
    answer(wire, found(None))

    [result] = mint(replace(VOUCHER, kind="gift"))

    assert result.error is not None
    assert result.error.permanent


@pytest.mark.parametrize(("status", "error"), [(503, ConnectorError), (401, Unauthorized)])
def test_a_shop_that_fails_is_not_asked_for_the_rest(
    status: int, error: type[ConnectorError], wire: responses.RequestsMock
) -> None:
    wire.post(URL, status=status)

    results = mint(VOUCHER, replace(VOUCHER, code="NEXT-1", pool=OTHER_POOL))

    assert [(result.code, type(result.error)) for result in results] == [("GRAZIE-7KQ2", error)]
