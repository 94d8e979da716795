"""A store's secrets at rest: what opens the storefront, and what must outlive an uninstall.

`stores.credentials` holds two sealed objects divided by a space. The first one opens the
storefront (tokens, keys) and is dropped at the uninstall, which needs no key for that. The second one
stays until the shop is erased: the webhook secrets, because the platform still has to tell us
things, and the merchant's own provider keys. It does not change when a token is renewed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.orm import Session

from app.crypto import Vault
from app.models import Store

_DIVIDER = " "
_PROVIDERS = "providers"


@dataclass(frozen=True, slots=True)
class Credentials:
    """The opened secrets of one store; never logged, never shown.

    Attributes:
        access: what opens the storefront. Shopify: `access_token`, `expires_at` (seconds since 1970) or
            `is_lasting`, `refresh_token`, `previous_refresh_token`, `lease`. WooCommerce: `key`, `secret`,
            `mode`, `signing_url`.
        kept: `webhook_secret` (WooCommerce), `client_id` and `client_secret` (a merchant's own Shopify
            app), `providers` (the secret settings).
    """

    access: dict[str, Any] = field(default_factory=dict, repr=False)
    kept: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def providers(self) -> dict[str, str]:
        """The secret settings by their keys."""
        return dict(self.kept.get(_PROVIDERS, {}))

    def with_provider(self, key: str, secret: str) -> "Credentials":
        """The same with one secret setting changed; an empty one is taken out."""
        providers = {name: value for name, value in self.providers.items() if name != key}
        if secret:
            providers[key] = secret
        return replace(self, kept={**self.kept, _PROVIDERS: providers})


def seal(vault: Vault, secrets: Credentials) -> str:
    """The text for `stores.credentials`."""
    return _DIVIDER.join((vault.seal(secrets.access), vault.seal(secrets.kept)))


def unseal(vault: Vault, sealed: str) -> Credentials:
    """What `seal` made; nothing in it for an empty text.

    Raises:
        UnreadableSecret: none of ENCRYPTION_KEYS fits.
    """
    access, kept = _parts(sealed)
    return Credentials(vault.open(access) if access else {}, vault.open(kept) if kept else {})


def unseal_access(vault: Vault, sealed: str) -> dict[str, Any]:
    """What opens the storefront alone, as every call needs it.

    Raises:
        UnreadableSecret: none of ENCRYPTION_KEYS fits.
    """
    access, _ = _parts(sealed)
    return vault.open(access) if access else {}


def without_access(sealed: str) -> str:
    """The text without what opens the storefront."""
    return _DIVIDER + kept_part(sealed)


def kept_part(sealed: str) -> str:
    """The sealed half that outlives an uninstall; equal texts hold equal secrets."""
    return _parts(sealed)[1]


def unseal_kept(vault: Vault, kept: str) -> dict[str, Any]:
    """What a kept part holds.

    Raises:
        UnreadableSecret: none of ENCRYPTION_KEYS fits.
    """
    return vault.open(kept) if kept else {}


def lock(session: Session, store: Store) -> None:
    """Read the store's row anew and keep others from changing it until the transaction ends.

    Secrets are read, changed and written as a whole: without the lock a settings page would put an
    old token back over one that was renewed meanwhile.
    """
    session.refresh(store, with_for_update=True)


def change(
    session: Session, vault: Vault, store: Store, edit: Callable[[Credentials], Credentials]
) -> Credentials:
    """Change a store's secrets under its lock and return the new ones."""
    lock(session, store)
    changed = edit(unseal(vault, store.credentials))
    store.credentials = seal(vault, changed)
    return changed


def _parts(sealed: str) -> tuple[str, str]:
    access, _, kept = sealed.partition(_DIVIDER)
    return access, kept
