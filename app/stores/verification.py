"""The secrets that prove a webhook; asked for with every delivery, so opened once and remembered.

What is remembered is keyed by the sealed text that the store's row holds now: when a secret changes,
the text does, in whichever process. Renewing a token does not change it.
"""

import hashlib
import hmac
from collections.abc import Mapping
from functools import lru_cache

from app.crypto import Vault
from app.models import Store
from app.runtime import Runtime
from app.stores import credentials

_REMEMBERED = 4096


def shopify_secrets(runtime: Runtime, store: Store | None) -> list[str]:
    """What may sign for this shop: its own app's secret, else the operator's and its predecessor.

    Empty where nothing is known, which closes the door.

    Raises:
        UnreadableSecret: none of ENCRYPTION_KEYS fits.
    """
    own = _kept(runtime.vault, store).get("client_secret") if store is not None else None
    if own:
        return [own]
    settings = runtime.settings
    known = (settings.shopify_client_secret, settings.shopify_previous_client_secret)
    return [secret for secret in known if secret]


def woocommerce_secret(runtime: Runtime, store: Store, topic: str) -> str:
    """What signs a topic's newest webhook, "" where nothing is known.

    Raises:
        UnreadableSecret: none of ENCRYPTION_KEYS fits.
    """
    return _of_turn(_kept(runtime.vault, store).get("webhook_secret", ""), topic, _turns(store, topic)[0])


def woocommerce_secrets(runtime: Runtime, store: Store, topic: str) -> list[str]:
    """What may sign a topic's deliveries, the likeliest first; empty where nothing is known.

    A delivery of a webhook that was just made anew may still be signed with the secret before, and one
    that comes a moment after with the secret behind the one that a process remembers of the store.

    Each topic has its own: WooCommerce signs the body alone, so a body of one topic must not pass under
    the header of another.

    Raises:
        UnreadableSecret: none of ENCRYPTION_KEYS fits.
    """
    secret = _kept(runtime.vault, store).get("webhook_secret", "")
    turns = _turns(store, topic)
    return [_of_turn(secret, topic, turn) for turn in (*turns, turns[0] + 1)] if secret else []


def _turns(store: Store, topic: str) -> list[int]:
    return store.webhook_turns.get(topic) or [0]


def _of_turn(secret: str, topic: str, turn: int) -> str:
    """The secret of a topic's webhook that was made anew so many times.

    Hex: WooCommerce would read HTML entities in it.
    """
    if not secret:
        return ""
    text = f"{topic} {turn}" if turn else topic
    return hmac.new(secret.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _kept(vault: Vault, store: Store) -> Mapping[str, str]:
    return _webhook_secrets(vault, credentials.kept_part(store.credentials))


@lru_cache(maxsize=_REMEMBERED)
def _webhook_secrets(vault: Vault, kept: str) -> Mapping[str, str]:
    """Only what proves webhooks is remembered, not the keys of providers."""
    opened = credentials.unseal_kept(vault, kept)
    return {name: str(opened[name]) for name in ("client_secret", "webhook_secret") if name in opened}
