"""Vouchers as Shopify's discount codes: a code for one customer, to be used once.

Source: Admin GraphQL schema 2026-10, DiscountCodeBasicInput; `context` replaces `customerSelection`.
"""

from decimal import Decimal

from connectors.base import ConnectorError, JsonObject, VoucherSpec
from connectors.storefronts.shopify import documents, fields
from connectors.storefronts.shopify.admin import Admin


def find(admin: Admin, code: str) -> str | None:
    """The external id of the discount that carries the code, or None."""
    answer = admin.run(documents.VOUCHER_BY_CODE, {"code": code})
    node = fields.child(answer, "codeDiscountNodeByCode")
    return fields.external_id(node, "id") if node else None


def mint(admin: Admin, spec: VoucherSpec) -> str:
    """Make the code and return its external id; if the code exists already, that one's.

    Raises:
        ConnectorError: Shopify refused the voucher; permanent.
    """
    free = spec.kind == "free_shipping"
    document = documents.VOUCHER_CREATE_FREE_SHIPPING if free else documents.VOUCHER_CREATE
    answer = admin.run(document, {"voucher": _input(spec)})
    made = fields.required_child(answer, "made")
    errors = fields.children(made, "userErrors")
    if not errors:
        return fields.external_id(fields.required_child(made, "codeDiscountNode"), "id")
    codes = {fields.text(error, "code") or "unnamed" for error in errors}
    # A lost answer left the code behind: it is deterministic, so it is ours.
    existing = find(admin, spec.code) if codes == {_TAKEN} else None
    if existing is None:
        raise ConnectorError(f"Shopify refused the voucher ({', '.join(sorted(codes))})", permanent=True)
    return existing


_TAKEN = "TAKEN"


def _input(spec: VoucherSpec) -> JsonObject:
    common: JsonObject = {
        "title": spec.title,
        "code": spec.code,
        "startsAt": spec.starts_at.isoformat(),
        "endsAt": spec.expires_at.isoformat(),
        "context": _context(spec),
        "usageLimit": 1,
        "appliesOncePerCustomer": True,
    }
    if spec.kind == "free_shipping":
        return {**common, "destination": {"all": True}}
    return {**common, "customerGets": {"value": _value(spec), "items": _items(spec)}}


def _context(spec: VoucherSpec) -> JsonObject:
    if spec.customer_external_id is None:
        return {"all": "ALL"}
    return {"customers": {"add": [f"gid://shopify/Customer/{spec.customer_external_id}"]}}


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
