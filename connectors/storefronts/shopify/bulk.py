"""Bulk operations: Shopify runs a query by itself over everything and leaves the answer in a file.

Source: Admin GraphQL schema 2026-10 (BulkOperation, bulkOperationRunQuery) and shopify.dev, perform bulk
operations with the GraphQL Admin API. Up to five run at a time for an app in a shop, each ends within ten
days, and a file can be had for seven. A connection within a list is refused, and so is a third level.
"""

from dataclasses import dataclass

from connectors.base import ConnectorError, JsonObject
from connectors.storefronts.shopify import documents, fields
from connectors.storefronts.shopify.admin import Admin


class QueryRefused(Exception):
    """Shopify does not run this query in bulk; by pages it may."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Where an operation stands.

    Attributes:
        outcome: None while it runs; else completed, failed, canceled or expired.
        error: Shopify's code of what went wrong, or "".
        objects: lines written so far, of which `roots` have no parent.
        file_size: bytes of the file, or None where Shopify does not say.
        url: where the file lies for seven days, on another host than the shop; None when nothing was found.
    """

    outcome: str | None
    error: str
    objects: int
    roots: int
    file_size: int | None
    url: str | None


def start(admin: Admin, query: str, *, is_grouped: bool) -> str | None:
    """Begin a bulk query and return its id; None while as many run as Shopify allows.

    Grouping puts children right below their parents, and makes Shopify slower and likelier to give up.
    If the answer is lost, an operation runs that nobody asks for: it ends by itself.

    Raises:
        QueryRefused: the query is not one for bulk.
        ConnectorError: the call failed.
    """
    answer = admin.run(documents.BULK_RUN, {"query": query, "isGrouped": is_grouped})
    started = fields.required_child(answer, "started")
    codes = {fields.text(error, "code") or "" for error in fields.children(started, "userErrors")}
    if codes & _BUSY:
        return None
    if codes:
        raise QueryRefused(", ".join(sorted(codes)))
    return fields.required_text(fields.required_child(started, "bulkOperation"), "id")


def look(admin: Admin, operation_id: str) -> Operation:
    """Ask how an operation is doing; one that Shopify no longer knows counts as expired.

    What a failed operation found so far (`partialDataUrl`) is not asked for: nothing tells where it ends.
    """
    node = fields.child(admin.run(documents.BULK_STATE, {"id": operation_id}), "operation")
    if node is None:
        return Operation("expired", "UNKNOWN", 0, 0, None, None)
    status = fields.required_text(node, "status")
    if status not in _RUNNING and status not in _OUTCOMES:
        raise ConnectorError("the bulk operation has an unknown status")
    return Operation(
        outcome=_OUTCOMES.get(status),
        error=fields.text(node, "errorCode") or "",
        objects=fields.whole(node, "objectCount") or 0,
        roots=fields.whole(node, "rootObjectCount") or 0,
        file_size=fields.whole(node, "fileSize"),
        url=fields.text(node, "url"),
    )


_BUSY = frozenset({"LIMIT_REACHED", "OPERATION_IN_PROGRESS"})
_RUNNING = frozenset({"CREATED", "RUNNING", "CANCELING"})
_OUTCOMES = {"COMPLETED": "completed", "FAILED": "failed", "CANCELED": "canceled", "EXPIRED": "expired"}

_ORDERS_A_CALL = 10
_REFUNDS_LISTED = 3
_LINES_LISTED = 12


def refunds_of(admin: Admin, order_ids: list[str]) -> dict[str, list[JsonObject]]:
    """What went back of some orders, by the order's GID; an order that is gone is left out.

    Bulk cannot carry it: the lines of a refund are a connection within a list.
    """
    found: dict[str, list[JsonObject]] = {}
    for begin in range(0, len(order_ids), _ORDERS_A_CALL):
        asked = order_ids[begin : begin + _ORDERS_A_CALL]
        answer = admin.run(documents.SEVERAL_REFUNDS, {"ids": asked})
        nodes = [node for node in answer.get("orders") or [] if isinstance(node, dict) and node]
        for node in nodes:
            found[fields.required_text(node, "id")] = _whole(admin, node)
    return found


def _whole(admin: Admin, node: JsonObject) -> list[JsonObject]:
    """The refunds of one order; where a list came full, all of them by the larger question."""
    listed = fields.children(node, "refunds")
    if len(listed) < _REFUNDS_LISTED and not any(_is_full(refund) for refund in listed):
        return listed
    answer = admin.run(documents.ORDER_REFUNDS, {"id": fields.required_text(node, "id")})
    return fields.children(fields.child(answer, "one") or {}, "refunds")


def _is_full(refund: JsonObject) -> bool:
    return len(fields.children(fields.child(refund, "refundLineItems") or {}, "nodes")) >= _LINES_LISTED
