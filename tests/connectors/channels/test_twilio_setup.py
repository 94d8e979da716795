"""What Twilio says of the account and its messaging service."""

from collections.abc import Callable

import pytest

from connectors.base import ConnectorError
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.package import _messaging_url
from connectors.channels.twilio.setup import AccountState, ServiceState, TwilioSetup
from tests.connectors.channels import channel_stage as at_the_wire
from tests.connectors.channels.channel_stage import Reply, Request, Stage

ACCOUNT = "AC" + "0" * 32
SERVICE = "MG" + "1" * 32


def _setup(stage: Stage, service: str = SERVICE) -> TwilioSetup:
    return TwilioSetup(TwilioAccount(ACCOUNT, "t0ken", service, stage.url))


def test_the_account_says_how_it_stands(stage: Stage) -> None:
    stage.says(Reply(200, {"friendly_name": "Bottega", "status": "active", "type": "Trial"}))

    assert _setup(stage).account() == AccountState("Bottega", "active", is_trial=True)
    assert stage.only.path == f"/2010-04-01/Accounts/{ACCOUNT}.json"


def test_the_service_says_whom_it_sends_from(stage: Stage) -> None:
    service = {
        "friendly_name": "SMS",
        "inbound_request_url": "https://app.example/in",
        "use_inbound_webhook_on_number": True,
    }
    answers = {
        f"/v1/Services/{SERVICE}": service,
        f"/v1/Services/{SERVICE}/PhoneNumbers": {"phone_numbers": [{}, {}], "meta": {"key": "phone_numbers"}},
        f"/v1/Services/{SERVICE}/ShortCodes": {"short_codes": []},
        f"/v1/Services/{SERVICE}/AlphaSenders": {"alpha_senders": [{}]},
    }

    def answer(request: Request) -> Reply:
        return Reply(200, answers[request.path])

    stage.answer = answer

    assert _setup(stage).service() == ServiceState("SMS", 3, "https://app.example/in", uses_number_url=True)


def test_a_service_that_is_not_set_is_said_so(stage: Stage) -> None:
    with pytest.raises(ConnectorError, match="no messaging service"):
        _setup(stage, "").service()

    assert stage.requests == []


def test_without_keys_nothing_is_asked(stage: Stage) -> None:
    with pytest.raises(ConnectorError, match="no usable Twilio account"):
        TwilioSetup(TwilioAccount("", "", SERVICE, stage.url)).account()

    assert stage.requests == []


@pytest.mark.parametrize("ask", [TwilioSetup.account, TwilioSetup.service])
@pytest.mark.parametrize(
    ("reply", "permanent"),
    [
        (Reply(401), True),
        (Reply(403), True),
        (Reply(404, {"code": 20404}), True),
        (Reply(429, headers={"Retry-After": "4"}), False),
        (Reply(500), False),
        (Reply(200, b"<html>"), False),
        (Reply(200, []), False),
        (at_the_wire.close, False),
    ],
)
def test_a_question_fails_once_and_says_whether_asking_again_helps(
    ask: Callable[[TwilioSetup], object],
    reply: Reply | at_the_wire.Script,
    permanent: bool,
    stage: Stage,
) -> None:
    stage.says(reply)

    with pytest.raises(ConnectorError) as failure:
        ask(_setup(stage))

    assert failure.value.permanent is permanent
    assert len(stage.requests) == 1


@pytest.mark.parametrize(
    ("base", "messaging"),
    [
        ("https://api.twilio.com", "https://messaging.twilio.com"),
        ("https://api.dublin.ie1.twilio.com", "https://messaging.dublin.ie1.twilio.com"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5000"),
        ("https://api.example.com", "https://api.example.com"),
    ],
)
def test_services_live_on_a_host_of_their_own_at_twilio_only(base: str, messaging: str) -> None:
    assert _messaging_url(base) == messaging
