"""SendGrid as a Channel, at the wire."""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from connectors.base import Outcome
from connectors.channels.sendgrid.account import RESERVED_HEADERS, SendGridAccount
from connectors.channels.sendgrid.outcomes import ROWS
from connectors.channels.sendgrid.pace import Pace
from connectors.channels.sendgrid.send import SendGridChannel
from connectors.pool import ProviderPool
from connectors.transport import Limits
from tests.connectors.channels import channel_stage as at_the_wire
from tests.connectors.channels.channel_stage import QUICK, LeapingClock, Reply, Request, Stage, mail
from tests.connectors.channels.described import problems

KEY = "SG.abc.def"
ACCEPTED = Reply(202, headers={"X-Message-Id": "Xj5LmNkWSOqRbdvOpR34BA"})
FAR = "personalizations.0.to.0.email"

Open = Callable[..., SendGridChannel]


@pytest.fixture
def account(stage: Stage) -> Callable[..., SendGridAccount]:
    return partial(SendGridAccount, KEY, stage.url, "7")


def _error(message: str, field: str | None = None) -> dict[str, Any]:
    return {"errors": [{"message": message, "field": field, "help": None}]}


def test_a_mail_goes_out_whole(stage: Stage, account: Callable[..., SendGridAccount]) -> None:
    stage.says(ACCEPTED)

    [result] = SendGridChannel(account()).send([mail()])

    assert (result.outcome, result.provider_message_id) == (Outcome.ACCEPTED, "Xj5LmNkWSOqRbdvOpR34BA")
    assert (result.error, result.code) == (None, None)
    assert (stage.only.method, stage.only.path) == ("POST", "/v3/mail/send")
    assert stage.only.headers["Authorization"] == f"Bearer {KEY}"
    assert stage.only.headers["Content-Type"] == "application/json"
    assert stage.only.json() == {
        "from": {"email": "ciao@bottega.example", "name": "Bottega"},
        "personalizations": [
            {"to": [{"email": "anna.bianchi@example.com"}], "custom_args": {"mid": "4711", "store": "7"}}
        ],
        "subject": "Ciao Anna",
        "content": [
            {"type": "text/plain", "value": "Buongiorno"},
            {"type": "text/html", "value": "<p>Buongiorno</p>"},
        ],
        "headers": {
            "List-Unsubscribe": "<https://app.example/u/t0ken>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        },
        "categories": ["welcome", "W1"],
        "tracking_settings": {
            "click_tracking": {"enable": False, "enable_text": False},
            "open_tracking": {"enable": False},
            "subscription_tracking": {"enable": False},
            "ganalytics": {"enable": False},
        },
    }


def test_what_may_not_leave_any_more_is_not_called(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(ACCEPTED)
    mails = [mail(message_id=one) for one in ("1", "2", "3")]

    results = SendGridChannel(account(), threads=1).send(mails, lambda message_id: message_id == "2")

    assert [one.outcome for one in results] == [Outcome.RETRY, Outcome.ACCEPTED, Outcome.RETRY]
    assert stage.only.json()["personalizations"][0]["custom_args"]["mid"] == "2"


@pytest.mark.parametrize(
    "changes", [{}, {"track_clicks": True}, {"html": None}, {"text": ""}, {"labels": ()}, {"from_name": ""}]
)
def test_a_mail_is_as_sendgrid_describes_it(
    changes: dict[str, Any], stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(ACCEPTED)

    SendGridChannel(account(is_sandbox=True)).send([mail(**changes)])

    assert problems("sendgrid", "POST /v3/mail/send", stage.only.json()) == []


def test_clicks_are_tracked_only_where_the_message_says_so(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(ACCEPTED)

    SendGridChannel(account()).send([mail(track_clicks=True)])

    tracking = stage.only.json()["tracking_settings"]
    assert tracking["click_tracking"] == {"enable": True, "enable_text": True}
    assert tracking["open_tracking"] == {"enable": False}


def test_the_sandbox_takes_a_mail_without_sending_it(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(Reply(200))

    [result] = SendGridChannel(account(is_sandbox=True)).send([mail()])

    assert result.outcome is Outcome.ACCEPTED
    assert stage.only.json()["mail_settings"] == {"sandbox_mode": {"enable": True}}


def test_what_sendgrid_does_not_take_is_taken_out(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(ACCEPTED)
    labels = ("a", "a", "", "b" * 300, *(f"c{number}" for number in range(20)))

    SendGridChannel(account()).send(
        [
            mail(
                from_name="Bar, da Gino; Roma\n",
                from_address="ciao@caffè.example",
                headers={name.title(): "x" for name in RESERVED_HEADERS} | {"X-Own": "y"},
                labels=labels,
                html=None,
            )
        ]
    )

    sent = stage.only.json()
    assert sent["from"] == {"email": "ciao@xn--caff-8oa.example", "name": "Bar da Gino Roma"}
    assert sent["headers"] == {"X-Own": "y"}
    assert sent["categories"] == ["a", "b" * 255, *(f"c{number}" for number in range(8))]
    assert sent["content"] == [{"type": "text/plain", "value": "Buongiorno"}]


@pytest.mark.parametrize(
    "address",
    ["Anna <anna@example.com>", '"anna bianchi"@example.com', "anna@caffè.example", "o'brien@x.example"],
)
def test_an_address_goes_out_as_it_is(
    address: str, stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(ACCEPTED)

    SendGridChannel(account()).send([mail(to_address=address)])

    assert stage.only.json()["personalizations"][0]["to"] == [{"email": address}]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"from_address": ""}, "no sender"),
        ({"from_address": "bottega"}, "no sender"),
        ({"from_address": "caffè@bottega.example"}, "characters that SendGrid does not take"),
        ({"from_address": f"ciao@{'a' * 70}.example"}, "characters that SendGrid does not take"),
        ({"to_address": " "}, "no recipient"),
        ({"subject": ""}, "no subject"),
        ({"text": "", "html": None}, "no content"),
        ({"text": "half \ud83d"}, "characters that are none"),
        ({"headers": {"X-A": "a\r\nBcc: x@example.com"}}, "a header"),
        ({"headers": {"X-A\n": "a"}}, "a header"),
        ({"headers": {"X-A": "è"}}, "a header"),
        ({"headers": {"X-A": 1}}, "a header"),
        ({"text": "SG.abc.def is our key"}, "looks like an API key"),
    ],
)
def test_what_cannot_be_sent_fails_without_a_call(
    changes: dict[str, Any], error: str, stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    [result] = SendGridChannel(account()).send([mail(**changes)])

    assert result.outcome is Outcome.FAILED
    assert error in (result.error or "")
    assert stage.requests == []


@pytest.mark.parametrize("key", ["", "two words", "line\n", "chiàve"])
def test_a_key_that_is_none_pauses_the_sender_without_a_call(key: str, stage: Stage) -> None:
    results = SendGridChannel(SendGridAccount(key, stage.url)).send([mail(), mail()])

    assert [result.outcome for result in results] == [Outcome.PAUSE_SENDER] * 2
    assert stage.requests == []


ANSWERS = [
    ("202", Reply(202, headers={"x-message-id": "m1"}), Outcome.ACCEPTED, None),
    ("202 without an id", Reply(202), Outcome.UNKNOWN, "no answer that it documents"),
    ("200 outside the sandbox", Reply(200), Outcome.UNKNOWN, "no answer that it documents"),
    ("200 HTML", Reply(200, b"<html>proxy</html>"), Outcome.UNKNOWN, "no answer that it documents"),
    ("201", Reply(201, headers={"X-Message-Id": "m1"}), Outcome.UNKNOWN, "documents"),
    ("302", Reply(302, headers={"Location": "http://127.0.0.1:1/"}), Outcome.UNKNOWN, "documents"),
    (
        "400 recipient",
        Reply(400, _error("Does not contain a valid address.", FAR)),
        Outcome.SUPPRESS,
        "address",
    ),
    ("400 recipients", Reply(400, _error("required", "personalizations.0.to")), Outcome.FAILED, "refused"),
    ("400 subject", Reply(400, _error("is required", "subject")), Outcome.FAILED, "subject: is required"),
    ("400 null", Reply(400, _error("Bad Request")), Outcome.FAILED, "refused the mail: Bad Request"),
    ("400 HTML", Reply(400, b"<html>"), Outcome.FAILED, "SendGrid refused the mail"),
    ("400 odd", Reply(400, {"errors": "no"}), Outcome.FAILED, "SendGrid refused the mail"),
    ("400 list", Reply(400, ["no"]), Outcome.FAILED, "SendGrid refused the mail"),
    ("400 odd entries", Reply(400, {"errors": [1, {"field": 3}]}), Outcome.FAILED, "refused"),
    ("401 credits", Reply(401, _error("Maximum credits exceeded")), Outcome.PAUSE_SENDER, "used up"),
    ("401", Reply(401, _error("authorization grant is invalid")), Outcome.PAUSE_SENDER, "API key"),
    (
        "403 from",
        Reply(403, _error("does not match a verified", "from")),
        Outcome.PAUSE_SENDER,
        "not verified",
    ),
    ("403", Reply(403, _error("access forbidden")), Outcome.PAUSE_SENDER, "may not send"),
    ("404", Reply(404), Outcome.FAILED, "no SendGrid at this address"),
    ("405", Reply(405), Outcome.FAILED, "no SendGrid at this address"),
    ("408", Reply(408), Outcome.UNKNOWN, "documents"),
    ("409", Reply(409), Outcome.UNKNOWN, "documents"),
    ("413", Reply(413, b"<html>nginx</html>"), Outcome.FAILED, "30 MB"),
    ("415", Reply(415), Outcome.FAILED, "kind of body"),
    ("429", Reply(429, _error("too many requests")), Outcome.RETRY, "slow down"),
    ("500", Reply(500, _error("internal")), Outcome.UNKNOWN, "may have taken"),
    ("502", Reply(502, b"<html>Bad Gateway</html>"), Outcome.UNKNOWN, "may have taken"),
    ("503", Reply(503), Outcome.UNKNOWN, "may have taken"),
    ("504 with an id", Reply(504, headers={"X-Message-Id": "m1"}), Outcome.UNKNOWN, "may have taken"),
]


@pytest.mark.parametrize(("name", "reply", "outcome", "error"), ANSWERS, ids=[row[0] for row in ANSWERS])
def test_an_answer_means_what_is_documented(
    name: str,
    reply: Reply,
    outcome: Outcome,
    error: str | None,
    stage: Stage,
    account: Callable[..., SendGridAccount],
) -> None:
    stage.says(reply)

    [result] = SendGridChannel(account()).send([mail()])

    assert result.outcome is outcome
    assert (error or "") in (result.error or "")
    assert result.code == (None if outcome is Outcome.ACCEPTED else name[:3])
    assert (result.provider_message_id is not None) is (outcome is Outcome.ACCEPTED)
    assert len(stage.requests) == 1


def test_every_row_of_the_table_has_its_case() -> None:
    named = {name[:3] for name, *_ in ANSWERS} | {"200"}
    told = {row.status.replace("5xx", "500") for row in ROWS}

    assert told <= named


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17),
        ({"X-RateLimit-Reset": "9"}, 9),
        ({"Retry-After": "17", "X-RateLimit-Reset": "9"}, 17),
        ({"X-RateLimit-Reset": "1795651260", "Date": "Thu, 26 Nov 2026 00:00:00 GMT"}, 60),
        ({"X-RateLimit-Reset": "1795651100", "Date": "Thu, 26 Nov 2026 00:00:00 GMT"}, 0),
        ({"X-RateLimit-Reset": "1795651260"}, None),
        ({"X-RateLimit-Reset": "99999999999", "Date": "Thu, 26 Nov 2026 00:00:00 GMT"}, None),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({"X-RateLimit-Reset": "-5"}, None),
    ],
)
def test_too_many_calls_wait_as_long_as_asked(
    headers: dict[str, str],
    seconds: float | None,
    stage: Stage,
    account: Callable[..., SendGridAccount],
) -> None:
    stage.says(Reply(429, headers=headers))

    [result] = SendGridChannel(account()).send([mail()])

    assert (result.outcome, result.retry_after_seconds) == (Outcome.RETRY, seconds)


def test_the_pace_of_the_last_answer_can_be_read(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(
        Reply(202, headers={"X-Message-Id": "m", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "8"})
    )
    channel = SendGridChannel(account())
    before = channel.pace

    channel.send([mail()])

    assert (before, channel.pace) == (Pace(), Pace(remaining=3, reset_seconds=8))


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
def test_an_answer_that_breaks_off_leaves_it_unknown(
    script: at_the_wire.Script, stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(script)

    [result] = SendGridChannel(account()).send([mail()])

    assert result.outcome is Outcome.UNKNOWN
    assert result.error
    assert len(stage.requests) == 1


def test_silence_leaves_it_unknown(stage: Stage, account: Callable[..., SendGridAccount]) -> None:
    stage.says(stage.hang)

    [result] = SendGridChannel(account(), limits=QUICK).send([mail()])

    assert result.outcome is Outcome.UNKNOWN


def test_an_answer_that_drips_is_cut_off_by_the_clock(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(at_the_wire.drip)
    pool = ProviderPool(limits=Limits(total_seconds=45), clock=LeapingClock())

    [result] = SendGridChannel(account(), pool=pool).send([mail()])

    assert result.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_never_left_may_be_sent_again(scheme: str) -> None:
    url = at_the_wire.unused_url().replace("http", scheme, 1)

    [result] = SendGridChannel(SendGridAccount(KEY, url)).send([mail()])

    assert (result.outcome, result.error) == (Outcome.RETRY, "no connection")


def test_results_come_in_the_order_of_the_messages(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    together = threading.Barrier(4)

    def answer(request: Request) -> Reply:
        number = request.json()["personalizations"][0]["custom_args"]["mid"]
        together.wait(5)
        return Reply(202, headers={"X-Message-Id": f"for-{number}"})

    stage.answer = answer
    numbers = [str(number) for number in range(8)]

    results = SendGridChannel(account(), threads=4).send([mail(message_id=number) for number in numbers])

    assert [result.provider_message_id for result in results] == [f"for-{number}" for number in numbers]


def test_what_was_not_begun_in_time_is_not_called(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    results = SendGridChannel(account(), patience_seconds=0).send([mail(), mail()])

    assert [(result.outcome, result.error) for result in results] == [
        (Outcome.RETRY, "not called: there was no time left")
    ] * 2
    assert results[0].retry_after_seconds == 30
    assert stage.requests == []


def test_nothing_to_send_is_nothing_sent(account: Callable[..., SendGridAccount]) -> None:
    assert SendGridChannel(account()).send([]) == []


def test_what_sendgrid_says_is_kept_without_what_is_personal(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    said = (
        "Anna.Bianchi@example.com\nand <other+tag@example.org> or +39 333 123 4567 at https://x.example/u?a=1"
        + " word" * 100
    )
    stage.says(Reply(400, _error(said, "content.0.value")))

    [result] = SendGridChannel(account()).send([mail()])

    error = result.error or ""
    assert error.startswith("SendGrid refused the mail: content.0.value: … and <…> or … at … word")
    assert len(error) == 200


def test_nothing_of_a_call_is_logged_or_shown(
    stage: Stage, account: Callable[..., SendGridAccount], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stage.says(ACCEPTED)

    SendGridChannel(account()).send([mail()])

    assert not any(secret in caplog.text for secret in (KEY, "anna", "Buongiorno", "mail/send"))
    assert KEY not in repr(account())


def test_headers_of_one_call_do_not_leak_into_the_next(
    stage: Stage, account: Callable[..., SendGridAccount]
) -> None:
    stage.says(ACCEPTED)
    channel = SendGridChannel(account())

    channel.send([mail()])
    channel._client.scopes.get()

    assert "Content-Type" not in stage.requests[1].headers
