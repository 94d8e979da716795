"""Invitations and new passwords: a link is good once, for its own purpose, for a while."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.db import wall_now
from app.members import letters, links
from app.models import AuditEntry, Member, MemberLetter, Membership, SignInLink
from app.runtime import Runtime
from tests.web.web_members import PASSWORD, Person, act, add_member, browser_of, sign_in, token_on
from tests.web.web_shops import NOW, Shop

FRESH = "eight blue kettles dance"


@pytest.fixture
def owner(runtime: Runtime, shop: Shop) -> Person:
    return add_member(runtime, "anna@azure.example", shop.store_id)


@pytest.fixture
def mailing(app: Flask, runtime: Runtime) -> Runtime:
    """A process that can write to its members."""
    known = {"sendgrid_api_key": "SG.x", "notice_from": "ritorno@example.com"}
    built = replace(runtime, settings=runtime.settings.model_copy(update=known))
    app.extensions["ritorno"] = built
    return built


def _invite(client: FlaskClient, email: str, role: str = "marketer") -> str:
    """The path of the link that the page shows."""
    page = act(client, "/app/members", email=email, role=role).get_data(as_text=True)
    found = re.search(r"(/app/invitation/[\w.-]+)", page)
    assert found
    return found.group(1)


def _reset_link(runtime: Runtime, person: Person) -> str:
    with runtime.database.write() as session:
        token = links.issue(session, NOW, member_id=person.id, lasts=links.PASSWORD_LASTS)
    return f"/app/password/{token}"


def _send(client: FlaskClient, path: str, **typed: str) -> TestResponse:
    return client.post(path, data={"csrf": token_on(client.get(path)), **typed})


def test_an_invitation_makes_a_member_of_this_store_with_a_password_of_their_own(
    app: Flask, runtime: Runtime, owner: Person, shop: Shop, other_shop: Shop
) -> None:
    path = _invite(browser_of(app, owner), " Bruno@Azure.example")
    client = app.test_client()

    joined = _send(client, path, name="Bruno", password=FRESH)

    page = client.get("/app/").get_data(as_text=True)
    assert (joined.status_code, joined.headers["Location"]) == (303, "/app/")
    assert shop.word in page
    assert other_shop.word not in page
    assert client.get("/app/members").status_code == 403
    assert sign_in(app.test_client(), "bruno@azure.example", FRESH).status_code == 303


def test_an_invitation_is_good_once(app: Flask, owner: Person) -> None:
    path = _invite(browser_of(app, owner), "bruno@azure.example")
    one, two = app.test_client(), app.test_client()
    csrf = token_on(two.get(path))

    first = _send(one, path, password=FRESH)
    second = two.post(path, data={"csrf": csrf, "password": "another password of theirs"})

    assert (first.status_code, second.status_code) == (303, 404)
    assert one.get(path).status_code == 404
    assert sign_in(app.test_client(), "bruno@azure.example", FRESH).status_code == 303


def test_looking_at_a_link_uses_nothing_up(app: Flask, runtime: Runtime, owner: Person) -> None:
    paths = [_invite(browser_of(app, owner), "bruno@azure.example"), _reset_link(runtime, owner)]

    looks = [
        app.test_client().open(path, method=method) for path in paths for method in ("GET", "HEAD", "GET")
    ]

    assert {answer.status_code for answer in looks} == {200}


@pytest.mark.parametrize("end", ["old", "forged", "other store", "taken back"])
def test_a_link_that_is_no_invitation_opens_nothing(
    app: Flask, runtime: Runtime, owner: Person, shop: Shop, other_shop: Shop, end: str
) -> None:
    client = browser_of(app, owner)
    path = _invite(client, "bruno@azure.example")
    with runtime.database.write() as session:
        if end == "old":
            session.execute(update(Membership).values(invited_until=wall_now(session)))
        number = session.scalars(select(Member.id).where(Member.email == "bruno@azure.example")).one()
    if end == "forged":
        path = path[:-1] + ("A" if path[-1] != "A" else "B")
    if end == "other store":
        path = path.replace(f"/{shop.store_id}.", f"/{other_shop.store_id}.")
    if end == "taken back":
        act(client, f"/app/members/{number}/remove")

    page, answer = app.test_client().get(path), app.test_client()
    csrf = {"csrf": token_on(answer.get("/app/sign-in"))}

    assert page.status_code == 404
    assert answer.post(path, data=csrf | {"password": FRESH}).status_code == 404


def test_a_made_up_token_is_no_invitation(app: Flask, owner: Person) -> None:
    tokens = ["", ".", "1.", "x.y", "1.x", f"{10**30}.x", "é.x", "-1.x"]

    answers = [app.test_client().get(f"/app/invitation/{token}").status_code for token in tokens]

    assert answers == [404] * len(tokens)


def test_an_invitation_replaces_no_password_of_who_has_one(
    app: Flask, runtime: Runtime, owner: Person, other_shop: Shop
) -> None:
    """Else the owner of one store could take over a login that opens another."""
    carla = add_member(runtime, "carla@crimson.example", other_shop.store_id)
    path = _invite(browser_of(app, owner), carla.email)

    taken = _send(app.test_client(), path, password=FRESH, name="Mallory")
    hers = app.test_client()
    joined = _send(hers, path, password=PASSWORD)

    home = hers.get("/app/").get_data(as_text=True)
    assert (taken.status_code, joined.status_code) == (401, 303)
    assert sign_in(app.test_client(), carla.email, FRESH).status_code == 401
    assert "azure.example" in home
    assert "crimson.example" in home


def test_who_was_invited_by_two_stores_gets_into_one_by_each_link(
    app: Flask, runtime: Runtime, owner: Person, shop: Shop, other_shop: Shop
) -> None:
    carla = add_member(runtime, "carla@crimson.example", other_shop.store_id)
    here = _invite(browser_of(app, owner), "bruno@example.com")
    _invite(browser_of(app, carla), "bruno@example.com")

    client = app.test_client()
    _send(client, here, password=FRESH)

    home = client.get("/app/").get_data(as_text=True)
    assert shop.word in home
    assert other_shop.word not in home


def test_who_is_in_already_is_not_invited_again(app: Flask, owner: Person) -> None:
    client = browser_of(app, owner)

    answers = [act(client, "/app/members", email=typed, role="reader") for typed in (owner.email, "nonsense")]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert all('id="email-error"' in answer.get_data(as_text=True) for answer in answers)


def test_where_mail_can_be_sent_the_link_is_sealed_for_it_and_shown_to_nobody(
    app: Flask, mailing: Runtime, owner: Person, shop: Shop
) -> None:
    client = browser_of(app, owner)

    answer = act(client, "/app/members", email="bruno@azure.example", role="reader")

    page = client.get("/app/members").get_data(as_text=True)
    with mailing.database.write() as session:
        (row,) = session.scalars(select(MemberLetter)).all()
        (letter,) = letters.claim(session, mailing.vault, NOW)
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert answer.status_code == 303
    assert "/app/invitation/" not in page + row.sealed
    assert (letter.to_address, letter.store) == ("bruno@azure.example", f"{shop.word} shop")
    assert app.test_client().get(letter.url.removeprefix("http://127.0.0.1:8000")).status_code == 200
    assert entry.details == {"email": "bruno@azure.example", "role": "reader"}


def test_a_new_password_is_asked_for_in_the_same_words_by_everybody(
    app: Flask, mailing: Runtime, owner: Person
) -> None:
    client = app.test_client()

    asked = [owner.email, "nobody@azure.example", *[owner.email] * 4]
    answers = [_send(client, "/app/password", email=email) for email in asked]

    with mailing.database.read() as session:
        queued = session.scalars(select(MemberLetter.member_id)).all()
    assert len({answer.get_data() for answer in answers}) == 1
    assert queued == [owner.id] * 3


def test_where_no_mail_can_be_sent_who_gives_a_link_is_said(
    app: Flask, runtime: Runtime, owner: Person
) -> None:
    client = app.test_client()
    page = client.get("/app/password").get_data(as_text=True)
    csrf = {"csrf": token_on(client.get("/app/sign-in"))}

    client.post("/app/password", data=csrf | {"email": owner.email})

    with runtime.database.read() as session:
        assert session.scalars(select(SignInLink.token_hash)).all() == []
    assert "ritorno member reset" in page


def test_a_link_sets_a_new_password_once_and_ends_the_old_ones_sessions(
    app: Flask, runtime: Runtime, owner: Person
) -> None:
    old, path, spare = browser_of(app, owner), _reset_link(runtime, owner), _reset_link(runtime, owner)
    client = app.test_client()
    csrf = token_on(client.get(path))

    weak = _send(client, path, password="kettles")
    done = client.post(path, data={"csrf": csrf, "password": FRESH})
    again = app.test_client().get(path)

    assert (weak.status_code, done.status_code, again.status_code) == (400, 303, 404)
    assert [one.get("/app/").status_code for one in (client, old)] == [200, 401]
    assert app.test_client().get(spare).status_code == 404
    assert sign_in(app.test_client(), owner.email).status_code == 401


def test_a_link_to_a_password_is_no_sign_in_and_the_operators_link_sets_no_password(
    app: Flask, runtime: Runtime, owner: Person
) -> None:
    token = _reset_link(runtime, owner).rpartition("/")[2]
    with runtime.database.write() as session:
        operators = links.issue(session, NOW, lasts=links.OPERATORS_LASTS)

    crossed = [
        app.test_client().get(path).status_code
        for path in (f"/app/sign-in/{token}", f"/app/password/{operators}")
    ]

    assert crossed == [401, 404]
    assert app.test_client().get(f"/app/password/{token}").status_code == 200
    assert app.test_client().get(f"/app/sign-in/{operators}").status_code == 303


def test_a_link_to_a_password_is_over_after_an_hour_of_the_databases_clock(
    app: Flask, runtime: Runtime, owner: Person
) -> None:
    path = _reset_link(runtime, owner)
    with runtime.database.write() as session:
        end = session.execute(select(SignInLink.expires_at)).scalar_one()
        left = end - wall_now(session)
        session.execute(update(SignInLink).values(expires_at=wall_now(session)))

    assert timedelta(minutes=59) < left <= timedelta(hours=1)
    assert app.test_client().get(path).status_code == 404


def test_who_is_removed_from_their_last_store_is_forgotten(
    app: Flask, runtime: Runtime, owner: Person, shop: Shop
) -> None:
    bruno = add_member(runtime, "bruno@azure.example", shop.store_id)
    theirs, path = browser_of(app, bruno), _reset_link(runtime, bruno)

    act(browser_of(app, owner), f"/app/members/{bruno.id}/remove")

    with runtime.database.read() as session:
        kept = session.scalars(select(Member.email)).all()
    assert kept == [owner.email]
    assert theirs.get("/app/").status_code == 401
    assert app.test_client().get(path).status_code == 404
