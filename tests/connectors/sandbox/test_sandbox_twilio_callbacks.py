"""Twilio's callbacks are signed over the exact URL and mostly come once; stop words are heeded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

from tests.connectors.sandbox.sandbox_providers import KNOWN, START, Pair, open_pair, sms
from tests.connectors.sandbox.sandbox_stage import App, Got, running_app

SEND = "/Messages.json"
ANNA = "+393331234567"
DEAD = "http://127.0.0.1:1/t"


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


@pytest.fixture
def app() -> Iterator[App]:
    with running_app() as running:
        yield running


def form_of(got: Got) -> dict[str, str]:
    return dict(parse_qsl(got.body.decode(), keep_blank_values=True))


def verify(app: App, got: Got) -> bool:
    signature = got.headers["x-twilio-signature"]
    return bool(RequestValidator(KNOWN.auth_token).validate(f"{app.url}{got.path}", form_of(got), signature))


def send_and_post(pair: Pair, url: str, **changes: str) -> dict[str, Any]:
    pair.twilio("POST", SEND, sms(StatusCallback=url, **changes))
    return pair.control("/post", {"everything": True})


def test_callbacks_are_signed_as_the_official_package_checks(pair: Pair, app: App) -> None:
    send_and_post(pair, f"{app.url}/webhooks/twilio/1/status?m=m-1&x=%C3%A8")

    assert [form_of(got)["MessageStatus"] for got in app.got] == ["queued", "sent", "delivered"]
    assert all(verify(app, got) for got in app.got)
    assert app.got[0].path == "/webhooks/twilio/1/status?m=m-1&x=%C3%A8"
    form = form_of(app.got[2])
    assert (form["To"], form["From"], form["AccountSid"]) == (ANNA, KNOWN.from_numbers[0], KNOWN.account_sid)
    assert form["RawDlrDoneDate"] == "2611020613"
    assert form["MessageSid"] == pair.providers.log.lines[0]["id"]


def test_the_first_status_of_a_queued_message_is_not_called_back(pair: Pair, app: App) -> None:
    send_and_post(pair, f"{app.url}/t", MessagingServiceSid="", From=KNOWN.from_numbers[0])

    assert [form_of(got)["MessageStatus"] for got in app.got] == ["sent", "delivered"]


@pytest.mark.parametrize(
    ("outcome", "statuses", "code"),
    [
        ("undelivered", ["queued", "sent", "undelivered"], "30003"),
        ("undelivered-filtered", ["queued", "sent", "undelivered"], "30007"),
        ("failed", ["queued", "failed"], "30001"),
        ("expired", ["queued", "failed"], "30036"),
        ("read", ["queued", "sent", "delivered", "read"], None),
        ("sent", ["queued", "sent"], None),
        ("silent", [], None),
    ],
)
def test_what_was_ordered_happens(
    pair: Pair, app: App, outcome: str, statuses: list[str], code: str | None
) -> None:
    pair.control("/outcomes", {"whom": ANNA, "outcome": outcome})

    send_and_post(pair, f"{app.url}/t?m=1")

    assert [form_of(got)["MessageStatus"] for got in app.got] == statuses
    assert not statuses or form_of(app.got[-1]).get("ErrorCode") == code


def test_an_answer_of_500_loses_the_callback(pair: Pair) -> None:
    with running_app(lambda _: (500, {})) as app:
        told = send_and_post(pair, f"{app.url}/t")

    assert (len(app.got), told["given_up"], told["waiting"]) == (3, 3, 0)


def test_more_tries_are_made_for_a_url_that_asks_for_them(pair: Pair) -> None:
    with running_app(lambda _: (500, {})) as app:
        send_and_post(pair, f"{app.url}/t?m=1#rc=2&rp=all")

    tokens = {got.headers["i-twilio-idempotency-token"] for got in app.got}
    assert (len(app.got), len(tokens)) == (9, 3)
    assert {got.path for got in app.got} == {"/t?m=1"}
    assert all(verify(app, got) for got in app.got)


@pytest.mark.parametrize("url", [DEAD, "http://127.0.0.1:port/t", "http://[/t", f"{DEAD}#rc=x"])
def test_a_callback_that_finds_nobody_is_lost(pair: Pair, url: str) -> None:
    pair.control("/settings", {"status_url": url})

    told = send_and_post(pair, "")

    assert (told["given_up"], told["waiting"]) == (3, 0)
    sid = pair.providers.log.lines[0]["id"]
    pair.now = START + 10
    assert pair.twilio("GET", f"/Messages/{sid}.json").json["status"] == "delivered"


def test_the_services_own_callback_is_used_where_the_message_names_none(pair: Pair, app: App) -> None:
    pair.control("/settings", {"status_url": f"{app.url}/service"})

    send_and_post(pair, "")

    assert {got.path for got in app.got} == {"/service"}


def write(pair: Pair, body: str) -> dict[str, Any]:
    return pair.control("/inbound", {"from": ANNA, "body": body})


def test_stop_and_start_are_heeded_and_told(pair: Pair, app: App) -> None:
    pair.control("/settings", {"inbound_url": f"{app.url}/webhooks/twilio/1/inbound"})

    stopped = write(pair, "Stop ")
    refused = pair.twilio("POST", SEND, sms())
    started = write(pair, "START")
    taken = pair.twilio("POST", SEND, sms())

    assert (stopped, started["opt_out_type"]) == ({"status": 200, "opt_out_type": "STOP"}, "START")
    assert (refused.json["code"], taken.status_code) == (21610, 201)
    assert [form_of(got)["OptOutType"] for got in app.got] == ["STOP", "START"]
    assert all(verify(app, got) for got in app.got)
    form = form_of(app.got[0])
    assert (form["Body"], form["From"], form["To"]) == ("Stop ", ANNA, KNOWN.from_numbers[0])


def test_italian_words_are_only_passed_on_until_they_are_configured(pair: Pair, app: App) -> None:
    pair.control("/settings", {"inbound_url": f"{app.url}/in"})

    plain = write(pair, "BASTA")
    taken = pair.twilio("POST", SEND, sms())
    pair.control("/settings", {"stop_words": ["STOP", "BASTA"]})
    heeded = write(pair, "basta")
    refused = pair.twilio("POST", SEND, sms())

    assert (plain["opt_out_type"], taken.status_code) == ("", 201)
    assert (heeded["opt_out_type"], refused.status_code) == ("STOP", 400)
    assert ["OptOutType" in form_of(got) for got in app.got] == [False, True]


def test_who_opted_out_stays_out_after_a_restart(tmp_path: Path) -> None:
    with open_pair(tmp_path) as before:
        assert write(before, "STOP") == {"status": 0, "opt_out_type": "STOP"}

    with open_pair(tmp_path) as after:
        assert after.twilio("POST", SEND, sms()).json["code"] == 21610
