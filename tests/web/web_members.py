"""Members of the test shops, made in the database, and browsers in which they sign in through the pages."""

from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.members import people, sessions
from app.members.roles import OWNER
from app.models import Membership
from app.runtime import Runtime
from tests.web.web_shops import NOW

PASSWORD = "seven green kettles sing"


@dataclass(frozen=True)
class Person:
    """A member: their number and address; the password is the same for all."""

    id: int
    email: str


@cache
def kept_password() -> str:
    """Hashed with next to no memory: checking it takes what it says of itself, which is short here."""
    kdf = Argon2id(salt=b"a salt of tests.", length=32, iterations=1, lanes=1, memory_cost=8)
    return kdf.derive_phc_encoded(PASSWORD.encode())


def add_member(
    runtime: Runtime, email: str, *store_ids: int, role: str = OWNER, is_operator: bool = False
) -> Person:
    """A member who took up the invitations of these stores."""
    with runtime.database.write() as session:
        member = people.make(session, email, NOW, name=email.partition("@")[0].title())
        member.password, member.is_operator = kept_password(), is_operator
        for store_id in store_ids:
            row = Membership(store_id=store_id, member_id=member.id, role=role, invited_at=NOW)
            row.accepted_at = NOW
            session.add(row)
        return Person(member.id, member.email)


def token_on(page: TestResponse) -> str:
    """The form's token, as the browser reads it off a page."""
    return page.get_data(as_text=True).split('name="csrf" value="')[1].split('"')[0]


def sign_in(client: FlaskClient, email: str, password: str = PASSWORD, wanted: str = "/app/") -> TestResponse:
    """Fill in the form and send it."""
    typed = {"csrf": token_on(client.get("/app/sign-in")), "email": email, "password": password}
    return client.post("/app/sign-in", data=typed | {"next": wanted})


def browser_of(app: Flask, person: Person) -> FlaskClient:
    """A browser in which somebody is signed in; by the door behind the form, which is quicker."""
    with runtime_of(app).database.write() as session:
        token = sessions.open_session(session, person.id, "Mozilla/5.0 (X11; Linux) Firefox/140.0")
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["session"] = token
    return client


def act(client: FlaskClient, path: str, **typed: str | list[str]) -> TestResponse:
    """Post a form of the pages."""
    return client.post(path, data={"csrf": token_of(client), **typed})


def token_of(client: FlaskClient) -> str:
    """What a form of this browser's session carries, without asking for a page."""
    with client.session_transaction() as cookie:
        held: str = cookie.setdefault("csrf", "what this session holds")
    return runtime_of(client.application).signer.sign("csrf", held)


def runtime_of(app: Flask) -> Runtime:
    """The process behind an app."""
    built: Runtime = app.extensions["ritorno"]
    return built
