"""Stores by the address of their deliveries, remembered for two seconds."""

import threading
import time
from collections.abc import Callable, Mapping

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Busy
from app.models import Store
from app.runtime import Runtime
from app.stores.platforms import SHOPIFY, WOOCOMMERCE

_REMEMBER_SECONDS = 2.0
_MOST_REMEMBERED = 10_000
ANY = "any"
"""The kind of a number that may be a store's of either platform."""

Key = tuple[str, str]
"""A platform or ANY, and the name by which its deliveries call a store."""


class Directory:
    """What deliveries must know of their stores, asked once in a while."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._lock = threading.Lock()
        self._known: dict[Key, tuple[float, Store]] = {}

    def get(self, key: Key) -> Store | None:
        """The store of that name, as it was two seconds ago at most.

        Raises:
            Busy: the database cannot be read now.
        """
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

    def remembers(self, key: Key) -> bool:
        """Whether the store of that name was asked for a moment ago."""
        held = self._known.get(key)
        return held is not None and held[0] > time.monotonic()

    def forget(self, key: Key) -> bool:
        """Ask for the store anew next time; whether anything was remembered."""
        with self._lock:
            return self._known.pop(key, None) is not None

    def _look_up(self, kind: str, name: str) -> Store | None:
        statement = select(Store).where(_CONDITIONS[kind](name))
        try:
            with self._runtime.database.read() as session:
                return session.execute(statement).scalar_one_or_none()
        except SQLAlchemyError as error:
            raise Busy("the database cannot be read now") from error


_CONDITIONS: Mapping[str, Callable[[str], ColumnElement[bool]]] = {
    SHOPIFY: lambda name: and_(Store.platform == SHOPIFY, Store.domain == name),
    WOOCOMMERCE: lambda name: and_(Store.platform == WOOCOMMERCE, Store.id == int(name)),
    ANY: lambda name: Store.id == int(name),
}
