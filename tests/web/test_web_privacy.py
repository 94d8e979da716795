"""Privacy on the screens and in the API: what waits until when, the report, and forgetting somebody."""

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.models import Customer, PrivacyRequest
from app.runtime import Runtime
from tests.web.web_shops import NOW, Csrf, Shop


def ask(runtime: Runtime, shop: Shop, kind: str = "access") -> None:
    asked = {"received_at": NOW, "due_at": NOW + timedelta(days=30)}
    who = {"store_id": shop.store_id, "customer_id": shop.ids["customer"], "source": "platform"}
    with runtime.database.write() as session:
        session.add(PrivacyRequest(kind=kind, **who, **asked))


def emails(runtime: Runtime) -> list[str | None]:
    with runtime.database.read() as session:
        return list(session.scalars(select(Customer.email).order_by(Customer.id)))


def closed(runtime: Runtime) -> list[tuple[str, str, str | None]]:
    with runtime.database.read() as session:
        rows = session.scalars(select(PrivacyRequest).order_by(PrivacyRequest.id))
        return [(row.kind, row.source, row.outcome) for row in rows]


@pytest.mark.parametrize(("language", "day"), [("en", "25 Dec 2026"), ("it", "25 dic 2026")])
def test_home_names_the_last_day_that_the_law_allows(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str, day: str
) -> None:
    ask(runtime, shop)

    page = member.get("/app/", headers={"Accept-Language": language}).get_data(as_text=True)

    assert day in page
    assert 'href="/app/privacy"' in page


def test_the_page_lists_what_is_open_and_what_was_done(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    ask(runtime, shop)
    before = member.get("/app/privacy").get_data(as_text=True)
    path = f"/app/customers/{shop.ids['customer']}/report"

    answer = member.post(path, data={"csrf": csrf(member)})

    after = member.get("/app/privacy").get_data(as_text=True)
    assert f'action="{path}"' in before
    assert f'action="{path}"' not in after
    assert answer.mimetype == "application/json"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.get_json()["customer"]["first_name"] == shop.word
    assert closed(runtime) == [("access", "platform", "done")]


def test_a_merchant_forgets_somebody(
    member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, csrf: Csrf
) -> None:
    ask(runtime, shop, "erase-customer")
    token = csrf(member)
    path = "/app/customers/{}/erase"

    foreign = member.post(path.format(other_shop.ids["customer"]), data={"csrf": token})
    own = member.post(path.format(shop.ids["customer"]), data={"csrf": token})

    assert (foreign.status_code, own.status_code) == (404, 303)
    assert emails(runtime) == [None, f"{other_shop.word}-1@example.com"]
    assert closed(runtime) == [
        ("erase-customer", "platform", "done"),
        ("erase-customer", "screen", "done"),
    ]
    page = member.get(f"/app/customers/{shop.ids['customer']}").get_data(as_text=True)
    assert path.format(shop.ids["customer"]) not in page


def test_a_yes_of_somebody_erased_is_shown_as_one_no_longer(
    member: FlaskClient, api: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    path, sought = f"/customers/{shop.ids['customer']}", "/app/customers?consent=email:subscribed"
    before = api.get(f"/api/v1{path}", headers=shop.headers).get_json()["consents"]["email"]["state"]
    was_listed = f'/app{path}"' in member.get(sought).get_data(as_text=True)

    api.delete(f"/api/v1{path}", headers=shop.headers)

    after = api.get(f"/api/v1{path}", headers=shop.headers).get_json()["consents"]["email"]["state"]
    page = member.get(f"/app{path}").get_data(as_text=True)
    assert (before, after) == ("subscribed", "unknown")
    assert "pill--erased" in page
    assert "pill--subscribed" not in page
    assert was_listed
    assert f'/app{path}"' not in member.get(sought).get_data(as_text=True)


def test_a_program_erases_a_customer_once_or_again(api: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    path = f"/api/v1/customers/{shop.ids['customer']}"

    first, second = api.delete(path, headers=shop.headers), api.delete(path, headers=shop.headers)

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.get_json()["erased"] is True
    assert first.get_json()["email"] is None
    assert first.get_json() == second.get_json()
    assert emails(runtime) == [None]
    assert closed(runtime) == [("erase-customer", "api", "done")] * 2


def test_another_shops_customer_cannot_be_erased(
    api: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    answer = api.delete(f"/api/v1/customers/{other_shop.ids['customer']}", headers=shop.headers)

    assert answer.status_code == 404
    assert None not in emails(runtime)
