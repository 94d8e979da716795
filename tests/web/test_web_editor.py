"""The editor: what is typed is tried before it is kept, nothing leaves, and no store sees another's."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.flows import contents, switch
from app.messaging import content, editions
from app.messaging.copies import read_content
from app.messaging.variables import FIELDS, UNWRITTEN, picker
from app.models import AccessEntry, Edition, Flow, Message, Store, Trial
from app.runtime import Runtime
from app.stores import settings
from app.web import drafts, previewing
from app.web.catalogue import CATALOGUES
from tests.web.web_shops import NOW, Csrf, Shop

W2, B2 = "/app/flows/welcome/messages/W2", "/app/flows/birthday/messages/B2"
DOI = "/app/flows/consent/messages/DOI"
SENDER = {
    "sender.email": "ciao@bottega.it",
    "sender.name": "Bottega",
    "sender.postal_address": "via Po 1, Torino",
}


class Form(HTMLParser):
    """The fields of the editor as a browser would send them, without its buttons."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._area: str | None = None
        self._select: str | None = None
        self.feed(page.split('id="editor"')[1])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        is_choice = given.get("type") in ("radio", "checkbox")
        if tag == "textarea":
            self._area, self.fields[name] = name, ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = value
        elif tag == "input" and name and (not is_choice or "checked" in given):
            self.fields[name] = value

    def handle_data(self, data: str) -> None:
        if self._area:
            # A browser drops the first line end of a textarea, and sends \\r\\n for the others.
            self.fields[self._area] += data.removeprefix("\n").replace("\n", "\r\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("textarea", "select"):
            self._area = self._select = None


@pytest.fixture
def sender(runtime: Runtime, shop: Shop) -> None:
    """The shop says who writes."""
    with runtime.database.write() as session:
        settings.write(session, session.get_one(Store, shop.store_id), SENDER, vault=runtime.vault)


def form_of(client: FlaskClient, path: str = W2) -> dict[str, str]:
    return Form(client.get(path, headers={"Accept-Language": "en"}).get_data(as_text=True)).fields


def post(client: FlaskClient, path: str, fields: Mapping[str, str], **changed: str) -> Any:
    names = {name.replace("__", "."): text for name, text in changed.items()}
    return client.post(path, data={**fields, **names}, headers={"Accept-Language": "en"})


def rows(runtime: Runtime, model: Any) -> list[Any]:
    with runtime.database.read() as session:
        return list(session.query(model))


def preview(client: FlaskClient, fields: Mapping[str, str], path: str = W2, **changed: str) -> dict[str, Any]:
    names = {name.replace("__", "."): text for name, text in changed.items()}
    headers = {"Accept": "application/json", "Accept-Language": "en"}
    answer = client.post(f"{path}/preview", data={**fields, **names}, headers=headers)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.get_json()
    return told


EVERY_KIND = (
    *("birthday/messages/B2", "welcome/messages/W2", "review/messages/M1", "review/messages/M3"),
    "abandoned_checkout/messages/A2",
)
"""Messages that together have every kind of block that the originals use."""


def test_the_form_says_what_the_original_says(member: FlaskClient, runtime: Runtime, sender: None) -> None:
    kinds: set[str] = set()
    for name in EVERY_KIND:
        fields = form_of(member, f"/app/flows/{name}")

        answer = post(member, f"/app/flows/{name}", fields, act="save")

        kinds |= {text for place, text in fields.items() if place.endswith(".kind")}
        assert answer.status_code == 303, name
    assert kinds == {block.kind for one in content.defaults() for block in one.email["it"].blocks}
    assert rows(runtime, Edition) == []


def test_what_is_saved_is_kept_in_one_language_and_shown_again(
    member: FlaskClient, runtime: Runtime, shop: Shop, sender: None
) -> None:
    typed = {"it.subject": "Ciao da noi", "it.blocks.1.text": "Uno\r\nDue"}
    answer = post(member, W2, {**form_of(member), **typed}, act="save")

    (kept,) = rows(runtime, Edition)
    assert answer.status_code == 303
    assert (kept.store_id, kept.name, kept.locale, kept.subject) == (
        shop.store_id,
        "welcome/W2",
        "it",
        "Ciao da noi",
    )
    assert kept.blocks[1]["text"] == "Uno\nDue"
    assert form_of(member)["it.version"] == "1"
    flow = member.get("/app/flows/welcome", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert flow.count("Your text") == 1


WRONG = (
    ("it.subject", "", "There is no text here."),
    ("it.blocks.1.text", "Uno\n{% oops %}", "There is no {% oops %}"),
    ("it.blocks.1.text", "{{ customer.nickname }}", "“customer.nickname” would stay as it is written"),
    ("en.blocks.1.text", "{{ voucher.code }}", "This message does not have a code"),
    ("en.blocks.1.text", "{{ store.story }}", "Nothing fills store.story"),
    ("it.blocks.1.text", "[NOME]", "“[NOME]” would stay as it is written"),
    ("it.blocks.8.url", "javascript:alert(1)", "An address that begins with https://"),
)


def test_what_is_wrong_stands_beside_its_field_and_nothing_is_kept(
    member: FlaskClient, runtime: Runtime, sender: None
) -> None:
    fields = form_of(member)
    for place, text, told in WRONG:
        answer = post(member, W2, {**fields, place: text}, act="save")

        page = answer.get_data(as_text=True)
        assert answer.status_code == 400
        assert told in page.split(f'data-problem="{place}">')[1].split("</p>")[0]
        assert Form(page).fields[place] == text.replace("\n", "\r\n")
    assert rows(runtime, Edition) == []


def test_a_mail_that_would_be_cut_off_is_refused(member: FlaskClient, runtime: Runtime, sender: None) -> None:
    fields = form_of(member)
    for number in range(10, 35):
        fields |= {f"it.blocks.{number}.kind": "text", f"it.blocks.{number}.text": "parola " * 700}

    answer = post(member, W2, fields, act="save")

    assert answer.status_code == 400
    assert "more than 100 KB" in answer.get_data(as_text=True)


def test_who_saves_over_anothers_change_keeps_what_they_typed(
    member: FlaskClient, runtime: Runtime, sender: None
) -> None:
    fields = form_of(member)
    post(member, W2, fields, act="save", it__subject="Prima")

    answer = post(member, W2, fields, act="save", it__subject="Seconda")

    assert answer.status_code == 409
    assert Form(answer.get_data(as_text=True)).fields["it.subject"] == "Seconda"
    assert [row.subject for row in rows(runtime, Edition)] == ["Prima"]


def test_one_click_leads_back_to_the_original(member: FlaskClient, runtime: Runtime, sender: None) -> None:
    post(member, W2, form_of(member), act="save", it__subject="Mia")
    fields = form_of(member)

    answer = post(member, W2, fields, act="reset.it")

    assert answer.status_code == 303
    assert rows(runtime, Edition) == []
    assert form_of(member)["it.subject"] == content.named("welcome/W2").email["it"].subject


def test_blocks_are_moved_taken_out_and_added_without_keeping_anything(
    member: FlaskClient, runtime: Runtime
) -> None:
    def kinds(act: str, fields: dict[str, str]) -> list[str]:
        page = post(member, W2, fields, act=act, it__add="voucher").get_data(as_text=True)
        shown = Form(page).fields
        return [shown[f"it.blocks.{at}.kind"] for at in range(20) if f"it.blocks.{at}.kind" in shown]

    fields = form_of(member)
    before = kinds("find", fields)

    assert kinds("down.it.0", fields)[:2] == before[1::-1]
    assert kinds("up.it.0", fields) == before
    assert kinds("drop.it.0", fields) == before[1:]
    assert kinds("add.it", fields)[-2:] == ["voucher", "signature"]
    assert (
        post(member, W2, fields, act="write.it.2").get_data(as_text=True).count('name="it.blocks.2.when"')
        == 1
    )
    assert rows(runtime, Edition) == []


def test_a_button_or_a_message_that_is_none_is_refused(member: FlaskClient) -> None:
    fields = form_of(member)
    acts = ("burn", "up.de.0", "up.it.x", "up.it.²", "add.it")

    answers = [post(member, W2, fields, act=act, it__add="html").status_code for act in acts]
    pages = [
        member.get(path).status_code
        for path in ("/app/flows/welcome/messages/W9", "/app/flows/nonsense/messages/W1")
    ]

    assert answers == [400] * len(acts)
    assert pages == [404, 404]


def test_the_preview_is_what_would_be_sent_and_changes_nothing(
    member: FlaskClient, runtime: Runtime, sender: None
) -> None:
    messages = len(rows(runtime, Message))

    seen = preview(member, form_of(member), locale="it", it__subject="Ciao {{ customer.first_name }}")

    assert seen["subject"] == "Ciao Giulia"
    assert "via Po 1, Torino" in seen["html"]
    assert "/u/" in seen["html"]
    assert "Piacere di conoscerti, Giulia" in seen["text"]
    assert seen["warnings"]["subject"][0].startswith("Where the first name is not known")
    assert len(rows(runtime, Message)) == messages
    assert rows(runtime, Trial) == rows(runtime, Edition) == []


def test_a_customer_of_the_store_can_be_looked_for_and_tried_on(
    member: FlaskClient, runtime: Runtime, shop: Shop, sender: None
) -> None:
    fields = form_of(member)

    page = post(member, W2, fields, act="find", q="azu").get_data(as_text=True)
    seen = preview(member, fields, locale="en", person=str(shop.ids["customer"]))

    assert f'name="person" value="{shop.ids["customer"]}"' in page
    looks = [(entry.what, entry.customer_id, entry.count) for entry in rows(runtime, AccessEntry)]
    assert looks == [("customers", None, 1), ("customer", shop.ids["customer"], 1)]
    assert "Nice to meet you, azure" in seen["text"]


def test_another_stores_customer_and_text_do_not_exist_here(
    member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, sender: None
) -> None:
    with runtime.database.write() as session:
        whole = content.named("welcome/W2")
        wording = editions.wording_of(whole, "it")
        assert wording is not None
        theirs = {"it": editions.Wording(wording.mail.model_copy(update={"subject": "Solo loro"}))}
        editions.save(session, other_shop.store_id, "welcome/W2", wordings=theirs, seen={}, now=NOW)
    fields = form_of(member)

    strangers = (str(other_shop.ids["customer"]), "0", "9999999", "x", "²", "-1", "9" * 30)
    found = post(member, W2, fields, act="find", q=other_shop.word).get_data(as_text=True)

    assert fields["it.subject"] != "Solo loro"
    for person in strangers:
        asked = {**fields, "locale": "it", "person": person}
        assert member.post(f"{W2}/preview", data=asked).status_code == 404, person
    assert f'name="person" value="{other_shop.ids["customer"]}"' not in found


def test_without_a_script_a_frame_shows_the_mail_and_can_do_nothing(
    member: FlaskClient, sender: None
) -> None:
    answer = member.post(f"{W2}/preview", data={**form_of(member), "locale": "it", "view": "dark"})

    policy = answer.headers["Content-Security-Policy"]
    assert answer.mimetype == "text/html"
    assert "@media all" in answer.get_data(as_text=True)
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script-src" not in policy
    assert "http:" not in policy.replace("https:", "")


def test_what_a_text_message_costs_is_counted_on_the_server(
    member: FlaskClient, runtime: Runtime, shop: Shop, sender: None
) -> None:
    fields = form_of(member, B2)
    unknown = preview(member, fields, B2, locale="it", it__sms="Auguri 🎉 " + "x" * 70)["sms"]["count"]
    priced = {"sending.sms_price_minor": "7.5", "sending.sms_price_currency": "EUR", "sender.sms_name": "B"}
    with runtime.database.write() as session:
        settings.write(session, session.get_one(Store, shop.store_id), priced, vault=runtime.vault)

    known = preview(member, fields, B2, locale="it", it__sms="Auguri")["sms"]["count"]

    assert "UCS-2" in unknown[1]
    assert "not known" in unknown[2]
    assert "🎉" in unknown[3]
    assert "GSM-7" in known[1]
    assert "€0.075" in known[2]


def test_beside_liquid_stands_what_it_reads_as_without_a_script_too(
    member: FlaskClient, sender: None
) -> None:
    page = member.get(B2, headers={"Accept-Language": "en"}).get_data(as_text=True)

    told = dict(re.findall(r'data-reading="([^"]+)">([^<]*)<', page))
    counted = re.findall(r'data-count="(..)"[^>]*>\s*<li>([^<]+)', page)

    assert told["it.subject"] == "It reads: Tanti auguri, Giulia!\nWhere that is not known: Tanti auguri!"
    assert told["en.preheader"] == "It reads: From all of us at Bottega."
    assert told["it.blocks.1.text"] == ""
    assert told["it.blocks.4.url"] == "It leads here: the shop’s address on the web"
    assert "ESEMPIO-1234" in told["it.sms"]
    assert [language for language, _ in counted] == ["it", "en"]
    assert all("characters" in text for _, text in counted)


def test_what_it_reads_as_follows_what_is_typed(member: FlaskClient, sender: None) -> None:
    fields = form_of(member)
    name = "{{ customer.first_name }}"

    read = preview(member, fields, locale="it", it__subject=f"Per {name}", it__preheader="{% if x %}")[
        "readings"
    ]
    elsewhere = preview(member, fields, locale="it", it__subject="{{ confirm.url }} qui")["readings"]

    assert read["subject"] == ["It reads: Per Giulia"]
    assert "preheader" not in read
    assert "subject" not in elsewhere


def test_no_name_and_no_text_becomes_markup(member: FlaskClient, sender: None) -> None:
    nasty = '"><script>alert(1)</script>'
    fields = {**form_of(member), "it.subject": nasty, "it.blocks.1.text": nasty}

    page = post(member, W2, fields, act="find", q=nasty).get_data(as_text=True)
    seen = preview(member, fields, locale="it")

    assert "<script>alert" not in page + seen["html"]


def test_the_stage_is_empty_and_runs_one_script(api: FlaskClient) -> None:
    answer = api.get("/assets/stage")

    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox allow-scripts; default-src 'none'" in policy
    assert re.findall(r"script-src ([^;]+);", policy) == ["http://localhost/assets/js/stage.js"]
    assert "allow-same-origin" not in policy


def test_a_trial_waits_for_the_worker_about_somebody_made_up(
    member: FlaskClient, runtime: Runtime, shop: Shop, sender: None
) -> None:
    fields = form_of(member)
    asked = {
        "person": str(shop.ids["customer"]),
        "to": "sender.email",
        "it.subject": "Ciao {{ customer.first_name }}",
    }

    first = post(member, W2, {**fields, **asked}, act="test.it")
    post(member, W2, {**fields, **asked}, act="test.it")

    (trial,) = rows(runtime, Trial)
    kept = read_content(trial.letter) or {}
    assert first.status_code == 200
    assert (trial.to_address, trial.status) == ("ciao@bottega.it", "queued")
    assert kept["subject"] == "Ciao Giulia"
    assert "/c/" not in kept["html"]
    assert "utm_" not in kept["html"]
    assert rows(runtime, Edition) == []


def test_a_trial_goes_to_the_merchant_only(member: FlaskClient, runtime: Runtime, sender: None) -> None:
    fields = form_of(member)
    for to in ("stranger@evil.example", "", "consent.import"):
        answer = post(member, W2, fields, act="test.it", to=to)

        assert answer.status_code == 400
        assert "addresses in the settings" in answer.get_data(as_text=True)
    assert rows(runtime, Trial) == []


def test_a_text_is_tried_on_the_merchants_own_number_and_on_no_other(
    member: FlaskClient, runtime: Runtime, shop: Shop, sender: None
) -> None:
    values = {"notices.phone": "+393331234567", "sender.sms_name": "Bottega"}
    with runtime.database.write() as session:
        settings.write(session, session.get_one(Store, shop.store_id), values, vault=runtime.vault)
    fields = form_of(member, B2)

    strange = [post(member, B2, fields, act="text.it", phone=to) for to in ("+15005550006", "sender.email")]
    no_text = post(member, W2, form_of(member), act="text.it", phone="notices.phone")
    tried = post(member, B2, fields, act="text.it", it__sms="Auguri {{ customer.first_name }}")

    (trial,) = rows(runtime, Trial)
    assert [answer.status_code for answer in (*strange, no_text, tried)] == [400, 400, 400, 200]
    assert (trial.channel, trial.to_address) == ("sms", "+393331234567")
    assert "Auguri Giulia" in (read_content(trial.letter) or {})["text"]


def test_the_mail_that_asks_to_confirm_is_written_in_the_same_editor_and_asks_for_nothing_else(
    member: FlaskClient, runtime: Runtime, sender: None
) -> None:
    fields = form_of(member, DOI)

    kept = post(member, DOI, fields, act="save", it__subject="Confermi a {{ store.name }}?")
    bad = post(member, DOI, form_of(member, DOI), act="save", it__blocks__1__text="Sconto su www.bottega.it")
    seen = preview(member, form_of(member, DOI), DOI, locale="it")
    tried = post(member, DOI, form_of(member, DOI), act="test.it", to="sender.email")

    (edition,) = rows(runtime, Edition)
    (trial,) = rows(runtime, Trial)
    assert [answer.status_code for answer in (kept, bad, tried)] == [303, 400, 200]
    assert "the only one" in bad.get_data(as_text=True)
    assert (edition.name, edition.subject) == ("consent/DOI", "Confermi a {{ store.name }}?")
    assert seen["subject"] == "Confermi a Bottega?"
    assert len(re.findall(r'href="[^"]*/o/', seen["html"])) == 1
    assert "/u/" not in seen["html"] + (read_content(trial.letter) or {})["html"]
    page = member.get(DOI).get_data(as_text=True)
    assert re.findall(r'data-insert="{{ (\S+) }}"', page) == ["store.name", "store.address", "confirm.url"]
    assert "The code is an example" not in page
    assert "The code is an example" in member.get("/app/flows/welcome/messages/W1").get_data(as_text=True)


def test_no_other_message_hides_behind_the_confirmation(member: FlaskClient) -> None:
    strange = ("consent/messages/W1", "consent/messages/doi", "welcome/messages/DOI", "consent/messages/%2e")
    answers = [member.get(f"/app/flows/{path}").status_code for path in strange]

    assert answers == [404] * 4


def test_a_shop_that_has_not_said_who_writes_is_told_so(member: FlaskClient, runtime: Runtime) -> None:
    seen = preview(member, form_of(member), locale="it")
    answer = post(member, W2, form_of(member), act="test.it", to="sender.email")

    assert "While name and postal address" in seen["warnings"][""][0]
    assert answer.status_code == 400
    assert rows(runtime, Trial) == []


def test_a_broken_text_keeps_its_flow_off(
    member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf, api: FlaskClient, sender: None
) -> None:
    post(member, W2, form_of(member), act="save", it__subject="Mia")
    with runtime.database.write() as session:
        session.query(Edition).update({"subject": "{{ customer.shoe_size }}"})

    answer = member.post("/app/flows/welcome/activate", data={"csrf": csrf(member)})
    by_api = api.post("/api/v1/flows/welcome/activate", headers=shop.headers)

    assert answer.status_code == 303
    assert "W2" in member.get("/app/flows/welcome").get_data(as_text=True)
    assert by_api.status_code == 400
    with runtime.database.read() as session, pytest.raises(contents.BrokenText):
        contents.check_texts(session, shop.store_id, switch.definition_of(session, shop.store_id, "welcome"))
    assert not any(flow.is_active for flow in rows(runtime, Flow))


def test_every_word_of_the_editor_is_told() -> None:
    known = CATALOGUES["it"].keys()
    codes = ("empty", "long", "invalid", "unknown", "link", "missing", "failed", "heavy")

    wanted = {f"editor.problem.{code}" for code in codes}
    wanted |= {f"editor.test.{why}" for why in ("too-many", "sender", "address")}
    wanted |= {f"variable.{path}" for path in picker(frozenset(FIELDS))}
    wanted |= {f"block.{kind}" for kind in drafts.FIELDS} | {f"editor.unwritten.{path}" for path in UNWRITTEN}
    wanted |= {f"editor.view.{view}" for view in previewing.VIEWS}

    assert wanted <= known
