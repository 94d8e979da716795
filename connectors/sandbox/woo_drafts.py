"""WooCommerce's drafts: orders of the block checkout that nobody placed yet.

A draft holds the address as soon as it was typed, becomes the order under the same id, and is deleted a day
after its last change without a word. Lists show it unless another status is asked for.
Source: facts of two measured stores, section 6; `DraftOrders` of WooCommerce 10.5.
"""

from bisect import insort
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.sandbox.model import WOOCOMMERCE, Checkout, Order, Shopper, WorldView
from connectors.sandbox.woo_meta import meta_list
from connectors.sandbox.woo_orders import order_body
from connectors.sandbox.woo_rest import Call, Reply, paged

DRAFT = "checkout-draft"
_KEPT = timedelta(days=1)
_NEVER = datetime.max.replace(tzinfo=UTC)


def draft(world: WorldView, number: int, at: datetime) -> Checkout | None:
    """The draft of that id as of a moment, unless it became the order or was deleted."""
    checkout = world.checkout(number)
    if checkout is None or checkout.platform != WOOCOMMERCE or not checkout.started_at <= at:
        return None
    is_placed = checkout.completed_at is not None and checkout.completed_at <= at
    return None if is_placed or at - checkout.started_at >= _KEPT else checkout


def draft_ids(world: WorldView, since: datetime | None) -> list[int]:
    """The drafts of now that changed since a moment, the longest unchanged first."""
    oldest = world.now - _KEPT
    found = world.checkout_ids(WOOCOMMERCE, updated_from=max(since or oldest, oldest), by_id=False)
    return [number for number in found if draft(world, number, world.now) is not None]


def with_drafts(
    world: WorldView, ids: Sequence[int], since: datetime | None, moment_of: Callable[[int], datetime] | None
) -> Sequence[int]:
    """Orders and drafts together, in the orders' own order: by `moment_of` and id, or by id alone."""
    drafts = draft_ids(world, since)
    if not drafts:
        return ids

    def place(number: int) -> tuple[datetime, int]:
        return (moment_of(number) if moment_of else world.now, number)

    together = list(ids)
    for number in drafts:
        insort(together, number, key=place)
    return together


def list_drafts(call: Call, since: datetime | None, *, by_id: bool) -> Reply:
    """GET /orders?status=checkout-draft."""
    ids = draft_ids(call.world, since)
    reply = paged(call, sorted(ids) if by_id else ids, lambda number: draft_json(call.world, number))
    call.world.log_read(WOOCOMMERCE, "checkouts", [body["id"] for body in reply.body], since)
    return reply


def draft_json(world: WorldView, number: int) -> dict[str, Any] | None:
    """The draft of that id as it is now, or None."""
    checkout = draft(world, number, world.now)
    shopper = world.shopper(checkout.household) if checkout else None
    return draft_body(world, checkout, shopper, world.now) if checkout and shopper else None


def draft_body(world: WorldView, checkout: Checkout, shopper: Shopper, at: datetime) -> dict[str, Any]:
    """The draft as an order's JSON; the boxes of its form were not sent yet."""
    order = Order(
        basket=checkout.number,
        household=checkout.household,
        platform=WOOCOMMERCE,
        placed_at=checkout.started_at,
        paid_at=_NEVER,
        fulfilled_at=None,
        delivered_at=None,
        cancelled_at=None,
        refunded_at=None,
        refunded_lines=(),
        refunded_minor=0,
        total_minor=checkout.total_minor,
        discount_minor=sum(line.discount_minor for line in checkout.lines),
        lines=checkout.lines,
    )
    unsent = {"is_vat_exempt": "no"}
    return {
        **order_body(world, order, shopper, at),
        "status": DRAFT,
        "is_editable": False,
        "needs_payment": True,
        "meta_data": meta_list(world, "orders", checkout.number, unsent),
    }
