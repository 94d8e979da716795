"""What is done for one store again and again: claimed with a lease, put off slower each time it fails."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import uuid4

from sqlalchemy import BindParameter, Row, Update, bindparam, or_, select, update
from sqlalchemy.orm import Session

from app.db import UtcDateTime, insert_new, lease_now, table_of, upsert
from app.models import Chore, Store
from app.stores.platforms import CONNECTED, SHOPIFY, WOOCOMMERCE
from connectors.base import ConnectorError, Resource

CHORES = table_of(Chore)
STORES = table_of(Store)
WEBHOOKS = "webhooks"
"""WooCommerce switches off what it could not deliver, and tells nobody."""
SWEEPS = {"sweep.orders": Resource.ORDERS, "sweep.products": Resource.PRODUCTS}
"""WooCommerce deletes for good without a word, and so do batches and the trash of orders at times."""
IDENTITY = "identity"
"""What the store says of itself, and whether its webhooks arrive."""
SENDERS = "senders"
"""Whether the store's accounts at providers can send, and whom they bar already."""
FIGURES = "figures"
"""What its messages did and how long its lists are, added up for the screens."""
WEEKLY = "weekly"
"""The letter of the week to its merchant."""
SILENT = "silent"
"""In the notes of IDENTITY: how many orders of a day came by looking alone, while no webhook did."""
_ALWAYS = (IDENTITY, SENDERS, FIGURES, WEEKLY)
NAMES = {WOOCOMMERCE: (WEBHOOKS, *_ALWAYS, *SWEEPS), SHOPIFY: _ALWAYS}
"""What is done for a store, by its platform."""
LEASE = timedelta(seconds=180)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
_LONGEST_ERROR = 2000
_FREE: dict[str, Any] = {"lease_token": None, "lease_until": None}
_KEY = ("store_id", "name")
_NAME: BindParameter[Any] = bindparam("chore")
_STORE: BindParameter[Any] = bindparam("store")
_DUE = (CHORES.c.name == _NAME, CHORES.c.next_at <= bindparam("now", type_=UtcDateTime))
_CONNECTED = CHORES.c.store_id.in_(select(STORES.c.id).where(STORES.c.state == CONNECTED))
_STORES_DUE = (
    select(CHORES.c.store_id)
    .where(*_DUE, _CONNECTED)
    .order_by(CHORES.c.next_at, CHORES.c.store_id)
    .limit(bindparam("most"))
)
_FREE_AND_DUE = (
    select(CHORES.c.store_id)
    .where(
        *_DUE,
        _CONNECTED,
        CHORES.c.store_id == _STORE,
        or_(CHORES.c.lease_until.is_(None), CHORES.c.lease_until < bindparam("moment", type_=UtcDateTime)),
    )
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(CHORES)
    .where(CHORES.c.name == _NAME, CHORES.c.store_id.in_(_FREE_AND_DUE))
    .values(lease_token=bindparam("token"), lease_until=bindparam("until"))
    .returning(CHORES)
)


@dataclass(frozen=True, slots=True)
class Held:
    """A claimed row; `token` guards every later write of it."""

    store_id: int
    name: str
    token: str
    row: Row[Any]


def kinds() -> tuple[str, ...]:
    """Everything that is done again and again on one platform or another."""
    return tuple(f"chore {platform} {name}" for platform, names in NAMES.items() for name in names)


def ensure(session: Session, store: Store, now: datetime) -> None:
    """Plan the chores that a store lacks; the others go on as they are."""
    insert_new(session, CHORES, _rows(store, now))


def plan(session: Session, store: Store, now: datetime) -> None:
    """Have every chore of a store that just arrived done soon."""
    upsert(session, CHORES, _rows(store, now), key=_KEY, update=list(_fresh(now)))


def _fresh(now: datetime) -> dict[str, Any]:
    return {"next_at": now, "position": None, "attempts": 0, "error": None, **_FREE}


def _rows(store: Store, now: datetime) -> list[dict[str, Any]]:
    return [
        {"store_id": store.id, "name": name, "notes": {}, "done_at": None, **_fresh(now)}
        for name in NAMES[store.platform]
    ]


def stores_due(session: Session, name: str, now: datetime, most: int) -> list[int]:
    """The connected stores whose chore of that name is due, the longest waiting first; some may be held."""
    return list(session.execute(_STORES_DUE, {"chore": name, "now": now, "most": most}).scalars())


def claim(session: Session, name: str, now: datetime, *, store_id: int) -> Held | None:
    """The store's chore of that name, or None where it does not wait, or another has it."""
    moment, token = lease_now(session), uuid4().hex
    asked = {"chore": name, "now": now, "moment": moment, "store": store_id}
    row = session.execute(_CLAIM, {**asked, "token": token, "until": moment + LEASE}).one_or_none()
    return None if row is None else Held(store_id, name, token, row)


def hurry(session: Session, store_id: int, name: str, now: datetime) -> None:
    """Have a store's chore done at the next turn; whoever is at it began with what was true before."""
    is_later, is_held = CHORES.c.next_at > now, CHORES.c.lease_token.is_not(None)
    session.execute(
        update(CHORES)
        .where(CHORES.c.store_id == store_id, CHORES.c.name == name, or_(is_later, is_held))
        .values(next_at=now, attempts=0, **_FREE)
    )


def move(session: Session, held: Held, **values: Any) -> bool:
    """Write how far a chore has come and keep it; False when it is somebody else's by now."""
    return _write(session, held, {"lease_until": lease_now(session) + LEASE, **values})


def finish(session: Session, held: Held, *, now: datetime, next_at: datetime, **values: Any) -> bool:
    """The chore is done until `next_at`; False when it was somebody else's by now."""
    ended = {"next_at": next_at, "done_at": now, "attempts": 0, "error": None, **_FREE}
    return _write(session, held, {**ended, **values})


def put_off(session: Session, held: Held, error: Exception, now: datetime) -> bool:
    """The storefront failed; try again when it asks us to, or later, slower each time."""
    pause = min(_FIRST_PAUSE * 2 ** min(held.row.attempts, 10), _LONGEST_PAUSE)
    asked = error.retry_after_seconds if isinstance(error, ConnectorError) else None
    if asked is not None:
        pause = min(timedelta(seconds=asked), _LONGEST_PAUSE)
    text = str(error)[:_LONGEST_ERROR] or type(error).__name__
    values = {"next_at": now + pause, "attempts": held.row.attempts + 1, "error": text}
    return _write(session, held, {**values, **_FREE})


def release(session: Session, held: Held) -> None:
    """Give the row back after a round; the next round goes on from its position."""
    _write(session, held, {**_FREE})


def release_own(session: Session, store_id: int) -> None:
    """Give back what a killed process held, where nobody else works on the database."""
    session.execute(update(CHORES).where(CHORES.c.store_id == store_id).values(**_FREE))


def _write(session: Session, held: Held, values: dict[str, Any]) -> bool:
    key = {"store": held.store_id, "chore": held.name, "token": held.token}
    return bool(session.execute(_writing(tuple(values)), key | values).all())


@cache
def _writing(names: tuple[str, ...]) -> Update:
    """Writes these columns of a row that is still held."""
    values = {name: bindparam(name, type_=CHORES.c[name].type) for name in names}
    mine = (CHORES.c.store_id == _STORE, CHORES.c.name == _NAME, CHORES.c.lease_token == bindparam("token"))
    return update(CHORES).where(*mine).values(values).returning(CHORES.c.store_id)
