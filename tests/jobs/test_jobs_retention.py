"""Retention: what is old goes in the night, what is fresh stays, and figures stay for ever."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app import asides, consent, retention
from app.consent import NewConsent
from app.db import table_of
from app.inbox import NOBODY
from app.models import (
    AccessEntry,
    AuditEntry,
    Consent,
    Customer,
    InboundBody,
    Message,
    MessageAttempt,
    SetAside,
    StoreWrite,
    TextCost,
)
from app.runtime import Runtime
from jobs import daily
from tests import seeds
from tests.conftest import NOW
from tests.engines import SQLITE
from tests.jobs.jobs_seed import delivery, kit_of, receive

CUSTOMERS = table_of(Customer)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def store_id(runtime: Runtime) -> int:
    """A shop."""
    return seeds.new_store(runtime.database, platform="shopify")


def done(store_id: int, key: str, age: timedelta, **values: Any) -> dict[str, Any]:
    """A delivery that was read so long ago."""
    moment = NOW - age
    fields = {"status": "done", "done_at": moment, "received_at": moment} | values
    return delivery(store_id, "orders/create", b"{}", key, **fields)


def add_attempt(runtime: Runtime, store_id: int, message_id: int, age: timedelta) -> None:
    with runtime.database.write() as session:
        attempt = MessageAttempt(store_id=store_id, message_id=message_id, started_at=NOW - age)
        session.add(attempt)


def add_sent(runtime: Runtime, store_id: int, age: timedelta) -> int:
    """A message that left so long ago, with its content; the id."""
    with runtime.database.write() as session:
        customer = seeds.add_customer(session, store_id)
        message = seeds.add_message(
            session,
            store_id,
            customer.id,
            status="sent",
            sent_at=NOW - age,
            content=b"letter",
            subject="Ciao",
        )
        return message.id


def bodies(runtime: Runtime) -> dict[str, bytes | None]:
    return dict(seeds.bodies_of(runtime.database, "dedupe_key"))


def test_looks_are_kept_for_a_year_and_changes_for_two(runtime: Runtime, store_id: int) -> None:
    who: dict[str, Any] = {"store_id": store_id, "actor_kind": "member"}
    with runtime.database.write() as session:
        for days in (364, 366, 729, 731):
            session.add(AccessEntry(**who, at=NOW - days * DAY, what="customers", how="screen"))
            session.add(AuditEntry(**who, at=NOW - days * DAY, action="flow.activated"))

    with runtime.database.write() as session:
        gone, _ = retention.purge_once(session, store_id, NOW)

    assert gone == 4
    assert seeds.values_of(runtime.database, AccessEntry, "at") == [NOW - 364 * DAY]
    assert len(seeds.values_of(runtime.database, AuditEntry, "at")) == 3


def test_bodies_go_two_days_after_they_were_read_and_their_keys_after_ninety(
    runtime: Runtime, store_id: int
) -> None:
    ages = {"ancient": 90 * DAY + HOUR, "old": 89 * DAY, "read": 49 * HOUR, "fresh": 47 * HOUR}
    receive(runtime.database, [done(store_id, key, age) for key, age in ages.items()])

    daily.run(kit_of(runtime), NOW)

    assert bodies(runtime) == {"old": None, "read": None, "fresh": b"{}"}
    assert seeds.values_of(runtime.database, InboundBody, "body") == [b"{}"]


def test_keys_of_a_busy_day_go_in_one_batch(
    runtime: Runtime, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_PROOFS", 3)
    ages = [90 * DAY + HOUR] * 5 + [89 * DAY] * 2
    receive(runtime.database, [done(store_id, f"key-{n}", age) for n, age in enumerate(ages)])
    asked: list[str] = []
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    with runtime.database.write() as session:
        retention.purge_once(session, store_id, NOW)

    assert sorted(bodies(runtime)) == ["key-5", "key-6"]
    # A few are asked for first, and all of them only because all of those were old.
    assert len([one for one in asked if "ORDER BY anon_1.id" in one]) == 2


def test_every_stores_old_rows_are_found_together_and_nobodys(runtime: Runtime, store_id: int) -> None:
    other, quiet = (seeds.new_store(runtime.database, word) for word in ("other", "quiet"))
    receive(runtime.database, [done(one, f"of-{one}", 3 * DAY) for one in (NOBODY, store_id)])
    add_sent(runtime, other, 31 * DAY)
    add_sent(runtime, quiet, 29 * DAY)

    with runtime.database.over_all_stores().read() as session:
        found = retention.waiting_in_all(session, NOW)
        of_each = {one: retention.waiting(session, one, NOW) for one in (NOBODY, store_id, other, quiet)}

    assert found == {one: kinds for one, kinds in of_each.items() if kinds}
    assert {one: [kind.age for kind in kinds] for one, kinds in found.items()} == {
        NOBODY: [retention.BODY],
        store_id: [retention.BODY],
        other: [retention.CONTENT],
    }


@pytest.mark.parametrize("engine", [SQLITE])
def test_an_index_leads_to_the_oldest_of_every_kind(runtime: Runtime, engine: str) -> None:
    asked: list[tuple[str, Any]] = []
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))

    with runtime.database.over_all_stores().read() as session:
        retention.waiting_in_all(session, NOW)
        ((statement, values),) = asked
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()

    searched = [step.detail for step in plan if step.detail.startswith("SEARCH")]
    assert len(searched) == len(retention.PURGES)
    assert [one for one in searched if " INDEX " not in one] == []


def test_bodies_that_were_never_read_stay_with_their_reason(runtime: Runtime, store_id: int) -> None:
    unread = {"done_at": None, "next_at": NOW + DAY, "error": "unreadable"}
    dead = done(store_id, "dead", 100 * DAY, status="dead", **unread)
    waiting = done(store_id, "waiting", 10 * DAY, status="retrying", **unread)
    forgotten = done(store_id, "forgotten", 181 * DAY, status="dead", **unread)
    receive(runtime.database, [forgotten, dead, waiting])

    daily.run(kit_of(runtime), NOW)

    assert bodies(runtime) == {"dead": b"{}", "waiting": b"{}"}
    assert len(seeds.values_of(runtime.database, InboundBody, "body")) == 2


def test_contents_go_after_thirty_days_and_the_message_stays(runtime: Runtime, store_id: int) -> None:
    old = add_sent(runtime, store_id, 30 * DAY + HOUR)
    fresh = add_sent(runtime, store_id, 29 * DAY)

    daily.run(kit_of(runtime), NOW)

    rows = seeds.rows_of(runtime.database, Message, "id", "content", "subject", "status")
    assert rows == [(old, None, "Ciao", "sent"), (fresh, b"letter", "Ciao", "sent")]


def test_attempts_go_after_ninety_days(runtime: Runtime, store_id: int) -> None:
    message_id = add_sent(runtime, store_id, 29 * DAY)
    add_attempt(runtime, store_id, message_id, 90 * DAY + HOUR)
    add_attempt(runtime, store_id, message_id, 89 * DAY)

    daily.run(kit_of(runtime), NOW)

    assert seeds.values_of(runtime.database, MessageAttempt, "started_at") == [NOW - 89 * DAY]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_more_than_a_batch_goes_in_one_night(
    runtime: Runtime, store_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    receive(runtime.database, [done(store_id, f"old-{number}", 91 * DAY) for number in range(10)])
    receive(runtime.database, [done(store_id, f"read-{number}", 3 * DAY) for number in range(10)])

    daily.run(kit_of(runtime), NOW)

    assert bodies(runtime) == {f"read-{number}": None for number in range(10)}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_every_shop_is_purged_for_itself(runtime: Runtime, store_id: int) -> None:
    other_id = seeds.new_store(runtime.database, "other", state="uninstalled")
    receive(runtime.database, [done(store_id, "mine", 3 * DAY), done(other_id, "theirs", 3 * DAY)])
    with runtime.database.write() as session:
        gone, _ = retention.purge_once(session, store_id, NOW)
    only_mine = bodies(runtime)

    daily.run(kit_of(runtime), NOW)

    assert gone == 1
    assert only_mine == {"mine": None, "theirs": b"{}"}
    assert bodies(runtime) == {"mine": None, "theirs": None}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_was_written_back_goes_after_ninety_days_and_what_waits_stays(
    runtime: Runtime, store_id: int
) -> None:
    for place, state in enumerate(("done", "skipped", "failed", "dead", "queued")):
        for age in (89, 91):
            add_write(runtime, store_id, f"email:{place}-{age}", state=state, age=age * DAY)

    daily.run(kit_of(runtime), NOW)

    kept = seeds.values_of(runtime.database, StoreWrite, "subject")
    assert kept == ["email:0-89", "email:1-89", "email:2-89", "email:3-89", "email:4-89", "email:4-91"]


def add_write(runtime: Runtime, store_id: int, subject: str, *, state: str, age: timedelta) -> None:
    done_at = None if state == "queued" else NOW - age
    with runtime.database.write() as session:
        row = StoreWrite(store_id=store_id, kind="consent", subject=subject, state=state, done_at=done_at)
        row.created_at = row.next_at = NOW - age
        session.add(row)


def test_what_proves_a_consent_goes_24_months_after_it_ended_and_the_consent_itself_stays(
    runtime: Runtime, store_id: int
) -> None:
    people = {
        "ended long ago": [("subscribed", 900), ("unsubscribed", 732)],
        "ended lately": [("subscribed", 900), ("unsubscribed", 730)],
        "refused again": [("subscribed", 900), ("unsubscribed", 732), ("unsubscribed", 5)],
        "still agrees": [("subscribed", 2_000)],
        "came back": [("subscribed", 2_000), ("unsubscribed", 900), ("subscribed", 1)],
        "never confirmed": [("pending", 732)],
    }
    for name, said in people.items():
        _say(runtime, store_id, name, said)

    with runtime.database.write() as session:
        gone, _ = retention.purge_once(session, store_id, NOW)
        again, _ = retention.purge_once(session, store_id, NOW)

    assert (gone, again) == (3, 0)
    kept = {name for name, address in _proofs(runtime) if address is not None}
    emptied = {name for name, address in _proofs(runtime) if address is None}
    assert kept == {"ended lately", "still agrees", "came back"}
    assert emptied == {"ended long ago", "refused again", "never confirmed"}
    assert len(seeds.values_of(runtime.database, Consent, "state")) == sum(map(len, people.values()))
    words = seeds.rows_of(runtime.database, Consent, "wording", "evidence")
    assert words.count((None, None)) == 6
    assert words.count(("Sì, scrivetemi", {"ip": "192.0.2.7"})) == 6


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_is_told_after_the_proof_is_gone_goes_as_well(runtime: Runtime, store_id: int) -> None:
    _say(runtime, store_id, "an old yes", [("subscribed", 900), ("unsubscribed", 800)])
    _say(runtime, store_id, "another no", [("subscribed", 900), ("unsubscribed", 800)])
    with runtime.database.write() as session:
        retention.purge_once(session, store_id, NOW)
    _say(runtime, store_id, "an old yes", [("subscribed", 850)])
    _say(runtime, store_id, "another no", [("unsubscribed", 1)])

    with runtime.database.write() as session:
        soon, _ = retention.purge_once(session, store_id, NOW)
        kept = _proofs_of(session)
        later, _ = retention.purge_once(session, store_id, NOW + 731 * DAY)

    assert (soon, kept, later) == (1, ["another no"], 1)


def test_what_texts_cost_is_kept_for_thirteen_months(runtime: Runtime, store_id: int) -> None:
    with runtime.database.write() as session:
        for days in (396, 397):
            spent = {"spent_on": (NOW - days * DAY).date(), "currency": "EUR", "micros": 1, "parts": 1}
            session.add(TextCost(store_id=store_id, subject=f"message-{days}", **spent))

    with runtime.database.write() as session:
        retention.purge_once(session, store_id, NOW)

    assert seeds.values_of(runtime.database, TextCost, "subject") == ["message-396"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_night_without_anything_old_asks_once_and_removes_nothing(runtime: Runtime, store_id: int) -> None:
    add_sent(runtime, store_id, 29 * DAY)
    asked: list[str] = []
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    with runtime.database.read() as session:
        gone = retention.purge_once(session, store_id, NOW)

    assert (gone, len(asked)) == ((0, []), 1)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_another_stores_proofs_are_left_alone(runtime: Runtime, store_id: int) -> None:
    other = seeds.new_store(runtime.database, "altrove")
    _say(runtime, other, "theirs", [("subscribed", 900), ("unsubscribed", 800)])

    with runtime.database.write() as session:
        gone, _ = retention.purge_once(session, store_id, NOW)

    assert gone == 0
    assert None not in seeds.values_of(runtime.database, Consent, "address")


def _say(runtime: Runtime, store_id: int, name: str, said: list[tuple[str, int]]) -> None:
    """What somebody said, so many days ago each, with what proves it."""
    with runtime.database.write() as session:
        mine = select(CUSTOMERS.c.id).where(CUSTOMERS.c.store_id == store_id, CUSTOMERS.c.external_id == name)
        known = session.execute(mine).scalar_one_or_none()
        customer_id = known or seeds.add_customer(session, store_id, name).id
        for state, days in said:
            statement = NewConsent(
                store_id,
                customer_id,
                "email",
                state,
                "consent",
                NOW - days * DAY,
                "test",
                address=name,
                wording="Sì, scrivetemi",
                evidence={"ip": "192.0.2.7"},
            )
            consent.record(session, [statement], NOW)


def _proofs(runtime: Runtime) -> list[tuple[str, str | None]]:
    """Whose statement it is, and the address that it was kept with."""
    names = dict(seeds.rows_of(runtime.database, Customer, "id", "external_id"))
    rows = seeds.rows_of(runtime.database, Consent, "customer_id", "address")
    return [(names[customer_id], address) for customer_id, address in rows]


def _proofs_of(session: Session) -> list[str]:
    """Whose words the ledger holds, one by one."""
    statement = select(consent.LEDGER.c.address).where(consent.LEDGER.c.address.is_not(None))
    return list(session.execute(statement).scalars())


def test_what_was_set_aside_and_is_due_no_more_goes_after_two_days(runtime: Runtime, store_id: int) -> None:
    with runtime.database.write() as session:
        for subject, age in ((1, 3 * DAY), (2, HOUR)):
            for work in ("flows", "outbox"):
                asides.put(session, store_id, work, subject, error="ZeroDivisionError", now=NOW - age)

    daily.run(kit_of(runtime), NOW)

    assert set(seeds.values_of(runtime.database, SetAside, "subject_id")) == {2}
