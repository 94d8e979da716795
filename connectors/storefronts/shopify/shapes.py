"""The keys that are read of the longest bodies, so that nothing else of them is decoded.

An order writes its lines once more in each of its parcels, and each line under dozens of keys: to read the
few that tell us something takes a fourth of the time.
"""

from typing import Any, TypedDict


class Line(TypedDict, total=False):
    """A line of an order."""

    id: Any
    product_id: Any
    variant_id: Any
    title: Any
    name: Any
    quantity: Any
    current_quantity: Any
    price: Any
    price_set: Any
    total_discount: Any
    total_discount_set: Any
    discount_allocations: Any


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
