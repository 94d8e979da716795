"""The emulated SendGrid takes good mails, refuses bad ones in its own words, and logs what it took."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.sandbox.sandbox_providers import SENDER, START, Pair, mail, open_pair, to

SEND = "/v3/mail/send"
LONG = "x" * 10_001
HOUR = 3600


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """For calls that leave nothing behind."""
    with open_pair(tmp_path_factory.mktemp("sendgrid")) as pair:
        yield pair


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


def many(count: int) -> list[dict[str, Any]]:
    return [{"to": [{"email": f"a{number}@example.com"}]} for number in range(count)]


def test_a_mail_is_accepted_with_an_id_and_no_body(pair: Pair) -> None:
    answer = pair.sendgrid("POST", SEND, mail())

    assert (answer.status_code, answer.data) == (202, b"")
    assert len(answer.headers["X-Message-Id"]) == 22
    (line,) = pair.providers.log.lines
    assert (line["provider"], line["mid"], line["to"], line["times"]) == (
        "sendgrid",
        "m-1",
        "anna@example.com",
        1,
    )
    assert line["id"].startswith(f"{answer.headers['X-Message-Id']}.")


def test_every_recipient_of_a_batch_is_logged_under_its_own_id(pair: Pair) -> None:
    given = [to("a@example.com", "m-1"), to("b@example.com", "m-2"), to("a@example.com", "m-1")]

    answer = pair.sendgrid("POST", SEND, mail(personalizations=given))

    assert answer.status_code == 202
    assert pair.providers.log.count() == {"sendgrid": {"m-1": 2, "m-2": 1}}
    assert len({line["id"] for line in pair.providers.log.lines}) == 3


def test_the_id_may_stand_at_the_whole_mail(pair: Pair) -> None:
    pair.sendgrid("POST", SEND, mail(personalizations=many(1), custom_args={"mid": "m-9"}))

    assert pair.providers.log.count() == {"sendgrid": {"m-9": 1}}


def test_sandbox_mode_checks_and_takes_nothing(pair: Pair) -> None:
    settings = {"sandbox_mode": {"enable": True}}

    good = pair.sendgrid("POST", SEND, mail(mail_settings=settings))
    bad = pair.sendgrid("POST", SEND, mail(mail_settings=settings, subject=None))

    assert (good.status_code, good.data, bad.status_code) == (200, b"", 400)
    assert pair.providers.log.lines == []


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no personalizations": ({"personalizations": None}, "personalizations"),
    "empty personalizations": ({"personalizations": []}, "personalizations"),
    "1001 personalizations": ({"personalizations": many(1001)}, "personalizations"),
    "1001 recipients": (
        {"personalizations": [{"to": [{"email": f"a{n}@example.com"} for n in range(1001)]}]},
        "personalizations",
    ),
    "nobody to send to": ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
    "bad address": ({"personalizations": [to("anna@")]}, "personalizations.0.to.0.email"),
    "bad address at the second": (
        {"personalizations": [to("a@example.com"), to("b")]},
        "personalizations.1.to.0.email",
    ),
    "comma in a name": (
        {"personalizations": [{"to": [{"email": "a@example.com", "name": "Rossi, Anna"}]}]},
        "personalizations.0.to.0.name",
    ),
    "semicolon in a name": (
        {"personalizations": [{"to": [{"email": "a@example.com", "name": "Anna; Rossi"}]}]},
        "personalizations.0.to.0.name",
    ),
    "twice the same": (
        {"personalizations": [to("a@example.com", cc=[{"email": "A@example.com"}])]},
        "personalizations",
    ),
    "no sender": ({"from": None}, "from.email"),
    "sender is a text": ({"from": SENDER}, "from.email"),
    "unicode sender": ({"from": {"email": "caffè@sandbox.example.com"}}, "from.email"),
    "bad sender": ({"from": {"email": "ciao"}}, "from.email"),
    "no subject": ({"subject": None}, "subject"),
    "no content": ({"content": None}, "content"),
    "empty content": ({"content": [{"type": "text/plain", "value": ""}]}, "content.0.value"),
    "no content type": ({"content": [{"value": "Ciao"}]}, "content.0.type"),
    "html before text": (
        {"content": [{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]},
        "content",
    ),
    "twice text": (
        {"content": [{"type": "text/plain", "value": "x"}, {"type": "text/plain", "value": "x"}]},
        "content",
    ),
    "reserved header": ({"headers": {"Reply-To": "a@example.com"}}, "headers.Reply-To"),
    "reserved header at a recipient": (
        {"personalizations": [to("a@example.com", headers={"subject": "x"})]},
        "personalizations.0.headers.subject",
    ),
    "header of two lines": ({"headers": {"X-Test": "a\r\nBcc: b"}}, "headers.X-Test"),
    "custom_args too long": ({"custom_args": {"a": LONG}}, "custom_args"),
    "custom_args too long at a recipient": (
        {"personalizations": [to("a@example.com", custom_args={"a": LONG})]},
        "personalizations.0.custom_args",
    ),
    "substitutions too long": (
        {"personalizations": [to("a@example.com", substitutions={"a": LONG})]},
        "personalizations.0.substitutions",
    ),
    "eleven categories": ({"categories": [str(n) for n in range(11)]}, "categories"),
    "twice a category": ({"categories": ["a", "a"]}, "categories"),
    "category too long": ({"categories": ["a" * 256]}, "categories.0"),
    "category no text": ({"categories": [1]}, "categories"),
    "too far ahead": ({"send_at": START + 73 * HOUR}, "send_at"),
    "too far ahead for one": (
        {"personalizations": [to("a@example.com", send_at=START + 73 * HOUR)]},
        "personalizations.0.send_at",
    ),
    "both reply addresses": (
        {"reply_to": {"email": "a@example.com"}, "reply_to_list": [{"email": "b@example.com"}]},
        "reply_to_list",
    ),
    "bad reply address": ({"reply_to": {"email": "a"}}, "reply_to.email"),
    "too many reply addresses": ({"reply_to_list": [{"email": "a@example.com"}] * 1001}, "reply_to_list"),
    "group without id": ({"asm": {}}, "asm.group_id"),
    "too many groups": (
        {"asm": {"group_id": 1, "groups_to_display": list(range(26))}},
        "asm.groups_to_display",
    ),
    "short pool name": ({"ip_pool_name": "a"}, "ip_pool_name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_sendgrid_refuses_is_refused_with_the_field(shared: Pair, name: str) -> None:
    changes, field = REFUSED[name]

    answer = shared.sendgrid("POST", SEND, mail(**changes))

    assert answer.status_code == 400
    errors = answer.json["errors"]
    assert [error["field"] for error in errors] == [field]
    assert all(set(error) == {"message", "field", "help"} and error["message"] for error in errors)
    assert shared.providers.log.lines == []


CRYPTIC: dict[str, dict[str, object]] = {
    "number as header": {"headers": {"X-Test": 1}},
    "number as custom_arg": {"custom_args": {"mid": 1}},
    "number as a recipient's custom_arg": {"personalizations": [to("a@example.com", custom_args={"mid": 1})]},
    "number as substitution": {"personalizations": [to("a@example.com", substitutions={"a": 1})]},
    "text as send_at": {"send_at": "tomorrow"},
    "text as categories": {"categories": "a"},
    "text as tracking": {"tracking_settings": {"open_tracking": {"enable": "no"}}},
}


@pytest.mark.parametrize("name", CRYPTIC)
def test_values_of_a_wrong_type_get_the_cryptic_refusal(shared: Pair, name: str) -> None:
    answer = shared.sendgrid("POST", SEND, mail(**CRYPTIC[name]))

    assert answer.status_code == 400
    assert answer.json == {"errors": [{"message": "Bad Request", "field": None, "help": None}]}


GOOD: dict[str, dict[str, object]] = {
    "template instead of subject and content": {"subject": None, "content": None, "template_id": "d-1"},
    "subject per recipient": {
        "subject": None,
        "personalizations": [to("a@example.com", subject="Ciao")],
    },
    "1000 recipients": {"personalizations": many(1000)},
    "three days ahead": {"send_at": START + 72 * HOUR},
    "ten categories": {"categories": [str(n) for n in range(10)]},
    "unsubscribe headers": {
        "headers": {
            "List-Unsubscribe": "<https://shop.example.com/u/1>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_what_sendgrid_allows_is_allowed(shared: Pair, name: str) -> None:
    settings = {"sandbox_mode": {"enable": True}}

    answer = shared.sendgrid("POST", SEND, mail(**{**GOOD[name], "mail_settings": settings}))

    assert answer.status_code == 200, answer.text


def test_several_problems_are_told_at_once(shared: Pair) -> None:
    answer = shared.sendgrid("POST", SEND, mail(subject=None, content=None))

    assert [error["field"] for error in answer.json["errors"]] == ["subject", "content"]


def test_a_mail_that_is_no_json_is_refused(shared: Pair) -> None:
    assert shared.sendgrid("POST", SEND, ["x"]).status_code == 400


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "authorization required"),
        ("SG.other", "The provided authorization grant is invalid, expired, or revoked"),
    ],
)
def test_a_call_without_the_right_key_is_refused(shared: Pair, key: str, message: str) -> None:
    answer = shared.sendgrid("POST", SEND, mail(), key=key)

    assert (answer.status_code, answer.json) == (401, {"errors": [{"field": None, "message": message}]})


def test_a_sender_that_is_not_verified_is_refused(pair: Pair) -> None:
    sender = {"email": "ciao@elsewhere.example.com"}

    refused = pair.sendgrid("POST", SEND, mail(**{"from": sender}))
    pair.control("/settings", {"verified_senders": [sender["email"]]})
    taken = pair.sendgrid("POST", SEND, mail(**{"from": sender}))

    assert (refused.status_code, refused.json["errors"][0]["field"]) == (403, "from")
    assert taken.status_code == 202


def test_a_key_without_the_scope_is_refused(pair: Pair) -> None:
    pair.control("/settings", {"scopes": ["scopes.read"]})

    assert pair.sendgrid("POST", SEND, mail()).status_code == 403
    assert pair.sendgrid("GET", "/v3/suppression/bounces").status_code == 403
    assert pair.sendgrid("GET", "/v3/scopes").json == {"scopes": ["scopes.read"]}


def test_spent_credits_look_like_a_wrong_key_but_for_the_words(pair: Pair) -> None:
    pair.control("/settings", {"credits_left": 1})

    first, second = pair.sendgrid("POST", SEND, mail()), pair.sendgrid("POST", SEND, mail())

    assert (first.status_code, second.status_code) == (202, 401)
    assert second.json["errors"][0]["message"] == "Maximum credits exceeded"


def test_the_rate_is_told_and_kept(pair: Pair) -> None:
    pair.providers.real_now = lambda: 1000.5
    pair.control("/settings", {"calls_per_second": 1})

    first, second = pair.sendgrid("GET", "/v3/scopes"), pair.sendgrid("GET", "/v3/scopes")

    assert (first.status_code, second.status_code) == (200, 429)
    headers = {name: first.headers[f"X-RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset")}
    assert headers == {"Limit": "1", "Remaining": "0", "Reset": "1001"}


def test_a_body_over_thirty_megabytes_gets_the_proxys_page(shared: Pair) -> None:
    answer = shared.sendgrid("POST", SEND, {"a": "x" * 30_000_000})

    assert (answer.status_code, answer.mimetype) == (413, "text/html")
