"""What Shopify's API can find: objects by global id, and the lists that can be searched."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Protocol, TypeVar

from connectors.sandbox.forms import gid_number
from connectors.sandbox.model import SHOPIFY, Order, Product, Shopper, WorldView
from connectors.sandbox.shopify_search import Resource

RECENT_DAYS = 60
Found = TypeVar("Found")


@dataclass(slots=True)
class BulkPage:
    """Which part of a listing a bulk operation reads next; the listing moves it on."""

    after: str | None = None
    is_last: bool = False


class BulkDesk(Protocol):
    """Where bulk operations are begun and asked for."""

    def start(self, query: str, caller: "Caller", *, is_grouped: bool) -> dict[str, Any]:
        """The payload of a start."""

    def look(self, external_id: str, host: str) -> dict[str, Any] | None:
        """An operation as it stands."""

    def cancel(self, external_id: str) -> dict[str, Any] | None:
        """An operation, ended."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: the world and the scopes of the token.

    Attributes:
        desk: bulk operations, where there are any.
        host: how the caller reaches us, for the addresses of files.
        page: the part of each listing that a bulk operation reads; None outside of one.
        client_id: whose token it is.
    """

    world: WorldView
    scopes: frozenset[str]
    desk: BulkDesk | None = None
    host: str = ""
    page: BulkPage | None = None
    client_id: str = ""


def listed(found: Found | None) -> Found:
    """What a listing has named, which is therefore there.

    Raises:
        LookupError: the world lists what it does not have.
    """
    if found is None:
        raise LookupError("the world lists what it does not have")
    return found


def find_customer(world: WorldView, external_id: str) -> Shopper | None:
    """The shopper of a customer's global id, if registered by now in this shop."""
    number = gid_number(external_id, "Customer")
    shopper = world.shopper(number) if number is not None else None
    if shopper is None or shopper.platform != SHOPIFY or shopper.registered_at > world.now:
        return None
    return shopper


def find_order(caller: Caller, external_id: str) -> Order | None:
    """The order of a global id, unless it is older than the token may see."""
    number = gid_number(external_id, "Order")
    order = caller.world.order(number) if number is not None else None
    if order is None or order.platform != SHOPIFY or not _may_see(caller, order):
        return None
    return order


def find_product(world: WorldView, external_id: str) -> Product | None:
    """The product of a global id."""
    number = gid_number(external_id, "Product")
    product = world.product(number) if number is not None else None
    if product is None or not product.is_sold_on(SHOPIFY) or product.created_at > world.now:
        return None
    return product


def customers(caller: Caller) -> Resource:
    """The registered shoppers."""
    world = caller.world

    def shopper(number: int) -> Shopper:
        return listed(world.shopper(number))

    return Resource(
        ids=partial(world.customer_ids, SHOPIFY),
        values={
            "id": lambda number: number,
            "updated_at": lambda number: world.customer_updated_at(shopper(number)),
            "created_at": lambda number: shopper(number).registered_at,
            "email": lambda number: shopper(number).email.lower(),
            "phone": lambda number: shopper(number).phone,
        },
    )


def orders(caller: Caller) -> Resource:
    """The orders."""
    world = caller.world

    def order(number: int) -> Order:
        return listed(world.order(number))

    return Resource(
        ids=partial(world.order_ids, SHOPIFY),
        values={
            "id": lambda number: number,
            "updated_at": lambda number: order(number).updated_at(world.now),
            "created_at": lambda number: order(number).placed_at,
            "processed_at": lambda number: order(number).placed_at,
            "customer_id": lambda number: order(number).household,
            "name": lambda number: f"#{number}",
        },
    )


def products(caller: Caller) -> Resource:
    """The products."""
    world = caller.world

    def product(number: int) -> Product:
        return listed(world.product(number))

    return Resource(
        ids=partial(world.product_ids, SHOPIFY),
        values={
            "id": lambda number: number,
            "updated_at": lambda number: product(number).created_at,
            "created_at": lambda number: product(number).created_at,
            "status": lambda number: "active",
            "product_type": lambda number: product(number).department.lower(),
        },
    )


def _may_see(caller: Caller, order: Order) -> bool:
    # Without read_all_orders Shopify shows the orders of the last 60 days only.
    oldest = caller.world.now - timedelta(days=RECENT_DAYS)
    return "read_all_orders" in caller.scopes or order.placed_at >= oldest
