"""The large store that `screens` opens: its rows, made by the database itself, lie as time wrote them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, update
from sqlalchemy.orm import Session

from app.analytics import days
from app.flows import changing, drafts, rehearsals, switch
from app.messaging import copies, tallies
from app.models import Message, Store
from app.runtime import Runtime
from benchmarks import series, stores, why
from jobs.rehearsals import MOST_LISTED

STORE_ID = 1
FLOW, STEP = "review", "M3"
"""The flow whose screens are opened, and a message of it."""
MESSAGE_ID = 400_000
"""The message that is opened, and alone of all has what it said kept."""
_SPAN = timedelta(days=730)
_BEYOND = 1_000_000_000


def fill(runtime: Runtime, customers: int) -> None:
    """Make the store; its sums are those that the product's nights would have made."""
    now = datetime.now(UTC).replace(microsecond=0)
    with runtime.database.write() as session:
        switch.ensure_flows(session, STORE_ID, now - _SPAN)
        _draft(session, now)
        _fill(session.connection(), customers, now)
        _write(session)
        _add_up(session, now)
        _rehearse(session, now)
    count = tallies.A_COMMIT
    while count >= tallies.A_COMMIT:
        with runtime.database.write() as session:
            count = tallies.add(session, STORE_ID, now)
    stores.take_stock(runtime)


def _fill(connection: Connection, customers: int, now: datetime) -> None:
    for table, (share, columns) in _ROWS.items():
        count = max(1, int(customers * share))
        series.insert(
            connection, table, columns, count=count, customers=customers, begin=now - _SPAN, span=_SPAN
        )


def _write(session: Session) -> None:
    """What the message that is opened said: a mail of usual length."""
    html = "<p>" + "Un mail come tanti altri, con parole che si ripetono. " * 150
    kept = copies.pack({"subject": "Ciao", "text": html, "html": html, "links": []})
    session.execute(update(Message).where(Message.id == MESSAGE_ID).values(content=kept))


def _draft(session: Session, now: datetime) -> None:
    """A message switched off in the flow whose screens are opened: only a draft can be published."""
    desk = drafts.desk(session, STORE_ID, FLOW)
    step = changing.entry_of(desk.current, STEP).by_id[STEP].model_copy(update={"is_on": False})
    changed = changing.with_step(desk.current, step)
    drafts.keep(session, STORE_ID, FLOW, changed, seen=desk.revision, now=now)


def _add_up(session: Session, now: datetime) -> None:
    """The sums of the days, as the product makes them."""
    store = session.get_one(Store, STORE_ID)
    store.installed_at = now - _SPAN
    moments = [now - timedelta(days=number) for number in range(_SPAN.days)]
    days.count_orders(session, STORE_ID, moments)
    days.keep(session, days.count(session, store, None, now))


def _rehearse(session: Session, now: datetime) -> None:
    """Dry runs that are done, of the flow, of its draft and of the days to come of the one that wins back."""
    begin, end = now - timedelta(days=90), now + timedelta(days=90)
    for key, is_draft, is_ahead in ((FLOW, False, False), (FLOW, True, False), ("reactivation", False, True)):
        asked = {"is_draft": is_draft, "is_ahead": is_ahead}
        span = (now, end) if is_ahead else (begin, now)
        rehearsals.ask(session, STORE_ID, key, begin=span[0], end=span[1], **asked)
        held = rehearsals.claim(session)
        if held is not None:
            rehearsals.finish(session, held, _result(key, *span, is_ahead=is_ahead), now)


def _result(key: str, begin: datetime, end: datetime, *, is_ahead: bool) -> dict[str, Any]:
    """What a dry run over such a store tells, in the shape of app/flows/simulate/telling.py."""
    messages = [_message(number, end) for number in range(MOST_LISTED)]
    people = [
        {"customer": n + 1, "on": end.date().isoformat(), "messages": [_message(n, end)]} for n in range(50)
    ]
    by_day = {(begin + timedelta(days=number)).date().isoformat(): 200 for number in range(90)}
    release = {"a_day": 200, "days": 400, "begun": 18_000, "by_day": by_day, "people": people}
    return {
        "flow": key,
        "since": begin.isoformat(),
        "until": end.isoformat(),
        "beside": ["birthday", "welcome"],
        "ledger_since": begin.isoformat(),
        "people": 100_000,
        "enrolled": 30_000,
        "held_out": 3_000,
        "messages": messages,
        "counts": {"sent": 24_000, "stopped": 5_000, "expired": 1_000},
        "steps": {STEP: {"sent": 24_000, "stopped": 5_000, "expired": 1_000}},
        "reasons": {"consent": 4_000, "frequency": 1_000, "expired": 1_000},
        "forgotten_baskets": 0,
        "silent_before": 80_000 if is_ahead else 0,
        "release": release if is_ahead else None,
        "consent_assumed": 12,
        "vouchers": {"n": 900, "cost": {"minor": 450_000, "currency": "EUR"}},
        "revision": 1,
    }


def _message(number: int, at: datetime) -> dict[str, Any]:
    return {
        "customer": number * series.STRIDE % 100_000 + 1,
        "step": STEP,
        "channel": "email",
        "due_at": at.isoformat(),
        "status": "sent",
        "reason": None,
        "sent_at": at.isoformat(),
        "consent_assumed": False,
    }


_STATUS = (
    "CASE n % 40 WHEN 0 THEN 'delivered' WHEN 1 THEN 'stopped' WHEN 2 THEN 'expired' WHEN 3 THEN 'bounced' "
    "ELSE 'sent' END"
)
_CONSENT = "CASE n % 3000 WHEN 7 THEN 'unsubscribed' ELSE 'subscribed' END"
_STATE = "CASE n % 5000 WHEN 2 THEN 'dormant' WHEN 3 THEN 'reactivating' ELSE 'active' END"
_TEXT = dict.fromkeys(("status", "financial_status", "fulfillment_status"), "'v'")
_FALSE = ("is_discounted", "is_paired", "is_attribution_due", "is_test")
_ROWS: Mapping[str, tuple[float, Mapping[str, str]]] = {
    "customers": (
        1,
        why.ROWS["customers"]
        | {"first_name": "'Nome' || n % 977", "last_name": "'Cognome' || n % 1013", "last_paid_at": "AT"},
    ),
    "customer_states": (
        0.8,
        {"customer_id": "n", "state": _STATE, "since": "AT", "classes": "'[\"repeat\"]'", "attempts": "'[]'"},
    ),
    "consent_states": (
        0.7,
        {"customer_id": "n", "channel": "'email'", "state": _CONSENT, "occurred_at": "AT", "is_own": "FALSE"},
    ),
    "orders": (
        5,
        {"id": "n", "external_id": "CAST(n AS VARCHAR(20))", "number": "'#' || n", "customer_id": "PERSON"}
        | _TEXT
        | {"currency": "'EUR'", "total_minor": "n % 9000", "is_counted": "TRUE", "discount_codes": "'[]'"}
        | dict.fromkeys(("refunded_minor", "discount_minor", "tax_minor", "shipping_minor"), "0")
        | dict.fromkeys(_FALSE, "FALSE")
        | dict.fromkeys(("placed_at", "paid_at", "source_updated_at"), "AT"),
    ),
    "customer_events": (10, why.ROWS["customer_events"]),
    "enrollments": (3, why.ROWS["enrollments"]),
    "messages": (5, why.ROWS["messages"] | {"status": _STATUS, "to_address": "'c@example.com'"}),
    "message_attempts": (5, {"id": "n", "message_id": "n", "started_at": "AT", "ended_at": "AT"}),
    "delivery_events": (
        6,
        # Of five messages each arrived, and one was clicked; ids lie beyond those of the timeline's entries.
        {"id": f"n + {_BEYOND}", "message_id": "(n - 1) * 5 / 6 + 1", "event_key": "'e' || n"}
        | {"type": "CASE WHEN n % 6 = 1 THEN 'clicked' ELSE 'delivered' END"}
        | {"is_human": "TRUE", "is_entry": "n % 6 <> 1", "occurred_at": "AT"},
    ),
    "decisions": (5, why.ROWS["decisions"]),
    "attributions": (
        0.5,
        {"order_id": "n * 10", "message_id": "n * 10", "flow_key": "'review'", "step": "'M3'"}
        | {
            "rule": "'last-click'",
            "amount_minor": "n % 5000",
            "currency": "'EUR'",
            "occurred_at": "AT",
            "inputs": "'{}'",
        },
    ),
    "inbound_events": (
        5,
        {"id": "n", "source": "'shopify'", "topic": "'orders/paid'", "dedupe_key": "'k' || n"}
        | {"status": "'done'", "attempts": "0"}
        | dict.fromkeys(("received_at", "next_at", "done_at"), "AT"),
    ),
    "reviews": (
        0.2,
        {"id": "n", "source": "'ritorno'", "external_id": "'r' || n", "object": "'product'"}
        | {
            "rating": "n % 5 + 1",
            "text": "'Bello'",
            "status": "'given'",
            "state": "'approved'",
            "is_verified": "TRUE",
        }
        | {"written_at": "AT", "customer_id": "PERSON"},
    ),
    "audit_log": (
        0.1,
        # Their ids are the database's own: the screens add to them.
        {"at": "AT", "actor_kind": "'member'", "actor_id": "''", "action": "'settings.change'"}
        | {"subject": "''", "details": "'{}'"},
    ),
    "access_log": (
        1,
        {"at": "AT", "actor_kind": "'member'", "actor_id": "''", "how": "'screen'"}
        | {"what": "'customer'", "customer_id": "PERSON", "count": "1"},
    ),
}
"""By table: how many rows a customer has there, and the rows as `benchmarks/series.py` takes them."""
