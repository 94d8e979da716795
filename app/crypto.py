"""Secrets at rest and signed tokens: rotating keys, keyed hashes, constant-time checks."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_MAC_BYTES = 12


class UnreadableSecret(Exception):
    """A stored secret cannot be read with any of ENCRYPTION_KEYS."""


class Vault:
    """Encrypts small JSON objects; the first key encrypts, every key decrypts."""

    def __init__(self, keys: Sequence[str]) -> None:
        opened = [Fernet(key.encode("ascii")) for key in keys]
        self._first, self._fernet = opened[0], MultiFernet(opened)

    def seal(self, secrets: Mapping[str, Any]) -> str:
        """Encrypt an object to ASCII text."""
        return self._fernet.encrypt(json.dumps(secrets).encode()).decode("ascii")

    def open(self, sealed: str) -> dict[str, Any]:
        """Decrypt what `seal` made.

        Raises:
            UnreadableSecret: no key fits.
        """
        try:
            opened = json.loads(self._fernet.decrypt(sealed.encode("ascii")))
        except InvalidToken as error:
            raise UnreadableSecret("a stored secret fits none of ENCRYPTION_KEYS") from error
        return dict(opened)

    def reseal(self, sealed: str) -> str:
        """Encrypt again under the first key: one sealed object, or several divided by spaces.

        Raises:
            UnreadableSecret: no key fits one of them.
        """
        return " ".join(self._again(part) if part else "" for part in sealed.split(" "))

    def is_current(self, sealed: str) -> bool:
        """Whether the first key opens every object of such a text."""
        try:
            for part in filter(None, sealed.split(" ")):
                self._first.decrypt(part.encode())
        except InvalidToken:
            return False
        return True

    def _again(self, sealed: str) -> str:
        try:
            return self._fernet.rotate(sealed.encode()).decode("ascii")
        except InvalidToken as error:
            raise UnreadableSecret("a stored secret fits none of ENCRYPTION_KEYS") from error


class Signer:
    """Signs short tokens for links; each purpose has its own key, so that none is replayed as another."""

    def __init__(self, secret_key: str) -> None:
        self._secret = secret_key.encode()
        self._keyed: dict[str, hmac.HMAC] = {}

    def sign(self, purpose: str, value: str) -> str:
        """`value.mac`, URL-safe; the value stays readable and must hold nothing private."""
        return f"{value}.{self._mac(purpose, value)}"

    def check(self, purpose: str, token: str) -> str | None:
        """The value of a token that this key signed for this purpose, or None."""
        value, _, mac = token.rpartition(".")
        if not value or not mac.isascii():
            return None
        return value if hmac.compare_digest(mac, self._mac(purpose, value)) else None

    @property
    def installation(self) -> str:
        """Tells this installation from every other, to providers whose account several share."""
        return self.fingerprint("installation", "")[:16]

    def fingerprint(self, purpose: str, value: str) -> str:
        """A keyed hash that survives erasure: equal for equal values, telling nothing of them."""
        return self._digest(purpose, value).hex()

    def _mac(self, purpose: str, value: str) -> str:
        return base64.urlsafe_b64encode(self._digest(purpose, value)[:_MAC_BYTES]).decode("ascii")

    def _digest(self, purpose: str, value: str) -> bytes:
        keyed = self._keyed.get(purpose)
        if keyed is None:
            key = hmac.new(self._secret, purpose.encode(), hashlib.sha256).digest()
            keyed = self._keyed[purpose] = hmac.new(key, digestmod=hashlib.sha256)
        # From a copy that has the key in it already: to begin with the key takes as long again.
        digest = keyed.copy()
        digest.update(value.encode())
        return digest.digest()
