"""What the gate must know of a batch of messages of one store, fetched with one statement a kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.crypto import Signer
from app.customers import agreeing, baskets
from app.db import table_of
from app.messaging import addresses, ages, fact_rows, flapping, wishes, zones
from app.messaging.allowances import LOCAL, UNWRITTEN, SenderFacts, Written
from app.messaging.cases import with_open_case
from app.messaging.conditions import NOT_DORMANT, NOT_INACTIVE, ConditionFacts, OrderFacts, SiblingFacts
from app.messaging.fact_rows import Traits
from app.messaging.gate import MARKETING, TRANSACTIONAL
from app.messaging.gate_facts import Facts, MessageFacts, PersonFacts, StoreFacts
from app.messaging.limits import Departure, Rails
from app.messaging.reviewed import answered, unhappy
from app.messaging.terms import Terms, terms_of
from app.messaging.wishes import NO_WISHES, Wishes
from app.models import Customer, Store
from app.segments.state_facts import FLOW
from app.segments.states import ACTIVE
from app.stores import settings, stopping

CUSTOMERS = table_of(Customer)
_NO_TRAITS = Traits()
REFUSALS = ("unsubscribe", "stop")
"""Suppressions that are their owner's word, so that a later word of theirs lifts them; a bounce is none."""


@dataclass(slots=True)
class Loaded:
    """The rows of a batch, by their keys; `as_if` counts in place of the store's own switches and sender."""

    store: Store
    signer: Signer
    customers: dict[int, Row[Any]]
    consents: dict[tuple[int, str], Row[Any]]
    suppressed: dict[tuple[str, str], Row[Any]]
    enrollments: dict[int, Row[Any]]
    orders: dict[str, Row[Any]]
    baskets: dict[str, Row[Any]]
    siblings: dict[int, dict[str, SiblingFacts]]
    vouchers: dict[tuple[int, str], Row[Any]]
    departures: dict[int, list[Departure]]
    answered: frozenset[int]
    unhappy: frozenset[int]
    open_cases: frozenset[int]
    wishes: dict[int, Wishes]
    states: dict[int, str]
    active_flows: frozenset[str]
    allows_soft_opt_in: bool
    now: datetime
    senders: dict[str, SenderFacts] = field(default_factory=dict)
    traits: Mapping[int, Traits] = field(default_factory=dict)
    terms: dict[str, Terms] = field(default_factory=dict)
    flapping: dict[tuple[int, str], datetime] = field(default_factory=dict)
    as_if: StoreFacts | None = None
    redeemed: dict[int, set[str]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for (enrollment_id, name), voucher in self.vouchers.items():
            if voucher.redeemed_at is not None:
                self.redeemed.setdefault(enrollment_id, set()).add(name)

    def terms_for(self, channel: str) -> Terms:
        """What the store set for the channel."""
        held = self.terms.get(channel)
        if held is None:
            held = self.terms[channel] = terms_of(self.store, channel)
        return held

    def spend(self, channel: str, parts: int) -> None:
        """One message more of so many parts is about to leave on the channel."""
        if channel in self.senders:
            self.senders[channel] = self.senders[channel].after(parts)


def load(
    session: Session,
    signer: Signer,
    store: Store,
    *,
    rows: Sequence[Any],
    now: datetime,
    senders: Mapping[str, SenderFacts] | None = None,
) -> Loaded:
    """Fetch what the gate asks; the customers' rows are locked, so that two workers cannot both send."""
    people = sorted({row.customer_id for row in rows})
    channels = {row.channel for row in rows}
    found = fact_rows.in_parts(session, CUSTOMERS, "id", store_id=store.id, keys=people, lock=True)
    customers = {row.id: row for row in found}
    consents = fact_rows.consents(session, store.id, people)
    said = [said for (_, channel), said in consents.items() if channel in channels]
    return Loaded(
        store=store,
        signer=signer,
        customers=customers,
        consents=consents,
        suppressed=fact_rows.suppressed(session, signer, store.id, customers.values(), channels=channels),
        enrollments=fact_rows.journeys(session, store.id, rows),
        orders=fact_rows.orders(session, store.id, _named(rows, "order")),
        baskets=baskets.open_among(session, store.id, _named(rows, "checkout")),
        siblings=fact_rows.siblings(session, store.id, fact_rows.asking_of_siblings(rows)),
        vouchers=fact_rows.vouchers(session, store.id, rows),
        departures=fact_rows.departures(session, store.id, people, now),
        answered=answered(session, store.id, rows),
        unhappy=unhappy(session, store.id, rows, now),
        open_cases=with_open_case(session, store.id, rows, now),
        wishes=fact_rows.wishes(session, store.id, people),
        states=fact_rows.states(session, store.id, people),
        active_flows=fact_rows.active_flows(session, store.id),
        allows_soft_opt_in=settings.is_on(store, "consent.soft_opt_in"),
        now=now,
        senders=dict(senders or {}),
        traits=fact_rows.traits(session, store.id, rows, customers, now=now),
        flapping=flapping.ends(session, store.id, said, now),
    )


def _named(rows: Sequence[Any], name: str) -> list[str]:
    return sorted({row.context[name] for row in rows if name in row.context})


def facts_of(
    loaded: Loaded, row: Any, content_problem: str | None = None, written: Written = UNWRITTEN
) -> Facts:
    """The gate's facts for one message row."""
    return Facts(
        message=message_of(loaded, row, written),
        store=loaded.as_if or _store(loaded, row),
        person=person_of(loaded, row, content_problem),
        conditions=conditions_of(loaded, row),
        rails=rails_of(loaded, row),
        sender=loaded.senders.get(row.channel, LOCAL),
        wishes=loaded.wishes.get(row.customer_id, NO_WISHES),
    )


def message_of(loaded: Loaded, row: Any, written: Written = UNWRITTEN) -> MessageFacts:
    """The message itself, with what is asked of it."""
    return MessageFacts(
        key=row.key,
        step=row.step,
        channel=row.channel,
        purpose=row.purpose,
        due_at=row.due_at,
        expires_at=row.expires_at,
        only_if=(*row.context.get("only_if", ()), *_of_silence(loaded, row)),
        topic=wishes.topic_of(row.flow_key),
        written=written,
    )


def last_word(loaded: Loaded, customer_id: int, channel: str) -> str | None:
    """What somebody said last of a channel, of whatever address; None if they never did."""
    said = loaded.consents.get((customer_id, channel))
    return said.state if said is not None else None


def _store(loaded: Loaded, row: Any) -> StoreFacts:
    store = loaded.store
    return StoreFacts(
        state=store.state,
        is_copy=store.is_copy,
        is_flow_active=row.purpose == TRANSACTIONAL or row.flow_key in loaded.active_flows,
        sender_pause=stopping.pause_of(store),
        sender_problem=loaded.terms_for(row.channel).sender_problem,
        allows_soft_opt_in=loaded.allows_soft_opt_in,
    )


def person_of(loaded: Loaded, row: Any, content_problem: str | None = None) -> PersonFacts:
    """Whom the message goes to, and what they said."""
    customer = loaded.customers.get(row.customer_id)
    address = addresses.address_of(customer, row.channel)
    said = loaded.consents.get((row.customer_id, row.channel))
    return PersonFacts(
        is_erased=customer is None or customer.erased_at is not None,
        is_minor=ages.is_minor(customer, loaded.now, loaded.store),
        address=address,
        address_problem=addresses.problem(row.channel, address),
        suppressed_for=_suppressed_for(loaded, row, address),
        consent=agreeing.stands(said, address),
        consent_basis=said.basis if said is not None else None,
        has_bought=customer is not None and customer.orders_count > 0,
        content_problem=content_problem,
        tracks_clicks=last_word(loaded, row.customer_id, "tracking") == "subscribed",
        is_lapsed=loaded.terms_for(row.channel).is_lapsed(said, customer, loaded.now),
        flaps_until=loaded.flapping.get((row.customer_id, row.channel)),
    )


def _suppressed_for(loaded: Loaded, row: Any, address: str | None) -> str | None:
    """Why the address must not be written to; who refused and agreed again later, to us, is written to.

    What a shop says of its orders is no such word: plugins repeat an old tick with every order. Whoever must
    confirm that they agreed again gets the one mail that asks them.
    """
    if not address or not loaded.suppressed:
        return None
    hashed = addresses.suppression_hash(loaded.signer, row.channel, address)
    held = loaded.suppressed.get((row.channel, hashed))
    if held is None:
        return None
    said = loaded.consents.get((row.customer_id, row.channel))
    is_lifted = said is not None and said.occurred_at > held.created_at and _lifts(said, row.purpose)
    return None if is_lifted and held.reason in REFUSALS else str(held.reason)


def _lifts(said: Row[Any], purpose: str) -> bool:
    if said.state == "pending":
        return purpose == TRANSACTIONAL
    return bool(said.is_own and said.state == "subscribed")


def _of_silence(loaded: Loaded, row: Any) -> tuple[str, ...]:
    """What is asked of marketing that is not the attempt to win people back.

    Who was given up is left alone whatever is switched on; who is merely dormant only where somebody tries to
    win them back.
    """
    if row.purpose != MARKETING or row.flow_key == FLOW:
        return ()
    return (NOT_INACTIVE, NOT_DORMANT) if FLOW in loaded.active_flows else (NOT_INACTIVE,)


def conditions_of(loaded: Loaded, row: Any) -> ConditionFacts:
    """What must still be true of the message is looked up in these."""
    customer_id, enrollment_id, context = row.customer_id, row.enrollment_id or 0, row.context
    customer, enrollment = loaded.customers.get(customer_id), loaded.enrollments.get(enrollment_id)
    basket = loaded.baskets.get(context.get("checkout", ""))
    traits = loaded.traits.get(customer_id, _NO_TRAITS)
    return ConditionFacts(
        is_stopped=enrollment is not None and enrollment.stopped_at is not None,
        order=OrderFacts.of(loaded.orders.get(context.get("order", ""))),
        redeemed=frozenset(loaded.redeemed.get(enrollment_id, ())),
        siblings=loaded.siblings.get(enrollment_id, {}),
        first_paid_at=customer.first_paid_at if customer is not None else None,
        entered_at=enrollment.entered_at if enrollment is not None else None,
        has_earlier_orders=customer is not None and customer.earlier_orders > 0,
        is_answered=row.id in loaded.answered,
        is_unhappy=customer_id in loaded.unhappy,
        has_open_case=customer_id in loaded.open_cases,
        is_pending=last_word(loaded, customer_id, row.channel) == "pending",
        has_basket=basket is not None and bool(basket.lines),
        allows_perk=loaded.terms_for(row.channel).allows_perk,
        state=loaded.states.get(customer_id, ACTIVE),
        classes=traits.classes,
        scores=traits.scores,
    )


def rails_of(loaded: Loaded, row: Any) -> Rails:
    """The limits that hold for the customer on the message's channel, and what left before."""
    customer = loaded.customers.get(row.customer_id)
    store, terms = loaded.store, loaded.terms_for(row.channel)
    wished = loaded.wishes.get(row.customer_id, NO_WISHES)
    zone_names = (
        zones.zones_for_hours(
            country=customer.country,
            region=customer.region,
            phone=customer.phone,
            store_timezone=store.timezone,
        )
        if customer is not None
        else (zones.zone_named(store.timezone),)
    )
    return Rails(
        departures=loaded.departures.get(row.customer_id, []),
        zones=zone_names,
        country=(customer.country if customer is not None else None) or store.country,
        hours=terms.hours,
        cap_per_day=terms.cap_per_day,
        cap_per_week=wishes.cap(wished, terms.cap_per_week),
        sms_cap_per_week=terms.sms_cap_per_week,
    )
