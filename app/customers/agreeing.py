"""Whom a consent binds: the address that it was given for, and the storefront, which is to be told of it."""

from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from app.models import ConsentState, Customer
from connectors import records
from connectors.writing import ConsentChange

TOLD_CHANNELS = {"email": "email", "sms": "phone"}
"""The channels of which storefronts keep a consent, and the customer's column that it belongs to."""

UNKNOWN, OTHER_ADDRESS = "unknown", "other-address"
"""What stands when nobody said anything, and when a yes was said of an address that is no longer theirs."""
_YES = ("subscribed", "pending")
_LEAST_DIGITS = 8


def stands(said: Any, address: str | None) -> str:
    """The state of a channel for the address that it would be used with now.

    A yes belongs to the address that it was given for, a no to the person.

    Args:
        said: what the ledger says now (state, address), or None when nothing was ever said.
    """
    if said is None:
        return UNKNOWN
    is_elsewhere = said.state in _YES and address and said.address and not is_same(said.address, address)
    return OTHER_ADDRESS if is_elsewhere else str(said.state)


def is_same(one: str, other: str) -> bool:
    """Whether two addresses are one: mails without regard to case, numbers with or without a prefix."""
    if "@" in one or "@" in other:
        return one.strip().lower() == other.strip().lower()
    short, long = sorted((_digits(one), _digits(other)), key=len)
    return (len(short) >= _LEAST_DIGITS and long.endswith(short)) or short == long


def is_theirs(states: Any, address: Any) -> ColumnElement[bool]:
    """`stands` as a condition on rows: a yes was said of the address that this column holds now."""
    is_same_text = func.lower(states.c.address) == func.lower(address)
    return or_(states.c.state.not_in(_YES), states.c.address.is_(None), address.is_(None), is_same_text)


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number)).lstrip("0")


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
    address = getattr(customer, TOLD_CHANNELS[channel])
    if address is None:
        return "no-address"
    if stands(held, address) == OTHER_ADDRESS:
        return OTHER_ADDRESS
    state = records.ConsentState(held.state)
    return ConsentChange(customer.external_id, channel, state, held.basis, held.occurred_at)
