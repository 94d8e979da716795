"""What the settings page tells beside its fields: the connection, the way back, words, what is kept."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import retention
from app.db import table_of, upsert
from app.members.roles import MARKETER
from app.messaging import content, editions
from app.models import Reconciliation, Store
from app.runtime import Runtime
from tests.web.web_members import act, add_member, browser_of
from tests.web.web_shops import NOW, Shop


def _page(client: FlaskClient) -> str:
    return client.get("/app/settings", headers={"Accept-Language": "en"}).get_data(as_text=True)


def _change(runtime: Runtime, shop: Shop, **values: object) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        for name, value in values.items():
            setattr(store, name, value)


def test_a_connected_shop_says_since_when_and_what_it_hears(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    topics = [{"id": "1", "topic": "order.updated", "state": "active"}]
    _change(runtime, shop, subscriptions=[*topics, {"id": "2", "topic": "order.created", "state": "paused"}])
    pulled = {"store_id": shop.store_id, "resource": "orders", "pulled_to": NOW - timedelta(hours=2)}
    with runtime.database.write() as session:
        row = pulled | {"next_at": NOW, "attempts": 0}
        upsert(session, table_of(Reconciliation), [row], key=("store_id", "resource"), update=("pulled_to",))

    page = _page(member)

    assert "2 webhooks are active" in page
    assert "One of them is paused" in page
    assert "Last compared with the shop" in page


@pytest.mark.parametrize(
    ("platform", "role", "way"),
    [
        ("woocommerce", None, 'action="/install/woocommerce"'),
        ("woocommerce", MARKETER, "Owners of the store connect it again"),
        ("shopify", None, 'href="https://azure.example/admin/settings/apps"'),
    ],
)
def test_a_lost_shop_shows_the_way_back(
    app: Flask, member: FlaskClient, runtime: Runtime, shop: Shop, platform: str, role: str | None, way: str
) -> None:
    _change(runtime, shop, state="needs_reconnect", platform=platform)
    client = member
    if role is not None:
        client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=role))

    home, page = client.get("/app/").get_data(as_text=True), _page(client)

    assert 'href="/app/settings#connection"' in home
    assert 'id="connection"' in page
    assert way in page


def test_the_words_of_the_consent_stand_there_with_their_version(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    wording = editions.wording_of(content.named("consent/DOI"), "it")
    assert wording is not None
    changed = editions.Wording(wording.mail.model_copy(update={"subject": "Ci sei?"}))
    with runtime.database.write() as session:
        editions.save(session, shop.store_id, "consent/DOI", wordings={"it": changed}, seen={}, now=NOW)

    page = _page(member)

    assert "Italian: version 1, saved on" in page
    assert "English: the original" in page


def test_what_is_kept_is_told_in_the_days_of_the_nightly_purge(member: FlaskClient, shop: Shop) -> None:
    page = _page(member)

    for span in (retention.BODY, retention.CONTENT, retention.ACCESS, retention.AUDIT):
        assert f"{span.days} days" in page


def test_what_cannot_be_kept_shows_beside_its_field_and_may_be_thrown_away(
    member: FlaskClient, shop: Shop
) -> None:
    page = act(member, "/app/settings", **{"rails.cap_per_day": "99"}).get_data(as_text=True)

    assert 'data-bar="unsaved"' in page
    assert 'href="/app/settings">Discard' in page
    assert "field--bad" in page
    assert 'data-bar="saved"' in _page(member)


@pytest.mark.parametrize(
    ("stored", "chosen"),
    [
        ("it", '<option value="it" selected>Italiano'),
        ("en-GB", '<option value="en-GB" selected>English'),
        ("fr", '<option value="fr" selected>fr: we write in English'),
    ],
)
def test_the_language_is_one_that_we_write_in_and_what_is_stored_stays(
    member: FlaskClient, runtime: Runtime, shop: Shop, stored: str, chosen: str
) -> None:
    _change(runtime, shop, settings={"locale": stored})

    page = _page(member)

    languages = page.partition('<select id="s-locale"')[2].partition("</select>")[0]
    assert chosen in languages
    assert languages.count("<option") == (3 if stored == "fr" else 2)


@pytest.mark.parametrize(("platform", "is_asked"), [("woocommerce", True), ("shopify", False)])
def test_what_only_woocommerce_does_is_asked_of_a_woocommerce_alone(
    member: FlaskClient, runtime: Runtime, shop: Shop, platform: str, is_asked: bool
) -> None:
    _change(runtime, shop, platform=platform)

    assert ('name="reconcile.sweep_days"' in _page(member)) is is_asked
