"""Where a request comes from: the address of its connection, or what a proxy that we trust says of it."""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address

from flask import request

from app.config import Network
from app.web.context import runtime

_UNKNOWN = "unknown"
# Some proxies say the port, too: `192.0.2.7:4711`, `[2001:db8::7]:4711`.
_WITH_PORT = re.compile(r"\[(?P<six>[^]]*)\](?::\d+)?|(?P<four>[^:]*):\d+")


def client_address() -> str:
    """The address of the request's client, or `unknown`: limits count by it, consents are noted with it."""
    said = request.headers.getlist("X-Forwarded-For")
    return client_of(request.remote_addr or "", said, runtime().settings.proxies)


def client_of(connected: str, said: Iterable[str], proxies: Sequence[Network]) -> str:
    """The nearest address that is no trusted proxy's; the farthest known one if all are.

    Each proxy appends who called it. So a trusted proxy's own word is only what stands right of the first
    stranger, and the stranger itself; what stands left of it may be anybody's invention.

    Args:
        connected: the other end of the connection.
        said: the values of X-Forwarded-For.
        proxies: the networks of the proxies whose word counts.
    """
    found = _UNKNOWN
    for hop in (connected, *reversed(",".join(said).split(","))):
        address = _address(hop)
        if address is None:
            return found
        found = str(address)
        if not any(address in network for network in proxies):
            return found
    return found


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """What is written, IPv4 in the shape of IPv6 as IPv4; None if it is no address."""
    text = text.strip()
    ported = _WITH_PORT.fullmatch(text)
    if ported is not None:
        text = ported["six"] or ported["four"] or ""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
