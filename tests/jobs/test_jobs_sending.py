"""Sending by SendGrid and Twilio as they are emulated: what leaves, what comes back, every way it fails."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.models import ConsentState, MessageAttempt, Sender, SenderDay, Suppression, TextCost
from connectors.channels.twilio.send import TwilioChannel
from jobs import text_prices
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_providers import Sending, sending_alone

TEXT: dict[str, Any] = {
    "channel": "sms",
    "flow_key": "birthday",
    "step": "B2",
    "context": {"content": "birthday/B2", "only_if": []},
}
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def shop(settings: Any, database: Any, tmp_path: Path) -> Iterator[Sending]:
    """A shop that sends by both providers, which behave."""
    with sending_alone(settings, database, tmp_path) as found:
        yield found


def test_a_mail_leaves_and_its_delivery_is_told(shop: Sending) -> None:
    message_id = shop.message()

    shop.send()
    left = shop.row(message_id)
    shop.hear()

    assert (left.status, bool(left.provider_message_id)) == ("sent", True)
    assert shop.row(message_id).status == "delivered"
    assert shop.accepted() == {str(message_id): 1}
    assert seeds.rows_of(shop.runtime.database, SenderDay, "channel", "sent", "delivered") == [
        ("email", 1, 1)
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_text_leaves_and_its_delivery_is_told(shop: Sending) -> None:
    message_id = shop.message(**TEXT)

    shop.send()
    shop.hear()

    assert shop.row(message_id).status == "delivered"
    assert shop.accepted() == {str(message_id): 1}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_a_text_cost_is_asked_an_hour_later_and_takes_the_estimates_place(shop: Sending) -> None:
    shop.set(**{"sending.sms_price_currency": "USD"})
    shop.message(**TEXT)
    shop.send()
    reckoned = seeds.values_of(shop.runtime.database, TextCost, "micros")
    shop.pair.now += 3600

    early = text_prices.run(shop.kit, NOW)
    found = text_prices.run(shop.kit, NOW + HOUR)

    (parts,) = seeds.values_of(shop.runtime.database, TextCost, "parts")
    assert (reckoned, early, found) == ([parts * 100_000], {}, {"texts priced": 1})
    assert seeds.values_of(shop.runtime.database, TextCost, "micros") == [parts * 75_000]


@pytest.mark.parametrize(
    ("channel", "outcome", "status", "reason"),
    [
        ("email", "bounced", "bounced", "bounce"),
        ("email", "blocked", "sent", None),
        ("email", "deferred", "delivered", None),
        ("email", "complained", "delivered", "complaint"),
        ("email", "unsubscribed", "delivered", "unsubscribe"),
        ("email", "silent", "sent", None),
        ("sms", "failed", "failed", None),
        ("sms", "silent", "sent", None),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_becomes_of_a_message_is_told(
    shop: Sending, channel: str, outcome: str, status: str, reason: str | None
) -> None:
    message_id = shop.message(**(TEXT if channel == "sms" else {}))
    shop.pair.control("/outcomes", {"whom": str(message_id), "outcome": outcome})

    shop.send()
    shop.hear()

    assert shop.row(message_id).status == status
    assert seeds.values_of(shop.runtime.database, Suppression, "reason") == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("kind", "is_accepted", "status", "reason"),
    [
        ("close", False, "unknown", None),
        ("close", True, "unknown", None),
        ("reset", False, "unknown", None),
        ("reset", True, "unknown", None),
        ("500", False, "unknown", None),
        ("503", True, "unknown", None),
        ("503", False, "unknown", None),
        ("502-html", True, "unknown", None),
        ("200-html", False, "unknown", None),
        ("302", False, "unknown", None),
        ("429", False, "queued", "pace"),
        ("401", False, "queued", "sender-paused"),
    ],
)
@pytest.mark.parametrize("channel", ["email", "sms"])
def test_an_answer_that_says_nothing_is_never_taken_for_a_refusal(
    shop: Sending, channel: str, kind: str, is_accepted: bool, status: str, reason: str | None
) -> None:
    message_id = shop.message(**(TEXT if channel == "sms" else {}))
    shop.pair.control("/faults", {"kind": kind, "accepted": is_accepted, "times": 1})

    shop.send()
    left = shop.row(message_id)
    shop.pair.control("/faults", [])
    shop.send()
    shop.hear()

    assert (left.status, left.reason) == (status, reason)
    assert shop.accepted() == ({str(message_id): 1} if is_accepted else {})
    assert shop.row(message_id).status == ("delivered" if is_accepted else status)
    assert len(seeds.values_of(shop.runtime.database, MessageAttempt, "id")) == 1


def test_a_lost_answer_is_looked_up_where_no_event_came(shop: Sending) -> None:
    mail, text = shop.message("anna1"), shop.message("anna2", **TEXT)
    shop.pair.control("/faults", {"kind": "close", "accepted": True})
    shop.send()
    shop.pair.control("/faults", [])

    shop.send(NOW + 9 * MINUTE)
    early = [shop.row(one).status for one in (mail, text)]
    shop.pair.now += 660
    shop.send(NOW + 11 * MINUTE)

    assert early == ["unknown", "unknown"]
    assert [shop.row(one).status for one in (mail, text)] == ["sent", "delivered"]
    assert shop.accepted() == {str(mail): 1, str(text): 1}


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_text_of_which_nothing_is_heard_is_asked_about(shop: Sending) -> None:
    message_id = shop.message(**TEXT)
    shop.send()

    shop.pair.now += 3600
    shop.send(NOW + 59 * MINUTE)
    early = shop.row(message_id).status
    shop.send(NOW + 61 * MINUTE)

    assert (early, shop.row(message_id).status) == ("sent", "delivered")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_answer_about_a_text_that_breaks_our_own_code_keeps_no_other_text_waiting(
    shop: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = shop.message(**TEXT), shop.message("anna2", **TEXT)
    shop.send()
    shop.pair.now += 3600
    fetch = TwilioChannel.fetch_status

    def _fetch(channel: TwilioChannel, sid: str, **named: Any) -> Any:
        if named["message_id"] == str(broken):
            raise ZeroDivisionError
        return fetch(channel, sid, **named)

    monkeypatch.setattr(TwilioChannel, "fetch_status", _fetch)
    shop.send(NOW + 61 * MINUTE)

    assert [shop.row(one).status for one in (broken, sound)] == ["sent", "delivered"]
    assert shop.row(broken).next_at == shop.row(broken).sent_at + timedelta(days=1)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_basta_ends_the_texts(shop: Sending) -> None:
    first = shop.message("anna7", **TEXT)
    shop.send()

    shop.pair.control("/inbound", {"from": "+393330000007", "body": "Basta!"})
    shop.hear()
    with shop.runtime.database.write() as session:
        values = {**TEXT, "key": "later", "due_at": NOW + 10 * HOUR * 24}
        customer = shop.row(first).customer_id
        later = seeds.add_message(session, shop.store_id, customer, **_due(values)).id
    shop.send(NOW + 10 * HOUR * 24)

    assert shop.row(later).reason in ("suppressed", "consent-withdrawn")
    states = seeds.rows_of(shop.runtime.database, ConsentState, "channel", "state")
    assert ("sms", "unsubscribed") in states


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_refused_key_pauses_the_account_and_a_good_one_goes_on(shop: Sending) -> None:
    message_id = shop.message()
    shop.set(**{"sendgrid.api_key": "SG.wrong.key"})

    shop.send()
    paused = seeds.values_of(shop.runtime.database, Sender, "pause")
    shop.set(**{"sendgrid.api_key": shop.pair.providers.settings.sendgrid_api_key})
    shop.send(NOW + HOUR)

    assert len(paused) == 1
    assert shop.row(message_id).status == "sent"
    assert shop.accepted() == {str(message_id): 1}


def test_many_messages_through_a_bad_hour_leave_once_each_or_are_named(shop: Sending) -> None:
    rules = [
        {"kind": "close", "accepted": True, "probability": 0.02},
        {"kind": "429", "probability": 0.05},
        {"kind": "503", "accepted": False, "probability": 0.01},
        {"kind": "500", "accepted": True, "probability": 0.02},
    ]
    ids = {shop.message(f"anna{number}") for number in range(150)}
    shop.pair.control("/faults", rules)

    for minutes in range(10):
        shop.send(NOW + minutes * MINUTE)
    shop.pair.control("/faults", [])
    shop.hear(NOW + 10 * MINUTE)

    accepted = shop.accepted()
    unknown = {one for one in ids if shop.row(one).status == "unknown"}
    assert set(accepted.values()) == {1}
    assert {int(mid) for mid in accepted} | unknown == ids
    assert {int(mid) for mid in accepted} & unknown == set()
    assert shop.statuses() == {"delivered": len(accepted), "unknown": len(unknown)}


def test_what_is_told_to_wait_is_called_no_sooner_and_leaves_once(shop: Sending) -> None:
    ids = {shop.message(f"anna{number}") for number in range(60)}
    shop.pair.control("/faults", {"kind": "429", "retry_after": 90, "probability": 0.3})

    for seconds in range(0, 1800, 30):
        shop.send(NOW + timedelta(seconds=seconds))
    shop.pair.control("/faults", [])
    shop.send(NOW + 2 * HOUR)

    calls: dict[int, list[datetime]] = {}
    for message_id, at in seeds.rows_of(shop.runtime.database, MessageAttempt, "message_id", "started_at"):
        calls.setdefault(message_id, []).append(at)
    waits = [later - earlier for one in calls.values() for earlier, later in pairwise(one)]
    assert shop.accepted() == {str(one): 1 for one in ids}
    assert len(waits) > len(ids) // 10
    assert min(waits) >= timedelta(seconds=90)


def _due(values: dict[str, Any]) -> dict[str, Any]:
    due = values["due_at"]
    return {**values, "next_at": due, "expires_at": due + 48 * HOUR}
