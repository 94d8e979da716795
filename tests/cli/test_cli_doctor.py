"""`ritorno doctor`: each store's accounts are asked, and each problem comes with the way to mend it."""

import argparse
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from app.cli import doctor
from app.crypto import Vault
from app.messaging.senders import UNDECIDED
from app.models import JobRun, ScheduledJob, Store
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_providers import Sending, sending_alone

DAY = timedelta(days=1)
pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def shop(settings: Any, database: Any, tmp_path: Path) -> Iterator[Sending]:
    """A shop with accounts of its own."""
    with sending_alone(settings, database, tmp_path) as found:
        yield found


def test_accounts_that_can_send_need_no_mending(shop: Sending) -> None:
    found = _senders(shop)

    assert [(one["channel"], one["provider"], one["account"]) for one in found] == [
        ("email", "sendgrid", "store"),
        ("sms", "twilio", "store"),
    ]
    assert [(one["problem"], one["mend"]) for one in found] == [(None, None)] * 2
    assert f"/webhooks/sendgrid/{shop.store_id}" in found[0]["reports"]


@pytest.mark.parametrize(
    ("values", "faults", "problem", "word"),
    [
        ({"sendgrid.api_key": "SG.wrong"}, [], "key refused", "make a new key at sendgrid"),
        ({"sender.email": "a@pending.example.com"}, [], "domain not authenticated", "sender.email"),
        ({"consent.import": ""}, [], UNDECIDED, "consent.import=declined"),
        ({}, [{"kind": "503", "calls": "read"}], "cannot be asked", "sendgrid's status page"),
    ],
    ids=["key", "domain", "list", "provider away"],
)
def test_what_is_wrong_is_said_with_how_to_mend_it(
    shop: Sending, values: dict[str, str], faults: list[dict[str, str]], problem: str, word: str
) -> None:
    shop.set(**values)
    shop.pair.control("/faults", faults)

    found = _senders(shop)[0]

    assert found["problem"].startswith(problem)
    assert word in found["mend"]


def test_a_shop_whose_keys_cannot_be_read_is_named_and_hides_no_other(shop: Sending) -> None:
    other = seeds.new_store(shop.runtime.database, "other")
    foreign = Vault([Fernet.generate_key().decode()]).seal({"token": "t"})
    with shop.runtime.database.write() as session:
        session.get_one(Store, other).credentials = foreign

    told: Any = doctor._doctor(shop.runtime, argparse.Namespace())
    first, second = told["stores"]

    assert [one["problem"] for one in first["senders"]] == [None, None]
    assert second["mend"].startswith("its keys are sealed by a key that is not in ENCRYPTION_KEYS")
    assert second["senders"] == []


def test_no_secret_is_shown(shop: Sending) -> None:
    told = str(doctor._doctor(shop.runtime, argparse.Namespace()))

    assert shop.pair.providers.settings.sendgrid_api_key not in told
    assert shop.pair.providers.settings.auth_token not in told


def test_a_night_that_failed_for_a_shop_is_told_until_one_went_well(shop: Sending) -> None:
    good, bad = ({"name": name, "started_at": NOW, "ended_at": NOW} for name in ("purge", "holdout"))
    with shop.runtime.database.write() as session:
        for name in ("purge", "holdout"):
            session.add(ScheduledJob(name=name, every_hours=24, last_run_at=NOW, next_run_at=NOW))
        trace = "Traceback\n  File\nValueError: no\nstores that failed: 7\n"
        session.add(JobRun(**good, slot=NOW - DAY, error=trace))
        session.add(JobRun(**good, slot=NOW))
        session.add(JobRun(**bad, slot=NOW, error=trace))

    told: Any = doctor._doctor(shop.runtime, argparse.Namespace())

    assert [(one["job"], one["error"]) for one in told["jobs"]] == [
        ("holdout", "ValueError: no; stores that failed: 7")
    ]


def _senders(shop: Sending) -> list[dict[str, Any]]:
    told: Any = doctor._doctor(shop.runtime, argparse.Namespace())
    (store,) = told["stores"]
    found: list[dict[str, Any]] = store["senders"]
    return found
