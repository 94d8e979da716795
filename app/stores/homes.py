"""Where a shop says that it lives: one that speaks from another address moved, or is a copy of it.

A copy for testing holds the same orders, keys and webhooks. Until the merchant says which it is, nothing is
sent and nothing that comes from there is believed.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.crypto import Vault
from app.errors import BadInput
from app.models import Store
from app.stores import chores, credentials
from app.stores.credentials import Credentials

SHOP, DELIVERY = "shop", "delivery"
"""Who said it: the shop that we call, or somebody who delivers with its webhooks' secrets."""
_LONGEST = 255


def is_elsewhere(store: Store, url: str) -> bool:
    """Whether an address is on another host than the shop's own; the port and a www. say nothing.

    Folders say nothing either: plugins for languages put theirs behind the shop's.
    """
    host = _host(url)
    return bool(host) and host not in {_host(f"//{store.domain}"), _host(store.url)}


def is_copy(store: Store, url: str) -> bool:
    """Whether the merchant said that a copy lives there."""
    return _host(url) in store.copies


def note(store: Store, url: str, by: str) -> None:
    """The shop spoke from elsewhere: from now on nothing is sent until the merchant answers."""
    if not store.is_copy and not is_copy(store, url):
        store.other_home = {"url": url[:_LONGEST], "by": by}


def settle_moved(session: Session, vault: Vault, store: Store, now: datetime) -> None:
    """The merchant says that the shop is there now: it is called there, its webhooks are looked at at once.

    Raises:
        BadInput: nothing was asked, or a store is connected under that address already.
    """
    url = _asked(store)
    domain = url.split("://", 1)[-1].lower()
    taken = select(Store.id).where(Store.platform == store.platform, Store.domain == domain)
    if session.execute(taken.where(Store.id != store.id)).first() is not None:
        raise BadInput(f"{domain} is connected already.", "home")

    def signed_there(current: Credentials) -> Credentials:
        return Credentials({**current.access, "signing_url": url}, current.kept)

    credentials.change(session, vault, store, signed_there)
    # Who it is, is learned anew by the next look at it.
    store.url, store.domain, store.store_uid, store.other_home = url, domain, "", {}
    chores.plan(session, store, now)


def settle_copy(store: Store) -> None:
    """The merchant says that what spoke from there is a copy.

    If it is the one that we call, it never sends; if it only delivers, its deliveries are passed over.

    Raises:
        BadInput: nothing was asked.
    """
    url = _asked(store)
    if store.other_home["by"] == SHOP:
        store.is_copy = True
    else:
        store.copies = [*store.copies, _host(url)]
    store.other_home = {}


def forgotten() -> dict[str, Any]:
    """The columns of a store of which nothing like that is known."""
    return {"other_home": {}, "copies": [], "is_copy": False}


def _asked(store: Store) -> str:
    if not store.other_home:
        raise BadInput("The shop speaks from its own address.", "home")
    return str(store.other_home["url"])


@lru_cache(maxsize=4096)
def _host(url: str) -> str:
    """Asked for each delivery of a shop, of the same few addresses."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
