"""What the handshake tests do in a browser and look up behind it."""

from urllib.parse import parse_qs, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from app import clock
from app.db import wall_now
from app.models import InstallAttempt, Store
from app.runtime import Runtime
from app.web.auth import issue_sign_in_link


def sign_in(app: Flask, runtime: Runtime) -> FlaskClient:
    """A browser that a member signed in with."""
    client = app.test_client()
    with runtime.database.write() as session:
        token = issue_sign_in_link(session, clock.now())
    client.get(f"/app/sign-in/{token}")
    return client


def query_of(answer: TestResponse) -> dict[str, str]:
    """The parameters of the address that the browser is sent to."""
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()}


def all_stores(runtime: Runtime) -> list[Store]:
    """Every store that is saved."""
    with runtime.database.read() as session:
        return list(session.scalars(select(Store)))


def expire_attempts(runtime: Runtime) -> None:
    """Let the time of every handshake run out."""
    with runtime.database.write() as session:
        session.execute(update(InstallAttempt).values(expires_at=wall_now(session)))
