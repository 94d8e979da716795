"""All that touches Twilio's own package; imported at first use only.

On its own it costs 0.3 s and 34 MB, beside what we load anyway 0.3 s and 11 MB (November 2026).

The package has no time-out of its own, and its errors drop the answer's headers (Retry-After) and cannot
be told from its failures to read an answer. So its calls go through our pool, and what it makes of an
answer is set aside: we judge the answer itself.
"""

import base64
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import local
from typing import Any
from urllib.parse import urlencode

from twilio.base.exceptions import TwilioException
from twilio.http import HttpClient
from twilio.http.response import Response as PackageResponse
from twilio.rest import Client

from connectors import exact_json
from connectors.answers import Response
from connectors.base import ConnectorError
from connectors.channels.twilio.account import API_URL, TwilioAccount
from connectors.pool import ProviderPool

_logger = logging.getLogger("twilio.http_client")
# At INFO it writes addresses with their queries, among them telephone numbers.
_logger.setLevel(logging.WARNING)


class PooledHttpClient(HttpClient):  # type: ignore[misc]  # the package has no types
    """The package's way out, over our pool, which follows no redirect and tries nothing twice.

    Keeps for each thread its last answer, and whether its call may still be made.
    """

    def __init__(self, pool: ProviderPool) -> None:
        super().__init__(_logger, False)
        self._pool = pool
        self._last = local()

    def request(
        self,
        method: str,
        uri: str,
        *,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_pools: object,
    ) -> PackageResponse:
        """One call; time-outs are the pool's, and redirects are never followed.

        Raises:
            ConnectorError: as `ProviderPool.request` does.
            ValueError: the answer is nested too deeply for the package to read.
        """
        url = f"{uri}?{urlencode(params, doseq=True)}" if params else uri
        body = urlencode(data, doseq=True).encode() if data else None
        told = {**(headers or {}), **_basic(auth)}
        answer = self._pool.request(method, url, headers=told, body=body, may_leave=self._last.may_leave)
        self._last.answer = answer
        text = exact_json.shallow(answer.body).decode("utf-8", "replace")
        return PackageResponse(answer.status, text, answer.headers)

    def answer_to(self, call: Callable[[], object], may_leave: Callable[[], bool] = lambda: True) -> Response:
        """The answer that a call of the package got, whatever the package made of it.

        Args:
            may_leave: whether the call may still be made (`ProviderPool.request`).

        Raises:
            ConnectorError: there was none; NotSent if the request certainly never left.
        """
        self._last.answer, self._last.may_leave = None, may_leave
        with suppress(TwilioException, *_UNREAD_BY_THE_PACKAGE):
            call()
        answer: Response | None = self._last.answer
        if answer is None:
            raise ConnectorError("Twilio's package made no call of it", permanent=True)
        return answer


class TwilioClient:
    """The client of one account; safe to share between threads. Each call may raise ConnectorError."""

    def __init__(self, account: TwilioAccount, pool: ProviderPool) -> None:
        self._http = PooledHttpClient(pool)
        self._base = account.api_url.rstrip("/")
        # The environment's own region and edge would change the hosts; ours stand in the settings.
        nothing = {"TWILIO_REGION": ""}
        self._client = Client(
            account.account_sid, account.auth_token, http_client=self._http, environment=nothing
        )
        self._client.api.base_url = self._base

    def create_message(self, may_leave: Callable[[], bool] = lambda: True, **fields: Any) -> Response:
        """POST Messages with these fields, in the package's names, if the message may still leave."""
        return self._http.answer_to(lambda: self._client.messages.create(**fields), may_leave)

    def message_page(self, **filters: Any) -> Response:
        """The first page of the messages that fit these filters, in the package's names."""
        return self._http.answer_to(lambda: self._client.messages.page(**filters))

    def next_page(self, uri: str) -> Response:
        """A page by the path that the one before it gave."""
        return self._http.answer_to(lambda: self._client.request("GET", f"{self._base}/{uri.lstrip('/')}"))

    def message(self, sid: str) -> Response:
        """One message as it is now."""
        return self._http.answer_to(lambda: self._client.messages(sid).fetch())

    def account(self) -> Response:
        """The account itself."""
        accounts = self._client.api.v2010.accounts
        return self._http.answer_to(lambda: accounts(self._client.account_sid).fetch())

    def service(self, sid: str) -> Response:
        """A messaging service."""
        return self._http.answer_to(lambda: self._service(sid).fetch())

    def senders(self, sid: str, kind: str) -> Response:
        """The first page of a messaging service's senders: phone_numbers, short_codes or alpha_senders."""
        return self._http.answer_to(lambda: getattr(self._service(sid), kind).page(page_size=_PAGE))

    def _service(self, sid: str) -> Any:
        # Another 0.1 s of imports, which sending does without.
        messaging = self._client.messaging
        messaging.base_url = _messaging_url(self._base)
        return messaging.v1.services(sid)


_PAGE = 100
# What the package raises over an answer that is not the documented one.
_UNREAD_BY_THE_PACKAGE = (ValueError, TypeError, AttributeError, KeyError)


def _basic(auth: tuple[str, str] | None) -> dict[str, str]:
    if auth is None:
        return {}
    return {"Authorization": f"Basic {base64.b64encode(':'.join(auth).encode()).decode()}"}


def _messaging_url(base: str) -> str:
    """Twilio keeps services on a host of their own; an emulator has all on one."""
    is_twilio = base == API_URL or (base.startswith("https://api.") and base.endswith(".twilio.com"))
    return base.replace("https://api.", "https://messaging.", 1) if is_twilio else base
