"""`ritorno doctor`: each store's accounts are asked, and each problem comes with the way to mend it."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import doctor
from app.messaging.senders import UNDECIDED
from tests.jobs.jobs_providers import Sending, sending_alone

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


def test_no_secret_is_shown(shop: Sending) -> None:
    told = str(doctor._doctor(shop.runtime, argparse.Namespace()))

    assert shop.pair.providers.settings.sendgrid_api_key not in told
    assert shop.pair.providers.settings.auth_token not in told


def _senders(shop: Sending) -> list[dict[str, Any]]:
    told: Any = doctor._doctor(shop.runtime, argparse.Namespace())
    (store,) = told["stores"]
    found: list[dict[str, Any]] = store["senders"]
    return found
