"""Whose accounts carry a store's messages: the store's own at a provider, else the operator's, else none."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.config import Settings
from app.crypto import Vault
from app.models import Store
from app.stores import credentials, settings

SENDGRID, TWILIO = "sendgrid", "twilio"
OPERATOR = 0
"""The store number in the address of the operator's own event webhook."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a provider.

    Attributes:
        kind: sendgrid or twilio.
        secret: SendGrid's API key, or Twilio's auth token.
        account_sid, service_sid: Twilio's.
        is_own: the store's; otherwise the operator's, shared with other stores.
        quota: how many messages of one store it carries in a month; 0 is no limit.
    """

    kind: str
    secret: str = field(repr=False)
    api_url: str
    account_sid: str = ""
    service_sid: str = ""
    is_own: bool = True
    quota: int = 0

    @property
    def fingerprint(self) -> str:
        """Tells accounts apart without telling their secrets."""
        parts = (self.kind, self.secret, self.api_url, self.account_sid, self.service_sid)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoreAccounts:
    """The accounts that carry a store's messages, by channel; with none at all its outbox stays here."""

    by_channel: Mapping[str, Account]

    @property
    def is_local(self) -> bool:
        """Nothing leaves: messages can be read in the browser."""
        return not self.by_channel


NO_ACCOUNTS = StoreAccounts({})


class Accounts:
    """Finds accounts; what was opened for a store is remembered until its settings change.

    Args:
        is_local: no store may send by a provider, whatever is set (the demo's made-up people).
    """

    def __init__(self, vault: Vault, operator: Settings, *, is_local: bool = False) -> None:
        self._vault = vault
        self._operator = operator
        self._is_local = is_local
        self._known: dict[int, tuple[tuple[str, ...], StoreAccounts]] = {}

    def of(self, store: Store) -> StoreAccounts:
        """Whose accounts carry the store's messages now.

        Raises:
            UnreadableSecret: none of ENCRYPTION_KEYS fits.
        """
        if self._is_local:
            return NO_ACCOUNTS
        key = (credentials.kept_part(store.credentials), *(settings.read(store, name) for name in _READ))
        known = self._known.get(store.id)
        if known is None or known[0] != key:
            known = (key, self._find(store))
            self._known[store.id] = known
        return known[1]

    def _find(self, store: Store) -> StoreAccounts:
        opened = credentials.unseal_kept(self._vault, credentials.kept_part(store.credentials))
        secrets = opened.get("providers", {})
        found = {"email": self._sendgrid(secrets), "sms": self._twilio(store, secrets)}
        return StoreAccounts({channel: account for channel, account in found.items() if account is not None})

    def _sendgrid(self, secrets: Mapping[str, Any]) -> Account | None:
        own = str(secrets.get("sendgrid.api_key", ""))
        operator = self._operator
        if own:
            return Account(SENDGRID, own, operator.sendgrid_api_url)
        key, quota = operator.sendgrid_api_key, operator.operator_email_quota
        return Account(SENDGRID, key, operator.sendgrid_api_url, is_own=False, quota=quota) if key else None

    def _twilio(self, store: Store, secrets: Mapping[str, Any]) -> Account | None:
        own = str(secrets.get("twilio.auth_token", ""))
        operator = self._operator
        sid, service = (
            (settings.read(store, "twilio.account_sid"), settings.read(store, "twilio.messaging_service_sid"))
            if own
            else (operator.twilio_account_sid, operator.twilio_messaging_service_sid)
        )
        token = own or operator.twilio_auth_token
        if not (token and sid and service):
            return None
        quota = 0 if own else operator.operator_sms_quota
        return Account(TWILIO, token, operator.twilio_api_url, sid, service, is_own=bool(own), quota=quota)


_READ = ("twilio.account_sid", "twilio.messaging_service_sid")
