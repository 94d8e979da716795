"""API keys on their page: shown once, seen at work, shut out; the owner's alone."""

import re
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app import clock
from app.members.roles import MARKETER
from app.models import ApiKey, AuditEntry
from app.runtime import Runtime
from tests.web.web_members import act, add_member, browser_of
from tests.web.web_shops import NOW, Shop

PATH = "/app/settings/keys"


def _opened(api: FlaskClient, key: str) -> int:
    return api.get("/api/v1/customers", headers={"Authorization": f"Bearer {key}"}).status_code


def _row(runtime: Runtime, name: str) -> ApiKey:
    with runtime.database.read() as session:
        return session.scalars(select(ApiKey).where(ApiKey.name == name)).one()


def test_a_key_is_shown_once_and_opens_until_it_is_revoked(
    member: FlaskClient, api: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    made = act(member, PATH, name=" Help <desk> ").get_data(as_text=True)
    key = re.findall(r"rit_[\w-]{43}", made)[0]
    before, again = _opened(api, key), member.get(PATH).get_data(as_text=True)
    revoked = act(member, f"{PATH}/{_row(runtime, 'Help <desk>').id}/revoke")

    assert (before, _opened(api, key), revoked.status_code) == (200, 401, 303)
    assert "Help &lt;desk&gt;" in again
    assert key not in again
    with runtime.database.read() as session:
        told = [(row.action, row.subject) for row in session.scalars(select(AuditEntry))]
    assert told == [("key.created", "Help <desk>"), ("key.revoked", "Help <desk>")]


def test_a_key_without_a_name_is_not_made(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    page = act(member, PATH, name="  ")

    assert page.status_code == 400
    assert 'aria-invalid="true"' in page.get_data(as_text=True)
    assert "rit_" not in page.get_data(as_text=True)


def test_the_page_tells_when_a_key_was_last_used(
    member: FlaskClient, api: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    unused = member.get(PATH).get_data(as_text=True)
    for later in (timedelta(0), timedelta(minutes=4), timedelta(minutes=6)):
        with clock.frozen_at(NOW + later):
            _opened(api, shop.key)

    assert "never used" in unused
    assert "last used" in member.get(PATH).get_data(as_text=True)
    assert _row(runtime, shop.word).used_at == NOW + timedelta(minutes=6)


def test_a_key_of_another_store_is_out_of_reach(
    app: Flask, api: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop
) -> None:
    member = browser_of(app, add_member(runtime, "anna@azure.example", shop.store_id))

    answer = act(member, f"{PATH}/{_row(runtime, other_shop.word).id}/revoke")

    assert answer.status_code == 404
    assert _opened(api, other_shop.key) == 200
    assert other_shop.word not in member.get(PATH).get_data(as_text=True)


def test_keys_are_the_owners_alone(app: Flask, runtime: Runtime, shop: Shop) -> None:
    client = browser_of(app, add_member(runtime, "one@azure.example", shop.store_id, role=MARKETER))

    assert [client.get(PATH).status_code, act(client, PATH, name="x").status_code] == [403, 403]
    assert PATH not in client.get("/app/settings").get_data(as_text=True)
