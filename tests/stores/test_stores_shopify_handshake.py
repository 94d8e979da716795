"""Installing on Shopify through the web, and everything an attacker may try on the way."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app import clock
from app.models import Backfill, InstallAttempt
from app.runtime import Runtime
from app.stores import credentials
from tests.engines import POSTGRESQL, SQLITE
from tests.stores.stores_browser import all_stores, expire_attempts, query_of
from tests.stores.stores_wire import CLIENT_ID, SHOP, FakePlatforms, real_now, signed_query

OTHER_SHOP = "evil.myshopify.com"

pytestmark = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])


def _start(browser: FlaskClient, shop: str = SHOP) -> str:
    """Begin at the install link; the state that Shopify is given."""
    query = signed_query({"shop": shop, "timestamp": str(real_now())})
    return query_of(browser.get("/install/shopify", query_string=query))["state"]


def _callback(browser: FlaskClient, platforms: FakePlatforms, **changes: str) -> TestResponse:
    """Come back as Shopify sends the browser back, with some parameters changed before signing."""
    platforms.codes.add("code-1")
    params = {"code": "code-1", "shop": SHOP, "timestamp": str(real_now()), "host": "aG9zdA", **changes}
    return browser.get("/auth/shopify/callback", query_string=signed_query(params))


def test_the_handshake_connects_the_shop(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)

    answer = _callback(browser, platforms, state=state)

    assert (answer.status_code, answer.location) == (303, "/app/")
    store = all_stores(runtime)[0]
    assert (store.domain, store.state, store.currency) == (SHOP, "connected", "EUR")
    assert (store.timezone, store.scopes) == ("Europe/Rome", ["read_customers", "read_orders"])
    secrets = credentials.unseal(runtime.vault, store.credentials)
    assert secrets.access["access_token"] == platforms.access_tokens[0]
    with runtime.database.read() as session:
        assert set(session.scalars(select(Backfill.resource))) == {"products", "customers", "orders"}
        assert session.scalar(select(func.count()).select_from(InstallAttempt)) == 0


def test_the_merchant_is_sent_to_the_shop_that_was_signed(
    browser: FlaskClient, platforms: FakePlatforms
) -> None:
    query = signed_query({"shop": SHOP, "timestamp": str(real_now())})

    answer = browser.get("/install/shopify", query_string=query, headers={"Host": "evil.example"})

    sent_to = query_of(answer)
    assert answer.location.startswith(f"{platforms.base}/shopify/{SHOP}/admin/oauth/authorize?")
    assert sent_to["redirect_uri"] == "http://app.test/auth/shopify/callback"
    assert sent_to["client_id"] == CLIENT_ID
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert sent_to["state"] not in cookie


def _link(now: int, **changes: str) -> dict[str, str]:
    return signed_query({"shop": SHOP, "timestamp": str(now), **changes})


@pytest.mark.parametrize(
    "made",
    [
        lambda _: {},
        lambda now: {"shop": SHOP, "timestamp": str(now)},
        lambda now: {**_link(now), "hmac": "0" * 64},
        lambda now: {**_link(now), "hmac": "é"},
        lambda now: {**_link(now), "shop": OTHER_SHOP},
        lambda now: signed_query({"shop": SHOP, "timestamp": str(now)}, "another-secret"),
        lambda now: signed_query({"shop": SHOP, "timestamp": str(now)}, ""),
        lambda now: _link(now - 200),
        lambda now: _link(now + 200),
        lambda _: signed_query({"shop": SHOP}),
        lambda now: signed_query({"timestamp": str(now)}),
        lambda now: _link(now, shop="evil.com"),
        lambda now: _link(now, shop=f"{SHOP}.evil.com"),
        lambda now: _link(now, shop=f"{SHOP}#@evil.com"),
        lambda now: _link(now, shop="ａurora.myshopify.com"),
        lambda now: _link(now, shop="127.0.0.1"),
    ],
)
def test_an_install_link_that_shopify_did_not_sign_is_refused(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime, made: Callable[[int], dict[str, str]]
) -> None:
    answer = browser.get("/install/shopify", query_string=made(real_now()))

    assert answer.status_code == 400
    assert platforms.calls == []
    with runtime.database.read() as session:
        assert session.scalar(select(func.count()).select_from(InstallAttempt)) == 0


def test_a_callback_without_its_state_or_code_is_refused(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)

    statuses = [
        _callback(browser, platforms).status_code,
        _callback(browser, platforms, state="").status_code,
        _callback(browser, platforms, state="foreign").status_code,
        _callback(browser, platforms, state=state, code="").status_code,
    ]

    assert statuses == [400] * 4
    assert all_stores(runtime) == []
    assert platforms.grants == []


def test_a_state_is_good_once(browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime) -> None:
    state = _start(browser)
    _callback(browser, platforms, state=state)

    answer = _callback(browser, platforms, state=state)

    assert answer.status_code == 400
    assert len(platforms.grants) == 1


def test_a_state_of_another_browser_is_refused(
    app: Flask, browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)
    victim = app.test_client()
    _start(victim)

    statuses = [_callback(victim, platforms, state=state).status_code]
    statuses.append(_callback(app.test_client(), platforms, state=state).status_code)

    assert statuses == [400, 400]
    assert all_stores(runtime) == []
    assert platforms.grants == []


def test_a_state_of_another_shop_is_refused(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser, OTHER_SHOP)

    answer = _callback(browser, platforms, state=state)

    assert answer.status_code == 400
    assert all_stores(runtime) == []
    assert platforms.grants == []


def test_two_tabs_of_one_browser_do_not_disturb_each_other(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    first = _start(browser)
    _start(browser, OTHER_SHOP)

    answer = _callback(browser, platforms, state=first)

    assert answer.status_code == 303
    assert [store.domain for store in all_stores(runtime)] == [SHOP]


def test_a_state_that_is_too_old_is_refused(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)
    expire_attempts(runtime)

    assert _callback(browser, platforms, state=state).status_code == 400
    assert all_stores(runtime) == []


def test_simulated_time_makes_no_state_old(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    clock.travel_to(clock.now().replace(year=2024))
    state = _start(browser)
    clock.travel_to(clock.now().replace(year=2031))

    assert _callback(browser, platforms, state=state).status_code == 303
    assert all_stores(runtime)[0].installed_at == clock.now()


def test_a_forged_callback_is_refused(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)
    params = signed_query({"code": "code-1", "shop": SHOP, "timestamp": str(real_now()), "state": state})

    statuses = [
        browser.get("/auth/shopify/callback", query_string={**params, "code": "code-2"}).status_code,
        browser.get("/auth/shopify/callback", query_string={**params, "shop": OTHER_SHOP}).status_code,
        browser.get("/auth/shopify/callback", query_string=[*params.items(), ("shop", SHOP)]).status_code,
        _callback(browser, platforms, state=state, timestamp="1").status_code,
    ]

    assert statuses == [400] * 4
    assert platforms.grants == []


def test_a_code_that_shopify_refuses_stores_nothing(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)

    answer = _callback(browser, platforms, state=state, code="used-before")

    assert answer.status_code == 400
    assert all_stores(runtime) == []


def test_a_token_of_another_shop_is_not_kept(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)
    platforms.shop_says = OTHER_SHOP

    assert _callback(browser, platforms, state=state).status_code == 400
    assert all_stores(runtime) == []


def test_a_silent_shopify_is_no_fault_of_the_merchant(
    browser: FlaskClient, platforms: FakePlatforms, runtime: Runtime
) -> None:
    state = _start(browser)
    platforms.silent_paths.add(f"/shopify/{SHOP}/admin/oauth/access_token")

    assert _callback(browser, platforms, state=state).status_code == 503
    assert all_stores(runtime) == []


def test_the_callback_leads_home_whatever_its_parameters_say(
    browser: FlaskClient, platforms: FakePlatforms
) -> None:
    state = _start(browser)

    answer = _callback(
        browser, platforms, state=state, host="Ly9ldmlsLmV4YW1wbGU", return_to="//evil.example"
    )

    assert answer.location == "/app/"
