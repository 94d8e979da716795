"""Stores by the address of their deliveries, remembered for two seconds."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.exc import SQLAlchemyError

from app.errors import Busy
from app.models import Store
from app.runtime import Runtime
from app.stores.platforms import SHOPIFY, WOOCOMMERCE

_FRESH_SECONDS, _REMEMBER_SECONDS = 1.5, 2.0
_MOST_REMEMBERED = 10_000
ANY = "any"
"""The kind of a number that may be a store's of either platform."""

Key = tuple[str, str]
"""A platform or ANY, and the name by which its deliveries call a store."""


class _Held(NamedTuple):
    """A store as it was, and by the stopwatch until when that serves.

    Attributes:
        fresh_until: without being asked for; from then on the first who needs it asks for it anew.
        until: all others, as long as that one asks.
    """

    store: Store
    fresh_until: float
    until: float


class Directory:
    """What deliveries must know of their stores, asked once in a while.

    Of those that come together one asks; a crowd of them would each ask the same of the database.

    Args:
        stopwatch: monotonic seconds.
    """

    def __init__(self, runtime: Runtime, stopwatch: Callable[[], float] = time.monotonic) -> None:
        self._runtime = runtime
        self._stopwatch = stopwatch
        self._lock = threading.Lock()
        self._known: dict[Key, _Held] = {}
        self._asked: dict[Key, Future[Store | None]] = {}

    def get(self, key: Key) -> Store | None:
        """The store of that name, as it was two seconds ago at most.

        Raises:
            Busy: the database cannot be read now.
        """
        held, now = self._known.get(key), self._stopwatch()
        if held is not None and now < held.fresh_until:
            return held.store
        ours: Future[Store | None] = Future()
        with self._lock:
            asked = self._asked.setdefault(key, ours)
        if asked is ours:
            return self._ask(key, ours)
        if held is not None and now < held.until:
            return held.store
        # A shop that is being installed right now may have come since that one asked.
        return asked.result() or self._look_up(*key)

    def remembers(self, key: Key) -> bool:
        """Whether the store of that name was asked for a moment ago."""
        held, now = self._known.get(key), self._stopwatch()
        return held is not None and (now < held.fresh_until or (key in self._asked and now < held.until))

    def forget(self, key: Key) -> bool:
        """Ask for the store anew next time; whether anything was remembered."""
        with self._lock:
            # Who asks right now may be told how it was.
            self._asked.pop(key, None)
            return self._known.pop(key, None) is not None

    def _ask(self, key: Key, asked: Future[Store | None]) -> Store | None:
        """Ask for all that need the store now; where that fails, each of them asks by itself."""
        store = None
        try:
            store = self._look_up(*key)
        finally:
            with self._lock:
                if self._asked.get(key) is asked:
                    del self._asked[key]
                    self._remember(key, store)
            asked.set_result(store)
        return store

    def _remember(self, key: Key, store: Store | None) -> None:
        # A shop that is being installed right now must not stay unknown for two seconds.
        if store is None:
            return
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        now = self._stopwatch()
        self._known[key] = _Held(store, now + _FRESH_SECONDS, now + _REMEMBER_SECONDS)

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
