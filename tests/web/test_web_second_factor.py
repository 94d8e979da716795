"""The second factor: a code opens once, a recovery code once, and neither opens without the password."""

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app.db import wall_now
from app.members import attempts, factors, sessions
from app.models import Member, MemberSession, RecoveryCode
from app.runtime import Runtime
from tests.members import members_codes
from tests.web.web_members import PASSWORD, Person, act, add_member, browser_of, sign_in, token_on
from tests.web.web_shops import Shop


@pytest.fixture
def anna(runtime: Runtime, shop: Shop) -> Person:
    """A member with a second factor."""
    person = add_member(runtime, "anna@azure.example", shop.store_id)
    with runtime.database.write() as session:
        member = session.get_one(Member, person.id)
        factors.begin(runtime.vault, member)
        member.totp_at = wall_now(session)
    return person


def code_of(runtime: Runtime, person: Person, *, seconds: int = 0) -> str:
    """What the app on their phone shows, so many seconds from now."""
    with runtime.database.read() as session:
        member = session.get_one(Member, person.id)
        return members_codes.code_of(session, runtime.vault, member, seconds=seconds)


def _half(app: Flask, person: Person) -> FlaskClient:
    """A browser whose password was right."""
    client = app.test_client()
    answer = sign_in(client, person.email, wanted="/app/orders")
    assert answer.headers["Location"] == "/app/sign-in/code?next=/app/orders"
    return client


def _type(client: FlaskClient, code: str) -> TestResponse:
    page = client.get("/app/sign-in/code")
    return client.post(
        "/app/sign-in/code", data={"csrf": token_on(page), "code": code, "next": "/app/orders"}
    )


def test_the_password_alone_opens_nothing(app: Flask, anna: Person) -> None:
    client = _half(app, anna)

    assert client.get("/app/").status_code == 401
    assert act_without_page(client, "/app/sign-out").status_code == 401


def act_without_page(client: FlaskClient, path: str) -> TestResponse:
    return client.post(path, data={"csrf": token_on(client.get("/app/sign-in/code"))})


def test_the_code_lets_in_and_leads_on(app: Flask, runtime: Runtime, anna: Person) -> None:
    client = _half(app, anna)

    answer = _type(client, f" {code_of(runtime, anna)[:3]} {code_of(runtime, anna)[3:]}")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/app/orders")
    assert client.get("/app/").status_code == 200


def test_a_code_opens_once(app: Flask, runtime: Runtime, anna: Person) -> None:
    code = code_of(runtime, anna)

    answers = [_type(_half(app, anna), code).status_code for _ in range(2)]

    assert answers == [303, 401]


def test_an_earlier_code_opens_nothing_once_a_later_one_did(
    app: Flask, runtime: Runtime, anna: Person
) -> None:
    early, late = code_of(runtime, anna, seconds=-30), code_of(runtime, anna)

    answers = [_type(_half(app, anna), code).status_code for code in (late, early)]

    assert answers == [303, 401]


def test_what_is_no_code_of_now_opens_nothing(app: Flask, runtime: Runtime, anna: Person) -> None:
    made_up = ["", "12345", "1234567", "abcdef", "１２３４５６", "-12345"]
    of_then = [code_of(runtime, anna, seconds=seconds) for seconds in (-120, 120)]

    for code in (*made_up, *of_then):
        client = _half(app, anna)
        with runtime.database.write() as session:
            attempts.forget(session, runtime.signer, attempts.CODE, address=str(anna.id))

        assert _type(client, code).status_code == 401, code


def test_guessing_codes_ends_after_six(app: Flask, runtime: Runtime, anna: Person) -> None:
    client = _half(app, anna)

    answers = [_type(client, "000000").status_code for _ in range(7)]

    assert answers == [401] * 6 + [429]
    assert _type(_half(app, anna), code_of(runtime, anna)).status_code == 429


def test_the_wait_for_the_code_ends_after_ten_minutes(app: Flask, runtime: Runtime, anna: Person) -> None:
    client = _half(app, anna)
    with runtime.database.write() as session:
        session.execute(update(MemberSession).values(expires_at=wall_now(session)))

    answer = client.get("/app/sign-in/code")

    assert (answer.status_code, answer.headers["Location"]) == (303, "/app/sign-in")


def test_the_half_sessions_token_is_no_sessions(app: Flask, runtime: Runtime, anna: Person) -> None:
    client = _half(app, anna)
    with client.session_transaction() as cookie:
        half = cookie["half"]
        cookie["session"] = half

    before = client.get("/app/").status_code
    with client.session_transaction() as cookie:
        cookie["half"] = half
    _type(client, code_of(runtime, anna))

    with client.session_transaction() as cookie:
        assert cookie["session"] != half
    with runtime.database.read() as session:
        assert sessions.half(session, half) is None
    assert before == 401


def test_it_is_set_up_by_a_picture_or_by_hand_and_its_codes_are_shown_once(
    app: Flask, runtime: Runtime, shop: Shop
) -> None:
    bruno = add_member(runtime, "bruno@azure.example", shop.store_id)
    client = browser_of(app, bruno)
    unproven = act(client, "/app/account/factor", current="not it at all")
    act(client, "/app/account/factor", current=PASSWORD)
    page = client.get("/app/account").get_data(as_text=True)
    secret = re.search(r'class="secret">([A-Z2-7 ]+)<', page)
    assert secret
    key = secret.group(1).replace(" ", "")

    wrong = act(client, "/app/account/factor/confirm", code="000000")
    before = sign_in(app.test_client(), bruno.email).headers["Location"]
    with runtime.database.read() as session:
        now = wall_now(session)
    right = act(client, "/app/account/factor/confirm", code=members_codes.digits(key, now))

    codes = re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", right.get_data(as_text=True))
    after = client.get("/app/account").get_data(as_text=True)
    assert (unproven.status_code, wrong.status_code, before) == (400, 400, "/app/")
    assert 'class="segno"' in page
    assert len(set(codes)) == 10
    assert codes[0] not in after
    assert secret.group(1) not in after
    assert _type(_half(app, bruno), codes[0].upper()).status_code == 303
    assert _type(_half(app, bruno), codes[0]).status_code == 401
    assert "9 recovery codes left" in client.get("/app/account").get_data(as_text=True)


def test_a_recovery_code_is_kept_as_a_keyed_hash_and_a_secret_sealed(
    app: Flask, runtime: Runtime, anna: Person
) -> None:
    with runtime.database.write() as session:
        codes = factors.fresh_codes(session, runtime.signer, anna.id)
        kept = list(session.scalars(select(RecoveryCode.code_hash)))
        member = session.get_one(Member, anna.id)
        secret = factors.secret_of(runtime.vault, member)

        assert secret not in member.totp_secret
        assert all(re.fullmatch("[0-9a-f]{64}", one) for one in kept)
        assert len(kept) == len(codes) == 10
        assert not factors.use_recovery_code(session, runtime.signer, anna.id + 1, codes[0])


def test_switching_it_off_wants_the_password_and_drops_the_codes(
    app: Flask, runtime: Runtime, anna: Person
) -> None:
    client = _half(app, anna)
    _type(client, code_of(runtime, anna))
    with runtime.database.write() as session:
        factors.fresh_codes(session, runtime.signer, anna.id)

    unproven = act(client, "/app/account/factor/end", current="not it at all")
    act(client, "/app/account/factor/end", current=PASSWORD)

    with runtime.database.read() as session:
        left = session.scalars(select(RecoveryCode.code_hash)).all()
    assert unproven.status_code == 400
    assert left == []
    assert sign_in(app.test_client(), anna.email).headers["Location"] == "/app/"
