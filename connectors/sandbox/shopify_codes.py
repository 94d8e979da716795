"""Codes added to a discount in bulk: queued by the mutation, made when somebody looks for them.

Source: Admin GraphQL schema 2026-10, discountRedeemCodeBulkAdd and DiscountRedeemCodeBulkCreation. How long
Shopify takes it does not say; here the first look finds it done, unless the world remembers a `code_pace`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from graphql import GraphQLError, GraphQLResolveInfo

from connectors.sandbox.forms import gid, gid_number, zulu
from connectors.sandbox.model import SHOPIFY, WorldView
from connectors.sandbox.shopify_discounts import add_code, discount_node, redeem_code_node
from connectors.sandbox.shopify_nodes import Node, connection_of
from connectors.sandbox.shopify_queries import require_scope
from connectors.sandbox.written import Fact, written

MOST_CODES = 250
PACE = "code_pace"
"""A fact of the world: how many `looks` a creation takes from now on."""
_CREATION = "shopify_code_creation"
_KIND = "DiscountRedeemCodeBulkCreation"


def _add(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    require_scope(info, "write_discounts")
    world: WorldView = info.context.world
    codes = [one["code"] for one in arguments["codes"]]
    if len(codes) > MOST_CODES:
        message = f"The input array size of {len(codes)} is greater than the maximum allowed of {MOST_CODES}."
        raise GraphQLError(message, extensions={"code": "MAX_INPUT_SIZE_EXCEEDED"})
    discount = gid_number(arguments["discountId"], "DiscountCodeNode")
    if discount is None or discount_node(world, discount) is None:
        error = {"field": ["discountId"], "code": "INVALID", "message": "Code discount does not exist."}
        return {"bulkCreation": None, "userErrors": [{**error, "extraInfo": None}]}
    pace = world.remembered(PACE)
    fact = {
        "id": world.next_id("code_creation"),
        "discount": discount,
        "codes": codes,
        "looks": int(str(pace[-1]["looks"])) if pace else 1,
        "errors": None,
        "at": world.now.isoformat(),
    }
    world.remember(_CREATION, fact)
    return {"bulkCreation": _node(world, fact), "userErrors": []}


def code_creation(info: GraphQLResolveInfo, **arguments: str) -> Node | None:
    """How far a creation is; each look brings it on."""
    require_scope(info, "read_discounts")
    world: WorldView = info.context.world
    number = gid_number(arguments["id"], _KIND)
    fact = written(world, _CREATION, "id").last_of(number)
    if fact is None:
        return None
    if fact["errors"] is None:
        fact = _brought_on(world, fact)
        world.remember(_CREATION, fact)
    return _node(world, fact)


def _brought_on(world: WorldView, fact: Fact) -> dict[str, Any]:
    now: dict[str, Any] = dict(fact)
    now["looks"] -= 1
    if now["looks"] <= 0:
        # What was made before the emulator was killed is taken now, as it would be by a second call.
        now["errors"] = [add_code(world, now["discount"], code)[1] for code in now["codes"]]
    return now


def _node(world: WorldView, fact: Mapping[str, Any]) -> Node:
    is_done = fact["errors"] is not None
    errors = fact["errors"] or [[] for _ in fact["codes"]]
    failed = sum(bool(one) for one in errors)
    return {
        "__typename": _KIND,
        "id": gid(_KIND, fact["id"]),
        "done": is_done,
        "codesCount": len(fact["codes"]),
        "importedCount": len(fact["codes"]) - failed if is_done else 0,
        "failedCount": failed,
        "createdAt": zulu(datetime.fromisoformat(fact["at"])),
        "discountCode": discount_node(world, fact["discount"]),
        "codes": connection_of(
            [_code(world, code, one, is_done) for code, one in zip(fact["codes"], errors, strict=True)]
        ),
    }


def _code(world: WorldView, code: str, errors: list[Node], is_done: bool) -> Node:
    voucher = world.voucher(SHOPIFY, code) if is_done and not errors else None
    made = None if voucher is None else redeem_code_node(voucher)
    return {"code": code, "discountRedeemCode": made, "errors": errors}


CODE_QUERIES: Mapping[str, Callable[..., Any]] = {"discountRedeemCodeBulkCreation": code_creation}
CODE_MUTATIONS: Mapping[str, Callable[..., Any]] = {"discountRedeemCodeBulkAdd": _add}
