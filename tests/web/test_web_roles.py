"""Who may do what: every POST route by every role, and every route with another store's things."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from app.members import people, roles, sessions
from app.members.roles import MARKETER, OWNER, READER
from app.models import Customer, Member, Membership, Message, Store
from app.runtime import Runtime
from app.web import auth
from tests.web.test_web_headers import SCREENS
from tests.web.web_members import Person, act, add_member, browser_of, sign_in, token_of
from tests.web.web_shops import NOW, Shop


@pytest.fixture
def owner(runtime: Runtime, shop: Shop) -> Person:
    return add_member(runtime, "anna@azure.example", shop.store_id)


def _rules(app: Flask, method: str) -> Iterator[tuple[Rule, str]]:
    """The routes behind the members' door with an address of each; ids are those of nothing."""
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if method in (rule.methods or set()) and getattr(view, auth.MARK) == "merchant":
            values = {name: 2**62 if "_id" in name else "welcome" for name in rule.arguments}
            yield rule, adapter.build(rule.endpoint, values, method=method)


def _screens(shop: Shop) -> list[str]:
    """Every page of the tests of headers that a reader may open."""
    paths = [path.format(**shop.ids) for path in SCREENS]
    return [path for path in paths if path not in ("/app/settings/keys", "/app/settings/leaving")]


@pytest.mark.parametrize("role", roles.ROLES)
def test_a_change_is_refused_to_who_is_less_than_the_route_names(
    app: Flask, runtime: Runtime, shop: Shop, role: str
) -> None:
    client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=role))
    csrf = {"csrf": token_of(client)}

    for rule, path in _rules(app, "POST"):
        least = getattr(app.view_functions[rule.endpoint], auth.LEAST)
        if roles.covers(role, least):
            continue
        assert client.post(path, data=csrf).status_code == 403, (role, path)
    refused = [path for rule, path in _rules(app, "POST") if not roles.covers(role, _least(app, rule))]
    assert len(refused) >= {OWNER: 0, MARKETER: 5, READER: 20}[role]


def test_a_page_of_the_owners_is_shown_to_no_lesser_one(app: Flask, runtime: Runtime, shop: Shop) -> None:
    client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=MARKETER))

    answers = {path: client.get(path).status_code for path in ("/app/members", "/install/woocommerce")}

    assert set(answers.values()) == {403}


def test_a_reader_looks_at_every_screen_and_is_offered_no_change(
    app: Flask, runtime: Runtime, shop: Shop
) -> None:
    client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=READER))

    for path in _screens(shop):
        page = client.get(path)
        main = page.get_data(as_text=True).split("<main")[1].split("</main>")[0]
        forms = re.findall(r'<form[^>]* method="post"[^>]* action="([^"]+)"', main)
        assert page.status_code == 200, path
        # The editor's form is what the preview is made of; it has no button but that.
        assert forms == ([path] if "/messages/" in path else []), path
        assert set(re.findall(r'<(?:button|input)[^>]* name="act" value="(\w+)', main)) == set(), path
        assert "Changes are made by marketers and owners" in main, path


def test_a_reader_reads_a_message_and_not_what_makes_it(app: Flask, runtime: Runtime, shop: Shop) -> None:
    client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=READER))

    page = client.get("/app/flows/birthday/messages/B2").get_data(as_text=True)
    told = re.findall(r'<p class="editor__told">([^<]*)</p>', page)

    assert any("Tanti auguri, Giulia!" in text for text in told)
    assert not any("{%" in text for text in told)


@pytest.mark.parametrize("path", ["/app/settings", "/app/flows/birthday/steps/B2"])
def test_what_a_reader_may_not_change_is_told_as_text(
    app: Flask, runtime: Runtime, shop: Shop, path: str
) -> None:
    person = add_member(runtime, "one@azure.example", shop.store_id, role=READER)
    client = browser_of(app, person)

    main = client.get(path).get_data(as_text=True).split("<main")[1].split("</main>")[0]

    assert re.findall(r"<(?:input|select|textarea)", main) == []
    assert main.count("<dt>") > 2


def test_a_marketer_changes_no_account_that_messages_leave_by(
    app: Flask, runtime: Runtime, shop: Shop
) -> None:
    client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=MARKETER))
    typed = {"twilio.account_sid": "AC" + "1" * 32, "sender.name": "Azure"}

    page = client.get("/app/settings").get_data(as_text=True)
    act(client, "/app/settings", **typed)

    with runtime.database.read() as session:
        settings = session.get_one(Store, shop.store_id).settings
    assert 'name="twilio.account_sid"' not in page
    assert "only owners of the store change" in page
    assert settings == {"sender.name": "Azure"}


def test_a_member_sees_their_own_stores_and_no_trace_of_others(
    app: Flask, owner: Person, shop: Shop, other_shop: Shop
) -> None:
    client = browser_of(app, owner)
    named = {"customer_id": "customer", "message_id": "message"}
    adapter = app.url_map.bind("localhost")

    for rule, plain in _rules(app, "GET"):
        if rule.rule.startswith(("/install/", "/auth/")):
            continue
        ids = {name: other_shop.ids[named[name]] for name in rule.arguments if name in named}
        others = {name: "welcome" for name in rule.arguments if name not in ids}
        path = adapter.build(rule.endpoint, {**ids, **others}, method="GET") if ids else plain
        answer = client.get(path)
        assert other_shop.word not in answer.get_data(as_text=True), path
        assert answer.status_code == 404 or not ids, path


def test_no_change_reaches_a_foreign_stores_things(
    app: Flask, runtime: Runtime, owner: Person, shop: Shop, other_shop: Shop
) -> None:
    client = browser_of(app, owner)
    csrf = {"csrf": token_of(client)}
    adapter = app.url_map.bind("localhost")
    named = {"customer_id": other_shop.ids["customer"], "message_id": other_shop.ids["message"]}

    for rule, _ in _rules(app, "POST"):
        ids = {name: named[name] for name in rule.arguments if name in named}
        if ids:
            path = adapter.build(rule.endpoint, ids, method="POST")
            assert client.post(path, data=csrf | {"fate": "sent"}).status_code == 404, path
    chosen = client.post("/app/store", data=csrf | {"store": str(other_shop.store_id)})

    with runtime.database.read() as session:
        customer = session.get_one(Customer, other_shop.ids["customer"])
        message = session.get_one(Message, other_shop.ids["message"])
    assert chosen.status_code == 404
    assert (customer.first_name, message.status) == (other_shop.word, "sent")


def test_a_cookie_that_names_a_foreign_store_shows_ones_own(
    app: Flask, owner: Person, shop: Shop, other_shop: Shop
) -> None:
    client = browser_of(app, owner)
    with client.session_transaction() as cookie:
        cookie["store"] = other_shop.store_id

    page = client.get("/app/customers").get_data(as_text=True)

    assert shop.word in page
    assert other_shop.word not in page


def test_a_member_of_two_stores_switches_between_them_and_is_in_each_what_they_are_there(
    app: Flask, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    person = add_member(runtime, "both@example.com", shop.store_id)
    add_member(runtime, "both@example.com", other_shop.store_id, role=READER)
    client = browser_of(app, person)

    here = act(client, "/app/flows/welcome/activate")
    act(client, "/app/store", store=str(other_shop.store_id))
    there = act(client, "/app/flows/welcome/activate")

    switcher = client.get("/app/").get_data(as_text=True)
    assert (here.status_code, there.status_code) == (303, 403)
    assert all(re.search(rf"{one.word}\.example", switcher) for one in (shop, other_shop))


def test_a_new_role_and_a_removal_count_from_the_next_click_on(
    app: Flask, runtime: Runtime, owner: Person, shop: Shop
) -> None:
    other = add_member(runtime, "two@azure.example", shop.store_id, role=MARKETER)
    theirs, mine = browser_of(app, other), browser_of(app, owner)

    before = act(theirs, "/app/flows/welcome/activate")
    act(mine, f"/app/members/{other.id}/role", role=READER)
    lesser = act(theirs, "/app/flows/welcome/activate")
    act(mine, f"/app/members/{other.id}/remove")

    assert (before.status_code, lesser.status_code) == (303, 403)
    assert theirs.get("/app/customers").status_code == 401


def test_who_connects_a_store_becomes_its_owner_unless_it_has_members(
    runtime: Runtime, owner: Person, shop: Shop, other_shop: Shop
) -> None:
    with runtime.database.write() as session:
        is_theirs = [people.adopt(session, one.store_id, owner.id, NOW) for one in (shop, other_shop)]
        member = session.get_one(Member, owner.id)
        held = sessions.roles_of(session, member)

    assert is_theirs == [False, True]
    assert held == {shop.store_id: OWNER, other_shop.store_id: OWNER}


def test_somebody_without_a_store_sees_none(app: Flask, runtime: Runtime, shop: Shop) -> None:
    client = browser_of(app, add_member(runtime, "none@example.com"))

    home, orders = client.get("/app/"), client.get("/app/orders")

    assert shop.word not in home.get_data(as_text=True)
    assert 'action="/install/woocommerce"' not in home.get_data(as_text=True)
    assert orders.status_code == 303
    assert client.get("/install/woocommerce?store=https://x.example").status_code == 403


def test_an_invitation_that_nobody_took_up_opens_nothing(app: Flask, runtime: Runtime, shop: Shop) -> None:
    person = add_member(runtime, "two@azure.example", shop.store_id)
    with runtime.database.write() as session:
        session.get_one(Membership, (shop.store_id, person.id)).accepted_at = None

    client = browser_of(app, person)

    assert shop.word not in client.get("/app/").get_data(as_text=True)


def test_the_audit_log_names_the_member(app: Flask, owner: Person, shop: Shop) -> None:
    client = app.test_client()
    sign_in(client, owner.email)
    act(client, "/app/flows/welcome/activate")

    page = client.get("/app/audit").get_data(as_text=True)

    assert "Signed in" in page
    assert re.search(r"Flow switched on.*?Anna", page, re.DOTALL)


def test_a_stores_last_owner_stays(app: Flask, owner: Person, shop: Shop) -> None:
    client = browser_of(app, owner)

    answers = [
        act(client, f"/app/members/{owner.id}/role", role=READER),
        act(client, f"/app/members/{owner.id}/remove"),
    ]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert all("needs an owner" in answer.get_data(as_text=True) for answer in answers)


def test_members_of_another_store_are_nobody_here(
    app: Flask, runtime: Runtime, owner: Person, shop: Shop, other_shop: Shop
) -> None:
    foreign = add_member(runtime, "carla@crimson.example", other_shop.store_id)
    client = browser_of(app, owner)

    acts = ("role", "remove", "sign-out")
    answers = [act(client, f"/app/members/{foreign.id}/{one}", role=READER).status_code for one in acts]

    assert answers == [404, 404, 404]
    assert "carla" not in client.get("/app/members").get_data(as_text=True).lower()
    assert sign_in(app.test_client(), foreign.email).status_code == 303


def _least(app: Flask, rule: Rule) -> str:
    least: str = getattr(app.view_functions[rule.endpoint], auth.LEAST)
    return least


def test_the_operators_link_opens_every_page(member: FlaskClient) -> None:
    assert member.get("/app/members").status_code == 200
