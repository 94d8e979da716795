"""The senders' daily chore: what is wrong with an account, and whom the provider bars already."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from app.models import Chore, ConsentState, Sender, Store, Suppression
from app.stores import chores
from jobs import sender_checks
from tests import seeds
from tests.conftest import NOW
from tests.connectors.sandbox.sandbox_providers import KNOWN
from tests.jobs.jobs_providers import Sending, sending_alone

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def shop(settings: Any, database: Any, tmp_path: Path) -> Iterator[Sending]:
    """A shop with accounts of its own."""
    with sending_alone(settings, database, tmp_path) as found:
        with database.write() as session:
            chores.plan(session, session.get_one(Store, found.store_id), NOW)
        yield found


def test_accounts_that_can_send_are_left_alone_for_a_day(shop: Sending) -> None:
    sender_checks.run(shop.kit, NOW)

    rows = seeds.rows_of(shop.runtime.database, Sender, "channel", "problem", "checked_at")
    assert rows == [("email", None, NOW), ("sms", None, NOW)]
    assert _next_check(shop) == NOW + DAY


@pytest.mark.parametrize(
    ("values", "controls", "problems"),
    [
        ({"sendgrid.api_key": "SG.wrong"}, {}, ["key refused", None]),
        ({}, {"scopes": ["scopes.read", "whitelabel.read"]}, ["key may not send", None]),
        (
            {"sender.email": "ciao@pending.example.com"},
            {},
            ["domain not authenticated: pending.example.com", None],
        ),
        ({"twilio.auth_token": "wrong"}, {}, [None, "key refused"]),
        ({"twilio.messaging_service_sid": "MG" + "0" * 32}, {}, [None, "no such service"]),
    ],
    ids=["key", "scope", "domain", "token", "service"],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_is_wrong_with_an_account_is_named(
    shop: Sending, values: dict[str, str], controls: dict[str, Any], problems: list[str | None]
) -> None:
    shop.set(**values)
    if controls:
        shop.pair.control("/settings", controls)

    sender_checks.run(shop.kit, NOW)

    assert seeds.values_of(shop.runtime.database, Sender, "problem") == problems
    assert _next_check(shop) == NOW + HOUR


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_key_that_may_send_and_nothing_else_is_a_good_one(shop: Sending) -> None:
    shop.pair.control("/settings", {"scopes": ["mail.send"]})

    sender_checks.run(shop.kit, NOW)

    assert seeds.values_of(shop.runtime.database, Sender, "problem") == [None, None]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_provider_that_cannot_be_asked_is_asked_again(shop: Sending) -> None:
    shop.pair.control("/faults", {"kind": "503", "calls": "read", "provider": "sendgrid"})

    sender_checks.run(shop.kit, NOW)

    assert seeds.values_of(shop.runtime.database, Sender, "checked_at") == [None, None]
    assert NOW < _next_check(shop) < NOW + HOUR


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_mended_setting_is_checked_at_once_and_wakes_what_waited(shop: Sending) -> None:
    message_id = shop.message()
    shop.set(**{"sendgrid.api_key": "SG.wrong"})
    sender_checks.run(shop.kit, NOW)
    shop.send()
    waiting = shop.row(message_id)

    shop.set(**{"sendgrid.api_key": KNOWN.sendgrid_api_key})
    sender_checks.run(shop.kit, NOW)
    shop.send()

    assert (waiting.status, waiting.reason) == ("queued", "sender-not-ready")
    assert shop.row(message_id).status == "sent"


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_key_that_is_saved_while_the_old_one_is_checked_is_checked_too(shop: Sending) -> None:
    everything = shop.runtime.database.over_all_stores()
    with everything.write() as session:
        held = chores.claim(session, chores.SENDERS, NOW, store_id=shop.store_id)
        assert held is not None

    shop.set(**{"sendgrid.api_key": KNOWN.sendgrid_api_key})
    with everything.write() as session:
        is_kept = chores.finish(session, held, now=NOW, next_at=NOW + DAY)

    assert not is_kept
    assert sender_checks.run(shop.kit, NOW) == {"senders checked": 2}


def test_whom_the_provider_bars_already_is_not_written_to(shop: Sending) -> None:
    for number, outcome in enumerate(("bounced", "complained", "unsubscribed", "blocked"), 1):
        message_id = shop.message(f"anna{number}")
        shop.pair.control("/outcomes", {"whom": str(message_id), "outcome": outcome})
    shop.send()
    shop.pair.now += 7200

    sender_checks.run(shop.kit, NOW)

    reasons = sorted(seeds.values_of(shop.runtime.database, Suppression, "reason"))
    assert reasons == ["bounce", "complaint", "unsubscribe"]
    states = seeds.rows_of(shop.runtime.database, ConsentState, "customer_id", "channel", "state")
    assert sorted(state for _, channel, state in states if channel == "email") == [
        "subscribed",
        "subscribed",
        "unsubscribed",
        "unsubscribed",
    ]


def _next_check(shop: Sending) -> Any:
    rows = seeds.rows_of(shop.runtime.database, Chore, "name", "next_at")
    return next(moment for name, moment in rows if name == chores.SENDERS)
