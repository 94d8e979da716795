"""What goes wrong in one shop, or in one night, stays there: the others go on, and the next run makes up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app import timeline
from app.messaging import clicks
from app.messaging.clicks import Click
from app.models import (
    Attribution,
    CustomerEvent,
    Enrollment,
    FlowVersion,
    JobRun,
    Message,
    SetAside,
    Voucher,
)
from app.runtime import Runtime
from app.timeline import NewEvent
from jobs import attribution, daily, flows
from jobs.tick import tick
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of

DAY = timedelta(days=1)
SLOT = datetime(2026, 11, 2, tzinfo=UTC)


def consents(runtime: Runtime, store_id: int, count: int = 1) -> None:
    """New customers agree to mails."""
    with runtime.database.write() as session:
        people = [seeds.add_customer(session, store_id).id for _ in range(count)]
        events = [
            NewEvent(
                store_id=store_id,
                customer_id=person,
                type="consent.changed",
                subject="consent:email",
                source_key=f"consent:{person}",
                occurred_at=NOW,
                details={"channel": "email", "state": "subscribed"},
            )
            for person in people
        ]
        timeline.record(session, events, NOW)


def welcoming(runtime: Runtime, word: str) -> int:
    store_id = seeds.new_store(runtime.database, word)
    seeds.switch_on(runtime.database, store_id, "welcome", since=NOW)
    return store_id


def break_flows(runtime: Runtime, store_id: int) -> None:
    """A definition that nobody can read."""
    with runtime.database.write() as session:
        for version in session.query(FlowVersion).filter_by(store_id=store_id):
            version.definition = {"key": "broken", "entries": "none"}


def test_a_shop_whose_flows_are_broken_keeps_no_other_waiting(runtime: Runtime) -> None:
    broken, sound = welcoming(runtime, "broken"), welcoming(runtime, "sound")
    break_flows(runtime, broken)
    for store_id in (broken, sound):
        consents(runtime, store_id)

    flows.run(kit_of(runtime), NOW)

    ((where, error),) = seeds.rows_of(runtime.database, SetAside, "store_id", "error")
    assert (where, error.partition(" ")[0]) == (broken, "ValidationError")
    assert seeds.values_of(runtime.database, Enrollment, "store_id") == [sound]
    assert seeds.rows_of(runtime.database, CustomerEvent, "store_id", "is_pending") == [
        (broken, True),
        (sound, False),
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_beside_a_broken_shop_the_others_go_on_to_their_end(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.flows._SMALLEST_SHARE", 4)
    monkeypatch.setattr("jobs.flows.BATCH", 8)
    monkeypatch.setattr("jobs.alone._STRAIGHT", 3)
    broken, sound = welcoming(runtime, "broken"), welcoming(runtime, "sound")
    break_flows(runtime, broken)
    for store_id in (broken, sound):
        consents(runtime, store_id, 9)

    with pytest.raises(ValueError, match="entries"):
        flows.run(kit_of(runtime), NOW)

    assert seeds.values_of(runtime.database, Enrollment, "store_id") == [sound] * 9


def test_a_stage_that_fails_keeps_no_other_stage_waiting(runtime: Runtime) -> None:
    broken, sound = welcoming(runtime, "broken"), welcoming(runtime, "sound")
    break_flows(runtime, broken)
    consents(runtime, broken)
    with runtime.database.write() as session:
        customer = seeds.add_customer(session, sound)
        message = seeds.add_message(session, sound, customer.id)

    tick(kit_of(runtime), NOW)

    assert seeds.rows_of(runtime.database, Message, "id", "status", "reason") == [
        (message.id, "stopped", "no-legal-basis")
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_shops_storm_of_entries_keeps_no_other_waiting(runtime: Runtime) -> None:
    stormy, quiet = welcoming(runtime, "stormy"), welcoming(runtime, "quiet")
    consents(runtime, stormy, 300)
    consents(runtime, quiet)

    done = flows.run(kit_of(runtime), NOW)

    assert done["advanced"] == 301
    # Nobody waits for more than the stormy shop's first share, and what is left has its turn at once.
    assert seeds.values_of(runtime.database, Enrollment, "store_id").index(quiet) <= 250


@pytest.mark.parametrize(("people", "rounds"), [(3, 1), (4, 2)])
@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_flows_go_round_again_where_a_shop_had_its_whole_share(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, people: int, rounds: int
) -> None:
    monkeypatch.setattr("jobs.flows._SMALLEST_SHARE", 4)
    monkeypatch.setattr("jobs.flows.BATCH", 8)
    for word in ("one", "other"):
        consents(runtime, welcoming(runtime, word), people)
    asked: list[str] = []
    event.listen(runtime.database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    done = flows.run(kit_of(runtime), NOW)

    assert done["advanced"] == 2 * people
    assert sum("WITH RECURSIVE" in statement for statement in asked) == rounds


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_shop_whose_orders_cannot_be_attributed_keeps_no_other_waiting(runtime: Runtime) -> None:
    broken, sound = (seeds.new_store(runtime.database, word) for word in ("broken", "sound"))
    clicked_order(runtime, broken, context={"voucher": "no object"}, journey=1)
    clicked_order(runtime, sound, context={}, journey=2)

    attribution.run(kit_of(runtime), NOW)

    assert seeds.rows_of(runtime.database, SetAside, "store_id", "work") == [(broken, "attribution")]
    assert seeds.values_of(runtime.database, Attribution, "store_id") == [sound]


@pytest.mark.parametrize(
    "left_behind",
    [{"ended_at": None}, {"ended_at": SLOT, "error": "the database went away"}],
    ids=["its worker died", "it failed"],
)
def test_birthdays_of_a_night_that_failed_are_made_up_in_the_next(
    runtime: Runtime, left_behind: dict[str, Any]
) -> None:
    store_id = seeds.new_store(runtime.database)
    seeds.switch_on(runtime.database, store_id, "birthday", since=SLOT - 90 * DAY)
    with runtime.database.write() as session:
        session.add(JobRun(name="birthdays", slot=SLOT - DAY, started_at=SLOT, ended_at=SLOT))
        session.add(JobRun(name="birthdays", slot=SLOT, started_at=SLOT, **left_behind))
        for day in (8, 9, 10):
            seeds.add_customer(
                session, store_id, birth_month=11, birth_day=day, birth_known_at=SLOT - 60 * DAY
            )

    daily.run(kit_of(runtime), NOW)
    same_day = seeds.values_of(runtime.database, Enrollment, "entered_at")
    daily.run(kit_of(runtime), NOW + DAY)

    assert same_day == []
    assert seeds.values_of(runtime.database, Enrollment, "entered_at") == [SLOT, SLOT + DAY]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_calendar_whose_first_run_failed_begins_there_again(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    seeds.switch_on(runtime.database, store_id, "birthday", since=SLOT - 90 * DAY)
    with runtime.database.write() as session:
        session.add(JobRun(name="birthdays", slot=SLOT, started_at=SLOT, ended_at=SLOT, error="full"))
        seeds.add_customer(session, store_id, birth_month=11, birth_day=9, birth_known_at=SLOT - 60 * DAY)

    daily.run(kit_of(runtime), NOW + DAY)

    assert seeds.values_of(runtime.database, Enrollment, "entered_at") == [SLOT]


def clicked_order(runtime: Runtime, store_id: int, *, context: dict[str, Any], journey: int) -> None:
    """An order after a click, with a code of the message's journey."""
    with runtime.database.write() as session:
        customer = seeds.add_customer(session, store_id)
        message = seeds.add_message(
            session,
            store_id,
            customer.id,
            status="sent",
            sent_at=NOW - DAY,
            enrollment_id=journey,
            context=context,
        )
        order = seeds.add_order(session, store_id, customer.id, is_attribution_due=True)
        visit = Click(message.id, "https://bottega.example/", NOW - DAY, is_human=True)
        clicks.apply(session, store_id, [visit], NOW)
        session.add(
            Voucher(
                store_id=store_id,
                customer_id=customer.id,
                enrollment_id=journey,
                name="welcome",
                flow_key="welcome",
                code=f"CODE-{journey}",
                kind="percentage",
                value="10",
                expires_at=NOW,
                redeemed_at=NOW,
                redeemed_order_id=order.id,
            )
        )
