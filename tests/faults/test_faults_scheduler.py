"""Nobody worked for a day or three, and then four processes begin at once: all is done once, or named."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app import consent
from app.config import Settings
from app.consent import NewConsent
from app.db import table_of
from app.models import Enrollment, JobRun, Message, MessageAttempt
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
from jobs.tick import tick
from tests import seeds
from tests.bars.sizes import Note, asked
from tests.conftest import NOW
from tests.faults.faults_books import tell

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
PEOPLE, AT_ONCE = asked(200, quick=20), 4
MESSAGES, ATTEMPTS, ENROLLMENTS = table_of(Message), table_of(MessageAttempt), table_of(Enrollment)
DUE = NOW + timedelta(days=2)
"""When the second mail of the welcome flow is due to who agreed at NOW; it is worth sending for 48 hours."""
BIRTHDAY = (NOW + timedelta(days=10)).date()
"""Whose journeys the calendar begins seven days before, while nobody works."""


@pytest.fixture
def shop(runtime: Runtime) -> int:
    """People who agreed to mails just now, others whose birthday is near, and a worker that ends there."""
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        seeds.publish(session, store_id, "welcome", without_step="W1")
    seeds.switch_on(runtime.database, store_id, "welcome", "birthday", since=NOW - timedelta(days=60))
    born = {
        "birth_month": BIRTHDAY.month,
        "birth_day": BIRTHDAY.day,
        "birth_known_at": NOW - timedelta(days=50),
    }
    with runtime.database.write() as session:
        new = [seeds.add_customer(session, store_id, f"new{number}").id for number in range(PEOPLE)]
        old = [seeds.add_customer(session, store_id, f"old{number}", **born).id for number in range(PEOPLE)]
        told_at = {**dict.fromkeys(new, NOW), **dict.fromkeys(old, NOW - timedelta(days=80))}
        said = [
            NewConsent(store_id, person, "email", "subscribed", "consent", at, "test")
            for person, at in told_at.items()
        ]
        consent.record(session, said, NOW)
    tick(Kit.build(runtime, LocalChannel(None)), NOW, until_idle=True)
    return store_id


@pytest.mark.parametrize("hours", [26, 72])
def test_four_that_wake_at_once_after_a_pause_do_all_of_it_once(
    shop: int, runtime: Runtime, settings: Settings, tmp_path: Path, hours: int, record_property: Note
) -> None:
    ended = list(_at_once(settings, DUE + timedelta(hours=hours), tmp_path))

    statuses, twice = _second_mails(runtime), _twice(runtime)
    tell(f"down for {hours} hours, {len(ended)} at once: {dict(statuses)}, {twice} twice")
    done = "sent after 26 hours" if hours == 26 else "expired and listed after 72 hours"
    record_property(done, statuses["sent" if hours == 26 else "expired"])
    record_property("schedulers at once", len(ended))
    record_property("sent twice, or planned twice", twice)
    record_property("neither sent nor listed", PEOPLE - statuses["sent"] - statuses["expired"])
    record_property("birthdays missed or begun twice", abs(PEOPLE - _birthdays(runtime)))
    assert ended == [0] * AT_ONCE
    assert statuses == {"sent" if hours == 26 else "expired": PEOPLE}
    assert twice == 0
    assert _birthdays(runtime) == PEOPLE


def _at_once(settings: Settings, moment: datetime, folder: Path) -> Iterator[int]:
    """Four processes that do what is due at a moment, started together; how each ended."""
    names = ("database_url", "secret_key", "encryption_keys")
    told = {name.upper(): str(getattr(settings, name)) for name in names}
    command = [sys.executable, "-m", "app.cli.entry", "tick", "--until-idle", "--as-of", moment.isoformat()]
    with (folder / "ticks.log").open("ab") as log:
        started = [
            subprocess.Popen(command, env={**os.environ, **told}, stdout=log, stderr=log)
            for _ in range(AT_ONCE)
        ]
        for process in started:
            yield process.wait(240)


def _second_mails(runtime: Runtime) -> Counter[str]:
    rows = seeds.rows_of(runtime.database, Message, "step", "status")
    return Counter(status for step, status in rows if step == "W2")


def _birthdays(runtime: Runtime) -> int:
    flows = seeds.values_of(runtime.database, Enrollment, "flow_key")
    return flows.count("birthday")


def _twice(runtime: Runtime) -> int:
    """Messages with two calls, people with two of one step, slots of the calendar with two runs."""
    with runtime.database.read() as session:
        calls = select(ATTEMPTS.c.message_id).group_by(ATTEMPTS.c.message_id).having(func.count() > 1)
        steps = select(MESSAGES.c.customer_id).group_by(MESSAGES.c.customer_id, MESSAGES.c.step)
        repeated = len(session.execute(calls).all())
        repeated += len(session.execute(steps.having(func.count() > 1)).all())
    slots = Counter(seeds.rows_of(runtime.database, JobRun, "name", "slot"))
    return repeated + sum(count > 1 for count in slots.values())
