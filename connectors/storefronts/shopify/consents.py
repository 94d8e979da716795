"""Consents written into Shopify, in its own words.

Source: Admin GraphQL schema 2026-10: only SUBSCRIBED, UNSUBSCRIBED and PENDING are accepted; the customer
must have the address. A moment within 24 hours starts the merchant's own automations, as it should.
"""

from datetime import UTC

from connectors.base import ConnectorError, ConsentState, JsonObject
from connectors.storefronts.shopify import documents, fields
from connectors.storefronts.shopify.admin import Admin
from connectors.storefronts.shopify.answers import refusal_codes
from connectors.writing import ConsentChange, NotSupported


def write(admin: Admin, change: ConsentChange) -> None:
    """Set a customer's consent as of the moment at which they spoke.

    Raises:
        NotSupported: Shopify keeps no such consent.
        ConnectorError: Shopify refused it; permanent.
    """
    if change.channel not in _CHANNELS or change.state not in _STATES:
        raise NotSupported(f"Shopify keeps no consent to {change.channel} that is {change.state.value}")
    document, key = _CHANNELS[change.channel]
    asked = {"customerId": f"gid://shopify/Customer/{change.customer_external_id}", key: _consent(change)}
    answer = admin.run(document, {"input": asked})
    codes = refusal_codes(fields.required_child(answer, "written"))
    if codes:
        raise ConnectorError(f"Shopify refused the consent ({', '.join(codes)})", permanent=True)


_CHANNELS = {
    "email": (documents.CONSENT_EMAIL, "emailMarketingConsent"),
    "sms": (documents.CONSENT_SMS, "smsMarketingConsent"),
}
_STATES = {
    ConsentState.SUBSCRIBED: "SUBSCRIBED",
    ConsentState.PENDING: "PENDING",
    ConsentState.UNSUBSCRIBED: "UNSUBSCRIBED",
}
_LEVELS = {"consent": "SINGLE_OPT_IN", "double_opt_in": "CONFIRMED_OPT_IN"}


def _consent(change: ConsentChange) -> JsonObject:
    consent = {
        "marketingState": _STATES[change.state],
        "consentUpdatedAt": change.occurred_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if change.state is ConsentState.SUBSCRIBED and change.basis in _LEVELS:
        consent["marketingOptInLevel"] = _LEVELS[change.basis]
    return consent
