"""Inside Shopify's admin: a session token opens one shop's screens, and nothing else does."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import responses
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import OctKey
from sqlalchemy import select

from app.models import Store
from app.runtime import Runtime
from app.stores import attempts, credentials
from tests.engines import POSTGRESQL, SQLITE
from tests.web.web_shops import Shop

CLIENT_ID, SECRET = "client-1", "the app's secret, long enough"
SHOP = "aurora.myshopify.com"
TOKENS = f"https://{SHOP}/admin/oauth/access_token"
ADMIN = f"https://{SHOP}/admin/api/2026-10/graphql.json"
PAIR = {
    "access_token": "an access token",
    "expires_in": 3600,
    "refresh_token": "a refresh token",
    "refresh_token_expires_in": 7_776_000,
    "scope": "read_orders",
}
FRAMED = {"Sec-Fetch-Dest": "iframe"}

pytestmark = pytest.mark.parametrize("engine", [SQLITE, POSTGRESQL])


@pytest.fixture
def runtime(runtime: Runtime) -> Runtime:
    """A process whose operator has an app at Shopify."""
    known = {"shopify_client_id": CLIENT_ID, "shopify_client_secret": SECRET}
    return replace(runtime, settings=runtime.settings.model_copy(update=known))


@pytest.fixture
def admin(app: Flask, shop: Shop, other_shop: Shop, runtime: Runtime) -> FlaskClient:
    """A browser inside the admin of the first shop, which is connected; it keeps no cookies."""
    with runtime.database.write() as session:
        store = session.get_one(Store, shop.store_id)
        store.platform, store.domain, store.state = "shopify", SHOP, "connected"
    return app.test_client(use_cookies=False)


@pytest.fixture
def shopify() -> Iterator[responses.RequestsMock]:
    """Shopify at the wire."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def session_token(shop: str = SHOP, **changes: Any) -> str:
    """What App Bridge sends; by the database's clock, so its moments are real."""
    with_moments = {"exp": _real_now() + 50, "nbf": _real_now() - 5, "iat": _real_now() - 5}
    claims = {
        "iss": f"https://{shop}/admin",
        "dest": f"https://{shop}",
        "aud": CLIENT_ID,
        "sub": "42",
        "jti": "1",
        "sid": "2",
        **with_moments,
        **changes,
    }
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_document_with_a_token_shows_the_shops_screens_and_no_others(
    admin: FlaskClient, shop: Shop, other_shop: Shop
) -> None:
    page = admin.get(f"/app/customers?id_token={session_token()}&shop={SHOP}", headers=FRAMED)

    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert shop.word in text
    assert other_shop.word not in text


def test_a_document_is_framed_by_the_shops_admin_alone_and_starts_with_app_bridge(admin: FlaskClient) -> None:
    page = admin.get(f"/app/?id_token={session_token()}", headers=FRAMED)

    policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
    text = page.get_data(as_text=True)
    assert policy["frame-ancestors"] == f"https://{SHOP} https://admin.shopify.com"
    assert policy["frame-src"].split()[1:] == [
        "http://localhost/app/outbox/",
        "http://localhost/assets/stage",
    ]
    assert "X-Frame-Options" not in page.headers
    assert text.index("<script") == text.index(
        '<script src="https://cdn.shopify.com/shopifycloud/app-bridge.js"'
    )
    assert f'<meta name="shopify-api-key" content="{CLIENT_ID}">' in text
    assert "/app/sign-out" not in text
    assert "/install/woocommerce" not in text


@pytest.mark.parametrize("query", ["", "id_token=stale", "id_token=", "embedded=1"])
def test_a_document_without_a_good_token_is_sent_to_fetch_one(admin: FlaskClient, query: str) -> None:
    gone = admin.get(f"/app/orders?cursor=7&shop={SHOP}&host=aG9zdA&{query}", headers=FRAMED)

    place = urlsplit(gone.headers["Location"])
    asked = parse_qs(place.query)
    assert (gone.status_code, place.path) == (302, "/auth/shopify/reload")
    assert asked["shopify-reload"] == ["/app/orders?cursor=7"]
    assert asked["shop"] == [SHOP]


def test_the_reload_page_is_app_bridge_and_nothing_else(admin: FlaskClient) -> None:
    page = admin.get(f"/auth/shopify/reload?shop={SHOP}&shopify-reload=/app/orders")

    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert text.count("<script") == 1
    assert f'data-api-key="{CLIENT_ID}"' in text
    assert (
        f"frame-ancestors https://{SHOP} https://admin.shopify.com" in page.headers["Content-Security-Policy"]
    )


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/app/",
        "//evil.example/app/",
        "/app/../api/v1",
        "/app//evil.example",
        "/\\evil",
        "",
    ],
)
def test_the_reload_page_leads_nowhere_else(admin: FlaskClient, path: str) -> None:
    gone = admin.get("/auth/shopify/reload", query_string={"shopify-reload": path, "shop": SHOP})

    assert (gone.status_code, gone.headers["Location"]) == (303, "/app/")


@pytest.mark.parametrize(
    "shop_named", ["evil.example", "https://evil.example", "a.myshopify.com.evil.example", "*"]
)
def test_a_made_up_shop_frames_nothing(admin: FlaskClient, shop_named: str) -> None:
    query = {"shopify-reload": "/app/", "shop": shop_named}
    page = admin.get("/auth/shopify/reload", query_string=query)

    assert "frame-ancestors https://admin.shopify.com;" in page.headers["Content-Security-Policy"] + ";"
    assert "evil" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"aud": "another app"},
        {"dest": "https://evil.example"},
        {"iss": "https://other.myshopify.com/admin"},
        {"sid": None},
    ],
    ids=["expired", "another app's", "no shop", "another issuer", "a customer's"],
)
def test_a_fetch_with_a_bad_token_is_told_to_try_again(admin: FlaskClient, claims: dict[str, Any]) -> None:
    answer = admin.get("/app/progress.json", headers=bearer(session_token(**claims)))

    assert answer.status_code == 401
    assert answer.headers["X-Shopify-Retry-Invalid-Session-Request"] == "1"


def test_a_form_is_taken_with_a_fetchs_token_and_from_no_document(admin: FlaskClient, shop: Shop) -> None:
    token = session_token()

    by_document = admin.post(f"/app/flows/welcome/deactivate?id_token={token}")
    by_fetch = admin.post("/app/flows/welcome/deactivate", headers=bearer(token))

    assert by_document.status_code == 401
    assert by_fetch.status_code == 303


def test_no_other_store_can_be_chosen_or_connected(admin: FlaskClient, other_shop: Shop) -> None:
    token = bearer(session_token())

    chosen = admin.post("/app/store", data={"store": other_shop.store_id}, headers=token)
    message = admin.get(f"/app/outbox/{other_shop.ids['message']}", headers=token)
    connecting = admin.get("/install/woocommerce?store=https://x.example", headers=token)

    assert (chosen.status_code, message.status_code, connecting.status_code) == (404, 404, 401)


def test_the_frame_of_a_mail_has_an_address_for_a_moment_and_for_itself_only(
    admin: FlaskClient, shop: Shop
) -> None:
    message_id = shop.ids["message"]
    page = admin.get(f"/app/outbox/{message_id}", headers=bearer(session_token())).get_data(as_text=True)
    address = page.split('src="/app/outbox/')[1].split('"')[0].replace("&amp;", "&")

    mail = admin.get(f"/app/outbox/{address}", headers=FRAMED)
    elsewhere = admin.get(f"/app/orders?{address.partition('?')[2]}", headers=FRAMED)
    forged = admin.get(f"/app/outbox/{message_id}/body?framed=9999999999:1:x:/app/.mac", headers=FRAMED)

    assert mail.status_code == 200
    assert f"https://{SHOP}" in mail.headers["Content-Security-Policy"]
    assert (elsewhere.status_code, forged.status_code) == (401, 401)


def test_the_frames_of_a_signed_in_members_pages_need_no_token(member: FlaskClient, shop: Shop) -> None:
    mail = member.get(f"/app/outbox/{shop.ids['message']}/body", headers=FRAMED)

    assert mail.status_code == 200
    assert "frame-ancestors 'self'" in mail.headers["Content-Security-Policy"]


def test_the_first_visit_of_a_shop_installs_it(
    app: Flask, runtime: Runtime, shopify: responses.RequestsMock
) -> None:
    shopify.add(responses.POST, TOKENS, json=PAIR)
    shopify.add(responses.POST, ADMIN, json={"data": _identity()})
    token = session_token()

    page = app.test_client().get(f"/app/?id_token={token}&shop={SHOP}", headers=FRAMED)

    asked = json.loads(shopify.calls[0].request.body or b"{}")
    with runtime.database.read() as session:
        store = session.execute(select(Store)).scalar_one()
    kept = credentials.unseal(runtime.vault, store.credentials).access
    assert page.status_code == 200
    assert (store.domain, store.state, kept["access_token"]) == (SHOP, "connected", "an access token")
    assert (asked["subject_token"], asked["expiring"]) == (token, "1")
    assert asked["grant_type"] == "urn:ietf:params:oauth:grant-type:token-exchange"


def test_the_requests_of_a_first_visit_exchange_one_token(
    app: Flask, runtime: Runtime, shopify: responses.RequestsMock
) -> None:
    shopify.add(responses.POST, TOKENS, json=PAIR)
    shopify.add(responses.POST, ADMIN, json={"data": _identity()})
    barrier = Barrier(8)

    def visit(_number: int) -> int:
        client = app.test_client(use_cookies=False)
        barrier.wait()
        return client.get("/app/progress.json", headers=bearer(session_token())).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(visit, range(8)))

    assert statuses == [200] * 8
    assert [call.request.url for call in shopify.calls].count(TOKENS) == 1


def test_a_first_visit_that_another_process_serves_exchanges_no_second_token(
    app: Flask, runtime: Runtime, shopify: responses.RequestsMock
) -> None:
    shopify.add(responses.POST, TOKENS, json=PAIR)
    shopify.add(responses.POST, ADMIN, json={"data": _identity()})
    with runtime.database.write() as session:
        other = attempts.claim_arrival(session, SHOP)
    assert other is not None

    meanwhile = app.test_client().get(f"/app/?id_token={session_token()}", headers=FRAMED)
    exchanged = len(shopify.calls)
    with runtime.database.write() as session:
        attempts.forget(session, other)
    afterwards = app.test_client().get(f"/app/?id_token={session_token()}", headers=FRAMED)

    assert (meanwhile.status_code, exchanged) == (503, 0)
    assert afterwards.status_code == 200


def test_an_exchange_that_failed_can_be_tried_at_once(
    app: Flask, runtime: Runtime, shopify: responses.RequestsMock
) -> None:
    shopify.add(responses.POST, TOKENS, status=503)
    shopify.add(responses.POST, TOKENS, json=PAIR)
    shopify.add(responses.POST, ADMIN, json={"data": _identity()})

    visits = [app.test_client().get(f"/app/?id_token={session_token()}", headers=FRAMED) for _ in range(2)]

    assert [visit.status_code for visit in visits] == [503, 200]


def test_a_shop_that_must_be_reconnected_is_by_its_next_visit(
    admin: FlaskClient, runtime: Runtime, shop: Shop, shopify: responses.RequestsMock
) -> None:
    shopify.add(responses.POST, TOKENS, json=PAIR)
    shopify.add(responses.POST, ADMIN, json={"data": _identity()})
    with runtime.database.write() as session:
        session.get_one(Store, shop.store_id).state = "needs_reconnect"

    page = admin.get(f"/app/?id_token={session_token()}", headers=FRAMED)

    with runtime.database.read() as session:
        state = session.get_one(Store, shop.store_id).state
    assert (page.status_code, state) == (200, "connected")


@pytest.mark.parametrize(("status", "expected"), [(400, 302), (503, 503)])
def test_a_first_visit_that_shopify_refuses_installs_nothing(
    app: Flask, runtime: Runtime, shopify: responses.RequestsMock, status: int, expected: int
) -> None:
    shopify.add(responses.POST, TOKENS, status=status, json={"error": "invalid_subject_token"})

    page = app.test_client().get(f"/app/?id_token={session_token()}", headers=FRAMED)

    with runtime.database.read() as session:
        stores = session.execute(select(Store)).all()
    assert (page.status_code, stores) == (expected, [])


def test_a_cookie_in_the_frame_stays_in_the_frame(admin: FlaskClient) -> None:
    answer = admin.post("/app/language", data={"language": "it"}, headers=bearer(session_token()))

    cookie = answer.headers["Set-Cookie"]
    assert all(word in cookie for word in ("SameSite=None", "Partitioned", "Secure", "HttpOnly"))


def _identity() -> dict[str, Any]:
    return {
        "shop": {
            "id": "gid://shopify/Shop/1",
            "myshopifyDomain": SHOP,
            "name": "Aurora",
            "ianaTimezone": "Europe/Rome",
            "currencyCode": "EUR",
            "primaryDomain": {"url": "https://aurora.example"},
        },
        "currentAppInstallation": {"accessScopes": []},
    }


def _real_now() -> int:
    return int(time.time())
