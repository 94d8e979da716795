"""Shopify's code discounts: what Ritorno mints, and how it is read back.

All codes of a discount carry its id; each is good for one use, whatever was done with the others (Shopify's
staff, community.shopify.dev topic 12269).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from connectors.sandbox.forms import gid, zulu
from connectors.sandbox.model import SHOPIFY, Voucher, WorldView
from connectors.sandbox.shopify_nodes import Node, connection_of
from connectors.sandbox.written import written

MAX_CODE = 255
FREE_SHIPPING = "free_shipping"
# whether it is wrong, the field, the error code, the message
Check = tuple[bool, str, str, str]


def create_basic(world: WorldView, discount: Mapping[str, Any]) -> Node:
    """Mint a code from a DiscountCodeBasicInput; a DiscountCodeBasicCreatePayload comes back."""
    errors = _errors(world, discount, "basicCodeDiscount", _value_checks(discount))
    if errors:
        return {"codeDiscountNode": None, "userErrors": errors}
    return _create(world, discount, _value(discount["customerGets"]["value"]))


def create_free_shipping(world: WorldView, discount: Mapping[str, Any]) -> Node:
    """Mint a code from a DiscountCodeFreeShippingInput."""
    destination = discount.get("destination")
    checks = ((not destination, "destination", "BLANK", "Destination can't be blank"),)
    errors = _errors(world, discount, "freeShippingCodeDiscount", checks)
    if errors:
        return {"codeDiscountNode": None, "userErrors": errors}
    return _create(world, discount, (FREE_SHIPPING, "0"))


def discount_node(world: WorldView, external_id: int) -> Node | None:
    """A DiscountCodeNode by the number of its id."""
    fact = written(world, "shopify_discount", "external_id").last_of(external_id)
    vouchers = _codes_of(world, external_id)
    if fact is None or not vouchers:
        return None
    voucher = vouchers[0]
    created = zulu(datetime.fromisoformat(str(fact["at"])))
    is_free = voucher.kind == FREE_SHIPPING
    return {
        "__typename": "DiscountCodeNode",
        "id": gid("DiscountCodeNode", external_id),
        "codeDiscount": {
            "__typename": "DiscountCodeFreeShipping" if is_free else "DiscountCodeBasic",
            "title": voucher.title,
            "status": _status(world, voucher),
            "startsAt": zulu(voucher.starts_at or world.now),
            "endsAt": zulu(voucher.expires_at) if voucher.expires_at else None,
            "createdAt": created,
            "updatedAt": created,
            "usageLimit": fact["usage_limit"],
            "appliesOncePerCustomer": fact["once_per_customer"],
            "asyncUsageCount": sum(map(_uses, vouchers)),
            "codes": connection_of(vouchers, redeem_code_node),
            "codesCount": {"count": len(vouchers), "precision": "EXACT"},
        },
    }


def redeem_code_node(voucher: Voucher) -> Node:
    """A DiscountRedeemCode."""
    number = int(sha256(voucher.code.upper().encode()).hexdigest()[:12], 16)
    return {
        "id": gid("DiscountRedeemCode", number),
        "code": voucher.code,
        "asyncUsageCount": _uses(voucher),
    }


def add_code(world: WorldView, external_id: int, code: str) -> tuple[Voucher | None, list[Node]]:
    """One more code of a discount, or the errors that forbid it."""
    checks: tuple[Check, ...] = (
        (not code.strip(), "code", "BLANK", "Code can't be blank"),
        (len(code) > MAX_CODE, "code", "TOO_LONG", "Code is too long (maximum is 255 characters)"),
        (_is_taken(world, code), "code", "TAKEN", "Code must be unique. Please try a different code."),
    )
    errors = [
        {"field": [field], "code": kind, "message": message, "extraInfo": None}
        for is_wrong, field, kind, message in checks
        if is_wrong
    ]
    if errors:
        return None, errors
    voucher = world.mint(replace(_codes_of(world, external_id)[0], code=code, redeemed_by_order=None))
    world.remember("shopify_code", {"discount": external_id, "code": code})
    return voucher, []


def discount_node_by_code(world: WorldView, code: str) -> Node | None:
    """A DiscountCodeNode by its code, whatever the case."""
    voucher = world.voucher(SHOPIFY, code)
    return None if voucher is None else discount_node(world, voucher.external_id)


def _create(world: WorldView, discount: Mapping[str, Any], value: tuple[str, str]) -> Node:
    ends_at = discount.get("endsAt")
    voucher = world.mint(
        Voucher(
            platform=SHOPIFY,
            external_id=0,
            code=discount["code"],
            kind=value[0],
            value=value[1],
            starts_at=datetime.fromisoformat(discount["startsAt"]),
            expires_at=datetime.fromisoformat(ends_at) if ends_at else None,
            title=discount["title"],
        )
    )
    fact = {
        "external_id": voucher.external_id,
        "code": voucher.code,
        "usage_limit": discount.get("usageLimit"),
        "once_per_customer": bool(discount.get("appliesOncePerCustomer")),
        "at": world.now.isoformat(),
    }
    world.remember("shopify_discount", fact)
    world.remember("shopify_code", {"discount": voucher.external_id, "code": voucher.code})
    return {"codeDiscountNode": discount_node(world, voucher.external_id), "userErrors": []}


def _codes_of(world: WorldView, external_id: int) -> list[Voucher]:
    """The codes of a discount, its own first."""
    facts = written(world, "shopify_code", "discount").all_of(external_id)
    found = (world.voucher(SHOPIFY, str(fact["code"])) for fact in facts)
    return [voucher for voucher in found if voucher is not None]


def _uses(voucher: Voucher) -> int:
    return 0 if voucher.redeemed_by_order is None else 1


def _is_taken(world: WorldView, code: str) -> bool:
    return bool(code) and world.voucher(SHOPIFY, code) is not None


def _errors(
    world: WorldView, discount: Mapping[str, Any], argument: str, own_checks: Sequence[Check]
) -> list[Node]:
    code = discount.get("code") or ""
    starts_at, ends_at = discount.get("startsAt"), discount.get("endsAt")
    is_backwards = bool(starts_at and ends_at) and _moment(ends_at) <= _moment(starts_at)
    checks: tuple[Check, ...] = (
        (not discount.get("title"), "title", "BLANK", "Title can't be blank"),
        (not code, "code", "BLANK", "Code can't be blank"),
        (len(code) > MAX_CODE, "code", "TOO_LONG", "Code is too long (maximum is 255 characters)"),
        (_is_taken(world, code), "code", "TAKEN", "Code must be unique. Please try a different code."),
        (not starts_at, "startsAt", "BLANK", "Starts at can't be blank"),
        (is_backwards, "endsAt", "END_DATE_BEFORE_START_DATE", "Ends at needs to be after starts_at"),
    )
    return [
        {"field": [argument, field], "code": kind, "message": message, "extraInfo": None}
        for is_wrong, field, kind, message in (*checks, *own_checks)
        if is_wrong
    ]


def _value_checks(discount: Mapping[str, Any]) -> tuple[Check, ...]:
    gets = discount.get("customerGets") or {}
    return (
        (not gets.get("items"), "customerGets", "MISSING_ARGUMENT", "Items must be specified"),
        (
            not _is_valid_value(gets.get("value")),
            "customerGets",
            "VALUE_OUTSIDE_RANGE",
            "Value must be between 0.0 and 1.0",
        ),
    )


def _moment(text: str | None) -> datetime:
    return datetime.fromisoformat(text or "")


def _is_valid_value(value: Mapping[str, Any] | None) -> bool:
    if not value:
        return False
    percentage = value.get("percentage")
    if percentage is not None:
        return 0 < float(percentage) <= 1
    amount = (value.get("discountAmount") or {}).get("amount")
    return amount is not None and Decimal(str(amount)) > 0


def _value(value: Mapping[str, Any]) -> tuple[str, str]:
    percentage = value.get("percentage")
    if percentage is not None:
        return "percent", format((Decimal(str(percentage)) * 100).normalize(), "f")
    return "amount", format(Decimal(str(value["discountAmount"]["amount"])).quantize(Decimal("0.01")), "f")


def _status(world: WorldView, voucher: Voucher) -> str:
    if voucher.expires_at is not None and voucher.expires_at <= world.now:
        return "EXPIRED"
    if voucher.starts_at is not None and voucher.starts_at > world.now:
        return "SCHEDULED"
    return "ACTIVE"
