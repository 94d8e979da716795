"""States and classes as rows: computed for those of whom there are news, and when time alone may change them.

Whatever may change them sets a timer of kind `state` that is due at once; what time may change, one for the
midnight after. So the cost is that of the changes, whatever the number of customers. Nobody goes over all.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, bindparam, func, select, update
from sqlalchemy.orm import Session

from app import clock, timeline, timers
from app.db import Among, from_micros, is_among, table_of, to_micros, upsert
from app.models import ConsentState, Customer, CustomerState, Message, Store
from app.segments import classing, state_facts, states
from app.segments.bands import Bands
from app.segments.classes import classes_of, loyal_until
from app.segments.state_facts import Known
from app.segments.states import ACTIVE, DORMANT, REACTIVATING, Seen
from app.timeline import NewEvent
from app.timers import NewTimer

CUSTOMERS, STATES = table_of(Customer), table_of(CustomerState)
CONSENTS, MESSAGES = table_of(ConsentState), table_of(Message)
TIMER_KIND = "state"
HEARD = frozenset({*state_facts.ACTS, "consent.changed"})
"""Timeline entries that may change a state. Of orders the sums tell, of mails the sending."""
FRESH = timedelta(days=3)
"""What is older when it is seen came by an import, or while we were away: it starts nothing by itself."""
_DAY, _INSTANT = timedelta(days=1), timedelta(microseconds=1)
_COLUMNS = ("state", "since", "classes", "attempts", "offered_at", "timer_at")
_SILENT = select(STATES.c.customer_id).where(
    STATES.c.store_id == bindparam("store"), Among(STATES.c.customer_id, "people"), STATES.c.state != ACTIVE
)


def _of_customer(table: Table) -> ColumnElement[bool]:
    return and_(table.c.store_id == CUSTOMERS.c.store_id, table.c.customer_id == CUSTOMERS.c.id)


_MAILED_OFTEN = (
    select(CUSTOMERS.c.id)
    .select_from(
        CUSTOMERS.join(CONSENTS, _of_customer(CONSENTS))
        .outerjoin(STATES, _of_customer(STATES))
        .join(MESSAGES, _of_customer(MESSAGES))
    )
    .where(
        CUSTOMERS.c.store_id == bindparam("store"),
        Among(CUSTOMERS.c.id, "people"),
        CUSTOMERS.c.orders_count == 0,
        CUSTOMERS.c.earlier_orders == 0,
        CONSENTS.c.channel == "tracking",
        CONSENTS.c.state == "subscribed",
        STATES.c.timer_at.is_(None),
        MESSAGES.c.sent_at.is_not(None),
    )
    .group_by(CUSTOMERS.c.id)
    .having(func.count() >= states.MAILS_TO_NON_BUYERS)
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A dormant customer whom the flow was told of; `is_tried`: an attempt to win them back began."""

    customer_id: int
    at: datetime
    is_tried: bool


def touch(session: Session, store_id: int, people: Iterable[int | None]) -> None:
    """Have these customers looked at soon; news of the same minute are one look."""
    due_at = clock.now().replace(second=0, microsecond=0)
    known = sorted({person for person in people if person is not None})
    timers.set_timers(session, [NewTimer(store_id, due_at, TIMER_KIND, person) for person in known])


def touch_mailed(session: Session, store_id: int, people: Sequence[int]) -> None:
    """The eighth mail may be one too many for who never bought and may be measured; others have timers."""
    asked = {"store": store_id, "people": sorted(set(people))}
    touch(session, store_id, session.execute(_MAILED_OFTEN, asked).scalars())


def hear(session: Session, store: Store, events: Iterable[Any], now: datetime) -> int:
    """Let these timeline entries bring back who was silent; how many states changed.

    To who is active an act changes nothing but the moment at which time would: the timer sees to that.
    """
    people = sorted({event.customer_id for event in events if event.type in HEARD})
    asked = {"store": store.id, "people": people}
    silent = list(session.execute(_SILENT, asked).scalars()) if people else []
    return settle(session, store, silent, now) if silent else 0


def settle(session: Session, store: Store, people: Sequence[int], now: datetime) -> int:
    """Work out where these customers stand; how many changed. What changed is told in the timeline."""
    rows, events, waiting = [], [], []
    bands = classing.bands_of(session, store.id)
    for known in state_facts.load(session, store, people, now):
        row, told = _settled(store, known, bands, now)
        if known.held is None or any(row[name] != known.held._mapping[name] for name in _COLUMNS):
            rows.append(row)
        events += told
        if row["timer_at"] is not None and (known.held is None or row["timer_at"] != known.held.timer_at):
            waiting.append(NewTimer(store.id, row["timer_at"], TIMER_KIND, known.customer.id))
    upsert(session, STATES, rows, key=("store_id", "customer_id"), update=_COLUMNS)
    timers.set_timers(session, waiting)
    timeline.record(session, events, now)
    return len({event.customer_id for event in events})


def offer(session: Session, store_id: int, offers: Sequence[Offer], now: datetime) -> None:
    """The flow was told of these silences; with those whom it tries to win back, the attempt begins."""
    if not offers:
        return
    whom = [one.customer_id for one in offers]
    statement = select(STATES).where(
        STATES.c.store_id == store_id, is_among(session, STATES.c.customer_id, sorted(whom))
    )
    rows = session.execute(statement.order_by(STATES.c.customer_id).with_for_update()).all()
    held = {row.customer_id: row for row in rows if row.state == DORMANT}
    known = [(one, held[one.customer_id]) for one in offers if one.customer_id in held]
    changed = [_offered(one, row, now) for one, row in known]
    if changed:
        mine = (STATES.c.store_id == store_id, STATES.c.customer_id == bindparam("person"))
        names = ("state", "since", "attempts", "offered_at")
        values = {name: bindparam(f"new_{name}", type_=STATES.c[name].type) for name in names}
        session.connection().execute(update(STATES).where(*mine).values(values), changed)
    tried = [(one, row) for one, row in known if one.is_tried]
    events = [
        _event(store_id, one.customer_id, Seen(REACTIVATING, one.at), details={"from": row.state})
        for one, row in tried
    ]
    timeline.record(session, events, now)
    touch(session, store_id, [one.customer_id for one, _ in tried])


def attempts_of(row: Any) -> list[datetime]:
    """When attempts to win a customer back began."""
    return [from_micros(micros) for micros in row.attempts]


def _settled(
    store: Store, known: Known, bands: Bands | None, now: datetime
) -> tuple[dict[str, Any], list[NewEvent]]:
    """The row of a customer as it is from now on, and what is told of it."""
    held, customer = known.held, known.customer
    *changes, seen = states.changes(known.facts, now)
    bought = customer.orders_count + customer.earlier_orders
    classes = classes_of(
        bought,
        customer.discounted_count,
        customer.last_paid_at,
        now,
        own_gap=known.own_gap,
        band=classing.ticket_band(customer, bands),
    )
    events = list(_told(store, known, changes, now))
    if held is not None and held.classes != classes:
        events.append(_class_event(store, known, classes, now))
    row = {
        "store_id": store.id,
        "customer_id": customer.id,
        "state": seen.state,
        "since": seen.since,
        "classes": classes,
        "attempts": list(held.attempts) if held is not None else [],
        "offered_at": held.offered_at if held is not None and not changes else None,
        "timer_at": _timer(known, seen.next_at, bought, now),
    }
    return row, events


def _timer(known: Known, next_at: datetime | None, bought: int, now: datetime) -> datetime | None:
    """When to look again; a timer that is set for an earlier moment is left to ring, so that each has one."""
    loyal_to = loyal_until(bought, known.customer.last_paid_at, known.own_gap)
    moments = [moment for moment in (next_at, loyal_to and loyal_to + _INSTANT) if moment and moment > now]
    held = known.held.timer_at if known.held is not None else None
    if held is not None and held > now:
        moments.append(held)
    return midnight_from(min(moments)) if moments else None


def midnight_from(moment: datetime) -> datetime:
    """The first midnight (UTC) that is not before a moment: states are looked at by the day."""
    midnight = datetime.combine(moment.date(), time(), moment.tzinfo)
    return midnight if midnight == moment else midnight + _DAY


def _told(store: Store, known: Known, changes: Sequence[Seen], now: datetime) -> Iterable[NewEvent]:
    before, facts = known.facts.state, known.facts
    attempts = attempts_of(known.held) if known.held is not None else []
    for seen in changes:
        details = {
            "from": before,
            "may_try": known.is_reachable and states.may_try(attempts, now),
            "orders": known.customer.orders_count,
            "last_order_at": _text(facts.last_order_at),
            "gap_days": facts.gap.days if facts.gap is not None else None,
            "gap_product": known.gap_product,
            "measured_since": _text(facts.measured_since),
            "last_act_at": _text(facts.last_act_at),
            "asked_at": _text(facts.asked_at),
        }
        is_history = known.held is None or seen.since < now - FRESH
        yield _event(store.id, known.customer.id, seen, details=details, is_history=is_history)
        before = seen.state


def subject_of(state: str, since: datetime) -> str:
    """What the entry of a state, and a journey that it starts, are about: this very time of it."""
    return f"state:{state}:{to_micros(since)}"


def _event(
    store_id: int,
    customer_id: int,
    seen: Seen,
    *,
    details: dict[str, Any],
    is_history: bool = False,
) -> NewEvent:
    subject = subject_of(seen.state, seen.since)
    return NewEvent(
        store_id=store_id,
        customer_id=customer_id,
        type="state.changed",
        subject=subject,
        source_key=f"{subject}:{customer_id}",
        occurred_at=seen.since,
        details={"to": seen.state, **details},
        is_history=is_history,
    )


def _class_event(store: Store, known: Known, classes: list[str], now: datetime) -> NewEvent:
    customer_id = known.customer.id
    return NewEvent(
        store_id=store.id,
        customer_id=customer_id,
        type="class.changed",
        subject="class",
        source_key=f"class:{customer_id}:{to_micros(now)}",
        occurred_at=now,
        details={"from": known.held.classes if known.held is not None else [], "to": classes},
    )


def _offered(one: Offer, row: Any, now: datetime) -> dict[str, Any]:
    kept = [to_micros(at) for at in attempts_of(row) if at > now - states.ATTEMPTS_WITHIN]
    return {
        "person": one.customer_id,
        "new_state": REACTIVATING if one.is_tried else row.state,
        "new_since": one.at if one.is_tried else row.since,
        "new_attempts": [*kept, to_micros(one.at)] if one.is_tried else list(row.attempts),
        "new_offered_at": now,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
