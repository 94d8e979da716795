"""Webhook bodies and REST answers as Records: one door for both."""

from datetime import datetime

from connectors.base import (
    Deletion,
    JsonObject,
    PrivacyKind,
    PrivacyRequest,
    Record,
    Resource,
    UnreadablePayload,
)
from connectors.storefronts.woocommerce import shapes
from connectors.storefronts.woocommerce.checkouts import read_checkout
from connectors.storefronts.woocommerce.customers import is_anonymised, read_customer
from connectors.storefronts.woocommerce.meta import MetaMapping, meta_of
from connectors.storefronts.woocommerce.orders import read_order
from connectors.storefronts.woocommerce.payload import identifier, parse_object
from connectors.storefronts.woocommerce.products import read_product
from connectors.storefronts.woocommerce.reviews import read_review
from connectors.storefronts.woocommerce.statements import read_statement
from connectors.storefronts.woocommerce.topics import STATEMENTS, News, meaning

_GONE = (404, 410)
_FORBIDDEN = (401, 403)


class OwnerDemoted(UnreadablePayload):
    """The store signs refusals: the WordPress account behind our webhooks lost its rights; reconnect."""


def records(topic: str, body: bytes, mapping: MetaMapping, triggered_at: datetime | None) -> list[Record]:
    """What a verified delivery tells, in Ritorno's words.

    Empty for topics without use (coupons, others' `action.*`, unknown ones), for variations, and for a
    resource that was gone before WooCommerce built the body. A Deletion needs a second proof by a
    look-up, because stores before 11.x send `product.deleted` and `coupon.deleted` for each other.

    Args:
        topic: WooCommerce's name, for example `order.updated`.
        body: the raw bytes whose signature was verified.
        mapping: how this store's payloads are to be read.
        triggered_at: the envelope's moment, the best there is for a deletion.

    Raises:
        OwnerDemoted: the body is the store's own "you may not see this".
        UnreadablePayload: the body is not what its topic promises.
    """
    known = meaning(topic)
    if known is None:
        return read_statement(parse_object(body)) if topic == STATEMENTS else []
    resource, news = known
    payload = shapes.order(body) if resource is Resource.ORDERS else parse_object(body)
    refused_with = _error_status(payload)
    if refused_with is not None:
        return _read_error(refused_with)
    if news is News.DELETED:
        return [Deletion(resource, identifier(payload, "id"), triggered_at)]
    return read_resource(resource, payload, mapping)


def read_resource(resource: Resource, payload: JsonObject, mapping: MetaMapping) -> list[Record]:
    """What one object of a listing or of a delivery tells.

    Raises:
        UnreadablePayload: the object is not of that resource's shape.
    """
    if resource is Resource.ORDERS:
        return read_order(payload, mapping)
    if resource is Resource.PRODUCTS:
        return read_product(payload, mapping)
    if resource is Resource.CHECKOUTS:
        begun = read_checkout(payload)
        return [begun] if begun else []
    if resource is Resource.REVIEWS:
        return [read_review(payload)]
    meta = meta_of(payload)
    if is_anonymised(payload, meta):
        return [PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, identifier(payload, "id"), None)]
    return [read_customer(payload, meta, mapping)]


def _error_status(payload: JsonObject) -> int | None:
    """The HTTP status of a REST error that was delivered instead of the resource, else None.

    Source: facts of two measured stores, fact 7. Coupons have a `code`, too, but also an `id`.
    """
    if "id" in payload or not isinstance(payload.get("code"), str):
        return None
    details = payload.get("data")
    status = details.get("status") if isinstance(details, dict) else None
    return status if isinstance(status, int) else 0


def _read_error(status: int) -> list[Record]:
    if status in _GONE:
        return []
    if status in _FORBIDDEN:
        raise OwnerDemoted("the store may not show us this any more: the key's owner lost the right")
    raise UnreadablePayload(f"the store delivered an error of status {status}")
