"""The first pages of a look at a shop: asked for together, handed out as each resource has its turn."""

from collections.abc import Mapping
from datetime import datetime

from connectors.base import ConnectorError, JsonObject, Resource
from connectors.storefronts.shopify import documents
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.listing import changed_since

_OFTEN = (Resource.ORDERS, Resource.CHECKOUTS)
_DOCUMENTS = {
    frozenset(_OFTEN): documents.LOOK_OFTEN,
    frozenset((*_OFTEN, Resource.PRODUCTS, Resource.CUSTOMERS)): documents.LOOK,
}
"""What is looked at together, by the quarter of an hour and by the hour. Orders come in outline."""
_Asked = tuple[Resource, datetime | None]


class FirstPages:
    """What a look was answered and has not taken yet."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._held: dict[_Asked, JsonObject] = {}

    def ask(self, since: Mapping[Resource, datetime]) -> None:
        """Ask for the pages of a look, where these resources are looked at together.

        Where Shopify refuses, nothing is held: each resource asks for itself, and what fails fails alone.
        """
        self._held = {}
        document = _DOCUMENTS.get(frozenset(since))
        if document is None:
            return
        try:
            answer = self._admin.run(
                document, {resource.value: changed_since(moment) for resource, moment in since.items()}
            )
        except ConnectorError:
            return
        self._held = {
            (resource, moment): {"page": answer.get(resource.value), "shop": answer.get("shop")}
            for resource, moment in since.items()
        }

    def take(self, resource: Resource, updated_since: datetime | None) -> JsonObject | None:
        """The answer that this resource's own document would have brought, or None; each is given once."""
        return self._held.pop((resource, updated_since), None)
