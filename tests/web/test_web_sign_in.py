"""Signing in by address and password: who gets in, who is kept out, and what is left in the browser."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update

from app.db import wall_now
from app.members import passwords, sessions
from app.models import AuditEntry, Member, MemberSession, SignInAttempt
from app.runtime import Runtime
from tests.engines import POSTGRESQL, SQLITE
from tests.web.web_members import PASSWORD, Person, act, add_member, browser_of, sign_in, token_of, token_on
from tests.web.web_shops import Shop, make_app, signed_in

both_databases = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])


@pytest.fixture
def anna(runtime: Runtime, shop: Shop) -> Person:
    return add_member(runtime, "anna@azure.example", shop.store_id)


def test_the_right_password_opens_the_store(app: Flask, anna: Person, shop: Shop) -> None:
    client = app.test_client()

    answer = sign_in(client, " Anna@Azure.example ", wanted="/app/customers?q=az")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/app/customers?q=az")
    assert shop.word in client.get("/app/customers").get_data(as_text=True)


def test_an_unknown_address_and_a_wrong_password_are_told_apart_by_nobody(
    app: Flask, runtime: Runtime, anna: Person
) -> None:
    add_member(runtime, "invited@azure.example")
    with runtime.database.write() as session:
        session.execute(update(Member).where(Member.email == "invited@azure.example").values(password=""))

    answers = [
        sign_in(app.test_client(), email, "not the password at all")
        for email in (anna.email, "nobody@azure.example", "invited@azure.example")
    ]

    pages = {re.sub(r'value="[^"]*"', "", answer.get_data(as_text=True)) for answer in answers}
    assert [answer.status_code for answer in answers] == [401] * 3
    assert len(pages) == 1


def test_an_address_that_nobody_has_costs_as_much_as_one_that_somebody_has() -> None:
    """Argon2 runs each time, with the same parameters: there is no time to tell them apart by."""
    parameters = [kept.split("$")[1:4] for kept in (passwords.hashed(PASSWORD), passwords._nobodys())]

    assert not passwords.fits(PASSWORD, "")
    assert parameters == [["argon2id", "v=19", "m=19456,t=2,p=1"]] * 2


@both_databases
def test_nobody_signs_in_where_nobody_has_a_password(app: Flask, runtime: Runtime, shop: Shop) -> None:
    form, posted = app.test_client().get("/app/sign-in"), app.test_client().post("/app/sign-in")

    assert (form.status_code, posted.status_code) == (401, 400)
    assert 'href="/app/sign-in' not in form.get_data(as_text=True)


def test_a_screen_without_a_session_is_401_and_leads_to_the_form_and_back(app: Flask, anna: Person) -> None:
    answer = app.test_client().get("/app/orders?cursor=7")

    assert answer.status_code == 401
    assert 'href="/app/sign-in?next=%2Fapp%2Forders%3Fcursor%3D7"' in answer.get_data(as_text=True)


ELSEWHERE = (
    "https://evil.example/app/",
    "//evil.example/app/",
    "/app//evil.example",
    "/app/../api/v1/customers",
    "/\\evil.example",
    "/app/\\evil.example",
    "/app/\r\nSet-Cookie: a=b",
    "javascript:alert(1)",
    "/app/sign-out",
    "",
)


@both_databases
def test_nobody_is_led_anywhere_else(app: Flask, anna: Person) -> None:
    client = app.test_client()
    forms = [client.get("/app/sign-in", query_string={"next": wanted}).text for wanted in ELSEWHERE]

    typed = {"csrf": token_of(client), "email": anna.email, "password": PASSWORD}
    places = [client.post("/app/sign-in", data=typed | {"next": ELSEWHERE[1]}).headers["Location"]]
    places += [
        client.get("/app/sign-in", query_string={"next": one}).headers["Location"] for one in ELSEWHERE
    ]

    assert all('name="next" value="/app/"' in form for form in forms)
    assert set(places) == {"/app/"}


def test_a_form_from_another_site_signs_nobody_in(app: Flask, anna: Person) -> None:
    client, other = app.test_client(), app.test_client()
    typed = {"email": anna.email, "password": PASSWORD}
    client.get("/app/sign-in")

    answers = [
        client.post("/app/sign-in", data=typed),
        client.post("/app/sign-in", data=typed | {"csrf": token_on(other.get("/app/sign-in"))}),
        client.post("/app/password", data={"email": anna.email}),
    ]

    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert client.get("/app/").status_code == 401


@both_databases
def test_guessing_ends_after_ten_tries_also_for_the_right_password(
    app: Flask, runtime: Runtime, anna: Person
) -> None:
    tries = [sign_in(app.test_client(), anna.email, f"guess {n}").status_code for n in range(11)]

    right = sign_in(app.test_client(), anna.email)
    with runtime.database.write() as session:
        an_hour_ago = wall_now(session) - timedelta(hours=1)
        session.execute(update(SignInAttempt).values(since=an_hour_ago))
    later = sign_in(app.test_client(), anna.email)

    assert tries == [401] * 10 + [429]
    assert (right.status_code, later.status_code) == (429, 303)


@both_databases
def test_a_client_that_tries_many_addresses_is_stopped_too(app: Flask, runtime: Runtime, shop: Shop) -> None:
    people = [add_member(runtime, f"{number}@azure.example", shop.store_id) for number in range(7)]
    client = app.test_client()
    token = token_on(client.get("/app/sign-in"))

    def guess(number: int, **environ: str) -> int:
        typed = {"csrf": token, "email": people[number % 7].email, "password": "guess"}
        # A header that anybody can write moves nobody into another bucket.
        headers = {"X-Forwarded-For": f"10.0.0.{number}"}
        return client.post("/app/sign-in", data=typed, headers=headers, environ_base=environ).status_code

    tries = [guess(number) for number in range(61)]

    assert tries == [401] * 60 + [429]
    assert guess(62, REMOTE_ADDR="192.0.2.7") == 401


def test_only_hashes_of_who_tried_are_kept(app: Flask, runtime: Runtime, anna: Person) -> None:
    sign_in(app.test_client(), "canary@azure.example", "guess")

    with runtime.database.read() as session:
        kept = list(session.scalars(select(SignInAttempt.subject)))
    assert len(kept) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", subject) for subject in kept)


def test_what_somebody_planted_in_the_cookie_is_gone_after_the_sign_in(
    app: Flask, runtime: Runtime, anna: Person
) -> None:
    client = app.test_client()
    planted = token_on(client.get("/app/sign-in"))
    with client.session_transaction() as cookie:
        cookie["session"], cookie["store"] = "a token that the attacker knows", 99

    sign_in(client, anna.email)

    with client.session_transaction() as cookie:
        held = dict(cookie)
    with runtime.database.read() as session:
        assert sessions.find(session, "a token that the attacker knows") is None
    assert held["session"] != "a token that the attacker knows"
    assert "store" not in held
    assert token_on(client.get("/app/")) != planted


def test_signing_in_again_ends_the_session_that_the_browser_had(
    app: Flask, runtime: Runtime, anna: Person, shop: Shop
) -> None:
    client = signed_in(app, runtime)
    with client.session_transaction() as cookie:
        old = cookie["session"]
        cookie["session"] = old
    typed = {"csrf": token_of(client), "email": anna.email, "password": PASSWORD}

    client.post("/app/sign-in", data=typed)

    with runtime.database.read() as session:
        assert sessions.find(session, old) is None
    assert "anna@azure.example" in client.get("/app/account").get_data(as_text=True)


def test_a_copied_cookie_opens_nothing_after_signing_out(app: Flask, anna: Person) -> None:
    client, copy = browser_of(app, anna), app.test_client()
    with client.session_transaction() as cookie:
        held = dict(cookie)
    with copy.session_transaction() as cookie:
        cookie.update(held)
    before = copy.get("/app/").status_code

    act(client, "/app/sign-out")

    assert (before, copy.get("/app/").status_code) == (200, 401)


def test_signing_out_everywhere_ends_every_browsers_session_of_this_member_alone(
    app: Flask, runtime: Runtime, anna: Person, shop: Shop
) -> None:
    bruno = add_member(runtime, "bruno@azure.example", shop.store_id)
    here, there, other = browser_of(app, anna), browser_of(app, anna), browser_of(app, bruno)

    act(here, "/app/sign-out/everywhere")

    assert [one.get("/app/").status_code for one in (here, there, other)] == [401, 401, 200]


@pytest.mark.parametrize(
    "age", [{"seen_at": sessions.IDLE}, {"expires_at": timedelta(0)}], ids=["idle for long", "over"]
)
def test_a_session_ends_by_the_databases_clock(
    app: Flask, runtime: Runtime, anna: Person, age: dict[str, timedelta]
) -> None:
    client = browser_of(app, anna)
    with runtime.database.write() as session:
        now = wall_now(session)
        session.execute(update(MemberSession).values({name: now - by for name, by in age.items()}))

    assert client.get("/app/").status_code == 401


def test_a_session_that_is_used_stays_open(app: Flask, runtime: Runtime, anna: Person) -> None:
    client = browser_of(app, anna)
    with runtime.database.write() as session:
        old = wall_now(session) - sessions.IDLE + timedelta(minutes=1)
        session.execute(update(MemberSession).values(seen_at=old))

    client.get("/app/")

    with runtime.database.read() as session:
        seen_at = session.execute(select(MemberSession.seen_at)).scalar_one()
    assert seen_at > old + timedelta(hours=11)


def test_a_member_ends_single_sessions_of_their_own_only(
    app: Flask, runtime: Runtime, anna: Person, shop: Shop
) -> None:
    bruno = add_member(runtime, "bruno@azure.example", shop.store_id)
    here, there, other = browser_of(app, anna), browser_of(app, anna), browser_of(app, bruno)
    with runtime.database.read() as session:
        ids = {
            row.member_id: row.id
            for row in session.execute(select(MemberSession).order_by(MemberSession.id)).scalars()
        }

    own = act(here, f"/app/account/sessions/{ids[anna.id]}/end")
    foreign = act(here, f"/app/account/sessions/{ids[bruno.id]}/end")

    assert (own.status_code, foreign.status_code) == (303, 404)
    assert [one.get("/app/").status_code for one in (there, other)] == [401, 200]


def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_wires(runtime: Runtime, shop: Shop) -> None:
    https = runtime.settings.model_copy(update={"public_url": "https://ritorno.example"})
    person = add_member(runtime, "anna@azure.example", shop.store_id)
    client = make_app(replace(runtime, settings=https)).test_client()
    client.environ_base["wsgi.url_scheme"] = "https"

    cookie = sign_in(client, person.email).headers["Set-Cookie"]

    assert all(word in cookie for word in ("Secure", "HttpOnly", "SameSite=Lax", "Expires="))


def test_a_sign_in_is_written_down(app: Flask, runtime: Runtime, anna: Person) -> None:
    sign_in(app.test_client(), anna.email)

    with runtime.database.read() as session:
        entries = [(row.actor_id, row.action) for row in session.scalars(select(AuditEntry))]
    assert entries == [(f"m{anna.id}", "member.signed-in")]


def test_the_operators_link_becomes_a_login_of_every_store(
    app: Flask, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    client = signed_in(app, runtime)

    made = act(client, "/app/account/first", name="Olga", email="olga@example.com", password=PASSWORD)
    again = app.test_client()
    sign_in(again, "olga@example.com")

    home = again.get("/app/").get_data(as_text=True)
    assert made.status_code == 303
    assert all(f"{one.word}.example" in home for one in (shop, other_shop))
    assert "Olga" in home


def test_a_members_address_is_nobodys_to_take(app: Flask, runtime: Runtime, anna: Person) -> None:
    client = signed_in(app, runtime)

    answer = act(client, "/app/account/first", email=anna.email, password="another password of mine")

    assert answer.status_code == 400
    assert sign_in(app.test_client(), anna.email).status_code == 303


def test_a_member_makes_no_second_login(app: Flask, anna: Person) -> None:
    client = browser_of(app, anna)

    assert act(client, "/app/account/first", email="x@example.com", password=PASSWORD).status_code == 404


def test_a_password_that_is_easily_guessed_is_refused_beside_its_field(
    app: Flask, runtime: Runtime, shop: Shop
) -> None:
    client = signed_in(app, runtime)

    for password in ("kettles", "aaaaaaaaaaaaaa", "password1234", "anna1234anna", "x" * 201):
        answer = act(client, "/app/account/first", email="anna@azure.example", password=password)

        assert answer.status_code == 400
        assert 'id="password-error"' in answer.text
        assert password not in answer.text


def test_a_new_password_ends_the_other_sessions_and_needs_the_old_one(app: Flask, anna: Person) -> None:
    here, there = browser_of(app, anna), browser_of(app, anna)
    fresh = "eight blue kettles dance"

    wrong = act(here, "/app/account/password", current="not it at all", password=fresh)
    right = act(here, "/app/account/password", current=PASSWORD, password=fresh)

    assert (wrong.status_code, right.status_code) == (400, 303)
    assert [one.get("/app/").status_code for one in (here, there)] == [200, 401]
    assert sign_in(app.test_client(), anna.email).status_code == 401
    assert sign_in(app.test_client(), anna.email, fresh).status_code == 303
