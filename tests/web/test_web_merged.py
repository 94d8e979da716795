"""Whoever was merged into another is found under the old id, on screens and by the API."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.models import Consent, Customer, CustomerMerge
from app.runtime import Runtime
from tests.web.web_shops import NOW, Csrf, Shop

FORMER = 987_654
CONSENT = {"channel": "sms", "state": "unsubscribed", "basis": None, "at": "2026-11-24T10:00:00+01:00"}


@pytest.fixture
def kept(runtime: Runtime, shop: Shop) -> int:
    """The shop's customer, into whom another one was merged."""
    number = shop.ids["customer"]
    with runtime.database.write() as session:
        merge = CustomerMerge(
            store_id=shop.store_id,
            merged_external_id="former-id",
            kept_external_id=f"{shop.word}-1",
            customer_id=number,
            merged_customer_id=FORMER,
            told_at=NOW,
            merged_at=NOW - timedelta(days=1),
        )
        session.add(merge)
    return number


def test_the_page_of_a_merged_customer_leads_to_the_kept_one(member: FlaskClient, kept: int) -> None:
    answer = member.get(f"/app/customers/{FORMER}")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/app/customers/{kept}")
    assert member.get(f"/app/customers/{kept}").status_code == 200


def test_the_report_under_the_old_id_is_the_kept_ones(
    member: FlaskClient, shop: Shop, kept: int, csrf: Csrf
) -> None:
    answer = member.post(f"/app/customers/{FORMER}/report", data={"csrf": csrf(member)})

    assert answer.get_json()["customer"]["id"] == kept
    assert answer.get_json()["merged_from"][0]["merged_external_id"] == "former-id"


def test_the_api_answers_for_the_old_id_with_the_kept_one(api: FlaskClient, shop: Shop, kept: int) -> None:
    by_id = api.get(f"/api/v1/customers/{FORMER}", headers=shop.headers).get_json()
    by_name = api.get("/api/v1/customers?external_id=former-id", headers=shop.headers).get_json()

    assert by_id["id"] == kept
    assert [row["id"] for row in by_name["data"]] == [kept]


def test_what_is_told_of_the_old_id_is_written_down_for_the_kept_one(
    api: FlaskClient, shop: Shop, runtime: Runtime, kept: int
) -> None:
    said = CONSENT | {"text": "No more texts.", "source": "phone"}
    path = f"/api/v1/customers/{FORMER}/consents"
    event = {"customer": FORMER, "type": "support.closed", "occurred_at": "2026-11-20T10:00:00Z", "data": {}}

    consent = api.post(path, headers=shop.headers, json=said)
    told = api.post("/api/v1/events", headers=shop.headers, json=event)

    assert (consent.status_code, told.status_code) == (201, 201)
    assert told.get_json()["customer_id"] == kept
    with runtime.database.read() as session:
        assert session.query(Consent).filter_by(channel="sms", customer_id=kept).count() == 1


def test_forgetting_under_the_old_id_forgets_the_kept_one(
    api: FlaskClient, shop: Shop, runtime: Runtime, kept: int
) -> None:
    api.delete(f"/api/v1/customers/{FORMER}", headers=shop.headers)

    with runtime.database.read() as session:
        assert session.get_one(Customer, kept).erased_at is not None


def test_another_shop_finds_nobody_under_the_old_id(api: FlaskClient, kept: int, other_shop: Shop) -> None:
    assert api.get(f"/api/v1/customers/{FORMER}", headers=other_shop.headers).status_code == 404
