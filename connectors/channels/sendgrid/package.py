"""All that touches SendGrid's own package; imported at first use only.

On its own it costs 0.12 s and 29 MB, beside what we load anyway 0.03 s and 1 MB (November 2026).

The package opens a connection, and over TLS reads every CA, for each mail; it has no time-out, follows
redirects with the key in hand, and merges a call's headers into all later ones. So its client keeps
building addresses and headers, and every call goes through our own pool. Bodies are written as they are
documented: the package's `Mail` makes the same of a dozen objects for each mail.
"""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from python_http_client.client import Client
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail.exceptions import ApiKeyIncludedException
from sendgrid.helpers.mail.validators import ValidateApiKey

from connectors import exact_json
from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount, own_headers, sender, sender_name
from connectors.pool import ProviderPool
from connectors.sending import OutgoingMessage

# At DEBUG it writes bodies and the key.
logging.getLogger("python_http_client").setLevel(logging.WARNING)


_IS_JSON = {"Content-Type": "application/json"}


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

    def posting(self) -> Callable[[object, Callable[[], bool]], Response]:
        """This place's `post` of one body after the other: the way there and the headers are written once.

        Beside the body it takes whether it may still leave (`ProviderPool.request`).

        Raises:
            ConnectorError: nothing can be posted there.
        """
        way = self.pool.route_to("POST", self._build_url(None), {**self.request_headers, **_IS_JSON})
        return lambda body, may_leave: self.pool.send(way, exact_json.encoded(body), may_leave)

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
            headers |= _IS_JSON
            body = exact_json.encoded(request_body)
        return self.pool.request(method, self._build_url(query_params), headers=headers, body=body)


def open_client(account: SendGridAccount, pool: ProviderPool) -> PooledClient:
    """The client of one account; safe to share between threads."""
    official = SendGridAPIClient(account.api_key, host=account.api_url.rstrip("/"))
    headers = official.client.request_headers
    return PooledClient(pool, host=official.host, request_headers=headers, version=3)


def mail_body(message: OutgoingMessage, account: SendGridAccount) -> dict[str, Any]:
    """The body of mail/send for a message that has no `refusal`, as the package's `Mail` would make it.

    Source: twilio/sendgrid-oai, mail/send (January 2026).

    Raises:
        ConnectorError: the package will not put this content into a mail.
    """
    name, headers, categories = sender_name(message), own_headers(message), _categories(message.labels)
    address = {"email": sender(message)}
    body: dict[str, Any] = {
        "from": {"name": name, **address} if name else address,
        "subject": message.subject,
        "personalizations": [{"to": [{"email": message.to_address}], "custom_args": _ours(message, account)}],
        "content": [{"type": kind, "value": text} for kind, text in _contents(message)],
        "tracking_settings": _TRACKING[message.track_clicks],
    }
    if headers:
        body["headers"] = headers
    if categories:
        body["categories"] = categories
    if account.is_sandbox:
        body["mail_settings"] = {"sandbox_mode": {"enable": True}}
    return body


_MOST_CATEGORIES, _LONGEST_CATEGORY = 10, 255
_KEYS = ValidateApiKey()
_OFF = {"enable": False}
_TRACKING = {
    tracks_clicks: {
        "click_tracking": {"enable": tracks_clicks, "enable_text": tracks_clicks},
        "open_tracking": _OFF,
        "subscription_tracking": _OFF,
        "ganalytics": _OFF,
    }
    for tracks_clicks in (False, True)
}
"""Every kind said outright: what is left out follows the account's own settings."""


def _ours(message: OutgoingMessage, account: SendGridAccount) -> dict[str, str]:
    """What travels with the mail and comes back in its events."""
    arguments = {"mid": str(message.message_id), "store": str(account.store_id)}
    return arguments | {"home": account.installation} if account.installation else arguments


def _contents(message: OutgoingMessage) -> list[tuple[str, str]]:
    """The plain text first, as SendGrid demands."""
    contents = [
        (kind, text) for kind, text in (("text/plain", message.text), ("text/html", message.html)) if text
    ]
    try:
        for _, text in contents:
            _KEYS.validate_message_text(text)
    except ApiKeyIncludedException:
        raise ConnectorError("the mail begins with what looks like an API key", permanent=True) from None
    return contents


def _categories(labels: tuple[str, ...]) -> list[str]:
    """The labels that go along, each once."""
    return list(dict.fromkeys(label[:_LONGEST_CATEGORY] for label in labels if label))[:_MOST_CATEGORIES]
