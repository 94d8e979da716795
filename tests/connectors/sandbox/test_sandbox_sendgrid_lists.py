"""SendGrid tells what became of mails: its logs can be searched, its suppression lists paged and edited."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.sendgrid_logs import Condition, parse_query
from tests.connectors.sandbox.sandbox_providers import START, Pair, mail, open_pair, to

SEND = "/v3/mail/send"
HOUR = 3600


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    with open_pair(tmp_path) as opened:
        yield opened


def send(pair: Pair, email: str, outcome: str = "delivered", mid: str = "m-1") -> None:
    pair.control("/outcomes", {"whom": email, "outcome": outcome})
    assert pair.sendgrid("POST", SEND, mail(personalizations=[to(email, mid)])).status_code == 202


def test_a_mail_is_found_by_recipient_and_time_and_tells_our_id(pair: Pair) -> None:
    send(pair, "anna@example.com", mid="m-1")
    pair.now += HOUR
    send(pair, "anna@example.com", mid="m-2")
    send(pair, "bruno@example.com", mid="m-3")
    pair.now += HOUR

    query = (
        'to_email = "Anna@example.com" AND sg_message_id_created_at > TIMESTAMP "2026-11-02T07:00:00Z"'
        ' AND sg_message_id_created_at < TIMESTAMP "2026-11-02T08:00:00Z"'
    )
    (found,) = pair.sendgrid("POST", "/v3/logs", {"query": query, "limit": 10}).json["messages"]
    shown = pair.sendgrid("GET", f"/v3/logs/{found['sg_message_id']}").json

    assert (found["to_email"], found["status"]) == ("anna@example.com", "delivered")
    assert found["sg_message_id_created_at"] == "2026-11-02T07:13:20Z"
    assert shown["custom_args"] == {"mid": "m-2"}
    assert [event["event"] for event in shown["events"]] == ["delivered", "processed"]


def test_the_logs_show_only_what_has_happened(pair: Pair) -> None:
    send(pair, "anna@example.com", "bounced")

    statuses = []
    for after in (0, 1, 3):
        pair.now = START + after
        statuses.append(pair.sendgrid("POST", "/v3/logs", {"query": ""}).json["messages"][0]["status"])

    assert statuses == ["processed", "processed", "bounced"]


def test_statuses_and_categories_are_searched_by_lists(pair: Pair) -> None:
    for outcome in ("bounced", "blocked", "dropped", "delivered"):
        send(pair, f"{outcome}@example.com", outcome)
    pair.now += HOUR

    query = "status IN ('bounced', \"blocked\")"
    found = pair.sendgrid("POST", "/v3/logs", {"query": query}).json["messages"]
    none = pair.sendgrid("POST", "/v3/logs", {"query": "categories IN ('welcome')"}).json["messages"]

    assert [(one["to_email"], one["status"]) for one in found] == [
        ("blocked@example.com", "blocked"),
        ("bounced@example.com", "bounced"),
    ]
    assert none == []


@pytest.mark.parametrize(
    "body",
    [
        {"query": 'custom_args = "m-1"'},
        {"query": 'to_email LIKE "a%"'},
        {"query": 'to_email = "a" OR to_email = "b"'},
        {"query": "to_email = a"},
        {"query": "", "limit": 1001},
        {"query": "", "limit": 0},
    ],
)
def test_a_query_that_sendgrid_does_not_know_is_refused(pair: Pair, body: dict[str, object]) -> None:
    assert pair.sendgrid("POST", "/v3/logs", body).status_code == 400


def test_a_query_is_read() -> None:
    assert parse_query("subject = 'It is \"on\"' and status IN ('a','b')") == [
        Condition("subject", "=", ('It is "on"',)),
        Condition("status", "IN", ("a", "b")),
    ]


def test_an_unknown_mail_is_not_found(pair: Pair) -> None:
    assert pair.sendgrid("GET", "/v3/logs/nothing").status_code == 404


LISTS = {
    "bounced": "bounces",
    "blocked": "blocks",
    "complained": "spam_reports",
    "unsubscribed": "unsubscribes",
}


@pytest.mark.parametrize("outcome", LISTS)
def test_what_happened_to_a_mail_puts_its_recipient_on_a_list(pair: Pair, outcome: str) -> None:
    send(pair, "anna@example.com", outcome)
    path = f"/v3/suppression/{LISTS[outcome]}"

    before = pair.sendgrid("GET", path).json
    pair.now += 2 * HOUR
    after = pair.sendgrid("GET", path).json

    assert before == []
    assert [one["email"] for one in after] == ["anna@example.com"]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        ("bounced", "Bounced Address"),
        ("complained", "Spam Reporting Address"),
        ("unsubscribed", "Unsubscribed Address"),
    ],
)
def test_who_is_on_a_list_gets_no_further_mail(pair: Pair, outcome: str, reason: str) -> None:
    send(pair, "anna@example.com", outcome, "m-1")
    pair.now += 2 * HOUR

    send(pair, "anna@example.com", "delivered", "m-2")

    (event,) = next(pair.providers.log.find(mid="m-2"))["plan"]
    assert (event["event"]["event"], event["event"]["reason"]) == ("dropped", reason)


def test_a_list_is_paged_newest_first_and_cut_by_time(pair: Pair) -> None:
    for number in range(5):
        send(pair, f"a{number}@example.com", "bounced")
        pair.now += HOUR

    def emails(query: str) -> list[str]:
        return [one["email"][:2] for one in pair.sendgrid("GET", f"/v3/suppression/bounces?{query}").json]

    assert emails("limit=2") == ["a4", "a3"]
    assert emails("limit=2&offset=2") == ["a2", "a1"]
    assert emails("limit=2&offset=4") == ["a0"]
    assert emails(f"start_time={START + HOUR}&end_time={START + 3 * HOUR}") == ["a2", "a1"]


def test_who_is_taken_off_a_list_is_off_until_it_happens_again(pair: Pair) -> None:
    send(pair, "anna@example.com", "bounced")
    pair.now += HOUR
    path = "/v3/suppression/bounces/anna@example.com"

    statuses = [pair.sendgrid("DELETE", path).status_code, pair.sendgrid("DELETE", path).status_code]
    send(pair, "anna@example.com", "bounced")
    pair.now += HOUR

    assert statuses == [204, 404]
    assert [one["email"] for one in pair.sendgrid("GET", path).json] == ["anna@example.com"]


def test_global_suppressions_are_written_and_read(pair: Pair) -> None:
    path = "/v3/asm/suppressions/global"

    made = pair.sendgrid("POST", path, {"recipient_emails": ["anna@example.com"]})
    shown = pair.sendgrid("GET", f"{path}/anna@example.com").json
    deleted = pair.sendgrid("DELETE", f"{path}/anna@example.com")

    assert (made.status_code, deleted.status_code) == (201, 204)
    assert shown == {"recipient_email": "anna@example.com"}
    assert pair.sendgrid("GET", f"{path}/anna@example.com").json == {}
    assert pair.sendgrid("POST", path, {}).status_code == 400


def test_an_unknown_list_is_not_found(pair: Pair) -> None:
    assert pair.sendgrid("GET", "/v3/suppression/friends").status_code == 404
    assert pair.sendgrid("GET", "/v3/suppression/friends/a@example.com").status_code == 404


def test_domains_are_valid_or_pending(pair: Pair) -> None:
    pair.control("/settings", {"verified_domains": ["a.example.com"], "pending_domains": ["b.example.com"]})

    found = pair.sendgrid("GET", "/v3/whitelabel/domains").json
    single = pair.sendgrid("GET", "/v3/whitelabel/domains?domain=b.example.com").json

    assert [(one["domain"], one["valid"]) for one in found] == [
        ("a.example.com", True),
        ("b.example.com", False),
    ]
    assert [one["domain"] for one in single] == ["b.example.com"]


def test_what_was_delivered_is_told_by_day(pair: Pair) -> None:
    pair.control("/settings", {"delivered_before": 7})
    send(pair, "anna@example.com")

    days = pair.sendgrid("GET", "/v3/stats?start_date=2026-10-31").json

    assert [(one["date"], one["stats"][0]["metrics"]["delivered"]) for one in days] == [
        ("2026-10-31", 7),
        ("2026-11-01", 7),
        ("2026-11-02", 1),
    ]


@pytest.mark.parametrize("query", ["", "?start_date=yesterday", "?start_date=2026-10-31&aggregated_by=week"])
def test_days_that_cannot_be_told_are_refused(pair: Pair, query: str) -> None:
    assert pair.sendgrid("GET", f"/v3/stats{query}").status_code == 400
