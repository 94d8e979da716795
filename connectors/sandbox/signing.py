"""Shopify's signature over the query of a link.

Source: shopify.dev, "Verify a request" (November 2026): all parameters but hmac, sorted, joined by &.
"""

from collections.abc import Mapping
from hmac import digest
from urllib.parse import quote


def sign_query(query: Mapping[str, str], secret: str) -> str:
    """The lower-case hex HMAC-SHA256 of a query's parameters."""
    pairs = (f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in sorted(query.items()))
    return digest(secret.encode(), "&".join(pairs).encode(), "sha256").hex()
