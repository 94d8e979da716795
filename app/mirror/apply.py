"""One batch of Records of one store becomes rows; the single door for webhooks, backfill and look-ups."""

from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import consent, customers, timeline
from app.consent import NewConsent
from app.crypto import Signer
from app.customers import People, Person, Telling
from app.mirror import (
    checkout_ends,
    checkouts,
    earlier,
    lookups,
    merges,
    orders,
    parcels,
    petitions,
    products,
    reviews,
)
from app.models import Store
from app.stores import install, scopes, writes
from connectors.base import (
    CheckoutRecord,
    ConsentRecord,
    ConsentState,
    ConsentUpdate,
    CustomerMerge,
    CustomerRecord,
    Deletion,
    FulfillmentUpdate,
    Hint,
    OrderRecord,
    PrivacyRequest,
    ProductRecord,
    Record,
    RefundUpdate,
    Resource,
    ReviewRecord,
    StoreUpdate,
    Uninstalled,
)


def apply_records(
    session: Session,
    signer: Signer,
    store: Store,
    records: Sequence[Record],
    *,
    now: datetime,
    history_until: datetime | None = None,
) -> People:
    """Mirror a batch: people, products, orders, then what refers to them; return whom it was about.

    Raises:
        parcels.OrderNotMirrored: a parcel or refund came before its order.
        ValueError: an amount is not a decimal.
    """
    kinds = frozenset(map(type, records))
    placed = [record for record in _of(records, kinds, OrderRecord) if record.status != "draft"]
    goods = _of(records, kinds, ProductRecord)
    people = customers.upsert_customers(
        session, signer, store.id, _told_in(records, placed), now=now, history_until=history_until
    )
    products.upsert_products(session, store.id, store.currency, goods)
    buyers = _buyers(placed, people)
    orders.upsert_orders(session, store.id, placed, buyers=buyers, now=now, history_until=history_until)
    if scopes.hides_older_orders(store):
        earlier.refresh(session, store.id, people.living_ids())
    checkout_ends.complete(session, store.id, placed, buyers)
    parcels.apply_updates(session, store.id, _of(records, kinds, FulfillmentUpdate, RefundUpdate), now)
    reviews.upsert_reviews(session, signer, store, _of(records, kinds, ReviewRecord), now=now)
    checkouts.upsert_checkouts(session, signer, store, _of(records, kinds, CheckoutRecord), now=now)
    _apply_consents(session, store, records, people=people, now=now, history_until=history_until)
    for record in _of(records, kinds, *_RARE):
        _apply_rare(session, signer, store, record=record, now=now)
    return people


def telling_of(record: Record) -> Telling | None:
    """What a record tells of a person: of themselves, of a buyer, or by a consent; None if of nobody."""
    if isinstance(record, CustomerRecord):
        return Telling(record)
    if isinstance(record, OrderRecord) and record.customer is not None:
        return Telling(record.customer, record.placed_at)
    if isinstance(record, ConsentUpdate):
        named = CustomerRecord(record.customer_external_id, email=record.email, phone=record.phone)
        return Telling(named, record.consent.occurred_at)
    return None


def _of(records: Sequence[Record], kinds: Set[type], *wanted: type) -> list[Any]:
    """Those of some kinds, in their order; most batches hold but one kind."""
    return [record for record in records if type(record) in wanted] if not kinds.isdisjoint(wanted) else []


def _told_in(records: Sequence[Record], placed: Sequence[OrderRecord]) -> list[Telling]:
    """Everybody that a batch speaks of, at one and the same moment the fuller news last.

    What is told word for word again, as by each of an order's deliveries, stands where it was told last.
    """
    named = [record for record in records if isinstance(record, ConsentUpdate)]
    told = [record for record in records if isinstance(record, CustomerRecord)]
    news: list[Record] = [*named, *placed, *told]
    tellings = [telling for record in news if (telling := telling_of(record)) is not None]
    return [*dict.fromkeys(reversed(tellings))][::-1]


def _buyers(placed: Sequence[OrderRecord], people: People) -> dict[str, Person]:
    """Who placed each order, by its external id; as the newest news that name somebody say."""
    return {
        record.external_id: person
        for record in sorted(placed, key=lambda record: record.updated_at)
        if record.customer is not None
        and (person := people.of(record.customer, record.placed_at)) is not None
    }


def _apply_rare(session: Session, signer: Signer, store: Store, *, record: Record, now: datetime) -> None:
    """News that come one at a time."""
    if isinstance(record, Deletion | Hint):
        if _is_worth_asking(session, store.id, record):
            lookups.ask(session, store.id, record.resource, record.external_id, now=now)
    elif isinstance(record, CustomerMerge):
        merges.ask(session, signer, store.id, record, now=now)
    elif isinstance(record, PrivacyRequest):
        petitions.ask(session, signer, store, record, now=now)
    elif isinstance(record, StoreUpdate):
        install.update_store(store, record)
        if record.scopes is not None:
            writes.try_again(session, store.id, now, reason=scopes.LACKING)
    elif isinstance(record, Uninstalled):
        lookups.ask_store(session, store.id, record.occurred_at or now, now)


_RARE = (Deletion, Hint, CustomerMerge, PrivacyRequest, StoreUpdate, Uninstalled)


def _is_worth_asking(session: Session, store_id: int, record: Deletion | Hint) -> bool:
    """Shops delete checkouts by the dozen, most of which became orders or never had an address."""
    return record.resource is not Resource.CHECKOUTS or checkouts.is_open(
        session, store_id, record.external_id
    )


def _apply_consents(
    session: Session,
    store: Store,
    records: Sequence[Record],
    *,
    people: People,
    now: datetime,
    history_until: datetime | None,
) -> None:
    # An order's deliveries tell word for word the same: once is enough.
    stated: dict[tuple[Telling, ConsentRecord], None] = {}
    for record in records:
        said = _consents_of(record)
        if said and (telling := telling_of(record)) is not None:
            stated |= dict.fromkeys((telling, item) for item in said)
    statements = [
        _statement(store.id, person, item, now, told=telling.record, history_until=history_until)
        for telling, item in stated
        if (person := people.of(*telling)) is not None
        and not person.is_erased
        and _is_theirs_to_say(person, item)
    ]
    consent.record(session, list(_said(statements)), now)


def _consents_of(record: Record) -> Sequence[ConsentRecord]:
    """What a record states; a draft is no order, and states nothing."""
    if isinstance(record, ConsentUpdate):
        return (record.consent,)
    if isinstance(record, CustomerRecord):
        return record.consents
    if isinstance(record, OrderRecord) and record.customer is not None and record.status != "draft":
        return record.customer.consents
    return ()


def _is_theirs_to_say(person: Person, item: ConsentRecord) -> bool:
    """A yes was given for the address of its day: what comes late under a former id can only be a no."""
    return not person.is_by_former_id or item.state == ConsentState.UNSUBSCRIBED


def _said(statements: Iterable[NewConsent]) -> Iterable[NewConsent]:
    """A state that nobody stated (unknown) is not a statement."""
    return (statement for statement in statements if statement.state != ConsentState.UNKNOWN)


def _statement(
    store_id: int,
    person: Person,
    item: ConsentRecord,
    now: datetime,
    *,
    told: CustomerRecord,
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
        address=_address(person, told, item.channel),
        wording=item.wording,
        is_history=is_old,
        is_standing=item.is_standing,
    )


def _address(person: Person, told: CustomerRecord, channel: str) -> str | None:
    """Whereof the news speak: their own address, which need not be the one that the person has now."""
    if channel == "email":
        return customers.normalise_email(told.email) or person.email
    return told.phone if channel == "sms" else None
