"""Where a channel reaches somebody, what is wrong with an address, and its hash in the suppressions."""

from typing import Any

from email_validator import EmailNotValidError, validate_email

from app.crypto import Signer


def address_of(customer: Any, channel: str) -> str | None:
    """Where a channel reaches the customer."""
    if customer is None:
        return None
    address: str | None = customer.email if channel == "email" else customer.phone
    return address


def problem(channel: str, address: str | None) -> str | None:
    """Why nothing can be sent there, in words to show, or None."""
    if not address:
        return f"no address for {channel}"
    if channel != "email":
        return None if address.startswith("+") and address[1:].isdigit() else "not an international number"
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        return str(error)
    return None


def suppression_hash(signer: Signer, channel: str, address: str) -> str:
    """The keyed hash under which an address is kept away from; survives erasure."""
    return signer.fingerprint("suppression", f"{channel}:{address.strip().lower()}")
