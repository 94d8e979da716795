"""WooCommerce's REST API v3 as a Storefront."""

import logging
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors.base import (
    CheckoutRecord,
    ConnectorError,
    Deletion,
    JsonObject,
    OutlinePage,
    Record,
    RecordPage,
    Resource,
    StoreIdentity,
    Subscription,
    UnreadablePayload,
)
from connectors.history import by_page
from connectors.present import IdPage
from connectors.storefronts.woocommerce.auth import StoreKeys
from connectors.storefronts.woocommerce.calls import Calls, Refused, reading_answer
from connectors.storefronts.woocommerce.customers import CUSTOMER_FIELDS
from connectors.storefronts.woocommerce.identity import read_identity, read_index
from connectors.storefronts.woocommerce.meta import MetaMapping
from connectors.storefronts.woocommerce.orders import OUTLINE_FIELDS, read_outline
from connectors.storefronts.woocommerce.paging import PER_PAGE, Place, path_of
from connectors.storefronts.woocommerce.payload import as_object, identifier, text
from connectors.storefronts.woocommerce.products import parent_of_variation
from connectors.storefronts.woocommerce.records import read_resource
from connectors.together import joined
from connectors.transport import StoreTransport

_log = logging.getLogger(__name__)
_FIELDS = {Resource.CUSTOMERS: {"_fields": CUSTOMER_FIELDS}}
"""Customers are listed whole every day, and half of what the store would say of each is not read."""
_HOOK_FIELDS = "id,topic,delivery_url,status"


@dataclass(frozen=True, slots=True)
class WooSettings:
    """What is known of one connected store.

    Attributes:
        keys: where and how it is called.
        mapping: how its payloads are read; holds its paid statuses and its currency, too.
        timezone: its IANA zone, in which coupons expire.
        hook_prefix: webhooks whose delivery URL lies below it are ours; "" knows none.
        hook_ids: webhooks with these ids are ours wherever they deliver: made before our address changed.
    """

    keys: StoreKeys
    mapping: MetaMapping = field(default_factory=MetaMapping)
    timezone: str = "UTC"
    hook_prefix: str = ""
    hook_ids: frozenset[str] = frozenset()


class WooStorefront:
    """A connected WooCommerce store; fulfils `connectors.base.Storefront`.

    Every method may raise ConnectorError: `Unauthorized` when the store refuses the key or its owner,
    `permanent` when trying again cannot help. Nothing is tried twice here.
    """

    def __init__(self, settings: WooSettings, transport: StoreTransport) -> None:
        self._settings = settings
        self._transport = transport
        self._calls = Calls(settings.keys, transport)

    def identity(self) -> StoreIdentity:
        """Who the shop is now: its index, its system status and its settings."""
        return read_identity(self._calls, read_index(self._transport, self._settings.keys.url))

    def count(self, resource: Resource) -> int | None:
        """How many there are, checkout drafts included; None where a proxy dropped the header."""
        params = {**Place().params(resource), "per_page": "1", "_fields": "id"}
        return self._calls.get(path_of(resource), params).number("X-WP-Total")

    def page(self, resource: Resource, *, cursor: str | None, updated_since: datetime | None) -> RecordPage:
        """Up to 100 of a resource, by id, or by change for orders and products with `updated_since`.

        Customers are always read whole: WooCommerce ignores the question for changes. Of reviews those
        that were written since, and in the two weeks before. An object that cannot be read is logged by
        its id and left out, so that it stops only itself.
        """
        place = Place.read(cursor) if cursor else Place.start(resource, updated_since)
        answer = self._calls.get(path_of(resource), {**place.params(resource), **_FIELDS.get(resource, {})})
        if not isinstance(answer.value, list):
            raise ConnectorError("the store answered no list")
        found: list[Record] = []
        for item in answer.value:
            found += self._readable(resource, item, is_plain=answer.is_plain)
        if resource is Resource.ORDERS:
            # Checkouts among them have a listing of their own, and a page counts its orders.
            found = [record for record in found if not isinstance(record, CheckoutRecord)]
        following = place.following(answer.value, answer)
        is_narrowed = cursor is not None and place.after is not None
        return RecordPage(
            records=tuple(found),
            cursor=following.cursor() if following else None,
            total=None if is_narrowed else answer.number("X-WP-Total"),
        )

    def begin_look(self, _since: Mapping[Resource, datetime]) -> None:
        """Nothing to do: a WooCommerce lists one thing a call."""

    def history(self, resource: Resource, cursor: str | None) -> Generator[RecordPage, None, None]:
        """The whole listing by pages, some of them joined: WooCommerce has nothing larger."""
        return joined(by_page(self, resource, cursor))

    def outline_orders(self, *, cursor: str | None, updated_since: datetime) -> OutlinePage:
        """Up to 100 changed orders in outline, the longest unchanged first."""
        place = Place.read(cursor) if cursor else Place.start(Resource.ORDERS, updated_since)
        answer = self._calls.get("orders", {**place.params(Resource.ORDERS), "_fields": OUTLINE_FIELDS})
        with reading_answer():
            rows = answer.many()
            found = tuple(read_outline(row, self._settings.mapping) for row in rows)
        following = place.following(rows, answer)
        return OutlinePage(outlines=found, cursor=following.cursor() if following else None)

    def fetch_orders(self, external_ids: Sequence[str]) -> Generator[tuple[Record, ...], None, None]:
        """Orders as they are now, a hundred at a time; those that are gone are left out."""
        for begin in range(0, len(external_ids), PER_PAGE):
            asked = ",".join(_checked(one) for one in external_ids[begin : begin + PER_PAGE])
            answer = self._calls.get("orders", {"include": asked, "per_page": str(PER_PAGE)})
            with reading_answer():
                rows = answer.many()
            found = [self._readable(Resource.ORDERS, row, is_plain=answer.is_plain) for row in rows]
            yield tuple(record for records in found for record in records)

    def present(self, resource: Resource, external_ids: Sequence[str]) -> frozenset[str]:
        """Which of these ids (at most 100) the store lists, whatever their state; the trash is no part."""
        asked = ",".join(_checked(one) for one in external_ids)
        params = {"include": asked, "per_page": str(PER_PAGE), "_fields": "id"}
        answer = self._calls.get(resource.value, params)
        with reading_answer():
            return frozenset(identifier(row, "id") for row in answer.many())

    def order_statuses(self) -> tuple[tuple[str, str], ...]:
        """Every status of the store's orders, plugins' own among them: its word and its name."""
        answer = self._calls.get("orders/statuses")
        with reading_answer():
            return tuple((text(row, "slug"), text(row, "name")) for row in answer.many())

    def trashed_orders(self, *, cursor: str | None, updated_since: datetime) -> IdPage:
        """Up to 100 orders of the trash, the longest there first; nothing that lies elsewhere."""
        place = Place.read(cursor) if cursor else Place.start(Resource.ORDERS, updated_since)
        fields = {"status": "trash", "_fields": "id,status,date_modified_gmt"}
        answer = self._calls.get("orders", {**place.params(Resource.ORDERS), **fields})
        with reading_answer():
            rows = answer.many()
            found = tuple(identifier(row, "id") for row in rows if text(row, "status") == "trash")
        following = place.following(rows, answer)
        return IdPage(ids=found, cursor=following.cursor() if following else None)

    def fetch(self, resource: Resource, external_id: str) -> Record | None:
        """One resource as it is now; None for what is gone or in the trash.

        A variation's id gives its parent. Only WordPress' own "invalid id" counts as gone: a 404 of
        another kind is a store that is switched off or moved, and an error.

        Raises:
            ConnectorError: also for an object that cannot be read.
        """
        with reading_answer():
            item = self._item(resource, _checked(external_id))
            parent = parent_of_variation(item) if item and resource is Resource.PRODUCTS else None
            if parent is not None:
                item = self._item(resource, parent)
            found = read_resource(resource, item, self._settings.mapping) if item else []
        # The resource itself stands last, behind news that its payload carries along.
        return None if not found or isinstance(found[-1], Deletion) else found[-1]

    def subscriptions(self) -> Sequence[Subscription]:
        """The webhooks whose delivery URL is ours; "disabled" after the 7th failed delivery in a row."""
        found: list[Subscription] = []
        place: Place | None = Place()
        while place is not None:
            params = {"per_page": str(PER_PAGE), "page": str(place.number), "orderby": "id", "order": "asc"}
            answer = self._calls.get("webhooks", {**params, "_fields": _HOOK_FIELDS})
            with reading_answer():
                rows = answer.many()
                found += [one for one in map(_subscription, rows) if self._is_ours(one)]
            place = place.following(rows, answer)
        return tuple(found)

    def subscribe(self, url_by_topic: Mapping[str, str], secret: str) -> Sequence[Subscription]:
        """Make the webhooks that are missing, one per topic, and return all of ours.

        A disabled one is made anew, because one failure more would disable it again; a paused one is
        the merchant's wish. The store pings each URL before it answers: the web side must be up. The
        secret should be hex, because the store reads HTML entities in it.
        """
        present = {(found.topic, found.url): found for found in self.subscriptions()}
        for topic, url in url_by_topic.items():
            known = present.get((topic, url))
            if known is not None and known.state != "disabled":
                continue
            if known is not None:
                self._delete_webhook(known.external_id)
            body = {"name": f"Ritorno {topic}", "topic": topic, "delivery_url": url, "secret": secret}
            self._calls.post("webhooks", body)
        return self.subscriptions()

    def unsubscribe(self, external_ids: Sequence[str]) -> None:
        """Delete these webhooks; one that is gone already does no harm."""
        for external_id in external_ids:
            self._delete_webhook(external_id)

    def unsubscribe_all(self) -> None:
        """Delete our webhooks. The key itself can only be revoked by the merchant."""
        self.unsubscribe([found.external_id for found in self.subscriptions()])

    def _item(self, resource: Resource, external_id: str) -> JsonObject | None:
        try:
            return self._calls.get(f"{path_of(resource)}/{external_id}").one()
        except Refused as error:
            if _is_gone(error):
                return None
            raise

    def _readable(self, resource: Resource, item: Any, *, is_plain: bool) -> list[Record]:
        try:
            return read_resource(resource, as_object(item, is_plain=is_plain), self._settings.mapping)
        except UnreadablePayload as error:
            item_id = item.get("id") if isinstance(item, dict) else None
            shown = item_id if isinstance(item_id, int) else "unknown"
            _log.warning("left out one of %s that cannot be read: id %s, %s", resource.value, shown, error)
            return []

    def _is_ours(self, found: Subscription) -> bool:
        if found.external_id in self._settings.hook_ids:
            return True
        prefix = self._settings.hook_prefix.rstrip("/")
        return bool(prefix) and (found.url == prefix or found.url.startswith(f"{prefix}/"))

    def _delete_webhook(self, external_id: str) -> None:
        try:
            self._calls.delete(f"webhooks/{external_id}")
        except Refused as error:
            if not _is_gone(error):
                raise


def _checked(external_id: str) -> str:
    if not (external_id.isascii() and external_id.isdigit()):
        raise ConnectorError("not an id of this store", permanent=True)
    return external_id


def _is_gone(error: Refused) -> bool:
    return error.status == 404 and error.code.endswith("invalid_id")


def _subscription(row: JsonObject) -> Subscription:
    return Subscription(
        external_id=identifier(row, "id"),
        topic=text(row, "topic"),
        url=text(row, "delivery_url"),
        state=text(row, "status"),
    )
