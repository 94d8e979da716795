"""Consent and birthday from the meta keys that the merchant mapped; no mapping means no consent."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from connectors.base import BirthDate, ConsentRecord, ConsentState, JsonObject
from connectors.storefronts.woocommerce.payload import entries

YES = ("1", "yes", "true", "on")

BIRTHDAY_FORMATS: Mapping[str, re.Pattern[str]] = {
    "YYYY-MM-DD": re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
    "DD/MM/YYYY": re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})"),
    "MM/DD/YYYY": re.compile(r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})"),
    "DD.MM.YYYY": re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})"),
    "DD-MM-YYYY": re.compile(r"(?P<day>\d{1,2})-(?P<month>\d{1,2})-(?P<year>\d{4})"),
    "YYYYMMDD": re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"),
    "MM-DD": re.compile(r"(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
    "DD/MM": re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})"),
}


@dataclass(frozen=True, slots=True)
class MetaMapping:
    """How one store's payloads are to be read: what WooCommerce leaves to plugins and to the merchant.

    Attributes:
        email_consent_key, sms_consent_key, tracking_consent_key, birthday_key: a meta key, or several
            divided by commas of which the first that is present counts; "" means that nothing is read.
        email_consent_yes, sms_consent_yes, tracking_consent_yes: the values that mean yes, compared
            without case.
        birthday_format: one of BIRTHDAY_FORMATS; `--MM-DD` is understood with each of them.
        paid_statuses: order statuses that count as paid without a payment date (cash on delivery).
        delivered_statuses: order statuses that stand for "the parcel has arrived".
        delivered_key: a meta key (or several, as above) where a shipment plugin keeps how the parcel stands,
            or a list of its parcels; of an order that has it, `completed` no longer stands for delivered.
        delivered_values: its values that mean delivered, compared without case.
        currency: the store's currency, because product payloads name none; "" where it is not known.

    Raises:
        ValueError: the birthday format is not one of the table.
    """

    email_consent_key: str = ""
    email_consent_yes: tuple[str, ...] = YES
    sms_consent_key: str = ""
    sms_consent_yes: tuple[str, ...] = YES
    tracking_consent_key: str = ""
    tracking_consent_yes: tuple[str, ...] = YES
    birthday_key: str = ""
    birthday_format: str = "YYYY-MM-DD"
    paid_statuses: tuple[str, ...] = ("processing", "completed")
    delivered_statuses: tuple[str, ...] = ("completed",)
    delivered_key: str = ""
    delivered_values: tuple[str, ...] = ("delivered",)
    currency: str = ""

    def __post_init__(self) -> None:
        """Refuse a format that could only ever read nothing."""
        if self.birthday_format not in BIRTHDAY_FORMATS:
            raise ValueError(f"birthday format must be one of {', '.join(BIRTHDAY_FORMATS)}")


PRESETS: Mapping[str, MetaMapping] = {
    "mailchimp": MetaMapping(email_consent_key="mailchimp_woocommerce_is_subscribed"),
    "activecampaign": MetaMapping(email_consent_key="activecampaign_for_woocommerce_accepts_marketing"),
    "brevo": MetaMapping(
        email_consent_key="ws_opt_in,_wc_other/SendinblueWoocommerce/newsletter_opt_in",
    ),
    "omnisend": MetaMapping(email_consent_key="marketing_opt_in_consent", email_consent_yes=("checkout",)),
    # Source: facts of two measured stores, section 4 (meta of shipment plugins).
    "trackship": MetaMapping(delivered_key="ts_shipment_status"),
    "aftership": MetaMapping(delivered_key="_aftership_tracking_status"),
    # Lists of parcels, which seldom say more than that they left; their plugins complete orders when sent.
    "ast": MetaMapping(delivered_key="ts_shipment_status,shipment_status,_wc_shipment_tracking_items"),
    "ost": MetaMapping(delivered_key="_ost_tracking_items"),
    "brazil-checkout-fields": MetaMapping(birthday_key="_billing_birthdate", birthday_format="DD/MM/YYYY"),
    "yith-birthday": MetaMapping(birthday_key="yith_birthday,ywces_birthday"),
}


def meta_of(payload: JsonObject) -> dict[str, Any]:
    """The payload's meta values by key; of two rows with one key the later counts."""
    return {str(row.get("key")): row.get("value") for row in entries(payload, "meta_data")}


def says_delivered(meta: Mapping[str, Any], mapping: MetaMapping) -> bool | None:
    """Whether a shipment plugin says that the parcel arrived; None where it says nothing of this order.

    Of several parcels each must have arrived; one of which no state is told is under way.
    """
    key = _first_present(meta, mapping.delivered_key)
    if key is None or meta[key] in ([], {}):
        return None
    arrived = {word.lower() for word in mapping.delivered_values}
    return all(word.lower() in arrived for word in _parcel_states(meta[key]))


def order_consents(
    meta: Mapping[str, Any], mapping: MetaMapping, placed_at: datetime
) -> tuple[ConsentRecord, ...]:
    """The consents given at checkout. A box left empty withdraws nothing, so it says nothing."""
    return tuple(
        ConsentRecord(channel, ConsentState.SUBSCRIBED, "consent", placed_at, f"order-meta:{key}")
        for channel, key, is_yes in _answers(meta, mapping)
        if is_yes
    )


def customer_consents(
    meta: Mapping[str, Any], mapping: MetaMapping, changed_at: datetime | None
) -> tuple[ConsentRecord, ...]:
    """What the account says now: yes is a consent, any other value that is present is a no.

    `changed_at` is the account's last change, the only moment that the platform gives; it moves with
    every edit of the account, so these are standing: an answer that is the same as before is no news.
    """
    return tuple(
        ConsentRecord(
            channel,
            ConsentState.SUBSCRIBED if is_yes else ConsentState.UNSUBSCRIBED,
            "consent" if is_yes else None,
            changed_at,
            f"customer-meta:{key}",
            is_standing=True,
        )
        for channel, key, is_yes in _answers(meta, mapping)
    )


def birthday(meta: Mapping[str, Any], mapping: MetaMapping) -> BirthDate | None:
    """The birthday in the merchant's format; anything else is None, never an error."""
    key = _first_present(meta, mapping.birthday_key)
    if key is None:
        return None
    written = _as_written(meta[key])
    if written.startswith("--"):
        return BirthDate.parse(written)
    found = BIRTHDAY_FORMATS[mapping.birthday_format].fullmatch(written)
    return None if found is None else _birth_date(found.groupdict())


def _answers(meta: Mapping[str, Any], mapping: MetaMapping) -> Iterator[tuple[str, str, bool]]:
    asked = (
        ("email", mapping.email_consent_key, mapping.email_consent_yes),
        ("sms", mapping.sms_consent_key, mapping.sms_consent_yes),
        ("tracking", mapping.tracking_consent_key, mapping.tracking_consent_yes),
    )
    for channel, keys, yes in asked:
        key = _first_present(meta, keys)
        if key is not None:
            yield channel, key, _as_written(meta[key]).lower() in _lower(yes)


def _first_present(meta: Mapping[str, Any], keys: str) -> str | None:
    for key in _split(keys):
        if key in meta:
            return key
    return None


@lru_cache(maxsize=1024)
def _split(keys: str) -> tuple[str, ...]:
    """The keys of a setting; a store's few settings are asked for with each of its orders."""
    return tuple(key.strip() for key in keys.split(",") if key.strip())


@lru_cache(maxsize=1024)
def _lower(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.lower() for word in words)


def _parcel_states(value: Any) -> Iterator[str]:
    """The word for each parcel, "" where none is told; PHP writes a list with gaps as an object."""
    if isinstance(value, dict) and all(isinstance(one, dict) for one in value.values()):
        value = list(value.values())
    for parcel in value if isinstance(value, list) else [value]:
        yield _as_written(parcel.get("status") if isinstance(parcel, dict) else parcel)


def _as_written(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return str(value).strip() if isinstance(value, str | int) else ""


def _birth_date(parts: dict[str, str]) -> BirthDate | None:
    year = int(parts["year"]) if "year" in parts else None
    # 2000 is a leap year, so that 29 February is a birthday without a year, too.
    try:
        day = date(year or 2000, int(parts["month"]), int(parts["day"]))
    except ValueError:
        return None
    return BirthDate(day.month, day.day, year or None)
