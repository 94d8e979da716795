"""Everything that is kept about one person, ready for JSON, for whoever asks to see it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.customers import CUSTOMERS
from app.db import table_of
from app.errors import NotFound
from app.messaging import addresses
from app.messaging.copies import read_content
from app.models import (
    AccessEntry,
    Attribution,
    Checkout,
    Consent,
    ConsentState,
    CustomerEvent,
    CustomerMerge,
    Decision,
    DeliveryEvent,
    Enrollment,
    Fulfillment,
    Message,
    Order,
    OrderLine,
    Preference,
    PrivacyRequest,
    Refund,
    Review,
    ScoreEntry,
    Store,
    StoreWrite,
    Suppression,
    Voucher,
)

Json = dict[str, Any]
_OURS = frozenset(
    {
        *("store_id", "customer_id", "lease_token", "lease_until", "lines_digest", "version_id"),
        # When and for what somebody's data was looked at is theirs to know; which employee did it is not
        # (Court of Justice of the European Union, C-579/21, 22 June 2023).
        *("actor_kind", "actor_id"),
    }
)
_PARTS = {"lines": OrderLine, "refunds": Refund, "parcels": Fulfillment}
_OF_PERSON = {
    "consents": ConsentState,
    "consent_history": Consent,
    "preferences": Preference,
    "timeline": CustomerEvent,
    "vouchers": Voucher,
    "reviews": Review,
    "checkouts": Checkout,
    "journeys": Enrollment,
    "decisions": Decision,
    "privacy_requests": PrivacyRequest,
    "merged_from": CustomerMerge,
    "written_back": StoreWrite,
    "scores": ScoreEntry,
    "looked_at": AccessEntry,
}
_PER_QUERY = 500


def report_of(session: Session, signer: Signer, store_id: int, customer_id: int) -> Json:
    """What the store keeps about a customer: rows by kind, moments as RFC 3339, money in minor units.

    Raises:
        NotFound: the store has no such customer.
    """
    who = select(CUSTOMERS).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.id == customer_id)
    customer = session.execute(who).one_or_none()
    if customer is None:
        raise NotFound("there is no such customer in this store")
    store = session.get_one(Store, store_id)
    report: Json = {
        "store": {"id": store.id, "domain": store.domain, "name": store.name},
        "customer": _shown(customer._mapping),
        "do_not_write_to": list(_suppressions(session, signer, store_id, customer)),
        "orders": _orders(session, store_id, customer_id),
        "messages": _messages(session, store_id, customer_id),
    }
    for name, model in _OF_PERSON.items():
        report[name] = _rows(session, table_of(model), store_id, customer_id=(customer_id,))
    return report


def _orders(session: Session, store_id: int, customer_id: int) -> list[Json]:
    """The orders with their lines, refunds and parcels, and the message that each goes to."""
    orders = _rows(session, table_of(Order), store_id, customer_id=(customer_id,))
    by_id = {order["id"]: order for order in orders}
    for name, model in {**_PARTS, "attributions": Attribution}.items():
        for order in orders:
            order[name] = []
        for part in _rows(session, table_of(model), store_id, order_id=list(by_id)):
            by_id[part.pop("order_id")][name].append(part)
    return orders


def _messages(session: Session, store_id: int, customer_id: int) -> list[Json]:
    """The messages with what was written, as long as it is kept, and what came back."""
    messages = _rows(session, table_of(Message), store_id, customer_id=(customer_id,))
    by_id = {message["id"]: message for message in messages}
    for message in messages:
        content = read_content(message.pop("content"))
        message["text"] = content["text"] if content else None
        message["events"] = []
    for event in _rows(session, table_of(DeliveryEvent), store_id, message_id=list(by_id)):
        by_id[event.pop("message_id")]["events"].append(event)
    return messages


def _suppressions(session: Session, signer: Signer, store_id: int, customer: Any) -> Iterator[Json]:
    """The channels on which the person's own address must not be written to; kept as a keyed hash."""
    table = table_of(Suppression)
    for channel in ("email", "sms"):
        address = addresses.address_of(customer, channel)
        if address:
            statement = select(table.c.channel, table.c.reason, table.c.created_at).where(
                table.c.store_id == store_id,
                table.c.channel == channel,
                table.c.address_hash == addresses.suppression_hash(signer, channel, address),
            )
            yield from (_shown(row._mapping) for row in session.execute(statement))


def _rows(session: Session, table: Table, store_id: int, **asked: Sequence[int]) -> list[Json]:
    """The rows of a store whose one column has one of the values asked for, by rising key."""
    ((name, values),) = asked.items()
    found: list[Json] = []
    for start in range(0, len(values), _PER_QUERY):
        statement = (
            select(table)
            .where(table.c.store_id == store_id, table.c[name].in_(values[start : start + _PER_QUERY]))
            .order_by(*table.primary_key.columns)
        )
        found += [_shown(row._mapping) for row in session.execute(statement)]
    return found


def _shown(row: Any) -> Json:
    return {name: _plain(value) for name, value in row.items() if name not in _OURS}


def _plain(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value
