"""What other people wrote stays text."""

import re

import pytest
from flask.testing import FlaskClient

from app.models import Customer, Order, Store
from app.runtime import Runtime
from tests.web.web_shops import NOW, Csrf, Shop, add_inbound, add_message

EVIL = "<img src=x onerror=alert(1)>\"'{{7*7}}"
SHOWN = "&lt;img src=x onerror=alert(1)&gt;&#34;&#39;{{7*7}}"


@pytest.fixture
def poisoned(runtime: Runtime, shop: Shop) -> Shop:
    """A shop in which everything that comes from outside tries to be markup."""
    with runtime.database.write() as session:
        session.query(Customer).update({"first_name": EVIL, "city": EVIL, "email": EVIL})
        session.query(Order).update({"number": EVIL})
        session.query(Store).update({"name": EVIL})
        message = add_message(
            session,
            shop.store_id,
            shop.ids["customer"],
            word="evil",
            subject=EVIL,
            to_address=EVIL,
            reason="x",
        )
        add_inbound(session, shop.store_id, EVIL, status="dead", key="evil").error = EVIL
        shop.ids["message"] = message.id
    return shop


@pytest.mark.parametrize(
    "path",
    [
        "",
        "customers",
        "customers/{customer}",
        "orders",
        "outbox",
        "outbox/{message}",
        "activity?status=dead",
        "settings",
    ],
)
def test_names_from_outside_are_text_on_every_screen(member: FlaskClient, poisoned: Shop, path: str) -> None:
    page = member.get("/app/" + path.format(**poisoned.ids)).get_data(as_text=True)

    assert SHOWN in page
    assert "<img src=x" not in page


def test_what_was_searched_for_is_text(member: FlaskClient, shop: Shop) -> None:
    page = member.get("/app/customers", query_string={"q": EVIL}).get_data(as_text=True)

    assert SHOWN in page
    assert "<img src=x" not in page


def test_a_mail_is_shown_in_a_box_without_scripts_forms_or_our_cookie(
    member: FlaskClient, shop: Shop
) -> None:
    page = member.get(f"/app/outbox/{shop.ids['message']}")
    body = member.get(f"/app/outbox/{shop.ids['message']}/body")

    policy = body.headers["Content-Security-Policy"].split("; ")
    assert "<script>alert(1)</script>" in body.get_data(as_text=True)
    assert "sandbox" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert not any(part.startswith("script-src") for part in policy)
    assert re.search(r"<iframe[^>]*\ssandbox\s", page.get_data(as_text=True))


def test_a_click_inside_the_preview_leads_nowhere(member: FlaskClient, shop: Shop) -> None:
    policy = member.get(f"/app/outbox/{shop.ids['message']}").headers["Content-Security-Policy"]

    assert "frame-src http://localhost/app/outbox/" in policy.split("; ")


def test_a_text_with_a_percent_or_underscore_is_searched_as_it_is(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    page = member.get("/app/customers", query_string={"q": "%"}).get_data(as_text=True)

    assert f"{shop.word}-1@example.com" not in page


def test_the_language_form_leads_only_to_our_own_screens(member: FlaskClient, csrf: Csrf) -> None:
    token = csrf(member)
    for back in ("https://evil.example/", "//evil.example", "/app/\\evil", "javascript:alert(1)", ""):
        answer = member.post("/app/language", data={"csrf": token, "language": "it", "back": back})
        assert answer.headers["Location"] == "/app/"


def test_a_mail_without_html_has_no_body_to_show(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        message = add_message(
            session, shop.store_id, shop.ids["customer"], word="x", content=None, sent_at=NOW
        )

    assert member.get(f"/app/outbox/{message.id}/body").status_code == 404
    assert member.get(f"/app/outbox/{message.id}").status_code == 200
