"""Reading Shopify's answers: what breaks the schema's promise is the call's failure."""

from collections.abc import Iterator
from contextlib import contextmanager

from connectors.base import ConnectorError, JsonObject, UnreadablePayload
from connectors.storefronts.shopify import fields


@contextmanager
def readable() -> Iterator[None]:
    """An answer that breaks the schema's promise is the call's failure, not a payload's.

    Raises:
        ConnectorError: permanent.
    """
    try:
        yield
    except UnreadablePayload as error:
        raise ConnectorError(f"the answer is not as promised: {error}", permanent=True) from None


def refusal_codes(payload: JsonObject, key: str = "userErrors") -> list[str]:
    """The codes of a mutation's errors, sorted; their texts may quote us, so only codes are kept."""
    errors = fields.children(payload, key)
    return sorted({fields.text(error, "code") or "unnamed" for error in errors})
