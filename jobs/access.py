"""Watching what storefronts make of our credentials, around every call of a job."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from app.models import Store
from app.stores import refusals
from connectors.base import Unauthorized
from jobs.kit import Kit


@contextmanager
def watched(kit: Kit, store: Store, now: datetime) -> Iterator[None]:
    """Note a refusal that comes out of the calls inside, or that they were accepted.

    For work that does call the shop: what ends well without a call would be taken for a call accepted.

    Raises:
        Unauthorized: the one that was noted.
    """
    with refusals_noted(kit, store, now):
        yield
    if store.refusals:
        with kit.database.of_store(store.id).write() as session:
            refusals.forget(session, store.id)


@contextmanager
def refusals_noted(kit: Kit, store: Store, now: datetime) -> Iterator[None]:
    """Note a refusal that comes out of the calls inside, if there are any.

    Raises:
        Unauthorized: the one that was noted.
    """
    try:
        yield
    except Unauthorized as error:
        with kit.database.of_store(store.id).write() as session:
            refusals.note(session, store, error.reason, now)
        raise
