"""The set-up guide: as far as the store's own rows say, filled in from the shop, and left when one likes."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.flows import rehearsals, switch
from app.members.roles import MARKETER, OWNER
from app.models import AuditEntry, Backfill, Rehearsal, Sender, Store
from app.runtime import Runtime
from app.stores import settings
from app.stores.accounts import Accounts
from tests.web.web_members import act, add_member, browser_of
from tests.web.web_shops import NOW, Csrf, Shop, signed_in

STEP = re.compile(r'guide__step--(\w+)">\s*<details id="(\w+)"( open)?')
KEY = "SG." + "a" * 40


def states(client: FlaskClient, path: str = "/app/setup") -> dict[str, str]:
    page = client.get(path).get_data(as_text=True)
    return {name: state for state, name, _ in STEP.findall(page)}


def change(runtime: Runtime, shop: Shop, **values: Any) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        for name, value in values.items():
            setattr(store, name, value)


def test_steps_are_done_as_the_stores_rows_say(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    seen = [states(member)]
    with runtime.database.write() as session:
        session.query(Backfill).update({"finished_at": NOW})
    seen.append(states(member))
    _say(runtime, shop, {"sender.email": "ciao@azure.example", "sender.postal_address": "Via Roma 1, Torino"})
    seen.append(states(member))
    _give_account(runtime, shop)
    seen.append(states(member))
    _say(runtime, shop, {"consent.import": "declined"})
    seen.append(states(member))
    with runtime.database.write() as session:
        rehearsals.ask(session, shop.store_id, "welcome", begin=NOW - timedelta(days=90), end=NOW)
        session.query(Rehearsal).update({"is_waiting": False, "ended_at": NOW, "result": _RESULT})
    seen.append(states(member))
    with runtime.database.write() as session:
        switch.activate(session, shop.store_id, "welcome", NOW)
    seen.append(states(member))

    current = [[name for name, state in one.items() if state == "current"] for one in seen]
    own = [["sender"], ["sender"], ["consent"], ["rehearsal"], ["switch"]]
    assert current == [["history", "sender"], *own, []]
    assert list(seen[0]) == ["connect", "history", "sender", "consent", "rehearsal", "switch"]


def test_what_the_shop_says_of_itself_is_filled_in(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    change(runtime, shop, email="anna@azure.example", postal_address="Via Garibaldi 10, 10122 Torino")

    page = member.get("/app/setup").get_data(as_text=True)

    for key, value in (
        ("sender.email", "anna@azure.example"),
        ("sender.name", "azure shop"),
        ("sender.postal_address", "Via Garibaldi 10, 10122 Torino"),
    ):
        assert re.search(rf'name="{key}"\s+value="{value}"', page)


def test_a_step_keeps_what_it_asks_for_and_says_what_is_wrong_beside_the_field(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    sender = {"csrf": csrf(member), "sender.name": "Azure", "sender.postal_address": "Via Roma 1, Torino"}

    refused = member.post("/app/setup", data={**sender, "sender.email": "no address"})
    kept = member.post("/app/setup", data={**sender, "sender.email": "ciao@azure.example"})

    page = refused.get_data(as_text=True)
    assert refused.status_code == 400
    assert re.search(r'name="sender.email"\s+value="no address"', page)
    assert 'aria-invalid="true"' in page
    assert (kept.status_code, kept.headers["Location"]) == (303, "/app/setup")
    with runtime.database.read() as session:
        store = session.get_one(Store, shop.store_id)
        told = {row.subject for row in session.scalars(select(AuditEntry))}
    assert settings.read(store, "sender.email") == "ciao@azure.example"
    assert told == {"sender.email", "sender.name", "sender.postal_address"}


@pytest.mark.parametrize(
    ("platform", "plugins", "words"),
    [
        ("woocommerce", ["woo-cart-abandonment-recovery"], "Cart Abandonment Recovery</strong>"),
        ("woocommerce", ["woocommerce"], "No plugin that we know"),
        ("woocommerce", None, "does not tell us which"),
        ("shopify", None, 'href="https://azure.example/admin/marketing/automations"'),
    ],
)
def test_whoever_writes_already_is_named_and_what_cannot_be_known_is_said(
    member: FlaskClient, runtime: Runtime, shop: Shop, platform: str, plugins: list[str] | None, words: str
) -> None:
    change(runtime, shop, platform=platform, plugins=plugins)

    page = member.get("/app/setup", headers={"Accept-Language": "en"}).get_data(as_text=True)

    assert words in page


def test_the_home_page_shows_what_is_left_until_it_is_hidden(
    member: FlaskClient, shop: Shop, csrf: Csrf
) -> None:
    token = csrf(member)
    before = 'href="/app/setup"' in member.get("/app/").get_data(as_text=True)

    hidden = member.post("/app/setup/hide", data={"csrf": token, "act": "hide"})
    between = 'href="/app/setup"' in member.get("/app/").get_data(as_text=True)
    shown = member.post("/app/setup/hide", data={"csrf": token, "act": "show"})

    assert (before, between) == (True, False)
    assert (hidden.headers["Location"], shown.headers["Location"]) == ("/app/", "/app/setup")
    assert 'href="/app/setup"' in member.get("/app/").get_data(as_text=True)


def test_trying_and_switching_on_lead_back_to_the_guide(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    guide = member.get("/app/setup").get_data(as_text=True)
    tried = act(member, "/app/flows/welcome/try", **{"from": "guide"})
    during = member.get("/app/setup").get_data(as_text=True)
    start = member.get("/app/flows/welcome/start?from=guide").get_data(as_text=True)
    on = act(member, "/app/flows/welcome/activate", **{"from": "guide"})

    assert 'href="/app/flows/welcome/start?from=guide"' in guide
    assert (tried.headers["Location"], on.headers["Location"]) == (
        "/app/setup#rehearsal",
        "/app/setup#switch",
    )
    assert 'data-rehearsal="/app/flows/welcome/rehearsal.json"' in during
    assert 'name="from" value="guide"' in start
    assert states(member)["switch"] == "done"


def test_what_a_dry_run_found_stays_in_sight_until_the_flow_is_on(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    sender = {"sender.email": "ciao@azure.example", "sender.postal_address": "Via Roma 1, Torino"}
    _say(runtime, shop, sender | {"consent.import": "declined"})
    _give_account(runtime, shop)
    with runtime.database.write() as session:
        session.query(Backfill).update({"finished_at": NOW})
        rehearsals.ask(session, shop.store_id, "welcome", begin=NOW - timedelta(days=90), end=NOW)
        session.query(Rehearsal).update({"is_waiting": False, "ended_at": NOW, "result": _RESULT})
    found = member.get("/app/setup").get_data(as_text=True)
    act(member, "/app/flows/welcome/activate", **{"from": "guide"})
    on = member.get("/app/setup").get_data(as_text=True)

    assert '<details id="rehearsal" open>' in found
    assert "“Welcome” would have sent" in found
    assert '<details id="rehearsal">' in on


@pytest.mark.parametrize("elsewhere", ["", "https://example.com/", "//example.com", "/app/customers"])
def test_no_other_word_leads_anywhere_else(member: FlaskClient, shop: Shop, elsewhere: str) -> None:
    answer = act(member, "/app/flows/welcome/activate", **{"from": elsewhere})

    assert answer.headers["Location"] == "/app/flows/welcome"


@pytest.mark.parametrize(("role", "is_offered"), [(OWNER, True), (MARKETER, False)])
def test_a_key_is_asked_of_the_owner_alone(
    app: Flask, runtime: Runtime, shop: Shop, role: str, is_offered: bool
) -> None:
    client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=role))

    page = client.get("/app/setup").get_data(as_text=True)

    assert 'name="sender.email"' in page
    assert ('name="sendgrid.api_key"' in page) is is_offered


def test_without_a_store_it_begins_with_connecting_one(app: Flask, runtime: Runtime) -> None:
    page = signed_in(app, runtime).get("/app/setup").get_data(as_text=True)

    assert [name for state, name, _ in STEP.findall(page) if state == "current"] == ["connect"]
    assert 'action="/install/woocommerce"' in page
    assert "/app/setup/hide" not in page


def _say(runtime: Runtime, shop: Shop, values: dict[str, str]) -> None:
    with runtime.database.write() as session:
        settings.write(session, session.get_one(Store, shop.store_id), values, vault=runtime.vault)


def _give_account(runtime: Runtime, shop: Shop) -> None:
    """One that was looked at and can send."""
    _say(runtime, shop, {"sendgrid.api_key": KEY})
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        account = Accounts(runtime.vault, runtime.settings).of(store).by_channel["email"]
        session.add(Sender(store_id=store.id, channel="email", account=account.fingerprint, checked_at=NOW))


_RESULT = {"counts": {"sent": 12}}


def test_a_history_of_nothing_is_told_and_draws_no_full_bar(
    runtime: Runtime, member: FlaskClient, shop: Shop
) -> None:
    with runtime.database.write() as session:
        session.query(Backfill).update({"finished_at": NOW, "done": 0, "total": 0})

    page = member.get("/app/setup", headers={"Accept-Language": "en"}).get_data(as_text=True)
    history = page.split('id="history"')[1].split("</details>")[0]

    assert "nothing to copy" in history
    assert "<progress" not in history


def test_where_a_providers_key_is_found_is_one_click_away(member: FlaskClient, shop: Shop) -> None:
    page = member.get("/app/setup", headers={"Accept-Language": "it"}).get_data(as_text=True)

    for address in ("https://app.sendgrid.com/settings/api_keys", "https://console.twilio.com/"):
        assert f'href="{address}" target="_blank" rel="noopener noreferrer"' in page
