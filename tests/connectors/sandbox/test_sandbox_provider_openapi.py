"""What the emulated providers take and answer is what the providers' own descriptions say."""

from collections.abc import Iterator

import pytest

from tests.connectors.sandbox.sandbox_openapi import problems_of_answer, problems_of_request
from tests.connectors.sandbox.sandbox_providers import KNOWN, Pair, mail, open_pair, sms, to

SEND = "/v3/mail/send"
SETTINGS = "/v3/user/webhooks/event/settings"
OUTCOMES = (
    *("bounced", "blocked", "deferred", "dropped", "complained", "unsubscribed", "opened", "clicked"),
    "machine-opened",
)
MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Accounts in which everything has happened that can happen to a message."""
    with open_pair(tmp_path_factory.mktemp("openapi")) as opened:
        for outcome in OUTCOMES:
            opened.control("/outcomes", {"whom": f"{outcome}@example.com", "outcome": outcome})
            given = [to(f"{outcome}@example.com", outcome)]
            opened.sendgrid("POST", SEND, mail(personalizations=given, categories=["welcome"]))
        opened.sendgrid("POST", "/v3/asm/suppressions/global", {"recipient_emails": ["a@example.com"]})
        made = opened.sendgrid("POST", SETTINGS, {"url": "http://127.0.0.1:1/", "delivered": True}).json
        opened.sendgrid("PATCH", f"{SETTINGS}/signed/{made['id']}", {"enabled": True})
        for number, outcome in enumerate(("delivered", "undelivered", "failed")):
            opened.control("/outcomes", {"whom": f"+39333123456{number}", "outcome": outcome})
            opened.twilio("POST", "/Messages.json", sms(To=f"+39333123456{number}"))
        opened.now += 86400
        yield opened


SENDGRID = {
    "/v3/scopes": "GET /v3/scopes",
    "/v3/whitelabel/domains": "GET /v3/whitelabel/domains",
    "/v3/suppression/bounces": "GET /v3/suppression/bounces",
    "/v3/suppression/blocks": "GET /v3/suppression/blocks",
    "/v3/suppression/invalid_emails": "GET /v3/suppression/invalid_emails",
    "/v3/suppression/spam_reports": "GET /v3/suppression/spam_reports",
    "/v3/suppression/unsubscribes": "GET /v3/suppression/unsubscribes",
    "/v3/asm/suppressions/global/a@example.com": "GET /v3/asm/suppressions/global/{email}",
    f"{SETTINGS}/all": f"GET {SETTINGS}/all",
}


@pytest.mark.parametrize("path", SENDGRID)
def test_sendgrids_lists_are_as_described(pair: Pair, path: str) -> None:
    answer = pair.sendgrid("GET", path)

    assert answer.status_code == 200
    assert problems_of_answer(SENDGRID[path], 200, answer.json) == []


def test_sendgrids_logs_are_as_described(pair: Pair) -> None:
    found = pair.sendgrid("POST", "/v3/logs", {"query": "", "limit": 100})
    shown = [pair.sendgrid("GET", f"/v3/logs/{one['sg_message_id']}") for one in found.json["messages"]]

    assert problems_of_answer("POST /v3/logs", 200, found.json) == []
    assert len(shown) == len(OUTCOMES)
    for answer in shown:
        assert problems_of_answer("GET /v3/logs/{sg_message_id}", 200, answer.json) == []


def test_sendgrids_webhook_settings_are_as_described(pair: Pair) -> None:
    wishes = {"url": "https://app.example.com/", "enabled": True, "bounce": True}
    made = pair.sendgrid("POST", SETTINGS, wishes)
    path = f"{SETTINGS}/{made.json['id']}"
    shown, changed = pair.sendgrid("GET", path), pair.sendgrid("PATCH", path, {"enabled": False})
    key = pair.sendgrid("PATCH", f"{SETTINGS}/signed/{made.json['id']}", {"enabled": True})

    assert problems_of_request(f"POST {SETTINGS}", wishes) == []
    assert problems_of_answer(f"POST {SETTINGS}", 201, made.json) == []
    assert problems_of_answer(f"GET {SETTINGS}/{{id}}", 200, shown.json) == []
    assert problems_of_answer(f"PATCH {SETTINGS}/{{id}}", 200, changed.json) == []
    assert problems_of_answer(f"PATCH {SETTINGS}/signed/{{id}}", 200, key.json) == []


def test_sendgrids_refusals_are_as_described(pair: Pair) -> None:
    bad = pair.sendgrid("POST", SEND, mail(subject=None))
    keyless = pair.sendgrid("POST", SEND, mail(), key="")
    unverified = pair.sendgrid("POST", SEND, mail(**{"from": {"email": "a@elsewhere.example.com"}}))

    for answer, status in ((bad, 400), (keyless, 401), (unverified, 403)):
        assert answer.status_code == status
        assert problems_of_answer(f"POST {SEND}", status, answer.json) == []


def test_the_mails_that_are_taken_are_as_described(pair: Pair) -> None:
    sent = [line["sent"] for line in pair.providers.log.find(provider="sendgrid")]

    assert len(sent) == len(OUTCOMES)
    for one in sent:
        assert problems_of_request(f"POST {SEND}", one) == []


def test_the_description_would_notice(pair: Pair) -> None:
    assert problems_of_request(f"POST {SEND}", mail(personalizations=[{"to": [{"email": 1}]}])) != []
    assert problems_of_answer("GET /v3/scopes", 200, {"scopes": "all"}) != []
    assert problems_of_answer(f"POST {MESSAGES}", 201, {"status": "gone"}) != []


def test_twilios_messages_are_as_described(pair: Pair) -> None:
    sid = next(pair.providers.log.find(provider="twilio"))["id"]
    sent = pair.twilio("POST", "/Messages.json", sms(ValidityPeriod="14400"))
    shown, listed = pair.twilio("GET", f"/Messages/{sid}.json"), pair.twilio("GET", "/Messages.json")
    account = pair.twilio("GET", ".json")

    assert problems_of_answer(f"POST {MESSAGES}", 201, sent.json) == []
    assert (
        problems_of_answer("GET /2010-04-01/Accounts/{AccountSid}/Messages/{Sid}.json", 200, shown.json) == []
    )
    assert problems_of_answer(f"GET {MESSAGES}", 200, listed.json) == []
    assert problems_of_answer("GET /2010-04-01/Accounts/{Sid}.json", 200, account.json) == []
    for line in pair.providers.log.find(provider="twilio"):
        form = {name: value for name, value in line["sent"].items() if name != "ValidityPeriod"}
        assert problems_of_request(f"POST {MESSAGES}", form) == []


def test_twilios_service_is_as_described(pair: Pair) -> None:
    path, auth = f"/twilio/v1/Services/{KNOWN.service_sid}", (KNOWN.account_sid, KNOWN.auth_token)

    answer = pair.app.test_client().get(path, auth=auth)

    assert problems_of_answer("GET /v1/Services/{Sid}", 200, answer.json) == []
