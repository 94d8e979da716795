"""A text message whose answer was lost, in Twilio's list; and what a message's status is now."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from connectors.base import Outcome, Unsettled
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.listing import MOST_PAGES, plain
from connectors.channels.twilio.send import TwilioChannel
from connectors.delivery import Advice, DeliveryKind
from tests.connectors.channels import channel_stage as at_the_wire
from tests.connectors.channels.channel_stage import Reply, Request, Stage
from tests.connectors.channels.described import description

SENT_AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
ACCOUNT = "AC" + "0" * 32
SERVICE = "MG" + "1" * 32
TEXT = "Bottega: c’è un regalo – per noi…"


def _channel(stage: Stage, service: str = SERVICE) -> TwilioChannel:
    return TwilioChannel(TwilioAccount(ACCOUNT, "t0ken", service, stage.url))


def _message(sid: str = "SM1", **changes: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "body": TEXT,
        "direction": "outbound-api",
        "status": "sent",
        "date_created": format_datetime(SENT_AT + timedelta(seconds=2)),
        "messaging_service_sid": SERVICE,
        **changes,
    }


def _look_up(stage: Stage, *messages: object) -> str | None:
    stage.says(Reply(200, {"messages": messages, "next_page_uri": None}))
    result = _channel(stage).look_up(Unsettled("4712", "sms", "+393331234567", TEXT, SENT_AT))
    assert result is None or result.outcome is Outcome.ACCEPTED
    return result.provider_message_id if result else None


def test_the_one_message_that_fits_was_accepted(stage: Stage) -> None:
    assert _look_up(stage, _message("SM0", body="another"), _message("SM1")) == "SM1"
    assert stage.only.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert stage.only.query == {
        "To": "+393331234567",
        "DateSent>": "2026-11-25",
        "DateSent<": "2026-11-27",
        "PageSize": "200",
    }
    assert set(stage.only.query) <= set(description("twilio")["filters"])


@pytest.mark.parametrize("status", ["failed", "undelivered", "delivered", "queued"])
def test_what_became_of_it_does_not_matter(status: str, stage: Stage) -> None:
    assert _look_up(stage, _message(status=status)) == "SM1"


@pytest.mark.parametrize(
    "body",
    [
        "Bottega: c'è un regalo - per noi...",
        "Sent from your Twilio trial account - Bottega: c'è un regalo - per noi...",
        "Bottega:\u00a0c’è un regalo — per noi… ",
    ],
)
def test_what_smart_encoding_replaces_is_no_difference(body: str, stage: Stage) -> None:
    assert _look_up(stage, _message(body=body)) == "SM1"


@pytest.mark.parametrize(
    "changes",
    [
        {"body": "Bottega: c’e un regalo – per noi…"},
        {"body": "bottega: c’è un regalo – per noi…"},
        {"body": None},
        {"direction": "inbound"},
        {"messaging_service_sid": "MG" + "9" * 32},
        {"date_created": format_datetime(SENT_AT - timedelta(minutes=6))},
        {"date_created": format_datetime(SENT_AT + timedelta(minutes=61))},
        {"date_created": "yesterday"},
        {"date_created": None},
        {"sid": None},
        {"sid": ""},
        {"sid": 7},
    ],
)
def test_a_message_that_differs_is_another_one(changes: dict[str, Any], stage: Stage) -> None:
    assert _look_up(stage, _message(**changes)) is None


def test_two_that_fit_settle_nothing(stage: Stage) -> None:
    assert _look_up(stage, _message("SM1"), _message("SM2")) is None


def test_the_same_one_twice_is_one(stage: Stage) -> None:
    assert _look_up(stage, _message("SM1"), _message("SM1")) == "SM1"


def test_an_empty_list_proves_nothing(stage: Stage) -> None:
    assert _look_up(stage) is None


def test_a_message_by_a_bare_number_names_no_service(stage: Stage) -> None:
    stage.says(Reply(200, {"messages": [_message(messaging_service_sid=None)]}))

    result = _channel(stage, "").look_up(Unsettled("1", "sms", "+393331234567", TEXT, SENT_AT))

    assert result is not None


def test_a_second_page_may_hold_a_second_one(stage: Stage) -> None:
    stage.says(
        Reply(200, {"messages": [_message("SM1")], "next_page_uri": "/2010-04-01/next.json?Page=1"}),
        Reply(200, {"messages": [_message("SM2")]}),
    )

    result = _channel(stage).look_up(Unsettled("1", "sms", "+393331234567", TEXT, SENT_AT))

    assert result is None
    assert stage.requests[1].target == "/2010-04-01/next.json?Page=1"
    assert stage.requests[1].headers["Authorization"] == stage.requests[0].headers["Authorization"]


@pytest.mark.parametrize(
    "second",
    [Reply(500), Reply(200, b"<html>"), Reply(200, []), Reply(200, {"messages": 1}), at_the_wire.close],
)
def test_a_list_that_breaks_off_settles_nothing(second: Any, stage: Stage) -> None:
    stage.says(Reply(200, {"messages": [_message()], "next_page_uri": "/next"}), second)

    assert _channel(stage).look_up(Unsettled("1", "sms", "+393331234567", TEXT, SENT_AT)) is None


def test_a_list_without_end_is_given_up(stage: Stage) -> None:
    stage.says(Reply(200, {"messages": [_message()], "next_page_uri": "/next"}))

    assert _channel(stage).look_up(Unsettled("1", "sms", "+393331234567", TEXT, SENT_AT)) is None
    assert len(stage.requests) == MOST_PAGES + 1


def test_a_page_of_another_host_is_asked_of_ours(stage: Stage) -> None:
    def answer(request: Request) -> Reply:
        following = "https://elsewhere.example/x" if len(stage.requests) == 1 else None
        return Reply(200, {"messages": [_message()], "next_page_uri": following})

    stage.answer = answer

    _channel(stage).look_up(Unsettled("1", "sms", "+393331234567", TEXT, SENT_AT))

    assert [request.target for request in stage.requests[1:]] == ["/https://elsewhere.example/x"]


@pytest.mark.parametrize("text", ["", "È già ora, à è é ì ò ù", "A  B", "🎂"])
def test_letters_are_compared_as_they_are(text: str) -> None:
    assert plain(text) == text


NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)


def test_a_status_can_be_asked_for_as_the_callback_would_tell_it(stage: Stage) -> None:
    stage.says(Reply(200, {"sid": "SM1", "status": "undelivered", "to": "+39333", "error_code": 30005}))

    update = _channel(stage).fetch_status("SM1", message_id="4712", received_at=NOW)

    assert stage.only.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages/SM1.json"
    assert update is not None
    assert (update.kind, update.advice, update.key) == (
        DeliveryKind.BOUNCED,
        Advice.SUPPRESS,
        "4712:undelivered",
    )
    assert (update.message_id, update.address, update.occurred_at) == ("4712", "+39333", NOW)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(500),
        Reply(200, b"<html>"),
        Reply(200, []),
        Reply(200, {"sid": "SM1", "status": "levitating"}),
        Reply(200, {"status": "sent"}),
        at_the_wire.close,
    ],
)
def test_a_status_that_nobody_tells_is_none(reply: Any, stage: Stage) -> None:
    stage.says(reply)

    assert _channel(stage).fetch_status("SM1", received_at=NOW) is None
    assert len(stage.requests) == 1


def test_without_keys_nothing_is_asked(stage: Stage) -> None:
    channel = TwilioChannel(TwilioAccount("", "", "", stage.url))

    assert channel.look_up(Unsettled("1", "sms", "+39", TEXT, SENT_AT)) is None
    assert channel.fetch_status("SM1", received_at=NOW) is None
    assert stage.requests == []
