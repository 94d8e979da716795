"""CheckoutRecords become checkouts, and what a flow may ask of one.

A checkout makes no customer and changes none. It is given to the customer with its account or e-mail; of
somebody whom the store does not know it is kept until its time is over, and the timeline says nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select, union
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.customers import baskets, normalise_email
from app.db import Among, table_of, upsert
from app.mirror import checkout_ends, checkout_people, lookups
from app.mirror.checkout_people import Owners
from app.models import Checkout, Store
from app.money import to_minor
from connectors.base import CheckoutLineRecord, CheckoutRecord, Resource

CHECKOUTS = table_of(Checkout)
_KEY = ("store_id", "external_id")
_KEPT = frozenset({"id", "store_id", "external_id", "abandoned_at", "asked_at"})
_ENDS = frozenset({"completed_at", "order_external_id"})
_NAMED = (
    select(CHECKOUTS)
    .where(CHECKOUTS.c.store_id == bindparam("store"), Among(CHECKOUTS.c.external_id, "names"))
    .order_by(CHECKOUTS.c.id)
)
_NAMED_OR_TOKENED = (
    select(CHECKOUTS)
    .where(
        CHECKOUTS.c.store_id == bindparam("store"),
        CHECKOUTS.c.id.in_(
            union(
                select(CHECKOUTS.c.id).where(
                    CHECKOUTS.c.store_id == bindparam("store"), Among(CHECKOUTS.c.external_id, "names")
                ),
                select(CHECKOUTS.c.id).where(
                    CHECKOUTS.c.store_id == bindparam("store"), Among(CHECKOUTS.c.token, "tokens")
                ),
            )
        ),
    )
    .order_by(CHECKOUTS.c.id)
    .with_for_update()
)
_UPDATED = tuple(column.name for column in CHECKOUTS.columns if column.name not in _KEPT)


def upsert_checkouts(
    session: Session, signer: Signer, store: Store, records: Sequence[CheckoutRecord], *, now: datetime
) -> None:
    """Mirror checkouts, after the orders of their batch; news older than the row are ignored.

    Those begun before the install are history, whichever way they come: no hour runs for them. Of people
    who were erased since nothing is kept.
    """
    forgotten = checkout_people.erased_among(session, signer, store.id, records)
    newest = {
        record.external_id: record
        for record in sorted(records, key=lambda record: record.updated_at)
        if record.external_id not in forgotten
    }
    if not newest:
        return
    held = _held(session, store.id, newest)
    owners = checkout_people.owners_of(session, store.id, newest.values())
    _ask_for_unknown(session, store.id, newest.values(), owners=owners, now=now)
    rows = [
        _row(store.id, record, held.get(name), owners)
        for name, record in sorted(newest.items())
        if name not in held or held[name].source_updated_at <= record.updated_at
    ]
    _end_with_orders(session, store.id, rows)
    upsert(session, CHECKOUTS, rows, key=_KEY, update=_UPDATED, newer_by="source_updated_at")
    written = _find(session, store.id, [row["external_id"] for row in rows])
    waiting = {row.id for row in held.values() if row.completed_at is None}
    checkout_ends.wait(session, store, [row for row in written if row.id not in waiting])
    checkout_ends.tell(session, store, checkout_ends.STARTED, written, now=now)


def find(session: Session, store_id: int, external_id: str) -> Row[Any] | None:
    """One checkout's row: whose it is, its lines and its link."""
    return next(iter(_find(session, store_id, [external_id])), None)


def is_open(session: Session, store_id: int, external_id: str) -> bool:
    """Whether a checkout still stands as it was left: known, not gone, and its person bought nothing since.

    It asks the mirror. Just before a message the storefront is asked, too, which is the sender's affair.
    """
    return external_id in baskets.open_among(session, store_id, [external_id])


def _find(session: Session, store_id: int, external_ids: Sequence[str]) -> Sequence[Row[Any]]:
    return session.execute(_NAMED, {"store": store_id, "names": external_ids}).all() if external_ids else []


def _held(session: Session, store_id: int, newest: Mapping[str, CheckoutRecord]) -> dict[str, Row[Any]]:
    """The rows that exist, by the id that the news give; locked.

    A row is found by its token, too: a webhook and a listing may name one checkout differently.
    """
    tokens = {record.token: name for name, record in newest.items() if record.token}
    asked = {"store": store_id, "names": list(newest), "tokens": list(tokens)}
    found = session.execute(_NAMED_OR_TOKENED, asked).all()
    by_token = {tokens[row.token]: row for row in found if row.token in tokens}
    return by_token | {row.external_id: row for row in found if row.external_id in newest}


def _ask_for_unknown(
    session: Session, store_id: int, records: Iterable[CheckoutRecord], *, owners: Owners, now: datetime
) -> None:
    """Look up accounts that the mirror never heard of; by the end of the hour the checkout finds them."""
    for record in records:
        if record.customer_external_id is not None and owners.of(record) is None:
            lookups.ask(session, store_id, Resource.CUSTOMERS, record.customer_external_id, now=now)


def _row(store_id: int, record: CheckoutRecord, old: Row[Any] | None, owners: Owners) -> dict[str, Any]:
    """The columns of a checkout; what the news do not tell stays as it was."""
    told = {
        "token": record.token,
        "customer_id": owners.of(record),
        "customer_external_id": record.customer_external_id,
        "email": normalise_email(record.email),
        "phone": (record.phone or "")[:40] or None,
        "locale": (record.locale or "")[:20] or None,
        "accepts_email": record.accepts_email,
        "accepts_sms": record.accepts_sms,
        "completed_at": record.completed_at,
        "order_external_id": None,
    }
    if old is not None:
        # What ended by its own order, and is told again, came to nothing: WooCommerce's payment failed.
        is_reopened = record.token is not None and old.order_external_id == record.token
        stays = told.keys() - (_ENDS if is_reopened else frozenset())
        told = {
            name: old._mapping[name] if told[name] is None and name in stays else told[name] for name in told
        }
    return {
        **told,
        "store_id": store_id,
        "external_id": old.external_id if old is not None else record.external_id,
        "currency": record.currency,
        "total_minor": to_minor(record.total or "0", record.currency),
        "lines": [_line(line, record.currency) for line in record.lines],
        "recovery_url": None if told["completed_at"] else record.recovery_url,
        "started_at": record.started_at,
        "source_updated_at": record.updated_at,
        "deleted_at": None,
    }


def _line(line: CheckoutLineRecord, currency: str) -> dict[str, Any]:
    return {
        "product_external_id": line.product_external_id,
        "variant_external_id": line.variant_external_id,
        "title": line.title[:500],
        "quantity": line.quantity,
        "total_minor": to_minor(line.total or "0", currency),
    }


@dataclass(frozen=True, slots=True)
class _Begun:
    """What a row must tell for its order to be found."""

    external_id: str
    token: str | None
    customer_id: int | None
    started_at: datetime


def _end_with_orders(session: Session, store_id: int, rows: Sequence[dict[str, Any]]) -> None:
    """News of a checkout may come after its order."""
    names = ("external_id", "token", "customer_id", "started_at")
    begun = [_Begun(*(row[name] for name in names)) for row in rows if row["completed_at"] is None]
    ends = baskets.orders_since(session, store_id, begun)
    for row in rows:
        if row["external_id"] in ends and row["completed_at"] is None:
            row["completed_at"], row["order_external_id"] = ends[row["external_id"]]
            row["recovery_url"] = None
