"""Tags of a customer written into Shopify, others' left alone.

Source: Admin GraphQL schema 2026-10, tagsAdd and tagsRemove; their errors have no codes.
"""

from connectors.base import ConnectorError
from connectors.storefronts.shopify import documents, fields
from connectors.storefronts.shopify.admin import Admin
from connectors.writing import TagChange


def write(admin: Admin, change: TagChange) -> None:
    """Take tags away, then add the others.

    Raises:
        ConnectorError: Shopify refused them; permanent.
    """
    customer = f"gid://shopify/Customer/{change.customer_external_id}"
    for document, tags in ((documents.TAGS_REMOVE, change.removed), (documents.TAGS_ADD, change.added)):
        if tags:
            answer = admin.run(document, {"id": customer, "tags": list(tags)})
            if fields.children(fields.required_child(answer, "written"), "userErrors"):
                raise ConnectorError("Shopify refused the tags", permanent=True)
