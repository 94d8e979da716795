"""What fails by itself stops nothing else: the batch is done row by row, and the one is tried again alone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app import asides, timers
from app.errors import Busy
from app.flows import live
from app.flows.writing import TIMER_KIND
from app.messaging import facts
from app.models import Attribution, CustomerEvent, Enrollment, Message, Order, SetAside, Timer
from app.runtime import Runtime
from app.timers import NewTimer
from jobs import alone, attribution, flows, outbox
from jobs.claims import Claims
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
from tests.jobs.test_jobs_failures import clicked_order, consents, welcoming

MINUTE = timedelta(minutes=1)
_STANDING = ("id", "status", "next_at")


class Culprits:
    """People at whose entries the flows' code breaks, until it is mended."""

    def __init__(self) -> None:
        self.people: set[int] = set()
        self.tries: list[int] = []

    def look(self, events: Any) -> None:
        """Break at theirs."""
        for event in events:
            if event.customer_id in self.people:
                self.tries.append(event.customer_id)
                raise ZeroDivisionError(f"somebody's name, number {event.customer_id}")


@pytest.fixture
def culprits(monkeypatch: pytest.MonkeyPatch) -> Culprits:
    """Nobody yet."""
    found = Culprits()
    run = live.MomentItem.run

    def _run(item: Any, batch: Any) -> None:
        found.look(item.events)
        run(item, batch)

    monkeypatch.setattr(live.MomentItem, "run", _run)
    return found


def test_one_persons_broken_entry_stops_nobody_else(runtime: Runtime, culprits: Culprits) -> None:
    store_id = welcoming(runtime, "shop")
    consents(runtime, store_id, 5)
    people = seeds.values_of(runtime.database, CustomerEvent, "customer_id")
    culprits.people = {people[2]}

    done = flows.run(kit_of(runtime), NOW)

    assert done["advanced"] == 4
    assert seeds.values_of(runtime.database, Enrollment, "customer_id") == people[:2] + people[3:]
    assert seeds.rows_of(runtime.database, CustomerEvent, "customer_id", "is_pending") == [
        (person, person == people[2]) for person in people
    ]
    ((aside, error),) = seeds.rows_of(runtime.database, SetAside, "subject_id", "error")
    assert aside == people[2]
    assert error.startswith("ZeroDivisionError in look (test_jobs_alone.py:")


def test_who_was_set_aside_keeps_no_batch_from_going_well_and_is_tried_again_ever_later(
    runtime: Runtime, culprits: Culprits
) -> None:
    store_id = welcoming(runtime, "shop")
    consents(runtime, store_id, 2)
    people = seeds.values_of(runtime.database, CustomerEvent, "customer_id")
    culprits.people = {people[0]}
    flows.run(kit_of(runtime), NOW)
    culprits.tries.clear()

    flows.run(kit_of(runtime), NOW + 0.5 * MINUTE)
    early = list(culprits.tries)
    flows.run(kit_of(runtime), NOW + MINUTE)
    second = list(culprits.tries)
    flows.run(kit_of(runtime), NOW + 5 * MINUTE)
    between = list(culprits.tries)
    culprits.people.clear()
    done = flows.run(kit_of(runtime), NOW + 11 * MINUTE)

    assert (early, second, between) == ([], [people[0]], [people[0]])
    assert done["advanced"] == 1
    assert seeds.values_of(runtime.database, SetAside, "subject_id") == []
    assert sorted(seeds.values_of(runtime.database, Enrollment, "customer_id")) == sorted(people)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_when_all_fail_it_is_the_shop_and_nobody_is_set_aside(
    runtime: Runtime, culprits: Culprits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "_STRAIGHT", 3)
    store_id = welcoming(runtime, "shop")
    consents(runtime, store_id, 5)
    culprits.people = set(seeds.values_of(runtime.database, CustomerEvent, "customer_id"))

    with pytest.raises(ZeroDivisionError):
        flows.run(kit_of(runtime), NOW)

    assert len(culprits.tries) == 1 + 3
    assert seeds.values_of(runtime.database, SetAside, "subject_id") == []
    assert all(seeds.values_of(runtime.database, CustomerEvent, "is_pending"))


def test_the_only_one_who_is_due_is_set_aside_like_any_other(runtime: Runtime, culprits: Culprits) -> None:
    store_id = welcoming(runtime, "shop")
    consents(runtime, store_id, 1)
    (person,) = culprits.people = set(seeds.values_of(runtime.database, CustomerEvent, "customer_id"))

    flows.run(kit_of(runtime), NOW)
    flows.run(kit_of(runtime), NOW + 0.5 * MINUTE)

    assert culprits.tries == [person] * 2
    assert seeds.rows_of(runtime.database, SetAside, "subject_id", "next_at") == [(person, NOW + MINUTE)]


def test_a_broken_persons_timers_wait_for_their_next_try(runtime: Runtime, culprits: Culprits) -> None:
    store_id = welcoming(runtime, "shop")
    consents(runtime, store_id, 2)
    people = seeds.values_of(runtime.database, CustomerEvent, "customer_id")
    flows.run(kit_of(runtime), NOW)
    journeys = seeds.values_of(runtime.database, Enrollment, "id")
    with runtime.database.write() as session:
        session.query(Enrollment).update({"due_at": NOW})
        timers.set_timers(session, [NewTimer(store_id, NOW, TIMER_KIND, journey) for journey in journeys])
    consents_again(runtime, store_id, people)
    culprits.people = {people[0]}

    flows.run(kit_of(runtime), NOW)

    waiting = {
        (subject, due_at)
        for kind, subject, due_at in seeds.rows_of(runtime.database, Timer, "kind", "subject_id", "due_at")
        if kind == TIMER_KIND and due_at <= NOW + MINUTE
    }
    assert waiting == {(journeys[0], NOW + MINUTE)}


def test_what_a_broken_persons_journey_decided_before_waits_until_its_entries_were_read(
    runtime: Runtime, culprits: Culprits
) -> None:
    store_id = welcoming(runtime, "shop")
    consents(runtime, store_id, 1)
    (person,) = seeds.values_of(runtime.database, CustomerEvent, "customer_id")
    flows.run(kit_of(runtime), NOW)
    (journey,) = seeds.values_of(runtime.database, Enrollment, "id")
    with runtime.database.write() as session:
        of_journey = seeds.add_message(session, store_id, person, enrollment_id=journey).id
        of_none = seeds.add_message(session, store_id, person).id
    consents_again(runtime, store_id, [person])
    culprits.people = {person}

    flows.run(kit_of(runtime), NOW)
    outbox.run(kit_of(runtime), NOW)
    meanwhile = {row[0]: row[1:] for row in seeds.rows_of(runtime.database, Message, *_STANDING)}
    culprits.people.clear()
    flows.run(kit_of(runtime), NOW + MINUTE)
    outbox.run(kit_of(runtime), NOW + 2 * MINUTE)

    after = {row[0]: row[1] for row in seeds.rows_of(runtime.database, Message, *_STANDING)}
    assert meanwhile[of_journey] == ("queued", NOW + 2 * MINUTE)
    assert meanwhile[of_none] == ("stopped", NOW)
    assert after[of_journey] == "stopped"


def consents_again(runtime: Runtime, store_id: int, people: list[int]) -> None:
    """Something of theirs is pending once more."""
    with runtime.database.write() as session:
        session.query(CustomerEvent).filter(CustomerEvent.customer_id.in_(people)).update(
            {"is_pending": True}
        )


def test_a_job_by_timers_goes_on_beside_the_one_that_fails(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    settled: list[list[int]] = []

    def settle(_session: Any, _store: Any, subjects: Any, _now: Any) -> None:
        settled.append(list(subjects))
        if 7 in subjects:
            raise ZeroDivisionError

    with runtime.database.write() as session:
        timers.set_timers(session, [NewTimer(store_id, NOW, "states", subject) for subject in (6, 7, 8)])
    work = alone.by_timers("states", "states", settle)

    done = [
        alone.Batches.of(kit_of(runtime), work, moment).run(store_id, 500)
        for moment in (NOW, NOW, NOW + MINUTE)
    ]

    assert settled == [[6, 7, 8], [6], [7], [8], [7]]
    assert done == [2, 0, 0]
    assert seeds.rows_of(runtime.database, SetAside, "subject_id", "attempts") == [(7, 2)]
    assert seeds.rows_of(runtime.database, Timer, "subject_id", "due_at") == [(7, NOW + 11 * MINUTE)]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_the_database_refuses_for_now_is_nobodys_own(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    tries: list[int] = []

    def settle(_session: Any, _store: Any, subjects: Any, _now: Any) -> None:
        tries.append(len(subjects))
        raise OperationalError("statement", None, Exception("the connection was closed"))

    with runtime.database.write() as session:
        timers.set_timers(session, [NewTimer(store_id, NOW, "states", subject) for subject in (6, 7)])
    batches = alone.Batches.of(kit_of(runtime), alone.by_timers("states", "states", settle), NOW)

    with pytest.raises((OperationalError, Busy)):
        batches.run(store_id, 500)

    assert tries == [2]
    assert seeds.values_of(runtime.database, SetAside, "subject_id") == []


def test_an_order_that_cannot_be_attributed_keeps_no_other_waiting(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    clicked_order(runtime, store_id, context={"voucher": "no object"}, journey=1)
    clicked_order(runtime, store_id, context={}, journey=2)
    broken, sound = seeds.values_of(runtime.database, Order, "id")

    done = attribution.run(kit_of(runtime), NOW)

    assert done["attributed"] == 1
    assert seeds.values_of(runtime.database, Attribution, "order_id") == [sound]
    assert seeds.rows_of(runtime.database, SetAside, "work", "subject_id") == [("attribution", broken)]


def three_with_messages(runtime: Runtime) -> tuple[int, list[int]]:
    """A shop, and three people to each of whom a message is due."""
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        people = [seeds.add_customer(session, store_id).id for _ in range(3)]
        for person in people:
            seeds.add_message(session, store_id, person)
    return store_id, people


def test_a_message_that_breaks_its_claim_keeps_no_others_from_leaving(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, people = three_with_messages(runtime)
    broken = {people[1]}
    facts_of = facts.facts_of

    def _facts_of(loaded: Any, row: Any, **named: Any) -> Any:
        if row.customer_id in broken:
            raise ZeroDivisionError
        return facts_of(loaded, row, **named)

    monkeypatch.setattr(facts, "facts_of", _facts_of)
    outbox.run(kit_of(runtime), NOW)
    first = seeds.rows_of(runtime.database, Message, "customer_id", "status", "next_at")
    asided = seeds.rows_of(runtime.database, SetAside, "work", "subject_id")
    broken.clear()
    outbox.run(kit_of(runtime), NOW + MINUTE)

    assert first == [
        (people[0], "stopped", NOW),
        (people[1], "queued", NOW + MINUTE),
        (people[2], "stopped", NOW),
    ]
    assert asided == [("outbox", people[1])]
    assert seeds.values_of(runtime.database, Message, "status") == ["stopped"] * 3
    assert seeds.values_of(runtime.database, SetAside, "subject_id") == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_who_has_nothing_due_any_more_is_set_aside_no_longer(runtime: Runtime) -> None:
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        asides.put(session, store_id, "outbox", 7, error="ZeroDivisionError", now=NOW)

    outbox.run(kit_of(runtime), NOW + 0.5 * MINUTE)
    early = seeds.values_of(runtime.database, SetAside, "subject_id")
    outbox.run(kit_of(runtime), NOW + MINUTE)

    assert early == [7]
    assert seeds.values_of(runtime.database, SetAside, "subject_id") == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_database_that_cannot_be_written_makes_nobodys_next_try_later(
    runtime: Runtime, culprits: Culprits, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_id = welcoming(runtime, "shop")
    consents(runtime, store_id, 2)
    culprits.people = {seeds.values_of(runtime.database, CustomerEvent, "customer_id")[0]}
    flows.run(kit_of(runtime), NOW)
    monkeypatch.setattr(culprits, "look", _refuse)

    with pytest.raises(Busy):
        flows.run(kit_of(runtime), NOW + MINUTE)

    assert seeds.values_of(runtime.database, SetAside, "attempts") == [1]


def _refuse(_events: Any) -> None:
    raise Busy("the database cannot be written now")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_was_claimed_before_the_database_went_away_is_called_out(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_id, people = three_with_messages(runtime)
    facts_of = facts.facts_of
    asked: list[int] = []

    def _facts_of(loaded: Any, row: Any, **named: Any) -> Any:
        asked.append(row.customer_id)
        if row.customer_id == people[1]:
            raise ZeroDivisionError if asked.count(people[1]) == 1 else Busy("not now")
        return facts_of(loaded, row, **named)

    monkeypatch.setattr(facts, "facts_of", _facts_of)

    taken = Claims(kit_of(runtime), store_id, NOW).take(10)

    assert asked == [people[0], people[1], people[0], people[1]]
    assert taken is not None
    assert taken[1].looked_at == 1
    assert seeds.values_of(runtime.database, SetAside, "subject_id") == []
