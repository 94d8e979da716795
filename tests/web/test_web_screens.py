"""What the merchant reads and does."""

import re

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from flask.testing import FlaskClient

from app import asides
from app.crypto import Vault
from app.models import Backfill, Chore, Message, Order, Store, StoreWrite
from app.runtime import Runtime
from app.stores import scopes, settings
from app.web.catalogue import CATALOGUES
from tests.web.web_shops import NOW, Csrf, Shop, add_customer, add_message, signed_in


def _read(client: FlaskClient, path: str, language: str = "en") -> str:
    return client.get(path, headers={"Accept-Language": language}).get_data(as_text=True)


def test_home_shows_what_came_back_in_the_readers_way(member: FlaskClient, shop: Shop) -> None:
    english, italian = _read(member, "/app/"), _read(member, "/app/", "it")

    assert "€15.00" in english
    assert "15,00\xa0€" in italian


def test_home_names_what_needs_attention(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        add_message(session, shop.store_id, 1, word="lost", status="unknown")
        store = session.get_one(Store, shop.store_id)
        store.state, store.guide_hidden_at = "needs_reconnect", NOW

    page = _read(member, "/app/")

    assert "no longer lets us in" in page
    assert "1 notification from the store could not be read." in page
    assert "1 message may or may not have arrived" in page
    assert "No flow is switched on" in page


@pytest.mark.parametrize(
    ("language", "words"), [("en", "messages with a code wait"), ("it", "i messaggi con un codice aspettano")]
)
def test_home_names_what_stops_when_the_shop_takes_a_permission_back(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str, words: str
) -> None:
    granted = [scope for scope in scopes.NEEDED if "discounts" not in scope]
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.platform, store.domain, store.scopes = "shopify", "azure.myshopify.com", granted

    page = _read(member, "/app/", language)

    assert page.count(words) == 2
    assert page.count('href="https://azure.myshopify.com/admin/settings/apps" target="_top"') == 2


@pytest.mark.parametrize(
    ("language", "words"), [("en", "puts the old key back"), ("it", "rimetta la vecchia chiave")]
)
def test_keys_that_do_not_fit_are_named_and_what_to_do(
    member: FlaskClient, app: Flask, runtime: Runtime, shop: Shop, language: str, words: str
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.credentials = Vault([Fernet.generate_key().decode()]).seal({"token": "x"})

    answer = member.get("/app/", headers={"Accept-Language": language})

    assert answer.status_code == 500
    assert words in answer.get_data(as_text=True)


def test_a_database_without_stores_offers_to_connect_one(app: Flask, runtime: Runtime) -> None:
    client = signed_in(app, runtime)

    home, orders = client.get("/app/"), client.get("/app/orders")

    assert "Connect your store" in home.get_data(as_text=True)
    assert (orders.status_code, orders.headers["Location"]) == (303, "/app/")


def test_progress_is_told_in_numbers(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    running = member.get("/app/progress.json").get_json()
    with runtime.database.write() as session:
        session.query(Backfill).update({"finished_at": NOW, "done": 120})

    finished = member.get("/app/progress.json").get_json()

    row = {"store": shop.store_id, "resource": "orders", "total": 120}
    assert running == {"backfills": [row | {"done": 30, "percent": 25}], "finished": False}
    assert finished == {"backfills": [row | {"done": 120, "percent": 100}], "finished": True}


@pytest.mark.parametrize(
    ("sought", "found"),
    [
        ("azure-1@example.com", True),
        ("AZURE-1@EXAMPLE.COM", True),
        ("azu", True),
        ("AZU", True),
        ("ellis", True),
        ("Zure", False),
        ("nobody@example.com", False),
    ],
)
def test_customers_are_found_by_how_their_address_or_name_begins(
    member: FlaskClient, runtime: Runtime, shop: Shop, sought: str, found: bool
) -> None:
    with runtime.database.write() as session:
        add_customer(session, shop.store_id, "somebody", first_name="Zoe", last_name="Ellis")

    page = member.get("/app/customers", query_string={"q": sought}).get_data(as_text=True)

    assert (("azure-1@example.com" in page.split("<tbody")[-1]) or ("Zoe Ellis" in page)) is found


def test_a_customers_page_tells_everything_in_words(member: FlaskClient, shop: Shop) -> None:
    page = _read(member, f"/app/customers/{shop.ids['customer']}")

    assert "Placed an order" in page
    assert "#azure" in page
    assert "azure says yes" in page
    assert "the customer never agreed" in page
    assert "azure-CODE" in page


def test_a_messages_page_gives_the_gates_reasons_in_words(member: FlaskClient, shop: Shop) -> None:
    page = _read(member, f"/app/outbox/{shop.ids['message']}", "it")

    assert "Base legale" in page
    assert "e-mail: mai chiesto" in page
    assert "fino al 27 nov 2026, 10:00" in page
    assert "azure text" in page
    assert "List-Unsubscribe" in page


@pytest.mark.parametrize(
    ("asked", "shown"), [("status=sent", True), ("status=failed", False), ("flow=review", False)]
)
def test_the_outbox_is_filtered(member: FlaskClient, shop: Shop, asked: str, shown: bool) -> None:
    page = _read(member, f"/app/outbox?{asked}")

    assert ("azure for you" in page) is shown


def test_a_flow_shows_each_step_with_what_became_of_it(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    with runtime.database.write() as session:
        for number, step in enumerate(("W2", "W2", "W2", "Z9")):
            why = {"status": "stopped", "reason": "consent-withdrawn"} if number == 0 else {}
            clicked = {"clicked_at": NOW} if number == 1 else {}
            add_message(session, shop.store_id, 1, word=str(number), step=step, **why, **clicked)

    page = _read(member, "/app/flows/welcome")

    story = page.split('id="step-W2"')[1].split('id="step-to-W3"')[0]
    assert "2 days after the start" in page
    assert "50.0%" in story
    assert "the customer unsubscribed <b>1</b>" in story
    assert "From earlier versions" in page


def test_a_flow_is_switched_on_and_off_by_its_button(member: FlaskClient, shop: Shop, csrf: Csrf) -> None:
    token = csrf(member)

    member.post("/app/flows/review/activate", data={"csrf": token})
    on = _read(member, "/app/flows/review")
    member.post("/app/flows/review/deactivate", data={"csrf": token})
    off = _read(member, "/app/flows/review")

    assert "On since 25 Nov 2026, 10:00" in on
    assert "Switch on" in off


def test_dead_deliveries_show_why_and_are_read_again(member: FlaskClient, shop: Shop, csrf: Csrf) -> None:
    before = _read(member, "/app/activity?status=dead")

    member.post("/app/activity/replay", data={"csrf": csrf(member), "id": shop.ids["event"]})

    assert "not readable" in before
    assert "azure.updated" not in _read(member, "/app/activity?status=dead").split("<main")[1]
    assert "azure.updated" in _read(member, "/app/activity?status=waiting").split("<main")[1]


def test_what_could_not_be_written_back_is_seen_and_tried_again(
    member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, csrf: Csrf
) -> None:
    for store_id in (shop.store_id, other_shop.store_id):
        _add_refused_write(runtime, store_id)
    home, before = _read(member, "/app/"), _read(member, "/app/activity")

    member.post("/app/activity/write-again", data={"csrf": csrf(member)})

    after = _read(member, "/app/activity")
    with runtime.database.read() as session:
        states = {row.store_id: row.state for row in session.query(StoreWrite)}
    assert "1 change could not be written back to the store." in home
    assert "Shopify refused the consent (INVALID)" in before
    assert "the store refused it" in before
    assert "Shopify refused the consent" not in after
    assert states == {shop.store_id: "queued", other_shop.store_id: "failed"}


def _add_refused_write(runtime: Runtime, store_id: int) -> None:
    with runtime.database.write() as session:
        write = StoreWrite(store_id=store_id, kind="consent", subject="email:1", state="failed")
        write.reason, write.error = "refused", "Shopify refused the consent (INVALID)"
        write.created_at = write.next_at = write.done_at = NOW
        session.add(write)


@pytest.mark.parametrize("given", [{}, {"id": "x"}, {"id": "-1"}, {"id": "9" * 30}])
def test_reading_again_needs_ids(member: FlaskClient, csrf: Csrf, given: dict[str, str]) -> None:
    assert member.post("/app/activity/replay", data={"csrf": csrf(member)} | given).status_code == 400


@pytest.mark.parametrize("wanted", ["999", "x", "", "9" * 30])
def test_a_store_that_is_not_there_cannot_be_chosen(member: FlaskClient, csrf: Csrf, wanted: str) -> None:
    answer = member.post("/app/store", data={"csrf": csrf(member), "store": wanted})

    assert answer.status_code in (400, 404)


def test_settings_are_kept(member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf) -> None:
    typed = {"sender.email": "ciao@azure.example", "rails.cap_per_week": "2", "csrf": csrf(member)}

    answer = member.post("/app/settings", data=typed)

    assert answer.status_code == 303
    assert "Saved." in _read(member, "/app/settings")
    with runtime.database.read() as session:
        store = session.get_one(Store, shop.store_id)
    assert settings.read(store, "sender.email") == "ciao@azure.example"
    assert settings.read(store, "rails.cap_per_week") == "2"


def test_every_group_of_settings_says_what_it_is_about(member: FlaskClient, shop: Shop) -> None:
    groups = re.findall(r'<details class="card settings__group"\s+id="(\w+)"', _read(member, "/app/settings"))

    assert len(groups) > 8
    for texts in CATALOGUES.values():
        assert {f"settings.{kind}.{name}" for kind in ("group", "about") for name in groups} <= texts.keys()


def test_a_wrong_setting_is_told_beside_its_field_and_nothing_is_kept(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    typed = {"sender.name": "Azzurra", "sender.email": "no address", "rails.cap_per_day": "99"}

    answer = member.post(
        "/app/settings", data=typed | {"csrf": csrf(member)}, headers={"Accept-Language": "it"}
    )

    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert page.count("field__error") == 2
    assert 'value="no address"' in page
    assert "Serve un indirizzo e-mail." in page
    with runtime.database.read() as session:
        assert session.get_one(Store, shop.store_id).settings == {}


def test_a_secret_is_never_shown_again(member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf) -> None:
    secret = "SG.abcdefghijklmnopqrstuvwxyz"

    member.post("/app/settings", data={"sendgrid.api_key": secret, "csrf": csrf(member)})

    page = _read(member, "/app/settings")
    assert secret not in page
    assert "••••wxyz" in page


@pytest.mark.parametrize(("fate", "status"), [("sent", "sent"), ("not-sent", "queued")])
def test_an_unknown_message_is_settled_by_the_merchant(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf, fate: str, status: str
) -> None:
    with runtime.database.write() as session:
        lost = add_message(session, shop.store_id, 1, word="lost", status="unknown", unknown_since=NOW)
    path = f"/app/outbox/{lost.id}"

    answer = member.post(f"{path}/settle", data={"csrf": csrf(member), "fate": fate})

    assert answer.headers["Location"] == path
    with runtime.database.read() as session:
        row = session.get_one(Message, lost.id)
    assert (row.status, row.unknown_since) == (status, None)


def test_a_message_that_is_not_unknown_cannot_be_sent_again(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    path = f"/app/outbox/{shop.ids['message']}/settle"

    member.post(path, data={"csrf": csrf(member), "fate": "not-sent"})

    with runtime.database.read() as session:
        assert session.get_one(Message, shop.ids["message"]).status == "sent"


def test_a_foreign_message_is_not_settled(
    member: FlaskClient, runtime: Runtime, other_shop: Shop, csrf: Csrf
) -> None:
    with runtime.database.write() as session:
        lost = add_message(session, other_shop.store_id, 1, word="lost", status="unknown")

    answer = member.post(f"/app/outbox/{lost.id}/settle", data={"csrf": csrf(member), "fate": "not-sent"})

    assert answer.status_code == 404
    with runtime.database.read() as session:
        assert session.get_one(Message, lost.id).status == "unknown"


def test_a_message_of_unknown_status_is_shown_as_it_is(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    with runtime.database.write() as session:
        session.query(Message).update({"status": "teleported"})

    assert "teleported" in _read(member, "/app/outbox")


@pytest.mark.parametrize(("language", "word"), [("en", "Set aside"), ("it", "Messi da parte")])
def test_activity_names_whom_and_what_a_job_failed_at(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str, word: str
) -> None:
    before = _read(member, "/app/activity", language)
    with runtime.database.write() as session:
        error = "ZeroDivisionError in complement (choosers.py:67)"
        failed = (
            ("flows", shop.ids["customer"]),
            ("attribution", shop.ids["order"]),
            ("look-up.orders", 5_550_001),
            ("look-up.uninstall", 5_550_002),
        )
        for work, subject in failed:
            asides.put(session, shop.store_id, work, subject, error=error, now=NOW)
        number = session.get_one(Order, shop.ids["order"]).number

    page = (
        _read(member, "/app/activity", language).split('aria-labelledby="asides"')[1].split("</section>")[0]
    )

    assert word not in before
    assert word in page
    assert f'href="/app/customers/{shop.ids["customer"]}"' in page
    assert number in page
    assert "5550001" in page
    assert "5550002" not in page
    assert "look-up" not in page
    assert page.count(error) == 4


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "had switched it off",
                "Paused in the store",
                "Failed 2 times in a row",
                "the store answered 503",
            ),
        ),
        ("it", ("l’aveva spento", "In pausa nel negozio", "Non riuscito 2 volte", "the store answered 503")),
    ],
)
def test_activity_tells_of_webhooks_made_anew_and_of_a_store_that_is_slow(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str, words: tuple[str, ...]
) -> None:
    remade = [{"topic": "order.updated", "reason": "disabled", "at": NOW.isoformat()}]
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.subscriptions = [{"external_id": "1", "topic": "order.created", "url": "", "state": "paused"}]
        chore = {"store_id": store.id, "name": "webhooks", "next_at": NOW, "notes": {"remade": remade}}
        session.add(Chore(**chore, attempts=2, error="the store answered 503"))

    page, home = _read(member, "/app/activity", language), _read(member, "/app/", language)

    assert [word for word in words if word not in page] == []
    assert 'href="/app/activity#upkeep"' in home


@pytest.mark.parametrize("refusal", ["key", "owner", "read-only", "locked", "clock"])
@pytest.mark.parametrize("language", ["en", "it"])
def test_home_says_why_a_store_turns_us_away(
    member: FlaskClient, runtime: Runtime, shop: Shop, language: str, refusal: str
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.state, store.refusal, store.refusals = "needs_reconnect", refusal, 3

    page = _read(member, "/app/", language)

    assert CATALOGUES[language][f"attention.reconnect.{refusal}"] in page


def test_home_warns_of_a_store_that_begins_to_turn_us_away(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    with runtime.database.write() as session:
        session.get_one(Store, shop.store_id).refusals = 2

    page = _read(member, "/app/")

    assert "turned us away 2 times in a row" in page


def test_settings_offer_the_shops_own_statuses_and_keep_several(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.order_statuses = [["completed", "Completed"], ["arrived", "È arrivato"]]
    page = _read(member, "/app/settings")

    chosen = {"meta.delivered_statuses": ["", "completed", "arrived"], "csrf": csrf(member)}
    good = member.post("/app/settings", data=chosen)
    bad = member.post("/app/settings", data={"meta.paid_statuses": "nix", "csrf": csrf(member)})

    assert "È arrivato (arrived)" in page
    assert page.count('type="checkbox" name="meta.delivered_statuses"') == 2
    assert (good.status_code, bad.status_code) == (303, 400)
    assert "completed, arrived" in bad.get_data(as_text=True)
    with runtime.database.read() as session:
        held = session.get_one(Store, shop.store_id)
    assert settings.words(held, "meta.delivered_statuses") == ("completed", "arrived")


def test_settings_fill_in_what_a_plugin_keeps_where(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    answer = member.post("/app/settings/preset", data={"preset": "trackship", "csrf": csrf(member)})

    assert answer.status_code == 303
    with runtime.database.read() as session:
        held = session.get_one(Store, shop.store_id)
    assert settings.read(held, "meta.delivered_key") == "ts_shipment_status"


@pytest.mark.parametrize(("answer", "domain"), [("moved", "new.example"), ("copy", "azure.example")])
def test_settings_ask_whether_a_shop_moved(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf, answer: str, domain: str
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.domain = "azure.example"
        store.other_home = {"url": "https://new.example", "by": "delivery"}
    asked, home = _read(member, "/app/settings"), _read(member, "/app/")

    saved = member.post("/app/settings/home", data={"home": answer, "csrf": csrf(member)})

    assert "Did the store move?" in asked
    assert 'href="/app/settings#home"' in home
    assert saved.status_code == 303
    with runtime.database.read() as session:
        held = session.get_one(Store, shop.store_id)
    assert (held.domain, held.other_home) == (domain, {})
