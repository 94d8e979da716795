"""Storefront deliveries: the raw bytes are checked here, and nothing is read."""

from collections.abc import Mapping

from app import clock
from app.crypto import UnreadableSecret
from app.errors import Busy
from app.inbox import NOBODY, Kept
from app.models import Store
from app.models.inbound_event import IGNORED, WAITING
from app.runtime import Runtime
from app.stores import verification
from app.stores.platforms import SHOPIFY, WOOCOMMERCE
from connectors.base import InvalidSignature
from connectors.storefronts.shopify import webhook as shopify
from connectors.storefronts.woocommerce import webhook as woocommerce
from webhooks.answers import FORGED, NOT_HERE, Answer
from webhooks.directory import Directory


class StorefrontDeliveries:
    """Checks deliveries of both platforms for every store of this database."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._directory = Directory(runtime)

    def check(self, place: str, headers: Mapping[str, str], body: bytes) -> Kept | Answer:
        """What is to be kept of a delivery, or the answer to one of which nothing is kept.

        Args:
            place: the address behind `/webhooks/`.
            headers: under lower-case names.

        Raises:
            Busy: the database cannot be read, or no key opens the store's secrets; the platform
                will try again.
        """
        platform, _, rest = place.partition("/")
        try:
            if platform == SHOPIFY and not rest:
                return self._check_shopify(headers, body)
            if platform == WOOCOMMERCE:
                return self._check_woocommerce(rest, headers, body)
        except InvalidSignature:
            return FORGED
        except UnreadableSecret as error:
            raise Busy("the secrets of this store cannot be read now") from error
        return NOT_HERE

    def is_quick(self, place: str, headers: Mapping[str, str]) -> bool:
        """Whether `check` would go without asking the database."""
        platform, _, rest = place.partition("/")
        name = _named_shop(headers) if platform == SHOPIFY else rest.strip("/").partition("/")[0]
        return self._directory.remembers((platform, name))

    def _check_shopify(self, headers: Mapping[str, str], body: bytes) -> Kept:
        store = self._directory.get((SHOPIFY, _named_shop(headers)))
        secrets = verification.shopify_secrets(self._runtime, store)
        now = clock.now()
        envelope = shopify.verify(headers, body, secrets, now)
        if store is None or envelope.shop != store.domain:
            # Signed by our app, yet for a shop that we do not know: kept, and nothing comes of it.
            return Kept(NOBODY, envelope, body, now, IGNORED)
        return Kept(store.id, envelope, body, now, WAITING)

    def _check_woocommerce(self, rest: str, headers: Mapping[str, str], body: bytes) -> Kept | Answer:
        connection, _, path = rest.strip("/").partition("/")
        store = self._connected(connection, path)
        if store is None:
            return NOT_HERE
        topic = headers.get("x-wc-webhook-topic", "")
        secrets = verification.woocommerce_secrets(self._runtime, store, topic)
        envelope = woocommerce.verify(headers, body, *secrets)
        # A ping asks for nothing; that it came shows that the shop reaches us.
        status = IGNORED if envelope.is_ping else WAITING
        return Kept(store.id, envelope, body, clock.now(), status)

    def _connected(self, connection: str, path: str) -> Store | None:
        """The store of that number, if the secret part of the address is its own."""
        if not (connection.isascii() and connection.isdigit() and len(connection) < 19 and path):
            return None
        store = self._directory.get((WOOCOMMERCE, connection))
        return store if store is not None and store.webhook_path == path else None


def _named_shop(headers: Mapping[str, str]) -> str:
    named = headers.get("x-shopify-shop-domain") or headers.get("shopify-shop-domain") or ""
    return named.strip().lower()
