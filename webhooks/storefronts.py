"""Storefront deliveries: the raw bytes are checked here, and nothing is read."""

import threading
import time
from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.crypto import UnreadableSecret
from app.errors import Busy
from app.inbox import NOBODY, Kept
from app.models import Store
from app.models.inbound_event import IGNORED, WAITING
from app.runtime import Runtime
from app.stores import verification
from connectors.base import InvalidSignature
from connectors.storefronts.shopify import webhook as shopify
from connectors.storefronts.woocommerce import webhook as woocommerce
from webhooks.answers import FORGED, NOT_HERE, Answer

_REMEMBER_SECONDS = 2.0
_MOST_REMEMBERED = 10_000


class StorefrontDeliveries:
    """Checks deliveries of both platforms for every store of this database."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._directory = _Directory(runtime)

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
            if platform == "shopify" and not rest:
                return self._check_shopify(headers, body)
            if platform == "woocommerce":
                return self._check_woocommerce(rest, headers, body)
        except InvalidSignature:
            return FORGED
        except UnreadableSecret as error:
            raise Busy("the secrets of this store cannot be read now") from error
        return NOT_HERE

    def is_quick(self, place: str, headers: Mapping[str, str]) -> bool:
        """Whether `check` would go without asking the database."""
        platform, _, rest = place.partition("/")
        name = _named_shop(headers) if platform == "shopify" else rest.strip("/").partition("/")[0]
        return self._directory.remembers(platform, name)

    def _check_shopify(self, headers: Mapping[str, str], body: bytes) -> Kept:
        store = self._directory.shopify(_named_shop(headers))
        secrets = verification.shopify_secrets(self._runtime, store)
        now = clock.now()
        envelope = shopify.verify(headers, body, secrets, now)
        if store is None or envelope.shop != store.domain:
            # Signed by our app, yet for a shop that we do not know: kept, and nothing comes of it.
            return Kept(NOBODY, envelope, body, now, IGNORED)
        return Kept(store.id, envelope, body, now, WAITING)

    def _check_woocommerce(self, rest: str, headers: Mapping[str, str], body: bytes) -> Kept | Answer:
        connection, _, path = rest.strip("/").partition("/")
        store = self._directory.woocommerce(connection, path)
        if store is None:
            return NOT_HERE
        topic = headers.get("x-wc-webhook-topic", "")
        secrets = verification.woocommerce_secrets(self._runtime, store, topic)
        envelope = woocommerce.verify(headers, body, *secrets)
        # A ping asks for nothing; that it came shows that the shop reaches us.
        status = IGNORED if envelope.is_ping else WAITING
        return Kept(store.id, envelope, body, clock.now(), status)


def _named_shop(headers: Mapping[str, str]) -> str:
    named = headers.get("x-shopify-shop-domain") or headers.get("shopify-shop-domain") or ""
    return named.strip().lower()


class _Directory:
    """Stores by the address of their deliveries, remembered for two seconds."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, Store]] = {}

    def shopify(self, domain: str) -> Store | None:
        return self._get(("shopify", domain))

    def woocommerce(self, connection: str, path: str) -> Store | None:
        """The store of that number, if the secret part of the address is its own."""
        if not (connection.isascii() and connection.isdigit() and len(connection) < 19 and path):
            return None
        store = self._get(("woocommerce", connection))
        return store if store is not None and store.webhook_path == path else None

    def remembers(self, platform: str, name: str) -> bool:
        """Whether the store of that name was asked for a moment ago."""
        held = self._known.get((platform, name))
        return held is not None and held[0] > time.monotonic()

    def _get(self, key: tuple[str, str]) -> Store | None:
        held = self._known.get(key)
        if held is not None and held[0] > time.monotonic():
            return held[1]
        store = self._look_up(*key)
        if store is None:
            # A shop that is being installed right now must not stay unknown for two seconds.
            return None
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[key] = (time.monotonic() + _REMEMBER_SECONDS, store)
        return store

    def _look_up(self, platform: str, name: str) -> Store | None:
        condition = Store.domain == name if platform == "shopify" else Store.id == int(name)
        statement = select(Store).where(Store.platform == platform, condition)
        try:
            with self._runtime.database.read() as session:
                return session.execute(statement).scalar_one_or_none()
        except SQLAlchemyError as error:
            raise Busy("the database cannot be read now") from error
