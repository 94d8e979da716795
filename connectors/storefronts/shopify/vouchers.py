"""Vouchers as Shopify's discount codes: one native discount with many codes, each to be used once.

The limit of uses counts for each code by itself: with `usageLimit` 1 every code of the discount is good
once, for whoever holds it. A discount for one customer alone could carry that customer's code only, so
codes are not bound to an account: nobody can guess them, and none serves twice.

Codes are added asynchronously. One that is being made is no code yet; one whose fate is not known is added
again, and Shopify says that it is there.

Source: Admin GraphQL schema 2026-10 (DiscountCodeBasicInput, discountRedeemCodeBulkAdd). Of `usageLimit` it
says "the maximum number of times the discount can be redeemed"; that this is per code says Shopify's staff
at community.shopify.dev, topic 12269 (2025), not verified by us. Were it over all codes, the first use would
spend the discount: never would one code serve many.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import groupby

from connectors.base import ConnectorError, JsonObject
from connectors.storefronts.shopify import documents, fields
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.answers import readable, refusal_codes
from connectors.writing import VoucherResult, VoucherSpec

MOST_CODES = 250
"""What one call takes."""


def mint(admin: Admin, specs: Sequence[VoucherSpec]) -> Iterator[VoucherResult]:
    """Make codes, call by call; a call that fails for another reason than its codes is the last one."""
    for batch in _batches(specs):
        try:
            with readable():
                yield from _mint_batch(admin, batch)
        except ConnectorError as error:
            yield from (VoucherResult(spec.code, error=error) for spec in batch)
            if not error.permanent or error.status is not None:
                return


_TAKEN = "TAKEN"


def _batches(specs: Sequence[VoucherSpec]) -> Iterator[list[VoucherSpec]]:
    """What one call is about: the codes of a creation under way, or new ones of one discount."""

    def place(spec: VoucherSpec) -> tuple[str, str]:
        return spec.creation or "", spec.pool.key

    for _, group in groupby(sorted(specs, key=place), key=place):
        codes = list(group)
        yield from (codes[start : start + MOST_CODES] for start in range(0, len(codes), MOST_CODES))


def _mint_batch(admin: Admin, batch: Sequence[VoucherSpec]) -> list[VoucherResult]:
    """What is known of the codes after their call.

    Raises:
        ConnectorError: nothing is known of any of them.
    """
    creation = batch[0].creation or _add(admin, batch)
    answer = fields.child(admin.run(documents.VOUCHER_CREATION, {"id": creation}), "creation")
    if answer is None:
        # Shopify forgot it: the codes are added again, and those that exist are found then.
        return [VoucherResult(spec.code) for spec in batch]
    if not fields.flag(answer, "done"):
        return [VoucherResult(spec.code, creation=creation) for spec in batch]
    discount = fields.child(answer, "discountCode")
    external_id = fields.external_id(discount, "id") if discount else None
    failed = _failures(admin, creation) if fields.whole(answer, "failedCount") else {}
    return [
        _settled(admin, spec, failed.get(spec.code.upper(), set()))
        if spec.code.upper() in failed or external_id is None
        else VoucherResult(spec.code, external_id=external_id)
        for spec in batch
    ]


def _add(admin: Admin, batch: Sequence[VoucherSpec]) -> str:
    """Have the codes added to their discount; the name of what goes on."""
    discount = find(admin, batch[0].pool.key) or _create(admin, batch[0])
    asked = {
        "discount": f"gid://shopify/DiscountCodeNode/{discount}",
        "codes": [{"code": spec.code} for spec in batch],
    }
    added = fields.required_child(admin.run(documents.VOUCHER_ADD, asked), "added")
    _demand_success(added)
    return fields.required_text(fields.required_child(added, "bulkCreation"), "id")


def find(admin: Admin, code: str) -> str | None:
    """The external id of the discount that carries the code, or None."""
    answer = admin.run(documents.VOUCHER_BY_CODE, {"code": code})
    node = fields.child(answer, "codeDiscountNodeByCode")
    return fields.external_id(node, "id") if node else None


def _create(admin: Admin, spec: VoucherSpec) -> str:
    """Make the discount with the pool's own code; if somebody was faster, theirs."""
    is_free = spec.kind == "free_shipping"
    document = documents.VOUCHER_CREATE_FREE_SHIPPING if is_free else documents.VOUCHER_CREATE
    made = fields.required_child(admin.run(document, {"voucher": _input(spec)}), "made")
    if refusal_codes(made) == [_TAKEN]:
        existing = find(admin, spec.pool.key)
        if existing is not None:
            return existing
    _demand_success(made)
    return fields.external_id(fields.required_child(made, "codeDiscountNode"), "id")


def _demand_success(payload: JsonObject) -> None:
    codes = refusal_codes(payload)
    if codes:
        raise _refused(codes)


def _refused(codes: Sequence[str]) -> ConnectorError:
    return ConnectorError(f"Shopify refused the voucher ({', '.join(codes)})", permanent=True)


def _failures(admin: Admin, creation: str) -> dict[str, set[str]]:
    """The codes that a creation did not make, each with its error codes."""
    answer = fields.required_child(admin.run(documents.VOUCHER_CREATION_CODES, {"id": creation}), "creation")
    return {
        fields.required_text(node, "code").upper(): set(refusal_codes(node, "errors"))
        for node in fields.children(fields.required_child(answer, "codes"), "nodes")
        if fields.child(node, "discountRedeemCode") is None
    }


def _settled(admin: Admin, spec: VoucherSpec, refusals: set[str]) -> VoucherResult:
    """A code that is there was made by us, now or by a call whose answer was lost: nobody can guess it."""
    existing = find(admin, spec.code) if refusals <= {_TAKEN} else None
    if existing is not None:
        return VoucherResult(spec.code, external_id=existing)
    return VoucherResult(spec.code, error=_refused(sorted(refusals) or ["missing"]))


def _input(spec: VoucherSpec) -> JsonObject:
    common: JsonObject = {
        "title": spec.pool.title,
        "code": spec.pool.key,
        "startsAt": spec.starts_at.isoformat(),
        "endsAt": spec.pool.ends_at.isoformat(),
        "context": {"all": "ALL"},
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
    }
    if spec.kind == "free_shipping":
        return {**common, "destination": {"all": True}}
    return {**common, "customerGets": {"value": _value(spec), "items": _items(spec)}}


def _value(spec: VoucherSpec) -> JsonObject:
    if spec.kind == "percentage":
        return {"percentage": float(Decimal(spec.value) / 100)}
    if spec.kind == "amount":
        return {"discountAmount": {"amount": spec.value, "appliesOnEachItem": False}}
    raise ConnectorError("Shopify has no voucher of this kind", permanent=True)


def _items(spec: VoucherSpec) -> JsonObject:
    if not spec.product_external_ids:
        return {"all": True}
    chosen = [f"gid://shopify/Product/{external_id}" for external_id in spec.product_external_ids]
    return {"products": {"productsToAdd": chosen}}
