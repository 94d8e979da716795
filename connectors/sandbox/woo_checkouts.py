"""The block checkout: an order is a draft from the moment the page is opened until it is placed.

Each step is remembered (kind ``woo_checkout``, key ``basket``); an order without one was placed at once.

Source: block checkouts on WooCommerce 10.0 and 10.5 (November 2026): opened without an address, the same id
with one, then the real order; drafts show in lists of any status.
"""

from typing import Any

from connectors.sandbox.model import WorldView
from connectors.sandbox.written import written

KIND = "woo_checkout"
OPENED, TYPED, PLACED = "opened", "typed", "placed"
DRAFT = "checkout-draft"


def note_step(world: WorldView, basket: int, step: str) -> None:
    """The shopper has come so far."""
    world.remember(KIND, {"basket": basket, "step": step})


def is_draft(world: WorldView, basket: int) -> bool:
    """Whether an order is not placed yet."""
    return _step(world, basket) in (OPENED, TYPED)


def as_it_stands(world: WorldView, basket: int, body: dict[str, Any]) -> dict[str, Any]:
    """An order's body as the checkout has it by now."""
    step = _step(world, basket)
    if step not in (OPENED, TYPED):
        return body
    draft = {**body, "status": DRAFT, "is_editable": True, "needs_payment": True}
    draft |= dict.fromkeys(("date_paid", "date_paid_gmt", "date_completed", "date_completed_gmt"))
    if step == OPENED:
        draft |= {part: dict.fromkeys(body[part], "") for part in ("billing", "shipping") if part in body}
    return draft


def _step(world: WorldView, basket: int) -> str:
    if not world.remembered(KIND):
        return PLACED
    fact = written(world, KIND, "basket").last_of(basket)
    return str(fact["step"]) if fact is not None else PLACED
