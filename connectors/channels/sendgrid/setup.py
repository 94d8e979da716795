"""What SendGrid says of the account: what its key may do, its domains, its webhook, the addresses it bars.

Used when the merchant sets sending up and by checks; nothing is tried twice. Source: twilio/sendgrid-oai
(January 2026): tsg_scopes_v3, tsg_domain_authentication_v3, tsg_webhooks_v3, tsg_suppressions_v3.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from connectors.base import ConnectorError
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.send import LIMITS
from connectors.pool import ProviderPool

if TYPE_CHECKING:
    from connectors.answers import Response
    from connectors.channels.sendgrid.package import PooledClient

SCOPES: Mapping[str, str] = {
    "mail.send": "It sends the mails; without it nothing goes out.",
    "user.webhooks.event.settings.read": "It finds the webhook that reports what became of the mails.",
    "user.webhooks.event.settings.create": "It makes that webhook.",
    "user.webhooks.event.settings.update": "It has that webhook signed, so that nobody else can report.",
    "whitelabel.read": "It checks that the sender's domain is authenticated.",
    "whitelabel.update": "It has the domain's records looked at again at once.",
    "stats.read": "It sees how much the account delivers a day already, so that a warm domain is known.",
    "suppression.read": "It takes over the addresses that SendGrid bars already.",
}
"""What the key is needed for, by SendGrid's name of the permission. Only `mail.send` is indispensable."""


class SuppressionKind(StrEnum):
    """The lists of addresses that SendGrid bars or has seen fail; the value is their part of the address."""

    BOUNCES = "bounces"
    BLOCKS = "blocks"
    INVALID_EMAILS = "invalid_emails"
    SPAM_REPORTS = "spam_reports"
    UNSUBSCRIBES = "unsubscribes"


@dataclass(frozen=True, slots=True)
class Suppression:
    """An address on one of SendGrid's lists; `reason` is what SendGrid tells, not safe to show."""

    address: str
    reason: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """A record that SendGrid wants in a domain's DNS; `is_valid` once it was found there."""

    host: str
    type: str
    value: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class SenderDomain:
    """A domain that mails are to come from, and what makes it authentic."""

    id: str
    name: str
    is_valid: bool
    records: tuple[DnsRecord, ...]


class SendGridSetup:
    """The account, asked a question at a time. Each call may raise ConnectorError."""

    def __init__(self, account: SendGridAccount, *, pool: ProviderPool | None = None) -> None:
        self._account = account
        self._pool = pool or ProviderPool(limits=LIMITS, connections=1)

    def scopes(self) -> frozenset[str]:
        """What the key may do, in SendGrid's names."""
        scopes = _object(self._client.scopes.get()).get("scopes")
        return frozenset(scope for scope in _list(scopes) if isinstance(scope, str))

    def domains(self) -> tuple[str, ...]:
        """The domains that mails may come from: authenticated, and found valid by SendGrid."""
        return tuple(one.name for one in self.sender_domains() if one.is_valid)

    def sender_domains(self) -> tuple[SenderDomain, ...]:
        """Every domain that was put up for authentication, with the records it needs."""
        found = _list(_answer(self._client.whitelabel.domains.get(query_params={"limit": _PAGE})))
        return tuple(
            _sender_domain(entry) for entry in found if isinstance(entry, dict) and entry.get("domain")
        )

    def look_again(self, domain_id: str) -> bool:
        """Have SendGrid look at a domain's records now; whether it finds them all."""
        asked = self._client.whitelabel.domains._(quote(domain_id, safe="")).validate
        return _object(asked.post()).get("valid") is True

    def register_event_webhook(self, url: str) -> str:
        """Have events posted to this address, signed; gives the public key that checks them.

        A webhook that posts there already is brought up to date instead of making a second one.
        """
        hook_id = self._hook_id(url)
        settings = self._client.user.webhooks.event.settings
        body = {"url": url, "friendly_name": "Ritorno", "enabled": True, **_EVENTS}
        if hook_id is None:
            hook_id = str(_object(settings.post(request_body=body)).get("id") or "")
        else:
            _object(settings._(quote(hook_id, safe="")).patch(request_body=body))
        if not hook_id:
            raise ConnectorError("SendGrid did not say which webhook it made", permanent=True)
        signed = settings.signed._(quote(hook_id, safe=""))
        key = _object(signed.patch(request_body={"enabled": True})).get("public_key")
        if not isinstance(key, str) or not key:
            raise ConnectorError("SendGrid gave no key for the webhook", permanent=True)
        return key

    def suppressions(self, kind: SuppressionKind, since: datetime | None = None) -> Iterator[Suppression]:
        """The addresses of one list that came onto it from that moment on, page by page."""
        params = {"limit": _PAGE, "offset": 0}
        if since is not None:
            params["start_time"] = int(since.timestamp())
        before: list[Any] = []
        while True:
            entries = _list(_answer(self._client.suppression._(kind.value).get(query_params=params)))
            if entries and entries == before:
                raise ConnectorError("SendGrid gives the same page again and again")
            yield from (_suppression(entry) for entry in entries if _has_address(entry))
            if len(entries) < _PAGE:
                return
            before = entries
            params["offset"] += _PAGE

    def delivered(self, since: date) -> tuple[int, ...]:
        """How many mails the account delivered on each day from that one on, whoever sent them.

        Source: twilio/sendgrid-oai, tsg_stats_v3: GET /v3/stats, grouped by day.
        """
        params = {"start_date": since.isoformat(), "aggregated_by": "day"}
        listed = _list(_answer(self._client.stats.get(query_params=params)))
        return tuple(_delivered(entry) for entry in listed)

    def close(self) -> None:
        """Close the connection kept open."""
        self._pool.close()

    def _hook_id(self, url: str) -> str | None:
        listed = _object(self._client.user.webhooks.event.settings.all.get()).get("webhooks")
        ours = (entry for entry in _list(listed) if isinstance(entry, dict) and entry.get("url") == url)
        return next((str(entry["id"]) for entry in ours if entry.get("id")), None)

    @cached_property
    def _client(self) -> "PooledClient":
        if not self._account.has_usable_key():
            raise ConnectorError("there is no usable SendGrid API key", permanent=True)
        from connectors.channels.sendgrid.package import open_client

        return open_client(self._account, self._pool)


def missing_scopes(scopes: Collection[str]) -> tuple[str, ...]:
    """Which of SCOPES a key lacks, in their order."""
    return tuple(scope for scope in SCOPES if scope not in scopes)


_PAGE = 500
_FARTHEST = 1e11
_MOST_A_DAY = 10**9
# Opens are never measured; the account's own changes are told by default and cannot be asked for here.
_EVENTS = {
    "processed": True,
    "delivered": True,
    "deferred": True,
    "bounce": True,
    "dropped": True,
    "spam_report": True,
    "unsubscribe": True,
    "group_unsubscribe": True,
    "group_resubscribe": False,
    "click": True,
    "open": False,
}
_REFUSALS = {
    401: "SendGrid does not accept the API key",
    403: "the API key lacks a permission for this",
    404: "SendGrid does not have it",
    429: "SendGrid asks us to slow down",
}


def _answer(answer: "Response") -> Any:
    """The body of a good answer.

    Raises:
        ConnectorError: it is not one.
    """
    status = answer.status
    if 200 <= status < 300:
        return answer.json()
    raise ConnectorError(
        _REFUSALS.get(status, f"SendGrid answered {status}"),
        permanent=400 <= status < 500 and status != 429,
        status=status,
        retry_after_seconds=answer.retry_after_seconds(),
    )


def _object(answer: "Response") -> dict[str, Any]:
    body = _answer(answer)
    if not isinstance(body, dict):
        raise ConnectorError("SendGrid's answer is not the documented one", status=answer.status)
    return body


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ConnectorError("SendGrid's answer is not the documented one")
    return value


def _sender_domain(entry: Mapping[str, Any]) -> SenderDomain:
    listed = entry.get("dns")
    records = listed.values() if isinstance(listed, dict) else ()
    return SenderDomain(
        id=str(entry.get("id") or ""),
        name=str(entry["domain"]).lower(),
        is_valid=entry.get("valid") is True,
        records=tuple(_record(one) for one in records if isinstance(one, dict) and one.get("host")),
    )


def _record(entry: Mapping[str, Any]) -> DnsRecord:
    return DnsRecord(
        host=str(entry["host"]),
        type=str(entry.get("type") or "").upper(),
        value=str(entry.get("data") or ""),
        is_valid=entry.get("valid") is True,
    )


def _delivered(entry: object) -> int:
    """A day's sum over whatever it is split into; what is no number counts as none."""
    stats = entry.get("stats") if isinstance(entry, dict) else None
    metrics = (
        [one.get("metrics") for one in stats if isinstance(one, dict)] if isinstance(stats, list) else []
    )
    found = [one.get("delivered") for one in metrics if isinstance(one, dict)]
    return sum(number for number in found if type(number) is int and 0 <= number <= _MOST_A_DAY)


def _has_address(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("email"), str) and bool(entry["email"].strip())


def _suppression(entry: Mapping[str, Any]) -> Suppression:
    reason, created = entry.get("reason"), entry.get("created")
    return Suppression(
        address=entry["email"].strip(),
        reason=reason if isinstance(reason, str) else "",
        created_at=_moment(created),
    )


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < _FARTHEST:
        return None
    return datetime.fromtimestamp(float(seconds), UTC)
