"""The DNS of the domain that mails come from: asked by the daily check, shown with what is missing."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli import doctor
from app.messaging import domains
from app.models import Chore, Sender, Store
from app.stores import chores
from app.web import attention, senders
from connectors.channels.local import LocalChannel
from connectors.sandbox.provider_config import ALL_SCOPES
from jobs import sender_checks
from jobs.kit import Kit
from tests import dns_server, seeds
from tests.conftest import NOW
from tests.jobs.jobs_providers import Sending, sending_alone

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])
POLICIES = {
    "_dmarc.sandbox.example.com": ["v=DMARC1; p=quarantine"],
    "_dmarc.pending.example.com": ["v=DMARC1; p=none"],
}
PENDING = {"sender.email": "ciao@pending.example.com"}


@pytest.fixture
def shop(settings: Any, database: Any, tmp_path: Path) -> Iterator[Sending]:
    """A shop whose domain stands in a DNS on this machine."""
    with sending_alone(settings, database, tmp_path) as found, dns_server.serving(POLICIES) as server:
        with database.write() as session:
            chores.plan(session, session.get_one(Store, found.store_id), NOW)
        told = found.runtime.settings.model_copy(update={"dns_server": server})
        found.runtime = replace(found.runtime, settings=told)
        found.kit = Kit.build(found.runtime, LocalChannel(None))
        yield found


def test_the_records_of_a_domain_are_kept_with_what_was_found(shop: Sending) -> None:
    sender_checks.run(shop.kit, NOW)

    row = _row(shop)
    assert (row.domain, row.is_valid, row.problem, row.dmarc) == (
        "sandbox.example.com",
        True,
        None,
        "quarantine",
    )
    assert [(one["type"], one["is_valid"]) for one in row.records] == [("CNAME", True)] * 3
    assert "em1001.sandbox.example.com" in {one["host"] for one in row.records}


def test_a_domain_whose_records_are_missing_is_shown_and_looked_at_again(shop: Sending) -> None:
    shop.set(**PENDING)
    sender_checks.run(shop.kit, NOW)
    missing = _row(shop)

    shop.pair.control("/settings", {"verified_domains": ["pending.example.com"], "pending_domains": []})
    _check_again(shop)
    found = _row(shop)

    assert (missing.is_valid, {one["is_valid"] for one in missing.records}) == (False, {False})
    assert (found.is_valid, {one["is_valid"] for one in found.records}) == (True, {True})


def test_what_the_account_delivers_a_day_is_asked_and_kept(shop: Sending) -> None:
    told: list[dict[str, Any]] = [
        {},
        {"delivered_before": 900},
        {"scopes": ["mail.send", "whitelabel.read"]},
        {"scopes": list(ALL_SCOPES), "verified_domains": ["sandbox.example.com", "b.example.com"]},
    ]
    found = []
    for change in told:
        shop.pair.control("/settings", change)
        _check_again(shop)
        found.append((_row(shop).daily, _row(shop).problem))

    assert found == [(0, None), (900, None), (None, None), (None, None)]


@pytest.mark.parametrize(
    ("scopes", "values", "problem"),
    [
        (["mail.send"], {}, domains.MAY_NOT_ASK),
        (None, {"sender.email": "a@elsewhere.example"}, domains.NOT_THERE),
    ],
)
def test_where_nobody_can_say_that_is_said(
    shop: Sending, scopes: list[str] | None, values: dict[str, str], problem: str
) -> None:
    shop.set(**values)
    if scopes is not None:
        shop.pair.control("/settings", {"scopes": scopes})

    sender_checks.run(shop.kit, NOW)

    assert (_row(shop).problem, _row(shop).is_valid) == (problem, None)


@pytest.mark.parametrize(
    ("domain", "dmarc", "shown"),
    [("sandbox.example.com", "quarantine", []), ("bare.example.com", "missing", ["no_dmarc"])],
)
def test_a_missing_policy_is_a_warning_and_stops_nothing(
    shop: Sending, domain: str, dmarc: str, shown: list[str]
) -> None:
    shop.pair.control("/settings", {"verified_domains": [domain]})
    shop.set(**{"sender.email": f"ciao@{domain}"})

    sender_checks.run(shop.kit, NOW)

    assert _row(shop).dmarc == dmarc
    assert seeds.values_of(shop.runtime.database, Sender, "problem") == [None, None]
    assert [key for key in _attention(shop) if key == "no_dmarc"] == shown


def test_doctor_says_what_to_put_where(shop: Sending) -> None:
    shop.set(**PENDING)

    report: Any = doctor._doctor(shop.runtime, argparse.Namespace())
    (listed,) = report["stores"]
    domain = listed["senders"][0]["domain"]

    assert "put into DNS: CNAME s1._domainkey.pending.example.com -> s1.domainkey." in domain["mend"]
    assert "warning, nothing waits for it: DMARC is none" in domain["mend"]
    assert listed["senders"][1]["domain"] is None


def test_a_store_that_lost_its_account_keeps_no_domain(shop: Sending) -> None:
    sender_checks.run(shop.kit, NOW)
    shop.set(**{"sendgrid.api_key": ""})

    sender_checks.run(shop.kit, NOW)

    with shop.runtime.database.read() as session:
        assert domains.of_store(session, shop.store_id) is None


def _row(shop: Sending) -> Any:
    with shop.runtime.database.read() as session:
        return domains.of_store(session, shop.store_id)


def _check_again(shop: Sending) -> None:
    """The merchant's button."""
    with shop.runtime.database.write() as session:
        chores.hurry(session, shop.store_id, chores.SENDERS, NOW)
        assert session.query(Chore).filter(Chore.name == chores.SENDERS).one().next_at == NOW
    sender_checks.run(shop.kit, NOW)


def _attention(shop: Sending) -> list[str]:
    with shop.runtime.database.read() as session:
        store = session.get_one(Store, shop.store_id)
        ways_out = senders.of_store(session, shop.runtime, store, NOW)
        items = attention.of_store(
            session, store, has_sender=True, active_flows=1, grant_url="/", ways_out=ways_out
        )
    return [item.key for item in items]
