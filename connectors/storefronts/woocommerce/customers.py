"""A person as WooCommerce tells of them: an account, or the billing address of an order."""

from collections.abc import Mapping
from typing import Any

from connectors.base import CustomerRecord, JsonObject
from connectors.storefronts.woocommerce.meta import (
    MetaMapping,
    birthday,
    customer_consents,
    order_consents,
)
from connectors.storefronts.woocommerce.payload import (
    email,
    identifier,
    moment,
    optional_identifier,
    required_moment,
    section,
    text,
)

ERASED_EMAIL = "deleted@site.invalid"
CUSTOMER_FIELDS = "id,email,first_name,last_name,date_created_gmt,date_modified_gmt,billing,meta_data"
"""What `read_customer` and `is_anonymised` read, as WooCommerce's `_fields` takes it."""


def is_anonymised(payload: JsonObject, meta: Mapping[str, Any]) -> bool:
    """Whether WordPress' personal data eraser has been over an order or an account.

    Source: facts of two measured stores, section 5.
    """
    is_marked = str(meta.get("_anonymized")).lower() in ("yes", "1", "true")
    billed_to = email(section(payload, "billing"), "email")
    return is_marked or ERASED_EMAIL in (billed_to, email(payload, "email"))


def read_customer(payload: JsonObject, meta: Mapping[str, Any], mapping: MetaMapping) -> CustomerRecord:
    """The account in a customer payload, whatever its role: subscribers and staff are people, too.

    Args:
        payload: the account.
        meta: its meta values by key.
        mapping: what they mean.

    Raises:
        UnreadablePayload: not a customer's payload.
    """
    billing = section(payload, "billing")
    created_at = moment(payload, "date_created_gmt")
    # Null for accounts that were never edited.
    updated_at = moment(payload, "date_modified_gmt") or created_at
    born = birthday(meta, mapping)
    return CustomerRecord(
        external_id=identifier(payload, "id"),
        email=email(payload, "email"),
        phone=text(billing, "phone").strip(),
        first_name=text(payload, "first_name") or text(billing, "first_name"),
        last_name=text(payload, "last_name") or text(billing, "last_name"),
        country=text(billing, "country"),
        region=text(billing, "state"),
        city=text(billing, "city"),
        birth_year=born.year if born else None,
        birth_month=born.month if born else None,
        birth_day=born.day if born else None,
        consents=customer_consents(meta, mapping, updated_at),
        created_at=created_at,
        updated_at=updated_at,
    )


def read_buyer(
    payload: JsonObject, meta: Mapping[str, Any], mapping: MetaMapping, *, is_draft: bool
) -> CustomerRecord | None:
    """Who ordered, or None for a draft or a counter sale that names neither account nor address.

    Blank fields are None, because an order's address is no statement about the account. Consent is
    read from placed orders only: the box of a draft has not been submitted. `updated_at` is None for
    an account, whose own payload knows better; for a guest the order is the only source.

    Args:
        payload: the order.
        meta: its meta values by key.
        mapping: what they mean.
        is_draft: nothing has been submitted yet.
    """
    account_id = optional_identifier(payload, "customer_id")
    billing = section(payload, "billing")
    address = email(billing, "email")
    if account_id is None and address is None:
        return None
    born = birthday(meta, mapping)
    placed_at = required_moment(payload, "date_created_gmt", "date_modified_gmt")
    return CustomerRecord(
        external_id=account_id,
        email=address,
        phone=text(billing, "phone").strip() or None,
        first_name=text(billing, "first_name") or None,
        last_name=text(billing, "last_name") or None,
        country=text(billing, "country") or None,
        region=text(billing, "state") or None,
        city=text(billing, "city") or None,
        birth_year=born.year if born else None,
        birth_month=born.month if born else None,
        birth_day=born.day if born else None,
        consents=() if is_draft else order_consents(meta, mapping, placed_at),
        updated_at=None if account_id else required_moment(payload, "date_modified_gmt", "date_created_gmt"),
    )
