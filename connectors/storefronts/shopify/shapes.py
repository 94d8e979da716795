"""The keys that are read of the longest bodies, so that nothing else of them is decoded.

An order writes its lines once more in each of its parcels, and each line under dozens of keys: to read the
few that tell us something takes a fourth of the time. A line is read into a structure, which takes a third of
what asking an object for each key does.
"""

from typing import Annotated, Any, TypedDict, TypeGuard

from msgspec import Meta, Struct

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Whole = Annotated[int, Meta(ge=1 - 2**63, le=2**63 - 1)]


class Side(Struct):
    """One side of a money pair."""

    amount: str


class Pair(Struct):
    """A money pair; of the two sides the shop's own."""

    shop_money: Side


class Allocation(Struct):
    """A part of a discount that falls on a line."""

    amount_set: Pair


class Line(Struct):
    """A line of an order as nearly all are told: what else a line may be is read as any other object."""

    id: Id
    quantity: Whole
    price_set: Pair
    total_discount_set: Pair
    product_id: Id | None = None
    variant_id: Id | None = None
    title: str | None = None
    name: str | None = None
    current_quantity: Whole | None = None
    discount_allocations: list[Allocation] | None = None


def are_lines(value: object) -> TypeGuard[list[Line]]:
    """Whether an order's lines were all as nearly all are."""
    return isinstance(value, list) and bool(value) and isinstance(value[0], Line)


class Parcel(TypedDict, total=False):
    """A fulfillment, alone or inside an order."""

    id: Any
    admin_graphql_api_id: Any
    order_id: Any
    status: Any
    shipment_status: Any
    created_at: Any
    updated_at: Any


class Order(TypedDict, total=False):
    """An order as it is now."""

    id: Any
    admin_graphql_api_id: Any
    name: Any
    order_number: Any
    test: Any
    checkout_token: Any
    currency: Any
    financial_status: Any
    fulfillment_status: Any
    created_at: Any
    processed_at: Any
    updated_at: Any
    cancelled_at: Any
    closed_at: Any
    total_price: Any
    total_price_set: Any
    total_discounts: Any
    total_discounts_set: Any
    total_tax: Any
    total_tax_set: Any
    total_shipping_price_set: Any
    discount_codes: Any
    note_attributes: Any
    customer: Any
    customer_locale: Any
    email: Any
    contact_email: Any
    phone: Any
    billing_address: Any
    shipping_address: Any
    line_items: list[Line] | None
    fulfillments: list[Parcel] | None
    refunds: Any


BY_FAMILY: dict[str, type] = {"orders": Order, "fulfillments": Parcel}
"""The shape of a body by its topic's part before the slash."""
