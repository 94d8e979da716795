"""Nothing changes by a form that was not ours."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.flows import switch
from app.runtime import Runtime
from app.web import auth
from tests.web.web_shops import Csrf, Shop, signed_in


def _posts(app: Flask) -> list[str]:
    adapter = app.url_map.bind("localhost")
    return [
        adapter.build(
            rule.endpoint, {name: 1 if "_id" in name else "welcome" for name in rule.arguments}, method="POST"
        )
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or set())
        and getattr(app.view_functions[rule.endpoint], auth.MARK) == "merchant"
    ]


def test_every_form_of_the_screens_needs_its_token(app: Flask, member: FlaskClient) -> None:
    paths = _posts(app)

    answers = {path: member.post(path).status_code for path in paths}

    assert set(answers.values()) == {400}
    assert len(answers) >= 7


def test_another_sessions_token_does_not_count(
    app: Flask, member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf
) -> None:
    stranger = signed_in(app, runtime)
    member.get("/app/")

    answer = member.post("/app/flows/welcome/activate", data={"csrf": csrf(stranger)})

    assert answer.status_code == 400
    with runtime.database.read() as session:
        assert not any(view.is_active for view in switch.listing(session, shop.store_id))


@pytest.mark.parametrize("token", ["", "x", "x.y", "é.é", "." * 50])
def test_a_made_up_token_does_not_count(member: FlaskClient, token: str) -> None:
    member.get("/app/")

    assert member.post("/app/flows/welcome/activate", data={"csrf": token}).status_code == 400


def test_the_pages_own_token_counts(member: FlaskClient, runtime: Runtime, shop: Shop, csrf: Csrf) -> None:
    answer = member.post("/app/flows/welcome/activate", data={"csrf": csrf(member)})

    assert answer.status_code == 303
    with runtime.database.read() as session:
        assert [view.key for view in switch.listing(session, shop.store_id) if view.is_active] == ["welcome"]


def test_a_field_that_no_database_takes_is_refused(member: FlaskClient, shop: Shop, csrf: Csrf) -> None:
    typed = {"csrf": csrf(member), "name": "stock\0room"}

    assert member.post("/app/settings/keys", data=typed).status_code == 400
    assert member.post("/app/settings/keys", data={**typed, "name": "stockroom"}).status_code < 400
