"""What is read of an order's delivery, so that nothing else of it is decoded.

A line is read into a structure, which takes a third of what asking an object for each key does. Plugins write
lines in other ways, too: such an order is read whole, as any other object.
"""

from typing import Annotated, Any, TypedDict, TypeGuard

from msgspec import Meta, Struct, structs

from connectors import exact_json
from connectors.base import JsonObject
from connectors.storefronts.woocommerce.payload import entries, parse_in_part, parse_object


class Line(Struct):
    """A line of an order as nearly all are told; 0 is no product."""

    id: Annotated[int, Meta(ge=1, le=2**63 - 1)]
    quantity: Annotated[int, Meta(ge=0, lt=10**9)]
    name: str | None = None
    total: str | None = None
    product_id: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None
    variation_id: Annotated[int, Meta(ge=0, le=2**63 - 1)] | None = None


class Order(TypedDict, total=False):
    """An order as it is now, or the error that was delivered instead of it."""

    id: Any
    code: Any
    data: Any
    number: Any
    status: Any
    created_via: Any
    version: Any
    currency: Any
    total: Any
    discount_total: Any
    total_tax: Any
    shipping_total: Any
    customer_id: Any
    email: Any
    billing: Any
    payment_url: Any
    date_created_gmt: Any
    date_modified_gmt: Any
    date_paid_gmt: Any
    date_completed_gmt: Any
    meta_data: Any
    coupon_lines: Any
    refunds: Any
    line_items: list[Line] | None
    _links: Any


def order(body: bytes) -> JsonObject:
    """The order in a delivery, which WordPress writes in ASCII; raises as `payload.parse_object` does."""
    return parse_in_part(body, _read) if body.isascii() else parse_object(body)


def are_lines(value: object) -> TypeGuard[list[Line]]:
    """Whether an order's lines were all as nearly all are."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Line)


def lines_of(payload: JsonObject) -> list[JsonObject]:
    """An order's lines as objects, however they were read."""
    lines = payload.get("line_items")
    return [structs.asdict(line) for line in lines] if are_lines(lines) else entries(payload, "line_items")


_read = exact_json.reader_of(Order)
