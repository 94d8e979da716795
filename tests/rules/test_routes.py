"""Every address says who may come in, and every address that others rely on exists."""

import pytest
from flask import Flask

from app.members.roles import READER, ROLES
from app.runtime import Runtime
from app.web.auth import LEAST, MARK
from tests.engines import SQLITE
from tests.sites import app_over

pytestmark = pytest.mark.parametrize("engine", [SQLITE])

MARKS = frozenset({"public", "merchant", "api", "signed"})

READING = frozenset({"GET", "HEAD", "OPTIONS"})
WAYS_IN = {
    "/app/sign-in",
    "/app/sign-in/code",
    "/app/sign-in/<token>",
    "/app/password",
    "/app/password/<token>",
    "/app/invitation/<token>",
}
"""What is open to who has no session yet."""

PROMISED = (
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
    ("GET", "/install/shopify"),
    ("GET", "/auth/shopify/callback"),
    ("GET", "/install/woocommerce"),
    ("POST", "/auth/woocommerce/callback"),
    ("GET", "/auth/woocommerce/return"),
    ("GET", "/u/token"),
    ("POST", "/u/token"),
    ("GET", "/p/token"),
    ("POST", "/p/token"),
    ("GET", "/c/token"),
    ("GET", "/r/token"),
    ("POST", "/r/token"),
    ("GET", "/o/token"),
    ("POST", "/o/token"),
    ("GET", "/app/"),
    ("GET", "/app/outbox"),
    ("GET", "/app/reviews"),
    ("GET", "/api/v1/openapi.json"),
    ("GET", "/api/v1/customers"),
    ("POST", "/api/v1/customers/1/consents"),
    ("DELETE", "/api/v1/customers/1"),
    ("GET", "/api/v1/customers/1/why"),
    ("GET", "/api/v1/orders"),
    ("GET", "/api/v1/products"),
    ("GET", "/api/v1/events"),
    ("POST", "/api/v1/events"),
    ("GET", "/api/v1/inbound-events"),
    ("GET", "/api/v1/messages"),
    ("GET", "/api/v1/messages/1/why"),
    ("GET", "/api/v1/messages/1/content"),
    ("GET", "/api/v1/reviews"),
    ("GET", "/api/v1/flows"),
    ("GET", "/api/v1/flows/welcome"),
    ("POST", "/api/v1/flows/welcome/activate"),
    ("POST", "/api/v1/flows/welcome/deactivate"),
    ("GET", "/api/v1/enrollments"),
)
"""The addresses that other programs are told of; /webhooks/… is answered before Flask (webhooks/door.py)."""


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The whole web side."""
    return app_over(runtime)


def test_every_route_says_who_may_come_in(app: Flask) -> None:
    unmarked = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], MARK, None) not in MARKS
    }

    assert unmarked == set()


def test_every_open_route_says_why(app: Flask) -> None:
    views = [app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()]

    reasons = [getattr(view, "_ritorno_reason", "") for view in views if getattr(view, MARK, "") == "public"]

    assert all(reasons)


@pytest.mark.parametrize(("method", "path"), PROMISED)
def test_every_promised_address_exists(app: Flask, method: str, path: str) -> None:
    endpoint, _ = app.url_map.bind("app.test").match(path, method=method)

    assert endpoint in app.view_functions


def test_everything_of_the_api_wants_a_key_but_its_description(app: Flask) -> None:
    doors = {
        rule.rule: getattr(app.view_functions[rule.endpoint], MARK)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/")
    }

    assert doors.pop("/api/v1/openapi.json") == "public"
    assert set(doors.values()) == {"api"}


def test_every_screen_wants_a_member_but_the_ways_in(app: Flask) -> None:
    doors = {
        rule.rule: getattr(app.view_functions[rule.endpoint], MARK)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/app/")
    }

    assert {path for path, mark in doors.items() if mark == "public"} == WAYS_IN
    assert set(doors.values()) == {"merchant", "public"}


def test_every_change_on_a_screen_names_the_least_role(app: Flask) -> None:
    unnamed = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], MARK) == "merchant"
        and (rule.methods or set()) - READING
        and getattr(app.view_functions[rule.endpoint], LEAST) not in ROLES
    }

    assert unnamed == set()


def test_readers_change_their_own_things_only(app: Flask) -> None:
    theirs = {
        rule.endpoint.partition(".")[0]
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], LEAST, None) == READER
        and "POST" in (rule.methods or set())
    }

    assert theirs == {"account", "second_factor", "sign_in", "language", "home", "previewing"}
