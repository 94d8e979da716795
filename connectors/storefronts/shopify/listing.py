"""Lists of the Admin API that go on beyond the first answer."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.base import ConnectorError, JsonObject
from connectors.storefronts.shopify import fields
from connectors.storefronts.shopify.admin import Admin


def changed_since(moment: datetime | None) -> str | None:
    """The search for what changed from a moment on; None searches for nothing in particular."""
    if moment is None:
        return None
    return f"updated_at:>='{moment.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}'"


def next_cursor(connection: JsonObject) -> str | None:
    """Where a connection goes on, or None at its end."""
    info = fields.required_child(connection, "pageInfo")
    return fields.required_text(info, "endCursor") if fields.flag(info, "hasNextPage") else None


def whole(admin: Admin, first: JsonObject, document: str, owner: dict[str, str]) -> list[JsonObject]:
    """The nodes of a connection's first page and, where it goes on, of all later ones.

    Args:
        document: asks for the connection as `one { rest }`, given the owner and `after`.

    Raises:
        ConnectorError: also when the owner went away since the first page.
    """
    nodes = fields.children(first, "nodes")
    cursor = next_cursor(first)
    return nodes + (all_pages(admin, document, cursor, _rest_of, owner=owner) if cursor else [])


def all_pages(
    admin: Admin,
    document: str,
    cursor: str | None,
    connection_in: Callable[[JsonObject], JsonObject],
    *,
    owner: Mapping[str, Any] | None = None,
) -> list[JsonObject]:
    """The nodes of every page from a cursor on."""
    nodes: list[JsonObject] = []
    while True:
        connection = connection_in(admin.run(document, {**(owner or {}), "after": cursor}))
        nodes += fields.children(connection, "nodes")
        following = next_cursor(connection)
        if following is None or following == cursor:
            return nodes
        cursor = following


def page_of(answer: JsonObject) -> JsonObject:
    """The connection that a document asks for as `page`."""
    return fields.required_child(answer, "page")


def owner_of(answer: JsonObject) -> JsonObject:
    """The owner of later pages; it may be gone since the first, then the caller asks anew.

    Raises:
        ConnectorError: it is gone.
    """
    owner = fields.child(answer, "one")
    if owner is None:
        raise ConnectorError("the resource went away while it was read")
    return owner


def _rest_of(answer: JsonObject) -> JsonObject:
    return fields.required_child(owner_of(answer), "rest")
