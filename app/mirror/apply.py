"""One batch of Records of one store becomes rows; the single door for webhooks, backfill and look-ups."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, customers, timeline
from app.consent import NewConsent
from app.mirror import earlier, lookups, orders, parcels, products
from app.models import Store
from app.stores import install, scopes
from connectors.base import (
    ConsentRecord,
    ConsentState,
    ConsentUpdate,
    CustomerRecord,
    Deletion,
    FulfillmentUpdate,
    OrderRecord,
    PrivacyRequest,
    ProductRecord,
    Record,
    RefundUpdate,
    StoreUpdate,
    Uninstalled,
)


def apply_records(
    session: Session,
    store: Store,
    records: Sequence[Record],
    now: datetime,
    *,
    history_until: datetime | None = None,
) -> None:
    """Mirror a batch: people, products, orders, then what refers to them.

    Raises:
        parcels.OrderNotMirrored: a parcel or refund came before its order.
        ValueError: an amount is not a decimal.
    """
    placed = [record for record in records if isinstance(record, OrderRecord) and record.status != "draft"]
    goods = [record for record in records if isinstance(record, ProductRecord)]
    people = customers.upsert_customers(
        session, store.id, _people_in(records, placed), now, history_until=history_until
    )
    products.upsert_products(session, store.id, store.currency, goods)
    orders.upsert_orders(session, store.id, placed, people=people, now=now, history_until=history_until)
    if scopes.hides_older_orders(store):
        earlier.refresh(session, store.id, (person.id for person in people.values()))
    updates = [record for record in records if isinstance(record, FulfillmentUpdate | RefundUpdate)]
    parcels.apply_updates(session, store.id, updates, now)
    _apply_consents(session, store, records, people=people, now=now, history_until=history_until)
    for record in records:
        _apply_rare(session, store, record, now)


def _people_in(records: Sequence[Record], placed: Sequence[OrderRecord]) -> list[CustomerRecord]:
    """Everybody that a batch speaks of: told themselves, as buyers, or named by a consent."""
    told = [record for record in records if isinstance(record, CustomerRecord)]
    buyers = [record.customer for record in placed if record.customer]
    named = [
        CustomerRecord(external_id=record.customer_external_id, email=record.email, phone=record.phone)
        for record in records
        if isinstance(record, ConsentUpdate)
    ]
    return [*named, *buyers, *told]


def _apply_rare(session: Session, store: Store, record: Record, now: datetime) -> None:
    """News that come one at a time."""
    if isinstance(record, Deletion):
        lookups.ask(session, store.id, record.resource, record.external_id, now=now)
    elif isinstance(record, PrivacyRequest):
        lookups.ask_privacy(session, store.id, record, now)
    elif isinstance(record, StoreUpdate):
        install.update_store(store, record)
    elif isinstance(record, Uninstalled):
        install.uninstall(session, store, record.occurred_at or now)


def _apply_consents(
    session: Session,
    store: Store,
    records: Sequence[Record],
    *,
    people: Mapping[str, customers.Person],
    now: datetime,
    history_until: datetime | None,
) -> None:
    carriers = [record for record in records if isinstance(record, CustomerRecord)]
    carriers += [
        record.customer
        for record in records
        if isinstance(record, OrderRecord) and record.customer and record.status != "draft"
    ]
    stated: list[tuple[str, ConsentRecord]] = [
        (customers.identity_of(carrier) or "", item) for carrier in carriers for item in carrier.consents
    ]
    stated += [
        (f"id:{record.customer_external_id}", record.consent)
        for record in records
        if isinstance(record, ConsentUpdate)
    ]
    statements = [
        _statement(store.id, people[identity], item, now, history_until=history_until)
        for identity, item in stated
        if identity in people and not people[identity].is_erased
    ]
    consent.record(session, list(_said(statements)), now)


def _said(statements: Iterable[NewConsent]) -> Iterable[NewConsent]:
    """A state that nobody stated (unknown) is not a statement."""
    return (statement for statement in statements if statement.state != ConsentState.UNKNOWN)


def _statement(
    store_id: int,
    person: customers.Person,
    item: ConsentRecord,
    now: datetime,
    *,
    history_until: datetime | None,
) -> NewConsent:
    moment = item.occurred_at or now
    is_old = timeline.is_history(moment, history_until)
    return NewConsent(
        store_id=store_id,
        customer_id=person.id,
        channel=item.channel,
        state=item.state.value,
        basis=item.basis if item.state == ConsentState.SUBSCRIBED else None,
        occurred_at=moment,
        source="backfill" if is_old else item.source,
        address=person.email if item.channel == "email" else None,
        is_history=is_old,
        is_standing=item.is_standing,
    )
