"""Whoever said no is not called any more, however slow the provider is and however long the batch."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.db import table_of
from app.messaging.links import UNSUBSCRIBE
from app.models import ConsentState, Message, MessageAttempt
from tests import seeds
from tests.bars.sizes import Note, asked
from tests.faults.faults_books import tell
from tests.faults.faults_processes import until
from tests.faults.faults_sending import Rig
from tests.faults.faults_shop import rig
from tests.faults.faults_sink import SlowSink, slow_sink
from tests.webhooks.webhooks_process import exchange, head, pause

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
MESSAGES, ATTEMPTS = table_of(Message), table_of(MessageAttempt)
PEOPLE = asked(1000, quick=200)
LEAVING, READERS = PEOPLE // 2, 2
BOUND_SECONDS = 0.1
"""A look may be 20 ms old; the rest is what a busy machine takes to let the calling thread go on."""
WAITS = ((0.05, 0.55), (0.5, 0.3), (2.0, 0.14), (None, 0.01))
_YES = {"channel": "email", "state": "subscribed", "basis": "consent"}
_ONE_CLICK = b"List-Unsubscribe=One-Click"
_FORM = [("Content-Type", "application/x-www-form-urlencoded"), ("Content-Length", str(len(_ONE_CLICK)))]


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A shop that sends marketing at any hour."""
    with rig(tmp_path, database_url) as found:
        found.change(**{"rails.email_hours": "00-24"})
        yield found


def test_no_call_begins_after_a_no_that_stood_for_a_moment(
    shop: Rig, engine: str, record_property: Note
) -> None:
    messages = _queue(shop)
    leaving = random.Random(1).sample(messages, LEAVING)
    with slow_sink(WAITS) as (sink, url):
        shop.environment["SENDGRID_API_URL"] = url
        shop.serve()
        assert until(shop.is_up, 60)
        shop.work()
        shop.work()
        assert until(lambda: bool(sink.begun), 60)
        said = _say_no(shop, leaving)
        assert until(shop.is_resting, 120, step=shop.hurry)

    late = _late(sink, said)
    taken_back = _taken_back(shop)
    tell(
        f"{len(said)} of {PEOPLE} said no, {engine}: {taken_back} taken back on the wire; latest call"
        f" {max(late.values(), default=0.0) * 1000:.1f} ms after the no; {dict(shop.statuses())}"
    )
    too_late = {number: seconds for number, seconds in late.items() if seconds > BOUND_SECONDS}
    record_property("said no while mails left", len(said))
    record_property("messages taken back just before their call", taken_back)
    record_property("calls begun 0.1 s after the no", len(too_late))
    record_property("mails that left twice", sum(len(calls) > 1 for calls in sink.begun.values()))
    assert too_late == {}
    assert all(len(calls) == 1 for calls in sink.begun.values())
    assert set(messages) - set(leaving) <= sink.begun.keys()
    assert len(said) == LEAVING
    assert taken_back > 0
    assert _verdicts(shop, set(said) - sink.begun.keys()) == {("stopped", "suppressed")}


def _queue(shop: Rig) -> list[int]:
    """A mail for each of so many subscribers."""
    now, found = datetime.now(UTC), []
    with shop.runtime.database.write() as session:
        for number in range(PEOPLE):
            person = seeds.add_customer(session, shop.store_id, f"reader{number}")
            session.add(ConsentState(store_id=shop.store_id, customer_id=person.id, **_YES, occurred_at=now))
            found.append(seeds.add_message(session, shop.store_id, person.id, due_at=now).id)
    return found


def _say_no(shop: Rig, leaving: list[int]) -> dict[int, float]:
    """Each by the button of their mail, spread over the time that the mails take; when that was answered."""
    said: dict[int, float] = {}
    signer, turn, waiting = shop.runtime.signer, threading.Lock(), iter(leaving)

    def _read() -> None:
        while True:
            with turn:
                message_id = next(waiting, None)
            if message_id is None:
                return
            token = signer.sign(UNSUBSCRIBE, f"{shop.store_id:x}-{message_id:x}")
            answer = exchange(shop.port, head("POST", f"/u/{token}", _FORM) + _ONE_CLICK)
            assert answer.status == 200
            said[message_id] = time.monotonic()
            pause(0.005)

    with ThreadPoolExecutor(READERS) as readers:
        for one in [readers.submit(_read) for _ in range(READERS)]:
            one.result()
    return said


def _late(sink: SlowSink, said: dict[int, float]) -> dict[int, float]:
    """The calls that began after a no that had been answered, and how many seconds after it."""
    return {
        number: calls[-1] - said[number]
        for number, calls in sink.begun.items()
        if number in said and calls[-1] > said[number]
    }


def _taken_back(shop: Rig) -> int:
    """How many messages were claimed, and kept back just before the call."""
    mine = ATTEMPTS.c.store_id == shop.store_id
    kept = select(func.count()).where(mine, ATTEMPTS.c.error.like("not called:%"))
    with shop.runtime.database.read() as session:
        return session.execute(kept).scalar_one()


def _verdicts(shop: Rig, messages: set[int]) -> set[tuple[str, str | None]]:
    """How messages that nobody was called for have ended."""
    rows = select(MESSAGES.c.id, MESSAGES.c.status, MESSAGES.c.reason)
    with shop.runtime.database.read() as session:
        found = session.execute(rows.where(MESSAGES.c.store_id == shop.store_id))
        return {(row.status, row.reason) for row in found if row.id in messages}
