"""Pages on which something is wrong or missing say so where it is seen first, and offer the way out."""

from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.models import InboundEvent, Message, Store
from app.runtime import Runtime
from tests.web.web_shops import NOW, Shop, signed_in


def _read(client: FlaskClient, path: str, language: str = "en") -> str:
    return client.get(path, headers={"Accept-Language": language}).get_data(as_text=True)


def _lose(runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        session.get_one(Store, shop.store_id).state = "needs_reconnect"


def test_what_needs_attention_stands_before_every_figure(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    _lose(runtime, shop)

    page = _read(member, "/app/")

    assert 0 < page.index('id="attention"') < page.index('id="earned"')


@pytest.mark.parametrize("path", ["/app/flows/welcome/start", "/app/setup"])
def test_a_lost_connection_is_told_where_somebody_would_go_on_without_it(
    member: FlaskClient, runtime: Runtime, shop: Shop, path: str
) -> None:
    said = "The store no longer lets us in. Nothing is sent until it is connected again."
    before = _read(member, path)
    _lose(runtime, shop)

    page = _read(member, path)

    assert said not in before
    assert said in page
    assert 'href="/app/settings#connection"' in page


def test_a_search_of_messages_that_finds_none_leads_back_to_all(member: FlaskClient, shop: Shop) -> None:
    page = _read(member, "/app/outbox?status=held")

    assert "No message matches what you chose." in page
    assert '<a class="button button--quiet" href="/app/outbox">' in page


@pytest.mark.parametrize("path", ["/u/not-a-token", "/p/not-a-token", "/r/not-a-token", "/o/not-a-token"])
def test_a_customers_broken_link_speaks_of_the_link_and_of_no_screen_of_ours(
    member: FlaskClient, shop: Shop, path: str
) -> None:
    answer = member.get(path, headers={"Accept-Language": "it"})
    page = answer.get_data(as_text=True)

    assert answer.status_code == 404
    assert "Questo collegamento non funziona" in page
    assert 'href="/app/' not in page
    assert "Ritorno" not in page


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/app/password/not-a-token", 404, "Chiedine uno nuovo"),
        ("/app/invitation/not-a-token", 404, "Questo invito non vale più"),
        ("/app/sign-in/not-a-token", 401, "vale una volta sola"),
        ("/app/orders", 401, "riservata a chi lavora per il negozio"),
    ],
)
def test_a_members_dead_link_says_what_kind_of_link_it_was(
    app: Flask, path: str, status: int, said: str
) -> None:
    answer = app.test_client().get(path, headers={"Accept-Language": "it"})

    assert (answer.status_code, said in answer.get_data(as_text=True)) == (status, True)


@pytest.mark.parametrize("path", ["/install/shopify", "/auth/shopify/callback?code=x"])
def test_a_store_that_did_not_connect_says_where_to_start_over(app: Flask, path: str) -> None:
    answer = app.test_client().get(path, headers={"Accept-Language": "it"})

    assert answer.status_code == 400
    assert "Ricomincia da capo" in answer.get_data(as_text=True)


def test_only_a_notification_that_failed_says_how_often(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    before = _read(member, "/app/activity")
    with runtime.database.write() as session:
        session.get_one(InboundEvent, shop.ids["event"]).attempts = 3

    page = _read(member, "/app/activity")

    assert "failed 3 times" in page
    assert "failed 0 times" not in before


def test_without_a_shop_the_later_steps_of_the_guide_say_what_they_wait_for(
    app: Flask, runtime: Runtime
) -> None:
    page = _read(signed_in(app, runtime), "/app/setup")

    assert page.count("This step opens once the store is connected.") == 5


def test_what_the_guide_asks_for_is_said_once(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    asked = "No flow is switched on"
    guided = _read(member, "/app/")
    with runtime.database.write() as session:
        session.get_one(Store, shop.store_id).guide_hidden_at = NOW

    assert 'href="/app/setup"' in guided
    assert asked not in guided
    assert asked in _read(member, "/app/")


@pytest.mark.parametrize(
    ("status", "sent_at", "told"),
    [
        ("sent", NOW, "The text is gone: it is kept for 30 days after sending."),
        ("expired", None, "It was never written"),
        ("queued", None, "It has not been written yet"),
    ],
)
def test_a_message_without_a_text_says_why(
    member: FlaskClient, runtime: Runtime, shop: Shop, status: str, sent_at: datetime | None, told: str
) -> None:
    with runtime.database.write() as session:
        message = session.get_one(Message, shop.ids["message"])
        message.content, message.status, message.sent_at = None, status, sent_at

    assert told in _read(member, f"/app/outbox/{shop.ids['message']}")
