"""Sending under fire: no message leaves twice, none is lost, and what nobody can know is named."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.bars.sizes import Note, asked
from tests.engines import POSTGRESQL
from tests.faults.faults_books import Books, tell
from tests.faults.faults_orders import Telling, orders_of, wrong_rows
from tests.faults.faults_processes import Deaths, until
from tests.faults.faults_sending import FAKETIME, Rig
from tests.faults.faults_shop import crashing_server, rig
from tests.webhooks.webhooks_process import pause

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
STEPS = (
    "outbox.in-claim",
    "outbox.after-claim",
    "outbox.before-mint",
    "outbox.after-mint",
    "outbox.after-prepare",
    "outbox.before-call",
    "outbox.after-last-look",
    "outbox.after-call",
    "outbox.in-record",
    "outbox.after-record",
    "outbox.before-look-up",
    "outbox.after-look-up",
    "inbox.in-apply",
    "inbox.after-apply",
)
RECEIVING = ("receive.before-keep", "receive.after-keep")
CHAOS = [
    {"kind": "close", "accepted": True, "probability": 0.02},
    {"kind": "429", "probability": 0.05},
    {"kind": "503", "accepted": False, "probability": 0.01},
]
KILLS, EVENTS, CRASHES = asked(60, quick=6), asked(1000, quick=60), asked(6, quick=2)
DEATHS = asked(8, quick=1)
DISORDER = {"twice": 0.2, "disordered": 0.2, "late": 0.05, "renamed": 0.5}


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A shop that sends, with nothing due yet."""
    with rig(tmp_path, database_url) as found:
        yield found


def _assert_honest(books: Books) -> None:
    """Nothing twice, nothing lost; unknown is exactly what no provider took, and gone what one did."""
    assert books.twice == set()
    assert books.lost == set()
    assert books.wrongly_unknown == set()
    assert books.wrongly_sent == set()


@pytest.mark.timeout(900)
def test_killed_at_every_named_step_nothing_leaves_twice_and_nothing_is_lost(
    shop: Rig, engine: str, record_property: Note
) -> None:
    begun = time.monotonic()
    deaths, deaf = Deaths(STEPS, DEATHS), Deaths(RECEIVING, DEATHS)
    # One sweep takes all that is late: whoever survived it would leave nothing to die at.
    sweeping = Deaths(("outbox.in-sweep",), DEATHS, probability=1.0)
    silent = Deaths(("outbox.in-silence", "outbox.in-settle"), DEATHS, probability=1.0)
    shop.control("/faults", [{"kind": "close", "accepted": True, "probability": 0.1}])

    server = shop.serve(deaf)
    workers = [shop.work(deaths) for _ in range(4)]
    until(lambda: deaths.is_enough and deaf.is_enough, 150, step=shop.feed)
    shop.stop(*workers, server)
    shop.let_leases_end()
    shop.serve()
    workers = [shop.work(sweeping), shop.work(sweeping)]
    shop.rest()
    shop.ask_later()
    listed = shop.books()
    shop.stop(*workers)
    shop.change(**{"sending.settle": "silence", "sending.settle_after_seconds": "60"})
    workers = [shop.work(silent), shop.work(silent)]
    until(lambda: silent.is_enough, 100, step=shop.trickle)
    # Who died while settling was sending beside it: what it had claimed waits for its lease to end.
    shop.stop(*workers)
    shop.let_leases_end()
    shop.work()
    shop.work()
    until(lambda: not shop.unknown("email"), 120, step=shop.trickle)
    shop.rest()
    settled = shop.books()

    counted = deaths.counted + deaf.counted + sweeping.counted + silent.counted
    places = (*STEPS, *RECEIVING, *sweeping.places, *silent.places)
    listed.note(record_property)
    record_property("steps", len(places))
    record_property("deaths at the step that had fewest", min(counted[step] for step in places))
    record_property("mails still unknown after silence", len(shop.unknown("email")))
    tell(listed.line(f"kill matrix, {engine}"))
    tell(settled.line("  after silence", died=counted.total(), seconds=round(time.monotonic() - begun)))
    tell(f"    deaths {dict(sorted(counted.items()))}")
    _assert_honest(listed)
    _assert_honest(settled)
    assert shop.unknown("email") == set()
    assert min(counted[step] for step in places) >= DEATHS


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_while_the_providers_misbehave(
    shop: Rig, engine: str, seed: int, record_property: Note
) -> None:
    chance = random.Random(seed)
    orders = orders_of(EVENTS // 4, EVENTS, first=1000, until=datetime.now(UTC))
    shop.control("/settings", {"misfortune": DISORDER})
    shop.control("/faults", CHAOS)

    kept = [shop.serve(), shop.work(), shop.work()]
    telling = Telling.of_orders(shop, orders, senders=2, pace=KILLS * 1.5 / EVENTS).start()
    for _ in range(KILLS):
        shop.feed(most=20)
        pause(chance.uniform(0.1, 1.5))
        chance.choice(kept).kill()
    shop.stop(*kept)
    shop.let_leases_end()
    shop.serve()
    shop.work()
    shop.rest()
    telling.finish(60)
    until(lambda: _wrong_rows(shop, orders) == (0, 0), 60)
    shop.ask_later()

    books, (rows, sums) = shop.books(), _wrong_rows(shop, orders)
    tell(books.line(f"{KILLS} random kills with chaos, {engine}", acknowledged=len(telling.acknowledged)))
    books.note(record_property)
    record_property("kills", KILLS)
    record_property("events acknowledged", len(telling.acknowledged))
    record_property("acknowledged and not stored, or wrong in the mirror (L)", rows)
    record_property("people whose sums are not their orders' own", sums)
    _assert_honest(books)
    assert (len(telling.acknowledged), rows, sums) == (EVENTS, 0, 0)


def _wrong_rows(shop: Rig, orders: list[dict[str, Any]]) -> tuple[int, int]:
    return wrong_rows(shop.runtime.database, shop.store_id, orders)


def test_events_that_overtake_our_own_record_change_nothing(
    shop: Rig, engine: str, record_property: Note
) -> None:
    shop.control("/settings", {"misfortune": DISORDER})
    shop.control("/faults", [{"kind": "drip", "seconds": 1.0, "probability": 0.5}])

    shop.serve()
    shop.work()
    shop.work()
    shop.queue(240, 60)
    until(shop.is_resting, 60, step=shop.post)
    shop.rest()

    books = shop.books()
    tell(books.line(f"events before our record, {engine}"))
    books.note(record_property)
    record_property("ended as delivered", books.statuses.get("delivered", 0))
    _assert_honest(books)
    assert books.statuses == {"delivered": 300}


@pytest.mark.usefixtures("_postgresql")
def test_a_database_that_crashes_and_comes_back_loses_nothing(tmp_path: Path, record_property: Note) -> None:
    orders = orders_of(50, 200, first=1000, until=datetime.now(UTC))
    with crashing_server() as (url, crash), rig(tmp_path, url) as shop:
        kept = [shop.serve(), shop.work(), shop.work()]
        telling = Telling.of_orders(shop, orders, senders=2, pace=CRASHES * 0.02).start()
        for _ in range(CRASHES):
            shop.queue(30, 5)
            pause(2.0)
            crash()
        exits = [one.exits.total() for one in kept]
        shop.stop(*kept)
        shop.let_leases_end()
        shop.serve()
        shop.work()
        shop.rest()
        telling.finish(60)
        until(lambda: _wrong_rows(shop, orders) == (0, 0), 60)
        shop.ask_later()

        books, (rows, sums) = shop.books(), _wrong_rows(shop, orders)
        tell(books.line(f"{CRASHES} crashes of the database", exits=sum(exits)))
        books.note(record_property)
        record_property("database", POSTGRESQL)
        record_property("crashes", CRASHES)
        record_property("events acknowledged", len(telling.acknowledged))
        record_property("acknowledged and not stored, or wrong in the mirror (L)", rows)
        record_property("processes that ended", sum(exits))
        _assert_honest(books)
        assert (len(telling.acknowledged), rows, sums) == (len(orders), 0, 0)
        assert exits == [0, 0, 0]


@pytest.mark.parametrize("skew", ["+1h", "-1h"])
def test_a_worker_whose_clock_is_wrong_sends_nothing_twice(
    shop: Rig, engine: str, skew: str, record_property: Note
) -> None:
    if not FAKETIME.exists():
        pytest.fail("NOT CHECKED: libfaketime is not installed (apt-get install faketime)")

    # Without any event a message that was called unknown for nothing stays so.
    shop.control("/settings", {"misfortune": {"lost": 1.0}})
    shop.control("/faults", [{"kind": "drip", "seconds": 1.5}])
    shop.serve()
    # Due on either clock: to the one that is behind, too, there is something to claim.
    shop.queue(40, 10, due_since=timedelta(hours=2))
    shop.work()
    assert until(lambda: shop.statuses()["sending"] > 0, 30)
    with shop.skewed(skew):
        for _ in range(7):
            shop.queue(40, 10, due_since=timedelta(hours=2))
            pause(1.0)
        # Who starts looks first for leases that ran out, while all the others are calling.
        shop.work()
        until(shop.is_resting, 90)

    books = shop.books()
    real = datetime.now(UTC) - timedelta(minutes=30), datetime.now(UTC) + timedelta(minutes=30)
    called = shop.called_at(shop.messages).values()
    by_the_wrong_one = sum(not real[0] < moment < real[1] for moment in called)
    tell(books.line(f"one worker {skew}, {engine}", by_the_wrong_one=by_the_wrong_one))
    books.note(record_property)
    record_property("called by the worker whose clock is wrong", by_the_wrong_one)
    assert 0 < by_the_wrong_one < len(called) == 400
    assert (books.twice, books.lost, books.unknown, books.accepted) == (set(), set(), set(), 400)


def test_a_worker_that_stood_still_past_its_lease_changes_nothing(shop: Rig, engine: str) -> None:
    shop.control("/faults", [{"kind": "drip", "seconds": 0.5}])
    shop.serve()

    for _ in range(3):
        stopped = shop.work()
        shop.queue(40, 15, 5)
        assert until(lambda: shop.statuses()["sending"] > 0, 30)
        stopped.freeze()
        shop.outdate_leases()
        follower = shop.work()
        until(lambda: not shop.statuses()["queued"] + shop.statuses()["preparing"], 30, step=shop.hurry)
        stopped.thaw()
        pause(2.0)
        shop.stop(stopped, follower)
        shop.let_leases_end()
    shop.work()
    shop.rest()
    shop.ask_later()

    books = shop.books()
    tell(books.line(f"3 workers that stood still, {engine}"))
    _assert_honest(books)


def test_a_worker_that_is_asked_to_end_finishes_its_calls_and_begins_none(shop: Rig, engine: str) -> None:
    shop.control("/faults", [{"kind": "drip", "seconds": 0.5}])
    shop.serve()

    seconds = []
    for _ in range(5):
        workers = [shop.work(), shop.work()]
        shop.queue(150, 30)
        pause(2.5)
        ended = shop.stop(*workers)
        seconds += [took for _, took in ended]
        assert [status for status, _ in ended] == [0, 0]
        assert not shop.statuses()["sending"] + shop.statuses()["preparing"] + shop.statuses()["unknown"]
    shop.work()
    shop.rest()

    books = shop.books()
    tell(books.line(f"5 graceful stops, {engine}", slowest=f"{max(seconds):.1f} s"))
    _assert_honest(books)
    assert books.statuses == {"delivered": 900}
    assert max(seconds) < 12
