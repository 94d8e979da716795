"""Who gets in, and who does not."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.db import wall_now
from app.models import ApiKey, SignInLink
from app.runtime import Runtime
from app.web import auth
from tests.engines import POSTGRESQL, SQLITE
from tests.web.web_shops import NOW, Csrf, Shop

both_databases = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])


def _link(runtime: Runtime) -> str:
    with runtime.database.write() as session:
        return auth.issue_sign_in_link(session, NOW)


@both_databases
def test_a_link_signs_in_once(app: Flask, runtime: Runtime, shop: Shop) -> None:
    token = _link(runtime)
    first, second = app.test_client(), app.test_client()

    answers = [first.get(f"/app/sign-in/{token}"), second.get(f"/app/sign-in/{token}")]

    assert [answer.status_code for answer in answers] == [303, 401]
    assert first.get("/app/").status_code == 200
    assert second.get("/app/").status_code == 401


@both_databases
def test_a_link_older_than_its_end_by_the_databases_clock_is_refused(app: Flask, runtime: Runtime) -> None:
    token = _link(runtime)
    with runtime.database.write() as session:
        session.execute(update(SignInLink).values(expires_at=wall_now(session) - timedelta(seconds=1)))

    answer = app.test_client().get(f"/app/sign-in/{token}")

    assert answer.status_code == 401


def test_a_preview_that_asks_for_the_head_uses_nothing_up(app: Flask, runtime: Runtime, shop: Shop) -> None:
    token = _link(runtime)
    client = app.test_client()

    client.head(f"/app/sign-in/{token}")

    assert client.get(f"/app/sign-in/{token}").status_code == 303


def test_the_session_cookie_is_kept_from_scripts_and_other_sites(app: Flask, runtime: Runtime) -> None:
    answer = app.test_client().get(f"/app/sign-in/{_link(runtime)}")

    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


@both_databases
def test_only_hashes_of_links_and_keys_are_kept(runtime: Runtime, shop: Shop) -> None:
    token = _link(runtime)

    with runtime.database.read() as session:
        kept = [*session.scalars(select(SignInLink.token_hash)), *session.scalars(select(ApiKey.key_hash))]

    assert all(len(value) == 64 for value in kept)
    assert token not in kept
    assert shop.key not in kept


def test_signing_out_ends_the_session(member: FlaskClient, csrf: Csrf) -> None:
    member.post("/app/sign-out", data={"csrf": csrf(member)})

    assert member.get("/app/").status_code == 401


def test_every_endpoint_says_who_may_use_it(app: Flask) -> None:
    unmarked = [
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], auth.MARK, None) is None
    ]

    assert unmarked == []


def test_no_screen_opens_without_a_session(app: Flask) -> None:
    adapter = app.url_map.bind("localhost")
    screens = [
        (rule, method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"GET", "POST"})
        if getattr(app.view_functions[rule.endpoint], auth.MARK) == "merchant"
    ]

    for rule, method in screens:
        values = {name: 1 if "_id" in name else "welcome" for name in rule.arguments}
        path = adapter.build(rule.endpoint, values, method=method)
        assert app.test_client().open(path, method=method).status_code == 401, path
    assert len(screens) > 15


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer rit_", "Bearer rit_wrong", "Basic rit_x", "Bearer rit_é", "rit_x"],
)
def test_the_api_refuses_what_is_no_key(api: FlaskClient, shop: Shop, header: str) -> None:
    answer = api.get("/api/v1/customers", headers={"Authorization": header.encode().decode("latin-1")})

    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")


@both_databases
def test_a_revoked_key_opens_nothing(api: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    with runtime.database.write() as session:
        session.execute(update(ApiKey).values(revoked_at=NOW))

    assert api.get("/api/v1/customers", headers=shop.headers).status_code == 401


def test_a_members_session_is_no_api_key(member: FlaskClient) -> None:
    assert member.get("/api/v1/customers").status_code == 401
