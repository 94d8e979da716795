"""A mail whose answer was lost, in SendGrid's e-mail logs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.base import Outcome, Unsettled
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.send import SendGridChannel
from tests.connectors.channels import channel_stage as at_the_wire
from tests.connectors.channels.channel_stage import Reply, Request, Stage
from tests.connectors.channels.described import problems

SENT_AT = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
LOG_ID = "Xj5LmNkWSOqRbdvOpR34BA.recvd-85abf8d92c-3qfgp-2-7890E356-43C.1"


def _unsettled(to_address: str = "anna.bianchi@example.com") -> Unsettled:
    return Unsettled("4711", "email", to_address, "Buongiorno", SENT_AT)


def _channel(stage: Stage) -> SendGridChannel:
    return SendGridChannel(SendGridAccount("SG.abc.def", stage.url, "7"))


def _showing(stage: Stage, args: object, *log_ids: str) -> None:
    """The logs list these mails, each with the arguments told."""

    def answer(request: Request) -> Reply:
        if request.method == "POST":
            return Reply(200, {"messages": [{"sg_message_id": log_id} for log_id in log_ids]})
        return Reply(200, {"sg_message_id": log_ids[-1], "custom_args": args})

    stage.answer = answer


def test_a_mail_that_the_logs_show_was_accepted(stage: Stage) -> None:
    _showing(stage, {"mid": "4711", "store": "7"}, LOG_ID)

    result = _channel(stage).look_up(_unsettled())

    assert result is not None
    assert (result.outcome, result.provider_message_id) == (Outcome.ACCEPTED, "Xj5LmNkWSOqRbdvOpR34BA")
    asked, looked = stage.requests
    assert (asked.path, looked.path) == ("/v3/logs", f"/v3/logs/{LOG_ID}")
    assert problems("sendgrid", "POST /v3/logs", asked.json()) == []
    assert asked.json()["query"] == (
        "to_email = 'anna.bianchi@example.com'"
        ' AND sg_message_id_created_at >= TIMESTAMP "2026-11-26T08:55:00Z"'
        ' AND sg_message_id_created_at <= TIMESTAMP "2026-11-26T10:00:00Z"'
    )


@pytest.mark.parametrize(
    "args",
    [{"mid": "4712", "store": "7"}, {"mid": "4711", "store": "8"}, {}, None, "mid=4711"],
)
def test_a_mail_of_another_message_settles_nothing(args: object, stage: Stage) -> None:
    _showing(stage, args, LOG_ID, "another")

    assert _channel(stage).look_up(_unsettled()) is None
    assert len(stage.requests) == 3


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"messages": []}),
        Reply(200, {"messages": [{}, 1, {"sg_message_id": ""}]}),
        Reply(200, {"messages": None}),
        Reply(200, []),
        Reply(200, b"<html>"),
        Reply(403, {"errors": [{"message": "not in your plan"}]}),
        Reply(404),
        Reply(429),
        Reply(500),
        at_the_wire.close,
    ],
)
def test_logs_that_show_nothing_prove_nothing(reply: Any, stage: Stage) -> None:
    stage.says(reply)

    assert _channel(stage).look_up(_unsettled()) is None
    assert len(stage.requests) == 1


def test_an_id_cannot_lead_the_call_elsewhere(stage: Stage) -> None:
    _showing(stage, {}, "../scopes?x=1#")

    _channel(stage).look_up(_unsettled())

    assert stage.requests[1].target == "/v3/logs/..%2Fscopes%3Fx%3D1%23"


@pytest.mark.parametrize(
    ("address", "quoted"),
    [("o'brien@x.example", '"o\'brien@x.example"'), ('"a b"@x.example', "'\"a b\"@x.example'")],
)
def test_quotes_in_an_address_are_put_into_the_other_kind(address: str, quoted: str, stage: Stage) -> None:
    _showing(stage, {})

    _channel(stage).look_up(_unsettled(address))

    assert stage.only.json()["query"].startswith(f"to_email = {quoted} AND ")


@pytest.mark.parametrize("address", ['"o\'brien"@x.example', "a\\b@x.example"])
def test_an_address_that_cannot_be_quoted_is_not_asked_for(address: str, stage: Stage) -> None:
    assert _channel(stage).look_up(_unsettled(address)) is None
    assert stage.requests == []


def test_without_a_key_nothing_is_asked(stage: Stage) -> None:
    assert SendGridChannel(SendGridAccount("", stage.url)).look_up(_unsettled()) is None
    assert stage.requests == []
