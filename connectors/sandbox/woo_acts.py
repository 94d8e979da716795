"""What a merchant and shoppers do in the WooCommerce store, with the webhooks that it causes.

Source: life cycles on WooCommerce 10.0 and 10.5 (November 2026): trashing sends the deletion of what was
trashed, and, before 11.x, deletions of things that were not; deleting for good sends nothing, customers
apart; a creation sends the change along; a checkout sends changes before the creation.
"""

from collections.abc import Iterator

from connectors.sandbox import woo_checkouts, woo_coupons, woo_removals
from connectors.sandbox.model import WorldView
from connectors.sandbox.woo_events import fire
from connectors.sandbox.woo_traits import POSTS, traits

ORDERS, PRODUCTS, CUSTOMERS, COUPONS = "orders", "products", "customers", "coupons"
_STEPS = {
    woo_checkouts.OPENED: ("order.updated",),
    woo_checkouts.TYPED: ("order.updated",),
    woo_checkouts.PLACED: ("order.updated", "order.created"),
}


def create(world: WorldView, resource: str, number: int) -> None:
    """Something came to be, by the API or by hand: its creation and its change are told."""
    for event in ("created", "updated"):
        fire(world, f"{_noun(resource)}.{event}", number)


def change(world: WorldView, resource: str, number: int) -> None:
    """Something changed."""
    fire(world, f"{_noun(resource)}.updated", number)


def check_out(world: WorldView, basket: int, step: str) -> None:
    """A shopper comes to a step of the block checkout."""
    woo_checkouts.note_step(world, basket, step)
    for topic in _STEPS[step]:
        fire(world, topic, basket)


def remove(world: WorldView, resource: str, number: int, *, is_forced: bool) -> None:
    """Put something into the trash, or delete it for good; a customer knows no trash."""
    if resource == COUPONS:
        woo_coupons.remove_coupon(world, number, is_forced=is_forced)
    else:
        woo_removals.remove(world, resource, number, is_forced=is_forced or resource == CUSTOMERS)
    if resource == CUSTOMERS:
        fire(world, "customer.deleted", number)
    elif not is_forced:
        for topic in _told_of_trashing(world, resource):
            fire(world, topic, number)


def restore(world: WorldView, resource: str, number: int) -> None:
    """Take an order or a product out of the trash."""
    woo_removals.restore(world, resource, number)
    fire(world, f"{_noun(resource)}.restored", number)


def _told_of_trashing(world: WorldView, resource: str) -> Iterator[str]:
    """The topics of one trashing, lies among them: posts of every kind are taken for products and coupons."""
    store = traits(world)
    yield f"{_noun(resource)}.deleted"
    if not store.lies_of_deletions or (resource == ORDERS and store.storage != POSTS):
        return
    yield from (f"{_noun(other)}.deleted" for other in (PRODUCTS, COUPONS) if other != resource)


def _noun(resource: str) -> str:
    return resource.removesuffix("s")
