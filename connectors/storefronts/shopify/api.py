"""A connected Shopify shop, as `Storefront` of connectors.base."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.base import (
    JsonObject,
    OutlinePage,
    Record,
    RecordPage,
    Resource,
    StoreIdentity,
    Subscription,
)
from connectors.history import by_page
from connectors.storefronts.shopify import bulk_records, documents, fields, order_listing
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.answers import readable
from connectors.storefronts.shopify.auth import admin_base
from connectors.storefronts.shopify.bulk_history import Assemble, BulkHistory
from connectors.storefronts.shopify.checkouts import checkout_node
from connectors.storefronts.shopify.customers import customer_node
from connectors.storefronts.shopify.first_pages import FirstPages
from connectors.storefronts.shopify.listing import all_pages, changed_since, next_cursor, page_of, whole
from connectors.storefronts.shopify.products import product_node
from connectors.storefronts.shopify.topics import TOPIC_BY_ENUM
from connectors.transport import StoreTransport


class ShopifyStorefront:
    """One shop through its Admin GraphQL API. Nothing is retried inside.

    Args:
        admin_url: `https://{shop}`, or an emulator's address with the same placeholder.
        shop: the shop's own domain.
        access_token: a valid offline token.
        transport: how to reach it.
    """

    def __init__(self, admin_url: str, shop: str, access_token: str, transport: StoreTransport) -> None:
        self._admin = Admin(admin_base(admin_url, shop), access_token, transport)
        self._first_pages = FirstPages(self._admin)
        self._transport = transport
        self._is_emulator = admin_url.startswith("http://")

    def identity(self) -> StoreIdentity:
        """Who the shop is. Shopify tells its language only with a scope of its own: left empty."""
        with readable():
            answer = self._admin.run(documents.IDENTITY)
            shop = fields.required_child(answer, "shop")
            installation = fields.required_child(answer, "currentAppInstallation")
            address = fields.child(shop, "shopAddress") or {}
            return StoreIdentity(
                domain=fields.required_text(shop, "myshopifyDomain"),
                name=fields.required_text(shop, "name"),
                timezone=fields.required_text(shop, "ianaTimezone"),
                currency=fields.required_text(shop, "currencyCode"),
                country=fields.text(address, "countryCodeV2") or "",
                locale="",
                home_url=fields.required_text(fields.required_child(shop, "primaryDomain"), "url"),
                email=fields.text(shop, "email") or "",
                scopes=_scopes(installation),
                store_uid=fields.external_id(shop, "id"),
                app_id=fields.text(fields.child(installation, "app") or {}, "apiKey") or "",
                postal_address=_on_one_line(address),
            )

    def count(self, resource: Resource) -> int | None:
        """How many there are now; of orders those that we may see."""
        with readable():
            answer = self._admin.run(_LISTINGS[resource].count_document)
            return fields.whole(fields.child(answer, "total") or {}, "count")

    def begin_look(self, since: Mapping[Resource, datetime]) -> None:
        """Ask for the first pages of what is to be listed next by one call, where that can be."""
        self._first_pages.ask(since)

    def page(self, resource: Resource, *, cursor: str | None, updated_since: datetime | None) -> RecordPage:
        """One page, the longest unchanged first; what changes meanwhile comes again at the end."""
        listing = _LISTINGS[resource]
        variables = {"after": cursor, "query": changed_since(updated_since)}
        with readable():
            # Of orders a look holds outlines, which are no whole orders.
            may_be_held = cursor is None and resource is not Resource.ORDERS
            answer = self._first_pages.take(resource, updated_since) if may_be_held else None
            answer = answer or self._admin.run(listing.page_document, variables)
            page = page_of(answer)
            nodes = fields.children(page, "nodes")
            found = tuple(listing.read(self._admin, node, answer) for node in nodes)
            return RecordPage(records=found, cursor=next_cursor(page))

    def history(self, resource: Resource, cursor: str | None) -> Generator[RecordPage, None, None]:
        """All there is by a bulk operation, or by pages where none does; an old page's cursor goes on."""
        listing = _LISTINGS[resource]
        if listing.bulk_document is None or listing.assemble is None:
            yield from by_page(self, resource, cursor)
            return
        history = BulkHistory(
            self._admin,
            self._transport,
            query=listing.bulk_document,
            assemble=listing.assemble,
            by_page=lambda after: by_page(self, resource, after),
            is_plain_allowed=self._is_emulator,
        )
        with readable():
            yield from history.pages(cursor)

    def outline_orders(self, *, cursor: str | None, updated_since: datetime) -> OutlinePage:
        """Up to 150 changed orders in outline, the longest unchanged first."""
        with readable():
            first = self._first_pages.take(Resource.ORDERS, updated_since) if cursor is None else None
            return order_listing.outlines(self._admin, cursor, updated_since, first)

    def fetch_orders(self, external_ids: Sequence[str]) -> Generator[tuple[Record, ...], None, None]:
        """Orders as they are now, ten at a time; those that are gone are left out."""
        with readable():
            yield from order_listing.several(self._admin, external_ids)

    def fetch(self, resource: Resource, external_id: str) -> Record | None:
        """One resource as it is now, or None if it is gone."""
        listing = _LISTINGS[resource]
        with readable():
            answer = self._admin.run(
                listing.one_document, {"id": f"gid://shopify/{listing.kind}/{external_id}"}
            )
            node = fields.child(answer, "one")
            return listing.read(self._admin, node, answer) if node else None

    def subscriptions(self) -> Sequence[Subscription]:
        """What was subscribed through the API: normally nothing, shopify.app.toml declares ours."""
        with readable():
            nodes = all_pages(self._admin, documents.SUBSCRIPTIONS, None, page_of)
            return [
                Subscription(
                    external_id=fields.external_id(node, "id"),
                    topic=_topic(fields.required_text(node, "topic")),
                    url=fields.text(node, "uri") or "",
                    state="active",
                )
                for node in nodes
            ]

    def subscribe(self, url_by_topic: Mapping[str, str], secret: str) -> Sequence[Subscription]:
        """Nothing to do: Shopify keeps the app's declared subscriptions; what exists is returned."""
        return self.subscriptions()

    def unsubscribe(self, _external_ids: Sequence[str]) -> None:
        """Nothing to do: Shopify keeps what the app declares."""

    def unsubscribe_all(self) -> None:
        """Nothing to do: Shopify drops the app's declared subscriptions when it is uninstalled."""


Reader = Callable[[Admin, JsonObject, JsonObject], Record]


@dataclass(frozen=True, slots=True)
class _Listing:
    """How one resource is asked for and read. `read` takes the node and the whole answer of a page.

    Without a bulk document its history is read by pages.
    """

    kind: str
    page_document: str
    one_document: str
    count_document: str
    read: Reader
    bulk_document: str | None = None
    assemble: Assemble | None = None


def _on_one_line(address: JsonObject) -> str:
    """Street, then postcode and town, as far as the shop named them."""
    street, more, code, town = (
        fields.text(address, name) or "" for name in ("address1", "address2", "zip", "city")
    )
    return ", ".join(filter(None, (street, more, f"{code} {town}".strip())))


def _scopes(installation: JsonObject) -> tuple[str, ...]:
    granted = fields.children(installation, "accessScopes")
    return tuple(fields.required_text(scope, "handle") for scope in granted)


def _topic(enum: str) -> str:
    return TOPIC_BY_ENUM.get(enum, enum.lower())


def _read_customer(_admin: Admin, node: JsonObject, _answer: JsonObject) -> Record:
    return customer_node(node)


def _read_checkout(_admin: Admin, node: JsonObject, _answer: JsonObject) -> Record:
    return checkout_node(node)


def _read_product(admin: Admin, node: JsonObject, answer: JsonObject) -> Record:
    product_id = {"id": fields.required_text(node, "id")}
    first = fields.required_child(node, "variants")
    currency = fields.required_text(fields.required_child(answer, "shop"), "currencyCode")
    return product_node(node, whole(admin, first, documents.PRODUCT_VARIANTS, product_id), currency)


_LISTINGS = {
    Resource.CUSTOMERS: _Listing(
        kind="Customer",
        page_document=documents.CUSTOMERS,
        one_document=documents.CUSTOMER,
        count_document=documents.CUSTOMERS_COUNT,
        bulk_document=documents.BULK_CUSTOMERS,
        read=_read_customer,
        assemble=bulk_records.customers,
    ),
    Resource.PRODUCTS: _Listing(
        kind="Product",
        page_document=documents.PRODUCTS,
        one_document=documents.PRODUCT,
        count_document=documents.PRODUCTS_COUNT,
        bulk_document=documents.BULK_PRODUCTS,
        read=_read_product,
        assemble=bulk_records.products,
    ),
    Resource.ORDERS: _Listing(
        kind="Order",
        page_document=documents.ORDERS,
        one_document=documents.ORDER,
        count_document=documents.ORDERS_COUNT,
        bulk_document=documents.BULK_ORDERS,
        read=order_listing.read,
        assemble=bulk_records.orders,
    ),
    Resource.CHECKOUTS: _Listing(
        kind="AbandonedCheckout",
        page_document=documents.CHECKOUTS,
        one_document=documents.CHECKOUT,
        count_document=documents.CHECKOUTS_COUNT,
        read=_read_checkout,
    ),
}
