"""The fields of Shopify's Admin API that speak of bulk operations."""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLResolveInfo

Node = dict[str, Any]


def bulk_operation(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    """One operation of the app's own."""
    caller = info.context
    found: Node | None = caller.desk.look(arguments["id"], caller.host) if caller.desk else None
    return found


def _run_query(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    started: Node = info.context.desk.start(
        arguments["query"], info.context, is_grouped=arguments["groupObjects"]
    )
    return started


def _cancel(info: GraphQLResolveInfo, **arguments: str) -> Node:
    found = info.context.desk.cancel(arguments["id"])
    errors = [] if found else [{"field": ["id"], "message": "Bulk operation does not exist"}]
    return {"bulkOperation": found, "userErrors": errors}


BULK_MUTATIONS: Mapping[str, Callable[..., Node]] = {
    "bulkOperationCancel": _cancel,
    "bulkOperationRunQuery": _run_query,
}
