"""The API says what its description says."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from sqlalchemy import update

from app.models import Consent, Customer, CustomerEvent
from app.runtime import Runtime
from app.web.api.openapi import ROUTES, Route, document
from tests.web.web_shops import Shop, add_message

CONSENT = {
    "channel": "email",
    "state": "unsubscribed",
    "basis": None,
    "at": "2026-11-24T10:00:00+01:00",
    "text": "Please stop.",
    "source": "phone",
}
EVENT = {"type": "support.closed", "occurred_at": "2026-11-20T10:00:00Z", "data": {"case": "42"}}


def _path(route: Route, shop: Shop) -> str:
    named = {f"{name}_id": value for name, value in shop.ids.items()}
    return "/api/v1" + route.path.format(key="welcome", **named)


def _answer_schema(route: Route) -> dict[str, Any]:
    described = document()
    operation = described["paths"][route.path][route.method]
    schema = operation["responses"][route.status]["content"]["application/json"]["schema"]
    return {**schema, "components": described["components"]}


def test_the_description_is_valid_openapi(api: FlaskClient) -> None:
    served = api.get("/api/v1/openapi.json").get_json()

    validate(served)

    assert served["openapi"].startswith("3.1")


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for path in document()["paths"].values() for operation in path.values()]

    assert len(set(names)) == len(names) == len(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_answers_are_as_described(api: FlaskClient, shop: Shop, route: Route) -> None:
    bodies = {"NewConsent": CONSENT, "NewEvent": EVENT | {"customer": shop.ids["customer"]}}
    body = bodies[route.body] if route.body else None

    answer = api.open(_path(route, shop), method=route.method.upper(), headers=shop.headers, json=body)

    assert str(answer.status_code) == route.status
    OAS31Validator(_answer_schema(route)).validate(answer.get_json())
    if route.is_list:
        assert answer.get_json()["data"]


def test_an_order_carries_money_lines_and_utc_moments(api: FlaskClient, shop: Shop) -> None:
    order = api.get("/api/v1/orders?external_id=azure", headers=shop.headers).get_json()["data"][0]

    assert order["total"] == {"minor": 2500, "currency": "EUR"}
    assert order["placed_at"] == "2026-11-23T09:00:00Z"
    assert order["lines"] == [
        {
            "external_product_id": "azure",
            "title": "azure thing",
            "quantity": 1,
            "total": {"minor": 2500, "currency": "EUR"},
        }
    ]


def test_a_customer_is_found_by_any_writing_of_the_address(api: FlaskClient, shop: Shop) -> None:
    found = api.get(
        "/api/v1/customers", query_string={"email": " AZURE-1@Example.com "}, headers=shop.headers
    ).get_json()["data"]

    assert [row["id"] for row in found] == [shop.ids["customer"]]
    assert found[0]["consents"]["email"]["state"] == "subscribed"
    assert found[0]["consents"]["sms"]["state"] == "unknown"
    assert found[0]["classes"] == ["non-customer"]


@pytest.mark.parametrize(
    ("year", "month", "day", "shown"),
    [(1990, 2, 28, "1990-02-28"), (None, 12, 1, "--12-01"), (1990, None, None, None)],
)
def test_a_birthday_may_lack_its_year(
    api: FlaskClient,
    runtime: Runtime,
    shop: Shop,
    year: int | None,
    month: int | None,
    day: int | None,
    shown: str | None,
) -> None:
    with runtime.database.write() as session:
        born = {"birth_year": year, "birth_month": month, "birth_day": day}
        session.execute(update(Customer).values(**born))

    answer = api.get(f"/api/v1/customers/{shop.ids['customer']}", headers=shop.headers)

    assert answer.get_json()["birthday"] == shown


def test_why_lists_the_gates_steps_in_order(api: FlaskClient, shop: Shop) -> None:
    why = api.get(f"/api/v1/messages/{shop.ids['message']}/why", headers=shop.headers).get_json()

    assert [step["step"] for step in why["data"]] == ["switches", "still-due", "legal-basis", "rails"]
    assert why["data"][2] == {
        "step": "legal-basis",
        "verdict": "stop",
        "reason": "no-legal-basis",
        "value": "email: unknown",
    }
    assert (why["verdict"], why["reason"]) == ("stop", "no-legal-basis")


def test_what_was_not_rendered_has_no_content_and_no_why(
    api: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    with runtime.database.write() as session:
        waiting = {"status": "queued", "content": None, "sent_at": None}
        message = add_message(session, shop.store_id, shop.ids["customer"], word="x", **waiting)

    content = api.get(f"/api/v1/messages/{message.id}/content", headers=shop.headers)
    why = api.get(f"/api/v1/messages/{message.id}/why", headers=shop.headers)

    assert content.status_code == 404
    assert why.get_json()["data"] == []


def test_a_consent_told_twice_is_one_statement(api: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    path = f"/api/v1/customers/{shop.ids['customer']}/consents"

    answers = [api.post(path, headers=shop.headers, json=CONSENT) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    with runtime.database.read() as session:
        said = session.query(Consent).filter_by(source="phone").one()
    assert (said.state, said.wording) == ("unsubscribed", "Please stop.")
    assert said.occurred_at.isoformat() == "2026-11-24T09:00:00+00:00"


def test_an_event_told_twice_is_one_entry(api: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    body = EVENT | {"customer": shop.ids["customer"]}

    answers = [api.post("/api/v1/events", headers=shop.headers, json=body) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].get_json() == answers[1].get_json()
    with runtime.database.read() as session:
        assert session.query(CustomerEvent).filter_by(type="support.closed", is_pending=True).count() == 1


def test_events_with_keys_of_their_own_are_two(api: FlaskClient, shop: Shop) -> None:
    body = EVENT | {"customer": shop.ids["customer"]}

    answers = [
        api.post("/api/v1/events", headers=shop.headers | {"Idempotency-Key": key}, json=body) for key in "ab"
    ]

    assert [answer.status_code for answer in answers] == [201, 201]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "fax"}, "channel"),
        ({"state": "maybe"}, "state"),
        ({"basis": "hope"}, "basis"),
        ({"at": "2026-11-24T10:00:00"}, "at"),
        ({"at": "2030-01-01T00:00:00Z"}, "at"),
        ({"at": "1204-01-01T00:00:00Z"}, "at"),
        ({"at": None}, "at"),
        ({"text": "a\0b"}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"source": ""}, "source"),
        ({"extra": 1}, "extra"),
    ],
)
def test_a_consent_that_cannot_be_used_names_the_place(
    api: FlaskClient, shop: Shop, change: dict[str, Any], field: str
) -> None:
    path = f"/api/v1/customers/{shop.ids['customer']}/consents"

    answer = api.post(path, headers=shop.headers, json=CONSENT | change)

    assert answer.status_code == 400
    assert answer.get_json()["field"] == field


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{", b'{"a":', b"\xff", b"[" * 3000, b'"x"'])
def test_a_body_that_is_no_object_is_a_bad_request(api: FlaskClient, shop: Shop, body: bytes) -> None:
    assert api.post("/api/v1/events", headers=shop.headers, data=body).status_code == 400


def test_an_erased_customer_is_told_nothing_new(api: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        customer = session.get_one(Customer, shop.ids["customer"])
        customer.erased_at = customer.created_at

    answers = [
        api.post(f"/api/v1/customers/{customer.id}/consents", headers=shop.headers, json=CONSENT),
        api.post("/api/v1/events", headers=shop.headers, json=EVENT | {"customer": customer.id}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400]


def test_a_flow_that_is_not_there_is_404(api: FlaskClient, shop: Shop) -> None:
    for verb in ("", "/activate", "/deactivate"):
        method = "POST" if verb else "GET"
        answer = api.open(f"/api/v1/flows/nonsense{verb}", method=method, headers=shop.headers)
        assert answer.status_code == 404


def test_every_error_of_the_api_is_a_problem(app: Flask, shop: Shop) -> None:
    client = app.test_client()
    answers = [
        client.get("/api/v1/nothing", headers=shop.headers),
        client.get("/api/v1/customers"),
        client.get("/api/v1/messages?status=odd", headers=shop.headers),
        client.get(f"/api/v1/customers/{2**70}", headers=shop.headers),
    ]

    assert [answer.status_code for answer in answers] == [404, 401, 400, 404]
    for answer in answers:
        assert answer.mimetype == "application/problem+json"
        assert answer.get_json()["status"] == answer.status_code
