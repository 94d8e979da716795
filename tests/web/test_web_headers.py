"""What every answer carries, and what every page leaves out."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.web.web_shops import Shop

SCREENS = (
    "/app/",
    "/app/customers",
    "/app/customers/{customer}",
    "/app/customers/{customer}/why",
    "/app/privacy",
    "/app/orders",
    "/app/flows",
    "/app/flows/welcome",
    "/app/flows/review",
    "/app/reviews",
    "/app/flows/cross_sell",
    "/app/flows/birthday",
    "/app/flows/birthday/messages/B2",
    "/app/flows/birthday/steps",
    "/app/flows/birthday/steps/B2",
    "/app/flows/birthday/start",
    "/app/flows/birthday/versions",
    "/app/outbox",
    "/app/outbox/{message}",
    "/app/activity",
    "/app/audit",
    "/app/settings",
    "/app/settings/keys",
    "/app/settings/leaving",
    "/app/stop",
    "/app/setup",
)
OTHERS = ("/app/nothing", "/healthz", "/readyz", "/metrics", "/api/v1/customers", "/api/v1/openapi.json")
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


@pytest.mark.parametrize("path", [*SCREENS, *OTHERS])
def test_every_answer_carries_the_security_headers(member: FlaskClient, shop: Shop, path: str) -> None:
    headers = member.get(path.format(**shop.ids)).headers

    policy = headers["Content-Security-Policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_no_route_at_all_answers_without_them(app: Flask) -> None:
    answers = {
        rule.rule: app.test_client().get(re.sub("<[^>]*>", "1", rule.rule))
        for rule in app.url_map.iter_rules()
    }

    assert len(answers) > 100
    for path, answer in answers.items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert "frame-ancestors" in answer.headers["Content-Security-Policy"], path
        assert "Access-Control-Allow-Origin" not in answer.headers, path


@pytest.mark.parametrize("path", SCREENS)
def test_no_page_has_a_script_or_style_of_its_own(member: FlaskClient, shop: Shop, path: str) -> None:
    page = member.get(path.format(**shop.ids)).get_data(as_text=True)

    assert INLINE.findall(page) == []


@pytest.mark.parametrize("path", [*SCREENS, "/api/v1/customers"])
def test_what_is_private_is_not_kept_by_browsers(member: FlaskClient, shop: Shop, path: str) -> None:
    answer = member.get(path.format(**shop.ids), headers=shop.headers)

    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_looks_are_kept_and_addressed_by_their_content(member: FlaskClient) -> None:
    page = member.get("/app/").get_data(as_text=True)
    sheets = re.findall(r'href="(/assets/css/[^"]+)"', page)

    kept = []
    for sheet in sheets:
        with member.get(sheet) as answer:
            kept.append((answer.status_code, answer.headers["Cache-Control"]))

    assert kept == [(200, "public, max-age=31536000")] * 5
    assert all(re.search(r"\?v=[0-9a-f]{8}$", sheet) for sheet in sheets)


@pytest.mark.parametrize("name", ["../auth.py", "%2e%2e/auth.py", "css/../../auth.py", "nothing.css"])
def test_nothing_outside_the_folder_is_served(member: FlaskClient, name: str) -> None:
    assert member.get(f"/assets/{name}").status_code == 404


def test_a_body_that_is_too_large_is_refused_without_reading_it(
    app: Flask, api: FlaskClient, shop: Shop
) -> None:
    answer = api.post("/api/v1/events", headers=shop.headers, data=b"x" * (2 * 1024 * 1024 + 1))

    assert answer.status_code == 413
    assert answer.get_json()["status"] == 413


def test_a_method_that_is_not_there_is_405_and_says_which_are(api: FlaskClient, shop: Shop) -> None:
    answer = api.put("/api/v1/customers", headers=shop.headers)

    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.mimetype == "application/problem+json"
