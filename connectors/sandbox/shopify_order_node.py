"""Shopify's GraphQL order as a plain dict, as of now."""

from typing import Any

from graphql import GraphQLResolveInfo

from connectors.sandbox.consents import email_consent
from connectors.sandbox.forms import gid, money, token_of, unit_price, zulu
from connectors.sandbox.lifecycle import OrderState, state_of
from connectors.sandbox.model import CURRENCY, Line, Order, Shopper, WorldView
from connectors.sandbox.shopify_lines import order_name
from connectors.sandbox.shopify_nodes import Node, address_node, connection_of
from connectors.sandbox.shopify_orders import extra_fields, financial_status


def order_node(world: WorldView, order: Order) -> Node:
    """An order; `household` leads the schema to the customer.

    Raises:
        KeyError: the order's shopper is unknown.
    """
    shopper = world.shopper(order.household)
    if shopper is None:
        raise KeyError(order.household)
    state = state_of(order, world.now)
    return {
        **_identity(order, shopper, state),
        **_status(order, state),
        **_amounts(order, state),
        "household": order.household,
        "customerAcceptsMarketing": email_consent(world, shopper, order.placed_at).is_given,
        "customerJourneySummary": lambda _info: _journey(order),
        "customAttributes": [
            {"key": name, "value": value} for name, value in extra_fields(order, shopper).items()
        ],
        "billingAddress": lambda _info: address_node(shopper, order.basket * 10 + 6),
        "shippingAddress": lambda _info: address_node(shopper, order.basket * 10 + 7),
        "discountCodes": lambda _info: list(world.redeemed_codes(order.basket)),
        "discountCode": lambda _info: next(iter(world.redeemed_codes(order.basket)), None),
        "lineItems": connection_of(order.lines, lambda line: _line(world, line, state)),
        "fulfillments": _fulfillments(order, state),
        "refunds": lambda _info, first=None: _refunds(world, order, state)[:first],
    }


def bag(minor: int) -> Node:
    """GraphQL's pair of shop and presentment money, of cents."""
    amount = {"amount": money(minor), "currencyCode": CURRENCY}
    return {"shopMoney": amount, "presentmentMoney": amount}


def _identity(order: Order, shopper: Shopper, state: OrderState) -> Node:
    placed = zulu(order.placed_at)
    return {
        "__typename": "Order",
        "id": gid("Order", order.basket),
        "legacyResourceId": str(order.basket),
        "name": order_name(order),
        "email": shopper.email,
        "phone": shopper.phone or None,
        "note": None,
        "tags": [],
        "test": False,
        "confirmed": True,
        "closed": False,
        "closedAt": None,
        "sourceName": "web",
        "customerLocale": shopper.locale,
        "cartToken": lambda _info: token_of("cart", order.basket)[:32],
        "checkoutToken": lambda _info: token_of("checkout", order.basket)[:32],
        "createdAt": placed,
        "processedAt": placed,
        "updatedAt": zulu(state.updated_at),
        "currencyCode": CURRENCY,
        "presentmentCurrencyCode": CURRENCY,
    }


def _status(order: Order, state: OrderState) -> Node:
    return {
        "cancelReason": "CUSTOMER" if state.cancelled_at else None,
        "cancelledAt": zulu(state.cancelled_at) if state.cancelled_at else None,
        "displayFinancialStatus": financial_status(state).upper(),
        "displayFulfillmentStatus": "FULFILLED" if state.fulfilled_at else "UNFULFILLED",
        "fullyPaid": state.paid_at is not None,
    }


def _amounts(order: Order, state: OrderState) -> Node:
    return {
        "totalPriceSet": bag(order.total_minor),
        "subtotalPriceSet": lambda _info: bag(order.total_minor),
        "currentTotalPriceSet": bag(order.total_minor - state.refunded_minor),
        "totalDiscountsSet": lambda _info: bag(order.discount_minor),
        "currentTotalDiscountsSet": lambda _info: bag(order.discount_minor),
        "totalRefundedSet": bag(state.refunded_minor),
        "totalShippingPriceSet": lambda _info: bag(0),
        "totalTaxSet": lambda _info: bag(0),
    }


def _unit_bag(line: Line) -> Node:
    price = unit_price(line.total_minor + line.discount_minor, line.quantity)
    amount = {"amount": price, "currencyCode": CURRENCY}
    return {"shopMoney": amount, "presentmentMoney": amount}


def _journey(order: Order) -> Node:
    visit = {
        "id": gid("CustomerVisit", order.basket * 10 + 8),
        "landingPage": "https://sandbox-aurora.example/",
        "referrerUrl": None,
        "source": "direct",
        "occurredAt": zulu(order.placed_at),
        "utmParameters": None,
    }
    return {
        "ready": True,
        "customerOrderIndex": None,
        "daysToConversion": 0,
        "firstVisit": visit,
        "lastVisit": visit,
    }


def _line(world: WorldView, line: Line, state: OrderState) -> Node:
    product = world.product(line.product_id)
    title = product.title if product else f"Product {line.product_id}"
    return {
        "__typename": "LineItem",
        "id": gid("LineItem", line.line_id),
        "product_id": line.product_id,
        "title": title,
        "name": title,
        "quantity": line.quantity,
        "currentQuantity": 0 if line.line_id in state.refunded_lines else line.quantity,
        "sku": f"SKU-{line.product_id}",
        "variantTitle": None,
        "vendor": product.brand if product else None,
        "isGiftCard": False,
        "requiresShipping": True,
        "discountedTotalSet": lambda _info, **_arguments: bag(line.total_minor),
        "originalTotalSet": lambda _info: bag(line.total_minor + line.discount_minor),
        "originalUnitPriceSet": lambda _info: _unit_bag(line),
        "totalDiscountSet": lambda _info: bag(line.discount_minor),
    }


def _fulfillments(order: Order, state: OrderState) -> Any:
    def resolve(_info: GraphQLResolveInfo, first: int | None = None) -> list[Node]:
        if state.fulfilled_at is None:
            return []
        number = order.basket * 10 + 1
        return [
            {
                "__typename": "Fulfillment",
                "id": gid("Fulfillment", number),
                "legacyResourceId": str(number),
                "name": f"{order_name(order)}.1",
                "status": "SUCCESS",
                "displayStatus": "DELIVERED" if state.delivered_at else "FULFILLED",
                "createdAt": zulu(state.fulfilled_at),
                "updatedAt": zulu(state.delivered_at or state.fulfilled_at),
                "deliveredAt": zulu(state.delivered_at) if state.delivered_at else None,
                "totalQuantity": sum(line.quantity for line in order.lines),
            }
        ][:first]

    return resolve


def _refunds(world: WorldView, order: Order, state: OrderState) -> list[Node]:
    if state.refunded_at is None:
        return []
    number = order.basket * 10 + 3
    moment = zulu(state.refunded_at)
    returned = [line for line in order.lines if line.line_id in state.refunded_lines]
    return [
        {
            "__typename": "Refund",
            "id": gid("Refund", number),
            "legacyResourceId": str(number),
            "note": None,
            "createdAt": moment,
            "processedAt": moment,
            "updatedAt": moment,
            "totalRefundedSet": bag(state.refunded_minor),
            "refundLineItems": connection_of(returned, lambda line: _refund_line(world, line, state)),
        }
    ]


def _refund_line(world: WorldView, line: Line, state: OrderState) -> Node:
    return {
        "id": gid("RefundLineItem", line.line_id * 10 + 1),
        "lineItem": _line(world, line, state),
        "quantity": line.quantity,
        "subtotalSet": bag(line.total_minor),
    }
