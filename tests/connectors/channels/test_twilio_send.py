"""Twilio as a Channel, at the wire."""

import base64
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from connectors.base import ConnectorError, Outcome
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.codes import CODES, STATUSES
from connectors.channels.twilio.package import PooledHttpClient, TwilioClient
from connectors.channels.twilio.send import TwilioChannel
from connectors.pool import ProviderPool
from connectors.transport import Limits
from tests.connectors.channels import channel_stage as at_the_wire
from tests.connectors.channels.channel_stage import QUICK, LeapingClock, Reply, Request, Stage, sms
from tests.connectors.channels.described import problems

ACCOUNT = "AC" + "0" * 32
SERVICE = "MG" + "1" * 32
TOKEN = "t0ken"
SID = "SM" + "2" * 32
STATUS_URL = "https://app.example/webhooks/twilio/7/status"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
CREATED = Reply(201, {"sid": SID, "status": "accepted", "num_segments": "0"})


def _account(stage: Stage, **changes: Any) -> TwilioAccount:
    told = {"api_url": stage.url, "status_url": STATUS_URL, "store_id": "7", **changes}
    return TwilioAccount(ACCOUNT, TOKEN, told.pop("messaging_service_sid", SERVICE), **told)


def _refusing(status: int, code: object, message: str = "refused") -> Reply:
    return Reply(status, {"code": code, "message": message, "status": status})


def test_what_may_not_leave_any_more_is_not_called(stage: Stage) -> None:
    stage.says(CREATED)
    texts = [sms(message_id=one) for one in ("1", "2", "3")]

    results = TwilioChannel(_account(stage), threads=1).send(texts, lambda message_id: message_id == "2")

    assert [one.outcome for one in results] == [Outcome.RETRY, Outcome.ACCEPTED, Outcome.RETRY]
    assert stage.only.form()["StatusCallback"].startswith(f"{STATUS_URL}?m=2#")


def test_a_text_message_goes_out_whole(stage: Stage) -> None:
    stage.says(CREATED)

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert (result.outcome, result.provider_message_id) == (Outcome.ACCEPTED, SID)
    assert (result.error, result.code) == (None, None)
    assert (stage.only.method, stage.only.path) == ("POST", MESSAGES)
    expected = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
    assert stage.only.headers["Authorization"] == f"Basic {expected}"
    assert stage.only.form() == {
        "To": "+393331234567",
        "Body": "Bottega: buon compleanno! Stop: https://b.example/s/x",
        "MessagingServiceSid": SERVICE,
        "StatusCallback": f"{STATUS_URL}?m=4712#rc=5&rp=all",
        "ValidityPeriod": "14400",
        "SmartEncoded": "true",
        "RiskCheck": "disable",
    }


def test_a_text_message_is_as_twilio_describes_it(stage: Stage) -> None:
    stage.says(CREATED)

    TwilioChannel(_account(stage)).send([sms(text="Perché no? € “è” 🎂\nriga")])

    form: dict[str, Any] = stage.only.form()
    typed = {
        **form,
        "ValidityPeriod": int(form["ValidityPeriod"]),
        "SmartEncoded": form["SmartEncoded"] == "true",
    }
    assert problems("twilio", "POST /2010-04-01/Accounts/{AccountSid}/Messages.json", typed) == []
    assert form["Body"] == "Perché no? € “è” 🎂\nriga"


@pytest.mark.parametrize(
    ("lifetime", "sent"),
    [(None, "14400"), (0, "1"), (-5, "1"), (600, "600"), (36_000, "36000"), (99_999, "36000")],
)
def test_twilio_keeps_a_message_no_longer_than_it_is_worth(
    lifetime: int | None, sent: str, stage: Stage
) -> None:
    stage.says(CREATED)

    TwilioChannel(_account(stage)).send([sms(lifetime_seconds=lifetime)])

    assert stage.only.form()["ValidityPeriod"] == sent


def test_without_a_service_the_message_names_its_sender(stage: Stage) -> None:
    stage.says(CREATED)

    TwilioChannel(_account(stage, messaging_service_sid="", status_url="")).send([sms()])

    form = stage.only.form()
    assert form["From"] == "Bottega"
    assert not {"MessagingServiceSid", "StatusCallback"} & set(form)


def test_our_id_joins_the_parameters_of_an_address_that_has_some(stage: Stage) -> None:
    stage.says(CREATED)

    TwilioChannel(_account(stage, status_url=f"{STATUS_URL}?v=1")).send([sms()])

    assert stage.only.form()["StatusCallback"] == f"{STATUS_URL}?v=1&m=4712#rc=5&rp=all"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"to_address": ""}, "no recipient"),
        ({"text": " "}, "no text"),
        ({"text": "x" * 1601}, "longer than the 1600"),
        ({"text": "half \ud83d"}, "characters that are none"),
    ],
)
def test_what_cannot_be_sent_fails_without_a_call(changes: dict[str, Any], error: str, stage: Stage) -> None:
    [result] = TwilioChannel(_account(stage)).send([sms(**changes)])

    assert result.outcome is Outcome.FAILED
    assert error in (result.error or "")
    assert stage.requests == []


def test_without_any_sender_nothing_is_sent(stage: Stage) -> None:
    channel = TwilioChannel(_account(stage, messaging_service_sid=""))

    [result] = channel.send([sms(from_address="")])

    assert (result.outcome, result.error) == (Outcome.FAILED, "the message has no sender")
    assert stage.requests == []


@pytest.mark.parametrize(("sid", "token"), [("", TOKEN), (ACCOUNT, ""), ("AC/../x", TOKEN), (ACCOUNT, "a\n")])
def test_keys_that_are_none_pause_the_sender_without_a_call(sid: str, token: str, stage: Stage) -> None:
    channel = TwilioChannel(TwilioAccount(sid, token, SERVICE, stage.url))

    [result] = channel.send([sms()])

    assert result.outcome is Outcome.PAUSE_SENDER
    assert stage.requests == []


@pytest.mark.parametrize("code", CODES)
def test_a_code_means_what_the_table_says(code: int, stage: Stage) -> None:
    stage.says(_refusing(400, code, "about +39 333 1234567"))

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert (result.outcome, result.error, result.code) == (
        CODES[code].outcome,
        CODES[code].words,
        str(code),
    )
    assert result.retry_after_seconds == CODES[code].wait_seconds


DOCUMENTED = {
    Outcome.SUPPRESS: [21610, 30004, 21211, 21614, 21635, 30005, 30006, 63003],
    Outcome.RETRY: [21612, 30003, 30008, 20429, 21611, 30001, 63018],
    Outcome.PAUSE_SENDER: [20003, 21212, 21606, 21608, 30002, 63007],
    Outcome.FAILED: [30007, 21617, 21604, 63016, 30036, 30450, 30610, 30640, 21408, 30034],
}


@pytest.mark.parametrize(("outcome", "codes"), DOCUMENTED.items())
def test_the_table_has_every_documented_code(outcome: Outcome, codes: list[int]) -> None:
    assert {code: CODES[code].outcome for code in codes} == dict.fromkeys(codes, outcome)


@pytest.mark.parametrize("status", STATUSES)
def test_an_unknown_code_means_what_its_status_does(status: int, stage: Stage) -> None:
    stage.says(_refusing(status, 99999))

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert (result.outcome, result.code) == (STATUSES[status], "99999")
    assert result.error == f"Twilio answered {status}: refused"


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(201, {"sid": SID, "status": "failed", "error_code": 30007}), Outcome.ACCEPTED),
        (Reply(201, {"status": "accepted"}), Outcome.UNKNOWN),
        (Reply(201, {"sid": 7}), Outcome.UNKNOWN),
        (Reply(201, [SID]), Outcome.UNKNOWN),
        (Reply(201, b"<html>"), Outcome.UNKNOWN),
        (Reply(201), Outcome.UNKNOWN),
        (Reply(201, b"\xff"), Outcome.UNKNOWN),
        (Reply(201, b"[" * 50_000), Outcome.UNKNOWN),
        (Reply(200, {"sid": SID}), Outcome.UNKNOWN),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), Outcome.UNKNOWN),
        (Reply(408), Outcome.UNKNOWN),
        (Reply(409, {"code": None}), Outcome.UNKNOWN),
        (Reply(400, b"<html>"), Outcome.FAILED),
        (Reply(400, {"code": "21211"}), Outcome.FAILED),
        (Reply(401), Outcome.PAUSE_SENDER),
        (Reply(500, {"code": 20500, "message": "x"}), Outcome.UNKNOWN),
        (Reply(502, b"<html>"), Outcome.UNKNOWN),
        (Reply(503, {"code": 20429}), Outcome.UNKNOWN),
        (
            Reply(400, {"type": "t", "title": "T", "status": 400, "code": 21610, "detail": "d"}),
            Outcome.SUPPRESS,
        ),
    ],
)
def test_an_answer_means_what_is_documented(reply: Reply, outcome: Outcome, stage: Stage) -> None:
    stage.says(reply)

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert result.outcome is outcome
    assert (result.error is None) is (outcome is Outcome.ACCEPTED)
    assert len(stage.requests) == 1


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (Reply(429, {"code": 20429}, {"Retry-After": "7"}), 7),
        (Reply(429, {"code": 20429}), 30),
        (Reply(429), None),
        (Reply(400, {"code": 21611}), 600),
        (Reply(400, {"code": 30008}), 14400),
    ],
)
def test_a_wait_is_the_one_asked_for_or_the_one_of_the_table(
    reply: Reply, seconds: float | None, stage: Stage
) -> None:
    stage.says(reply)

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert (result.outcome, result.retry_after_seconds) == (Outcome.RETRY, seconds)


@pytest.mark.parametrize(
    "script",
    [
        at_the_wire.reset,
        at_the_wire.close,
        at_the_wire.truncate,
        at_the_wire.truncate_head,
        at_the_wire.nonsense,
    ],
)
def test_an_answer_that_breaks_off_leaves_it_unknown(script: at_the_wire.Script, stage: Stage) -> None:
    stage.says(script)

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert result.outcome is Outcome.UNKNOWN
    assert result.error
    assert len(stage.requests) == 1


def test_silence_leaves_it_unknown(stage: Stage) -> None:
    stage.says(stage.hang)

    [result] = TwilioChannel(_account(stage), limits=QUICK).send([sms()])

    assert result.outcome is Outcome.UNKNOWN


def test_an_answer_that_drips_is_cut_off_by_the_clock(stage: Stage) -> None:
    stage.says(at_the_wire.drip)
    pool = ProviderPool(limits=Limits(total_seconds=45), clock=LeapingClock())

    [result] = TwilioChannel(_account(stage), pool=pool).send([sms()])

    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_never_left_may_be_sent_again(scheme: str) -> None:
    url = at_the_wire.unused_url().replace("http", scheme, 1)

    [result] = TwilioChannel(TwilioAccount(ACCOUNT, TOKEN, SERVICE, url)).send([sms()])

    assert (result.outcome, result.error) == (Outcome.RETRY, "no connection")


def test_an_answer_is_never_that_of_another_thread(stage: Stage) -> None:
    stage.answer = lambda request: Reply(200, request.path)
    way_out = PooledHttpClient(ProviderPool())
    together = threading.Barrier(2)

    def ask(path: str) -> str:
        def call() -> None:
            way_out.request("GET", f"{stage.url}/{path}")
            together.wait(5)

        return str(way_out.answer_to(call).json())

    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(ask, ["a", "b"])) == ["/a", "/b"]


def test_what_the_package_makes_no_call_of_has_no_answer(stage: Stage) -> None:
    stage.says(CREATED)
    client = TwilioClient(_account(stage), ProviderPool())
    client.create_message(to="+39333", body="ciao")

    with pytest.raises(ConnectorError, match="made no call"):
        client.create_message(to="+39333", body="half \ud83d")

    assert len(stage.requests) == 1


def test_each_thread_sees_the_answer_to_its_own_call(stage: Stage) -> None:
    together = threading.Barrier(4)

    def answer(request: Request) -> Reply:
        number = request.form()["Body"]
        together.wait(5)
        return Reply(201, {"sid": f"SM{number}"})

    stage.answer = answer
    numbers = [str(number) for number in range(8)]

    results = TwilioChannel(_account(stage), threads=4).send([sms(text=number) for number in numbers])

    assert [result.provider_message_id for result in results] == [f"SM{number}" for number in numbers]


def test_what_was_not_begun_in_time_is_not_called(stage: Stage) -> None:
    [result] = TwilioChannel(_account(stage), patience_seconds=0).send([sms()])

    assert (result.outcome, result.error) == (Outcome.RETRY, "not called: there was no time left")
    assert stage.requests == []


def test_what_twilio_says_is_kept_without_what_is_personal(stage: Stage) -> None:
    stage.says(_refusing(400, 99999, "The 'To' number +393331234567 (39333-1234567) is not good"))

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert result.error == "Twilio answered 400: The 'To' number … (…) is not good"


def test_nothing_of_a_call_is_logged_or_shown(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stage.says(CREATED)

    TwilioChannel(_account(stage)).send([sms()])

    assert not any(secret in caplog.text for secret in (TOKEN, "333", "compleanno", ACCOUNT))
    assert TOKEN not in repr(_account(stage))


def test_the_environment_of_twilios_own_tools_changes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", "AC" + "9" * 32)
    stage.says(CREATED)

    [result] = TwilioChannel(_account(stage)).send([sms()])

    assert result.outcome is Outcome.ACCEPTED
    assert stage.only.path == MESSAGES
