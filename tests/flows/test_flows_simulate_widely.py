"""The dry run on several processes: it finds what one finds, and leaves this process as it was."""

import gc
import os
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.crypto import Signer
from app.db import Database
from app.flows.simulate import run
from app.models import Store
from tests.conftest import NOW
from tests.flows.flows_world import SUBSCRIBED, World

DAY = timedelta(days=1)
SIGNER = Signer("signing-key-of-the-tests")


@pytest.mark.usefixtures("two_processes")
def test_two_processes_find_what_one_finds(database: Database, database_url: str) -> None:
    world = World.open(database)
    people = [world.customer() for _ in range(5)]
    for day, person in enumerate(people, start=1):
        world.happens("consent.changed", person, NOW - day * DAY, SUBSCRIBED, subject="consent:email")
    with database.read() as session:
        store = session.get_one(Store, world.store_id)
        question = run.ask(session, store, "welcome", since=NOW - 60 * DAY, until=NOW)
    told: list[tuple[int, int]] = []

    found = run.simulate_widely(
        database_url, SIGNER, question, lambda done, total: told.append((done, total))
    )

    assert found.messages
    assert found == run.simulate(database, SIGNER, question)
    assert told == [(done, 5) for done in range(1, 6)]
    # What a process keeps from the collector (app/loading.py) stays kept, and it collects again.
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_a_file_that_is_mapped_is_read_as_before(database: Database) -> None:
    world = World.open(database)
    person = world.customer()

    database.map_file()

    with database.read() as session:
        assert session.execute(text("SELECT id FROM customers")).scalars().all() == [person]
        if database.is_sqlite:
            assert session.execute(text("PRAGMA mmap_size")).scalar_one() > 0


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a handful of people each is a chunk of its own, and worth a process."""
    monkeypatch.setattr(run, "CHUNK", 1)
    monkeypatch.setattr(run, "_WORTH_PROCESSES", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
