"""All that touches SendGrid's own package; imported at first use only.

On its own it costs 0.12 s and 29 MB, beside what we load anyway 0.03 s and 1 MB (November 2026).

The package opens a connection, and over TLS reads every CA, for each mail; it has no time-out, follows
redirects with the key in hand, and merges a call's headers into all later ones. So its client keeps
building addresses and bodies, and every call goes through our own pool.
"""

import json
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from python_http_client.client import Client
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import (
    Category,
    ClickTracking,
    Content,
    CustomArg,
    From,
    Ganalytics,
    Header,
    Mail,
    MailSettings,
    MimeType,
    OpenTracking,
    Personalization,
    SandBoxMode,
    Subject,
    SubscriptionTracking,
    To,
    TrackingSettings,
)
from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException

from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount, own_headers, sender, sender_name
from connectors.pool import ProviderPool
from connectors.sending import OutgoingMessage

# At DEBUG it writes bodies and the key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)


class PooledClient(Client):  # type: ignore[misc]  # the package has no types
    """The package's client over our pool. A verb gives a Response whatever its status.

    Raises:
        ConnectorError: from a verb, as `ProviderPool.request` does.
    """

    def __init__(self, pool: ProviderPool, **settings: Any) -> None:
        super().__init__(**settings)
        self.pool = pool

    def _build_client(self, name: str | None = None) -> "PooledClient":
        return PooledClient(
            self.pool,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else list(self._url_path),
        )

    def __getattr__(self, name: str) -> Any:
        if name in self.methods:
            return partial(self._call, name.upper())
        return super().__getattr__(name)

    def _call(
        self,
        method: str,
        *,
        request_body: object = None,
        query_params: Mapping[str, object] | None = None,
    ) -> Response:
        headers = dict(self.request_headers)
        body = None
        if request_body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(request_body).encode()
        return self.pool.request(method, self._build_url(query_params), headers=headers, body=body)


def open_client(account: SendGridAccount, pool: ProviderPool) -> PooledClient:
    """The client of one account; safe to share between threads."""
    official = SendGridAPIClient(account.api_key, host=account.api_url.rstrip("/"))
    headers = official.client.request_headers
    return PooledClient(pool, host=official.host, request_headers=headers, version=3)


def mail_body(message: OutgoingMessage, account: SendGridAccount) -> dict[str, Any]:
    """The body of mail/send for a message that has no `refusal`.

    Raises:
        ConnectorError: the package will not put this content into a mail.
    """
    mail = Mail()
    mail.from_email = From(sender(message), sender_name(message) or None)
    mail.add_personalization(_personalization(message, account))
    mail.subject = Subject(message.subject)
    for content in _contents(message):
        mail.add_content(content)
    for name, value in own_headers(message).items():
        mail.add_header(Header(name, value))
    for label in _categories(message.labels):
        mail.add_category(Category(label))
    mail.tracking_settings = _tracking(track_clicks=message.track_clicks)
    if account.is_sandbox:
        mail.mail_settings = MailSettings(sandbox_mode=SandBoxMode(enable=True))
    body: dict[str, Any] = mail.get()
    return body


_MOST_CATEGORIES, _LONGEST_CATEGORY = 10, 255


def _personalization(message: OutgoingMessage, account: SendGridAccount) -> Personalization:
    # Given to the constructor without a name, an address would be read as "Name <address>".
    recipient = To()
    recipient.email = message.to_address
    to_one = Personalization()
    to_one.add_to(recipient)
    # On the mail as a whole the package's own specification wants a text here; of a person it is an object.
    to_one.add_custom_arg(CustomArg("mid", str(message.message_id)))
    to_one.add_custom_arg(CustomArg("store", str(account.store_id)))
    if account.installation:
        to_one.add_custom_arg(CustomArg("home", account.installation))
    return to_one


def _contents(message: OutgoingMessage) -> list[Content]:
    """The plain text first, as SendGrid demands."""
    kinds = ((MimeType.text, message.text), (MimeType.html, message.html))
    try:
        return [Content(kind, text) for kind, text in kinds if text]
    except ApiKeyIncludedException:
        raise ConnectorError("the mail begins with what looks like an API key", permanent=True) from None


def _categories(labels: tuple[str, ...]) -> list[str]:
    """The labels that go along, last first: the package puts each one before those already there."""
    unique = dict.fromkeys(label[:_LONGEST_CATEGORY] for label in labels if label)
    return list(unique)[:_MOST_CATEGORIES][::-1]


def _tracking(*, track_clicks: bool) -> TrackingSettings:
    """Every kind said outright: what is left out follows the account's own settings."""
    tracking = TrackingSettings()
    tracking.click_tracking = ClickTracking(enable=track_clicks, enable_text=track_clicks)
    tracking.open_tracking = OpenTracking(enable=False)
    tracking.subscription_tracking = SubscriptionTracking(enable=False)
    tracking.ganalytics = Ganalytics(enable=False)
    return tracking
