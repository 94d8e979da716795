"""How the two emulated providers are set up: their accounts, what they allow, and what goes wrong there."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

SENDGRID, TWILIO = "sendgrid", "twilio"
REAL, WORLD = "real", "world"
ALL_SCOPES = (
    "mail.send",
    "messages.read",
    "scopes.read",
    "stats.read",
    "suppression.read",
    "suppression.delete",
    "asm.suppressions.global.read",
    "asm.suppressions.global.create",
    "asm.suppressions.global.delete",
    "user.webhooks.event.settings.read",
    "user.webhooks.event.settings.update",
    "user.webhooks.event.settings.delete",
    "user.webhooks.event.test.create",
    "whitelabel.read",
    "whitelabel.update",
)


@dataclass(frozen=True, slots=True)
class Misfortune:
    """Shares between 0 and 1: of messages that end badly or are acted on, and of event posts that go astray.

    Attributes:
        opened: only of mails with open tracking switched on; `clicked` likewise.
        bounced: SendGrid only, as are blocked, deferred, dropped, complained and unsubscribed.
        undelivered: Twilio only, as is failed.
        late: events that are posted hours after they happened.
        twice: events that are posted again later.
        disordered: events that are posted after their successor.
        lost: events that are never posted.
        renamed: repeated SendGrid events that come with another `sg_event_id`.
    """

    bounced: float = 0.0
    blocked: float = 0.0
    deferred: float = 0.0
    dropped: float = 0.0
    complained: float = 0.0
    unsubscribed: float = 0.0
    opened: float = 0.0
    clicked: float = 0.0
    undelivered: float = 0.0
    failed: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    disordered: float = 0.0
    lost: float = 0.0
    renamed: float = 0.0


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """Both accounts.

    Attributes:
        clock: `real`: events are stamped and posted as real time goes by; `world`: as the world advances.
        verified_domains: SendGrid takes every sender under them; `verified_senders` are single addresses.
        pending_domains: listed by SendGrid as not valid yet.
        delivered_before: mails that somebody else had the account deliver on each day before today.
        credits_left: mails that SendGrid still takes; -1 for no end.
        calls_per_second: SendGrid's rate, told in its X-RateLimit headers.
        webhooks_allowed: how many event webhooks the plan has.
        from_numbers: the numbers of the Twilio account, the first one being the service's.
        inbound_url: where the service posts messages that come in; `status_url` is its default callback.
        stop_words: what Twilio itself takes for an opt-out; Italian words have to be configured there.
    """

    clock: str = REAL
    sendgrid_api_key: str = "SG.sandbox-key-number-0001.sandbox-secret-of-the-sendgrid-account-0001"
    scopes: tuple[str, ...] = ALL_SCOPES
    verified_senders: tuple[str, ...] = ()
    verified_domains: tuple[str, ...] = ("sandbox.example.com",)
    pending_domains: tuple[str, ...] = ("pending.example.com",)
    delivered_before: int = 0
    credits_left: int = -1
    calls_per_second: int = 10_000
    webhooks_allowed: int = 5
    account_sid: str = "AC5a4db0c5a4db0c5a4db0c5a4db0c5a4d"
    auth_token: str = "5a4db0c70c3e45a4db0c70c3e45a4db0"
    api_key_sid: str = "SK5a4db0c5a4db0c5a4db0c5a4db0c5a4d"
    api_key_secret: str = "sandbox-secret-of-the-twilio-key"
    service_sid: str = "MG5a4db0c5a4db0c5a4db0c5a4db0c5a4d"
    from_numbers: tuple[str, ...] = ("+15005550006",)
    inbound_url: str = ""
    status_url: str = ""
    stop_words: tuple[str, ...] = (
        *("STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"),
    )
    start_words: tuple[str, ...] = ("START", "UNSTOP", "YES")
    misfortune: Misfortune = field(default_factory=Misfortune)


def changed(settings: ProviderSettings, wishes: Mapping[str, Any]) -> ProviderSettings:
    """The settings with some of them replaced; `misfortune` may name some of its shares.

    Raises:
        ValueError: a name is unknown, or a value is of another kind than the one it replaces.
    """
    values = dict(wishes)
    if "misfortune" in values:
        shares = {name: float(share) for name, share in dict(values["misfortune"]).items()}
        _check(settings.misfortune, shares)
        values["misfortune"] = replace(settings.misfortune, **shares)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    _check(settings, values)
    if values.get("clock", REAL) not in {REAL, WORLD}:
        raise ValueError(f"the clock is {REAL} or {WORLD}")
    return replace(settings, **values)


def _check(current: ProviderSettings | Misfortune, values: Mapping[str, Any]) -> None:
    known = {one.name for one in fields(current)}
    for name, value in values.items():
        if name not in known:
            raise ValueError(f"{name} is no setting of the providers")
        if not isinstance(value, type(getattr(current, name))):
            raise ValueError(f"{name} is no {type(getattr(current, name)).__name__}")
