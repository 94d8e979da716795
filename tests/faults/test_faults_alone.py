"""Messages that break their claim, while workers die over it: others leave once, these wait and are named."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from app.db import table_of
from app.models import Message, SetAside
from tests.bars.sizes import Note, asked
from tests.faults.faults_books import tell
from tests.faults.faults_processes import Deaths, until
from tests.faults.faults_sending import Rig
from tests.faults.faults_shop import rig

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
MESSAGES, ASIDES = table_of(Message), table_of(SetAside)
STEPS = (
    "outbox.in-claim",
    "outbox.after-claim",
    "outbox.before-call",
    "outbox.after-call",
    "outbox.in-record",
    "outbox.after-record",
)
DEATHS = asked(8, quick=1)
BROKEN = 4


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A shop that sends, with nothing due yet."""
    with rig(tmp_path, database_url) as found:
        yield found


def test_workers_that_die_while_a_claim_is_done_person_by_person_send_all_others_once(
    shop: Rig, engine: str, record_property: Note
) -> None:
    shop.queue(BROKEN)
    broken = list(shop.messages)
    sound = _context(shop, broken)
    _change(shop, broken, context={**sound, "only_if": None})
    deaths = Deaths(STEPS, DEATHS)

    def _keep_it_failing() -> None:
        shop.queue(4, 1)
        _change(shop, broken, next_at=datetime.now(UTC))

    workers = [shop.work(deaths), shop.work(deaths)]
    until(lambda: deaths.is_enough, 150, step=_keep_it_failing)
    shop.stop(*workers)
    shop.let_leases_end()
    workers = [shop.work(), shop.work()]
    shop.post()
    until(
        lambda: shop.statuses()["queued"] == BROKEN and not shop.statuses()["sending"], 120, step=shop.hurry
    )
    asided = _asided(shop)
    # As a version that mends it does, in an hour.
    _change(shop, broken, context=sound, next_at=datetime.now(UTC))
    with shop.runtime.database.write() as session:
        session.execute(ASIDES.update().values(next_at=datetime.now(UTC)))
    shop.rest()
    until(lambda: not _asided(shop), 30)
    shop.ask_later()

    books = shop.books()
    tell(books.line(f"claims person by person, {engine}", died=deaths.counted.total()))
    books.note(record_property)
    record_property("deaths at the step that had fewest", min(deaths.counted[step] for step in STEPS))
    assert (books.twice, books.lost, books.wrongly_unknown, books.wrongly_sent) == (
        set(),
        set(),
        set(),
        set(),
    )
    assert asided == _people(shop, broken)
    assert _asided(shop) == set()
    assert set(broken) & books.unknown == set()


def _change(shop: Rig, messages: list[int], **values: object) -> None:
    """As a mistake of ours would have written them, or a mended version."""
    with shop.runtime.database.write() as session:
        session.execute(MESSAGES.update().where(MESSAGES.c.id.in_(messages)).values(**values))


def _context(shop: Rig, messages: list[int]) -> Any:
    """What they are about, as it was decided."""
    with shop.runtime.database.read() as session:
        return (
            session.execute(select(MESSAGES.c.context).where(MESSAGES.c.id.in_(messages))).scalars().first()
        )


def _asided(shop: Rig) -> set[int]:
    with shop.runtime.database.read() as session:
        return set(session.execute(select(ASIDES.c.subject_id).where(ASIDES.c.work == "outbox")).scalars())


def _people(shop: Rig, messages: list[int]) -> set[int]:
    with shop.runtime.database.read() as session:
        return set(
            session.execute(select(MESSAGES.c.customer_id).where(MESSAGES.c.id.in_(messages))).scalars()
        )
