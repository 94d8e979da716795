"""WooCommerce's lists and single objects: orders, refunds, customers, products."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from connectors.sandbox import woo_acts, woo_checkouts, woo_removals
from connectors.sandbox.lifecycle import state_of
from connectors.sandbox.model import WOOCOMMERCE, Order, Product, Shopper
from connectors.sandbox.woo_drafts import DRAFT, draft, draft_json, list_drafts, with_drafts
from connectors.sandbox.woo_meta import write_meta
from connectors.sandbox.woo_orders import order_body, order_status, refund_body
from connectors.sandbox.woo_payloads import customer_body, product_body
from connectors.sandbox.woo_rest import (
    Call,
    Reply,
    Test,
    WooError,
    arranged,
    asked_for,
    choice,
    kept,
    moment,
    paged,
    words,
)

ORDERINGS = ("date", "id", "include", "title", "slug", "modified")
CUSTOMER_ORDERINGS = ("id", "include", "name", "registered_date")
PRODUCT_ORDERINGS = (*ORDERINGS, "price", "popularity", "rating", "menu_order")
DIRECTIONS = ("asc", "desc")
# Moments of the world are whole seconds, so "after" is "from the next second on".
NEXT = timedelta(seconds=1)


def list_orders(call: Call) -> Reply:
    """GET /orders."""
    orderby = choice(call.arguments, "orderby", ORDERINGS, "date")
    is_descending = choice(call.arguments, "order", DIRECTIONS, "desc") == "desc"
    after = moment(call.arguments, "modified_after")
    start = after + NEXT if after else None
    by_id = orderby != "modified"
    if call.arguments.get("status") == DRAFT:
        return list_drafts(call, start, by_id=by_id)
    if call.arguments.get("status") == woo_removals.TRASH:
        ids: Sequence[int] = woo_removals.trashed(call.world, "orders", after)
    else:
        ids = _living(call, start, by_id=by_id)
    if orderby == "date":
        ids = sorted(ids, key=lambda basket: (_begun_at(call, basket), basket))
    ids = arranged(call, ids, orderby, is_descending)
    reply = paged(call, ids, lambda basket: _order_json(call, basket), hides_total=True)
    _log(call, "orders", reply, after)
    return reply


def _living(call: Call, start: datetime | None, *, by_id: bool) -> Sequence[int]:
    """Orders that are asked for and do not lie in the trash, with the drafts if no status is."""
    ids = asked_for(call, call.world.order_ids(WOOCOMMERCE, updated_from=start, by_id=by_id))
    ids = woo_removals.left(call.world, "orders", ids)
    tests = _order_tests(call)
    if tests:
        return kept(ids, tests)
    return with_drafts(call.world, ids, start, None if by_id else partial(_changed_at, call))


def get_order(call: Call) -> Reply:
    """GET /orders/<id>."""
    body = _order_json(call, call.number)
    call.world.log_read(WOOCOMMERCE, "orders", [call.number], None)
    return Reply(body)


def put_order(call: Call) -> Reply:
    """PUT /orders/<id>: the sandbox takes `meta_data` only."""
    _order(call, call.number)
    write_meta(call.world, "orders", call.number, call.sent.get("meta_data"))
    return Reply(_order_json(call, call.number))


def delete_order(call: Call) -> Reply:
    """DELETE /orders/<id>: into the trash, or with `force` for good."""
    return _removed(call, "orders", _order_json(call, call.number))


def list_order_refunds(call: Call) -> Reply:
    """GET /orders/<id>/refunds."""
    order = _order(call, call.number)
    state = state_of(order, call.world.now)
    found = [order.basket] if state.refunded_at else []
    return paged(call, found, lambda _basket: refund_body(call.world, order, state, with_parent=False))


def list_refunds(call: Call) -> Reply:
    """GET /refunds: of all orders, newest first; `modified_after` is the refund's own moment."""
    now = call.world.now
    after = moment(call.arguments, "modified_after") or moment(call.arguments, "after")
    ids = call.world.order_ids(WOOCOMMERCE, updated_from=after, by_id=False)
    refunded = []
    for basket in ids:
        refunded_at = state_of(_order(call, basket), now).refunded_at
        if refunded_at and (after is None or refunded_at > after):
            refunded.append((refunded_at, basket))
    newest = [basket for _, basket in sorted(refunded, reverse=True)]

    def body(basket: int) -> dict[str, Any]:
        order = _order(call, basket)
        return refund_body(call.world, order, state_of(order, now), with_parent=True)

    return paged(call, newest, body)


def list_customers(call: Call) -> Reply:
    """GET /customers: `modified_after` is not a parameter here and is passed over in silence."""
    orderby = choice(call.arguments, "orderby", CUSTOMER_ORDERINGS, "name")
    is_descending = choice(call.arguments, "order", DIRECTIONS, "asc") == "desc"
    ids: Sequence[int] = ()
    if call.arguments.get("role", "customer") in {"customer", "all"}:
        ids = asked_for(call, call.world.customer_ids(WOOCOMMERCE, updated_from=None, by_id=True))
        ids = woo_removals.left(call.world, "customers", ids)
    email = call.arguments.get("email", "").lower()
    if email:
        ids = [number for number in ids if _customer(call, number).email.lower() == email]
    if orderby in _CUSTOMER_KEYS:
        key = _CUSTOMER_KEYS[orderby]
        ids = sorted(ids, key=lambda number: (key(_customer(call, number)), number))
    ids = arranged(call, ids, orderby, is_descending)
    reply = paged(call, ids, partial(_customer_json, call))
    _log(call, "customers", reply, None)
    return reply


def get_customer(call: Call) -> Reply:
    """GET /customers/<id>."""
    body = _customer_json(call, call.number)
    call.world.log_read(WOOCOMMERCE, "customers", [call.number], None)
    return Reply(body)


def put_customer(call: Call) -> Reply:
    """PUT /customers/<id>: the sandbox takes `meta_data` only."""
    _customer(call, call.number)
    write_meta(call.world, "customers", call.number, call.sent.get("meta_data"))
    return Reply(_customer_json(call, call.number))


def list_products(call: Call) -> Reply:
    """GET /products."""
    orderby = choice(call.arguments, "orderby", PRODUCT_ORDERINGS, "date")
    is_descending = choice(call.arguments, "order", DIRECTIONS, "desc") == "desc"
    after = moment(call.arguments, "modified_after")
    start = after + NEXT if after else None
    by_id = orderby not in {"modified", "date"}
    ids = asked_for(call, call.world.product_ids(WOOCOMMERCE, updated_from=start, by_id=by_id))
    ids = woo_removals.left(call.world, "products", ids)
    ids = kept(ids, _product_tests(call))
    ids = arranged(call, ids, orderby, is_descending)
    reply = paged(call, ids, partial(_product_json, call))
    _log(call, "products", reply, after)
    return reply


def get_product(call: Call) -> Reply:
    """GET /products/<id>."""
    as_sold = product_body(call.world, _product(call, call.number))
    body = woo_removals.as_it_lies(call.world, "products", call.number, as_sold)
    call.world.log_read(WOOCOMMERCE, "products", [call.number], None)
    return Reply(body)


def delete_product(call: Call) -> Reply:
    """DELETE /products/<id>: into the trash, or with `force` for good."""
    return _removed(call, "products", get_product(call).body)


def _begun_at(call: Call, number: int) -> datetime:
    begun = draft(call.world, number, call.world.now)
    return begun.started_at if begun else _order(call, number).placed_at


def _changed_at(call: Call, number: int) -> datetime:
    begun = draft(call.world, number, call.world.now)
    return begun.started_at if begun else _order(call, number).updated_at(call.world.now)


_CUSTOMER_KEYS: dict[str, Callable[[Shopper], Any]] = {
    "name": lambda shopper: f"{shopper.first_name} {shopper.last_name}".lower(),
    "registered_date": lambda shopper: shopper.registered_at,
}


def _order_tests(call: Call) -> list[Test]:
    now = call.world.now
    tests: list[Test] = []
    statuses = set(words(call.arguments.get("status", "any")))
    if "any" not in statuses:
        tests.append(lambda basket: _status(call, basket) in statuses)
    customer = call.arguments.get("customer")
    if customer is not None:
        tests.append(lambda basket: str(_customer_id(call, basket)) == customer)
    for name, value, is_after in (
        ("modified_before", lambda order: order.updated_at(now), False),
        ("after", lambda order: order.placed_at, True),
        ("before", lambda order: order.placed_at, False),
    ):
        bound = moment(call.arguments, name)
        if bound is not None:
            tests.append(_time_test(call, bound, value, is_after))
    return tests


def _time_test(call: Call, bound: datetime, value: Callable[[Order], datetime], is_after: bool) -> Test:
    if is_after:
        return lambda basket: value(_order(call, basket)) > bound
    return lambda basket: value(_order(call, basket)) < bound


def _product_tests(call: Call) -> list[Test]:
    tests: list[Test] = []
    if call.arguments.get("status", "any") not in {"any", "publish"}:
        tests.append(lambda _number: False)
    if call.arguments.get("type", "simple") != "simple":
        tests.append(lambda _number: False)
    skus = set(words(call.arguments.get("sku", "")))
    if skus:
        tests.append(lambda number: f"SKU-{number}" in skus)
    return tests


def _status(call: Call, basket: int) -> str:
    if woo_checkouts.is_draft(call.world, basket):
        return woo_checkouts.DRAFT
    return order_status(state_of(_order(call, basket), call.world.now))


def _customer_id(call: Call, basket: int) -> int:
    shopper = call.world.shopper(_order(call, basket).household)
    return 0 if shopper is None or shopper.is_guest else shopper.household


def _order(call: Call, basket: int) -> Order:
    order = call.world.order(basket)
    is_gone = woo_removals.is_removed(call.world, "orders", basket, woo_removals.GONE)
    if order is None or order.platform != WOOCOMMERCE or is_gone:
        raise WooError("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
    return order


def _order_json(call: Call, basket: int) -> dict[str, Any]:
    begun = draft_json(call.world, basket)
    if begun is not None:
        return begun
    order = _order(call, basket)
    shopper = call.world.shopper(order.household)
    if shopper is None:
        raise WooError("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", 404)
    body = order_body(call.world, order, shopper, call.world.now, fields=call.fields)
    return woo_removals.as_it_lies(call.world, "orders", basket, body)


def _customer(call: Call, number: int) -> Shopper:
    shopper = call.world.shopper(number)
    is_gone = woo_removals.is_removed(call.world, "customers", number, woo_removals.GONE)
    if shopper is None or shopper.platform != WOOCOMMERCE or shopper.is_guest or is_gone:
        raise WooError("wc_user_invalid_id", "Invalid user ID.", 404)
    return shopper


def _customer_json(call: Call, number: int) -> dict[str, Any]:
    return customer_body(call.world, _customer(call, number), call.world.now, fields=call.fields)


def _product(call: Call, number: int) -> Product:
    product = call.world.product(number)
    is_gone = woo_removals.is_removed(call.world, "products", number, woo_removals.GONE)
    if product is None or not product.is_sold_on(WOOCOMMERCE) or is_gone:
        raise WooError("woocommerce_rest_product_invalid_id", "Invalid ID.", 404)
    return product


def _product_json(call: Call, number: int) -> dict[str, Any]:
    product = _product(call, number)
    return {"id": number} if call.fields == {"id"} else product_body(call.world, product)


def _removed(call: Call, resource: str, body: dict[str, Any]) -> Reply:
    """Remove and answer: the object as it was, or as it lies in the trash."""
    is_forced = call.arguments.get("force", "").lower() in {"true", "1"}
    woo_acts.remove(call.world, resource, call.number, is_forced=is_forced)
    return Reply(body if is_forced else woo_removals.as_it_lies(call.world, resource, call.number, body))


def _log(call: Call, resource: str, reply: Reply, updated_from: datetime | None) -> None:
    call.world.log_read(WOOCOMMERCE, resource, [body["id"] for body in reply.body], updated_from)
