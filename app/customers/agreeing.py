"""What the storefront is to be told of somebody's consent."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.models import ConsentState, Customer
from connectors import records
from connectors.writing import ConsentChange

TOLD_CHANNELS = {"email": "email", "sms": "phone"}
"""The channels of which storefronts keep a consent, and the customer's column that it belongs to."""


def to_tell(session: Session, store_id: int, subject: str) -> ConsentChange | str:
    """What the storefront is to be told now of a person and channel, or why nothing.

    Args:
        subject: of the write, `email:<customer id>`.
    """
    channel, _, number = subject.partition(":")
    held = session.get(ConsentState, (store_id, int(number), channel))
    who = select(Customer).where(Customer.store_id == store_id, Customer.id == int(number))
    customer = session.execute(who).scalar_one_or_none()
    if held is None or customer is None or customer.erased_at is not None:
        return "erased"
    if not held.is_own:
        return "superseded"
    if held.basis == "soft_opt_in":
        return "soft-opt-in"
    if customer.external_id is None:
        return "guest"
    if getattr(customer, TOLD_CHANNELS[channel]) is None:
        return "no-address"
    state = records.ConsentState(held.state)
    return ConsentChange(customer.external_id, channel, state, held.basis, held.occurred_at)
