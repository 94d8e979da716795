"""Where a channel reaches somebody, what is wrong with an address, and its hash in the suppressions."""

import re
from functools import lru_cache
from typing import Any

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from app.crypto import Signer

_PLAIN = re.compile(r"[a-z0-9]+([._+-][a-z0-9]+)*@([a-z0-9]+(-[a-z0-9]+)*\.)+[a-z]{2,20}", re.IGNORECASE)
_SPECIAL_ENDS = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)
_LONGEST_PLAIN = 60
"""What nothing can be wrong with, short of a name that mail never goes to; the package looks at the rest."""


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
    if _is_plain(address):
        return None
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        return str(error)
    return None


@lru_cache(maxsize=1024)
def suppression_hash(signer: Signer, channel: str, address: str) -> str:
    """The keyed hash under which an address is kept away from; survives erasure."""
    return signer.fingerprint("suppression", f"{channel}:{address.strip().lower()}")


@lru_cache(maxsize=1024)
def _is_plain(address: str) -> bool:
    """Whether an address is of the kind that nearly all are; the package takes much longer to say so."""
    if len(address) > _LONGEST_PLAIN or _PLAIN.fullmatch(address) is None:
        return False
    host = address.lower().rpartition("@")[2]
    return not f".{host}".endswith(_SPECIAL_ENDS)
