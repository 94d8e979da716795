"""The two logs: who changed what, and who looked at whose data."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import access_log, audit
from app.models import AccessEntry, AuditEntry
from app.privacy import asked
from app.runtime import Runtime
from app.web.catalogue import CATALOGUES
from tests.web.web_shops import NOW, Csrf, Shop, signed_in


def changed(runtime: Runtime) -> list[tuple[str, str, str, dict[str, Any]]]:
    with runtime.database.read() as session:
        rows = session.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.actor_kind, row.action, row.subject, row.details) for row in rows]


def looked(runtime: Runtime) -> list[tuple[str, str, str, int | None, int]]:
    with runtime.database.read() as session:
        rows = session.scalars(select(AccessEntry).order_by(AccessEntry.id))
        return [(row.actor_kind, row.what, row.how, row.customer_id, row.count) for row in rows]


def test_a_setting_is_logged_from_what_to_what_and_a_secret_only_as_changed(
    member: FlaskClient, runtime: Runtime, csrf: Csrf
) -> None:
    secret = "SG.a-secret-of-the-tests-that-is-long"
    form = {"csrf": csrf(member), "sender.name": "Bottega", "sendgrid.api_key": secret}

    member.post("/app/settings", data=form)
    member.post("/app/settings", data=form | {"sender.name": "Aurora", "sendgrid.api_key": "••••long"})

    assert changed(runtime) == [
        ("member", "settings.changed", "sender.name", {"old": "azure shop", "new": "Bottega"}),
        ("member", "settings.changed", "sendgrid.api_key", {}),
        ("member", "settings.changed", "sender.name", {"old": "Bottega", "new": "Aurora"}),
    ]


def test_what_was_refused_is_not_logged(member: FlaskClient, runtime: Runtime, csrf: Csrf) -> None:
    answer = member.post("/app/settings", data={"csrf": csrf(member), "sender.email": "no address"})

    assert answer.status_code == 400
    assert changed(runtime) == []


def test_flows_are_logged_once_by_whom_they_were_switched(
    member: FlaskClient, api: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    for _ in range(2):
        member.post("/app/flows/welcome/activate", data={"csrf": csrf(member)})
    api.post("/api/v1/flows/welcome/deactivate", headers=shop.headers)

    assert changed(runtime) == [
        ("member", "flow.activated", "welcome", {}),
        ("api-key", "flow.deactivated", "welcome", {}),
    ]


def test_texts_reviews_and_dry_runs_are_logged_and_told_in_words(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    review = str(shop.ids["review"])
    text = "/app/flows/welcome/messages/W2"

    member.post("/app/flows/review/try", data={"csrf": csrf(member)})
    member.post("/app/reviews", data={"csrf": csrf(member), "hide": review})
    member.post(text, data={"csrf": csrf(member), "act": "reset.it"})
    member.post("/app/settings", data={"csrf": csrf(member), "consent.import": "declined"})
    page = member.get("/app/audit").get_data(as_text=True)

    assert changed(runtime) == [
        ("member", "flow.rehearsed", "review", {}),
        ("member", "review.hidden", f"review:{review}", {}),
        ("member", "text.reset", "welcome/W2", {"language": "it"}),
        ("member", "settings.changed", "consent.import", {"old": "", "new": "declined"}),
    ]
    assert all(words in page for words in (f"Review no. {review}", "Our story", "No, start afresh"))


def test_who_reads_reviews_and_reasons_is_logged(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    member.get("/app/reviews?show=all")
    member.get(f"/app/customers/{shop.ids['customer']}/why")

    assert looked(runtime) == [
        ("member", "reviews", "screen", None, 1),
        ("member", "why", "screen", shop.ids["customer"], 1),
    ]


def test_consents_and_erasures_by_the_api_are_logged_by_the_customers_id(
    api: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    customer = f"/api/v1/customers/{shop.ids['customer']}"
    said = {"channel": "email", "state": "unsubscribed", "at": "2026-11-20T10:00:00Z", "text": "No more"}

    api.post(f"{customer}/consents", headers=shop.headers, json=said)
    api.delete(customer, headers=shop.headers)

    subject = f"customer:{shop.ids['customer']}"
    assert [(action, about) for _, action, about, _ in changed(runtime)] == [
        ("consent.recorded", subject),
        ("customer.erased", subject),
    ]
    assert "No more" not in json.dumps(changed(runtime))
    assert looked(runtime) == [("api-key", "erasure", "api", shop.ids["customer"], 1)]


def test_a_page_an_answer_and_a_download_are_each_one_row(
    member: FlaskClient, api: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    customer = shop.ids["customer"]

    member.get("/app/customers")
    member.get(f"/app/customers/{customer}")
    member.get(f"/app/outbox/{shop.ids['message']}")
    member.post(f"/app/customers/{customer}/report", data={"csrf": csrf(member)})
    api.get("/api/v1/customers?limit=250", headers=shop.headers)
    api.get("/api/v1/customers?email=nobody@example.com", headers=shop.headers)

    assert looked(runtime) == [
        ("member", "customers", "screen", None, 1),
        ("member", "customer", "screen", customer, 1),
        ("member", "message", "screen", customer, 1),
        ("member", "report", "download", customer, 1),
        ("api-key", "customers", "api", None, 1),
    ]


def test_the_person_is_told_when_and_why_but_not_by_which_employee(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    customer = shop.ids["customer"]
    member.get(f"/app/customers/{customer}")

    asked.erase_now(runtime, shop.store_id, customer, source="cli", now=NOW)
    report = asked.report_now(runtime, shop.store_id, customer, now=NOW)

    assert [(row["what"], row["how"], row["at"]) for row in report["looked_at"]] == [
        ("customer", "screen", "2026-11-25T09:00:00Z"),
        ("erasure", "cli", "2026-11-25T09:00:00Z"),
    ]
    assert all("actor" not in name for row in report["looked_at"] for name in row)


def test_both_logs_are_of_the_own_store_only(
    app: Flask, api: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    api.post("/api/v1/flows/birthday/activate", headers=other_shop.headers)
    api.get("/api/v1/customers", headers=other_shop.headers)
    client = signed_in(app, runtime)

    changes, looks = (client.get(path).get_data(as_text=True) for path in ("/app/audit", "/app/privacy"))

    assert "Nothing was changed yet" in changes
    assert "Nobody yet" in looks


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ("Flow switched on", "API key", "azure")), ("it", ("Flusso acceso", "Chiave API", "azure"))],
)
def test_the_page_tells_what_by_whom_and_pages_on(
    member: FlaskClient, api: FlaskClient, runtime: Runtime, shop: Shop, language: str, words: tuple[str, ...]
) -> None:
    api.post("/api/v1/flows/welcome/activate", headers=shop.headers)
    with runtime.database.write() as session:
        for _ in range(60):
            audit.record(session, shop.store_id, audit.OPERATOR, audit.STORE_CONNECTED, now=NOW)

    first = member.get("/app/audit?kind=flow", headers={"Accept-Language": language}).get_data(as_text=True)
    whole = member.get("/app/audit").get_data(as_text=True)

    assert all(word in first for word in words)
    assert 'rel="next"' not in first
    assert 'rel="next"' in whole


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_every_word_of_the_logs_is_told(language: str) -> None:
    wanted = {f"audit.action.{action}" for action in audit.ACTIONS}
    wanted |= {f"audit.kind.{action.partition('.')[0]}" for action in audit.ACTIONS}
    wanted |= {f"actor.{kind}" for kind in audit.ACTORS}
    wanted |= {f"access.what.{what}" for what in access_log.WHAT}
    wanted |= {f"access.how.{way}" for way in access_log.WAYS}

    assert sorted(wanted - CATALOGUES[language].keys()) == []
