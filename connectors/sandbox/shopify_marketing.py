"""External marketing activities and their daily engagement.

Source: Admin GraphQL schema 2026-10. That a day told again replaces what was told of it before is said of
Shopify's older channel engagements (Sales Channel SDK); of these it is taken for granted here.
"""

from collections.abc import Callable, Mapping
from typing import Any

from graphql import GraphQLResolveInfo

from connectors.sandbox.model import CURRENCY, WorldView
from connectors.sandbox.shopify_nodes import Node
from connectors.sandbox.shopify_queries import require_scope
from connectors.sandbox.written import written

ACTIVITY = "shopify_marketing_activity"
ENGAGEMENT = "shopify_marketing_engagement"
_SCOPE = "write_marketing_events"


def _upsert(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    require_scope(info, _SCOPE)
    world: WorldView = info.context.world
    asked = dict(arguments["input"])
    activities = written(world, ACTIVITY, "remoteId")
    before = activities.last_of(asked["remoteId"])
    if not asked.get("utm"):
        return _refused("utm", "INVALID", "Non-hierarchical activities must have UTM parameters")
    if before is not None and before["utm"] != asked["utm"]:
        return _refused("utm", "IMMUTABLE_UTM_PARAMETERS", "UTM parameters cannot be modified")
    others = (one for one in activities.latest() if one["remoteId"] != asked["remoteId"])
    if any(one["utm"] == asked["utm"] for one in others):
        code = "MARKETING_ACTIVITY_WITH_UTM_CAMPAIGN_ALREADY_EXISTS"
        return _refused("utm", code, "A marketing activity with the same UTM exists")
    world.remember(ACTIVITY, asked)
    return {"userErrors": []}


def _engage(info: GraphQLResolveInfo, **arguments: Any) -> Node:
    require_scope(info, _SCOPE)
    world: WorldView = info.context.world
    remote_id, asked = arguments.get("remoteId"), arguments["marketingEngagement"]
    if written(world, ACTIVITY, "remoteId").last_of(remote_id) is None:
        return _refused("remoteId", "INVALID_REMOTE_ID", "The remote ID does not correspond to an activity")
    if (asked.get("sales") or {}).get("currencyCode", CURRENCY) != CURRENCY:
        return _refused("sales", "CURRENCY_CODE_MISMATCH_INPUT", "All currency codes need to match")
    world.remember(ENGAGEMENT, {"key": f"{remote_id}:{asked['occurredOn']}", **asked})
    return {"userErrors": []}


def _refused(field: str, code: str, message: str) -> Node:
    return {"userErrors": [{"field": [field], "code": code, "message": message}]}


MARKETING_MUTATIONS: Mapping[str, Callable[..., Node]] = {
    "marketingActivityUpsertExternal": _upsert,
    "marketingEngagementCreate": _engage,
}
