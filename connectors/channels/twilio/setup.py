"""What Twilio says of the account and of its messaging service; nothing is tried twice.

Source: twilio/twilio-oai (April 2026): api_v2010 accounts, messaging_v1 services.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from connectors.base import ConnectorError
from connectors.channels.twilio import prices
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.prices import TextPrice
from connectors.channels.twilio.send import LIMITS
from connectors.pool import ProviderPool

if TYPE_CHECKING:
    from connectors.answers import Response
    from connectors.channels.twilio.package import TwilioClient


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account. `status` is active, suspended or closed; a trial sends to verified numbers only."""

    name: str
    status: str
    is_trial: bool


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A messaging service.

    Attributes:
        senders: numbers, short codes and names it sends from, at most 100 counted of each.
        inbound_url: where it posts what people reply, or empty.
        uses_number_url: replies go where each number says instead.
    """

    name: str
    senders: int
    inbound_url: str
    uses_number_url: bool


class TwilioSetup:
    """The account, asked a question at a time. Each call may raise ConnectorError."""

    def __init__(self, account: TwilioAccount, *, pool: ProviderPool | None = None) -> None:
        self._account = account
        self._pool = pool or ProviderPool(limits=LIMITS, connections=1)

    def account(self) -> AccountState:
        """How the account stands."""
        body = _object(self._client.account())
        return AccountState(
            name=str(body.get("friendly_name") or ""),
            status=str(body.get("status") or ""),
            is_trial=str(body.get("type") or "").lower() == "trial",
        )

    def service(self) -> ServiceState:
        """The messaging service that messages go out by."""
        sid = self._account.messaging_service_sid
        if not sid:
            raise ConnectorError("no messaging service is set", permanent=True)
        body = _object(self._client.service(sid))
        return ServiceState(
            name=str(body.get("friendly_name") or ""),
            senders=sum(_count(self._client.senders(sid, kind), key) for kind, key in _SENDERS),
            inbound_url=str(body.get("inbound_request_url") or ""),
            uses_number_url=body.get("use_inbound_webhook_on_number") is True,
        )

    def prices(self, sids: Collection[str], since: date) -> dict[str, TextPrice]:
        """What these messages cost, as far as it is known; `since` is the day of the first of them."""
        return prices.find(self._client, sids, since)

    def close(self) -> None:
        """Close the connection kept open."""
        self._pool.close()

    @cached_property
    def _client(self) -> "TwilioClient":
        if not self._account.has_usable_keys():
            raise ConnectorError("there is no usable Twilio account", permanent=True)
        from connectors.channels.twilio.package import TwilioClient

        return TwilioClient(self._account, self._pool)


# Each kind's name in the package, and the name of the list in its answer.
_SENDERS = (
    ("phone_numbers", "phone_numbers"),
    ("short_codes", "short_codes"),
    ("alpha_senders", "alpha_senders"),
)
_REFUSALS = {
    401: "Twilio does not accept the account or its token",
    403: "the token may not ask for this",
    404: "Twilio does not have it",
    429: "Twilio asks us to slow down",
}


def _object(answer: "Response") -> dict[str, Any]:
    status = answer.status
    if status != 200:
        raise ConnectorError(
            _REFUSALS.get(status, f"Twilio answered {status}"),
            permanent=400 <= status < 500 and status != 429,
            status=status,
            retry_after_seconds=answer.retry_after_seconds(),
        )
    body = answer.json()
    if not isinstance(body, dict):
        raise ConnectorError("Twilio's answer is not the documented one", status=status)
    return body


def _count(answer: "Response", key: str) -> int:
    listed = _object(answer).get(key)
    return len(listed) if isinstance(listed, list) else 0
