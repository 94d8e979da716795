"""The world is driven, and messages are sunk, over HTTP."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from connectors.sandbox import control
from connectors.sandbox.model import SHOPIFY_SHOP
from connectors.sandbox.signing import sign_query
from connectors.sandbox.simulation import Simulation
from connectors.sandbox.woo_traits import traits
from tests.connectors.sandbox.sandbox_stage import Got, config, open_simulation, running_app, write_data


@pytest.fixture
def simulation(tmp_path: Path) -> Simulation:
    return open_simulation(write_data(tmp_path / "data"), tmp_path / "journal", config())


@pytest.fixture
def client(simulation: Simulation) -> FlaskClient:
    server = Flask("sandbox")
    server.register_blueprint(control.blueprint(simulation))
    return server.test_client()


def message(message_id: str) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "channel": "email",
        "to": "a@example.com",
        "subject": "Ciao",
        "text": "x",
    }


def test_time_passes_on_demand(client: FlaskClient) -> None:
    before = client.get("/control/state").json
    assert before is not None
    later = datetime.fromisoformat(before["now"]) + timedelta(hours=5)

    answer = client.post("/control/advance", json={"to": later.isoformat()}).json

    assert answer is not None
    assert datetime.fromisoformat(answer["now"]) == later
    assert set(answer) >= {"delivered", "duplicates", "lost", "rejected", "pending", "blocked"}
    after = client.get("/control/state").json
    assert after is not None
    assert after["now"] == answer["now"]
    assert (before["start"], before["finished"]) == (before["now"], False)


def test_the_next_moment_is_told(client: FlaskClient, simulation: Simulation) -> None:
    answer = client.get("/control/next").json
    assert answer is not None
    assert datetime.fromisoformat(answer["at"]) > simulation.world.now

    simulation.advance(simulation.world.script.span.end + 60 * 86400)
    assert client.get("/control/next").json == {"at": None}


@pytest.mark.parametrize("to", ["", "soon", "2026-01-01T00:00:00", "1999-01-01T00:00:00Z"])
def test_a_moment_that_cannot_be_is_refused(client: FlaskClient, to: str) -> None:
    answer = client.post("/control/advance", json={"to": to})

    assert answer.status_code == 400
    assert answer.json
    assert answer.json["error"]


def test_the_sink_shows_every_acceptance(client: FlaskClient, tmp_path: Path) -> None:
    first = client.post("/sink/messages", json=[message("m-1"), message("m-2")])
    second = client.post("/sink/messages", json=[message("m-1")])

    assert first.json == {
        "accepted": [
            {"message_id": "m-1", "number": 1, "times": 1},
            {"message_id": "m-2", "number": 2, "times": 1},
        ]
    }
    assert second.json == {"accepted": [{"message_id": "m-1", "number": 3, "times": 2}]}
    assert client.get("/sink/messages/m-1").json == {"message_id": "m-1", "number": 3, "times": 2}
    assert client.get("/sink/messages/m-3").status_code == 404
    lines = [json.loads(line) for line in (tmp_path / "journal" / "sink.jsonl").read_text().splitlines()]
    assert [(line["number"], line["message_id"], line["subject"]) for line in lines] == [
        (1, "m-1", "Ciao"),
        (2, "m-2", "Ciao"),
        (3, "m-1", "Ciao"),
    ]


@pytest.mark.parametrize("body", [{}, "x", [1], [{"message_id": "m"}]])
def test_an_incomplete_message_is_refused_with_all_that_came_along(client: FlaskClient, body: Any) -> None:
    both = [message("m-1"), *body] if isinstance(body, list) else body

    assert client.post("/sink/messages", json=both).status_code == 400
    assert client.get("/sink/messages/m-1").status_code == 404


def test_the_app_may_move(client: FlaskClient, simulation: Simulation) -> None:
    assert client.post("/control/app", json={"ritorno_url": "http://127.0.0.1:9999/"}).status_code == 200

    assert simulation.app.ritorno_url == "http://127.0.0.1:9999"
    assert simulation.world.remembered("app") == [{"ritorno_url": "http://127.0.0.1:9999"}]
    assert client.post("/control/app", json={"ritorno_url": "ftp://x"}).status_code == 400


def shopify_and_app(got: Got) -> tuple[int, dict[str, str]]:
    """One server that plays the app and, under /shopify, the shop's admin."""
    url = urlsplit(got.path)
    if url.path == "/login/once":
        return 302, {"Location": "/app", "Set-Cookie": "session=merchant; Path=/; HttpOnly; Secure"}
    if url.path == "/install/shopify":
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if sign_query({k: v for k, v in query.items() if k != "hmac"}, "sandbox-secret") != query["hmac"]:
            return 401, {}
        location = f"https://{SHOPIFY_SHOP}/admin/oauth/authorize?client_id=x&state=s"
        return 302, {"Location": location, "Set-Cookie": "state=s"}
    if url.path == f"/shopify/{SHOPIFY_SHOP}/admin/oauth/authorize":
        return 302, {"Location": f"http://{got.headers['host']}/auth/shopify/callback?code=1"}
    is_merchant = "session=merchant" in got.headers.get("cookie", "")
    if url.path == "/auth/shopify/callback" and "state=s" in got.headers.get("cookie", ""):
        return 302, {"Location": "/app"}
    return (200 if is_merchant else 401), {}


def test_the_merchant_installs_at_shopify(client: FlaskClient, simulation: Simulation) -> None:
    with running_app(shopify_and_app) as app:
        simulation.move_app(app.url)
        body = {"platform": "shopify", "login_url": f"{app.url}/login/once"}
        answer = client.post("/control/install", json=body, base_url=app.url).json

    assert answer == {"ok": True, "final_url": f"{app.url}/app", "status": 200}


def test_an_install_that_ends_in_an_error_is_none(client: FlaskClient, simulation: Simulation) -> None:
    with running_app(shopify_and_app) as app:
        simulation.move_app(app.url)
        answer = client.post("/control/install", json={"platform": "shopify"}, base_url=app.url).json

    assert answer is not None
    assert (answer["ok"], answer["status"]) == (False, 401)


def woo_and_app(got: Got) -> tuple[int, dict[str, str]]:
    """One server that plays the app and, under /woo, the store's grant page."""
    url = urlsplit(got.path)
    if url.path == "/install/woocommerce":
        store = parse_qs(url.query)["store"][0]
        return 302, {"Location": f"{store}/wc-auth/v1/authorize?app_name=Ritorno"}
    if url.path == "/woo/wc-auth/v1/authorize":
        return 200, {"page": '<a href="/woo/wc-auth/v1/access_granted?a=1&amp;wc_auth_nonce=n">Approve</a>'}
    if got.path == "/woo/wc-auth/v1/access_granted?a=1&wc_auth_nonce=n":
        return 302, {"Location": "/auth/woocommerce/return?success=1"}
    return (200 if got.path == "/auth/woocommerce/return?success=1" else 404), {}


def test_the_merchant_approves_at_woocommerce(client: FlaskClient, simulation: Simulation) -> None:
    with running_app(woo_and_app) as app:
        simulation.move_app(app.url)
        answer = client.post("/control/install", json={"platform": "woocommerce"}, base_url=app.url).json

    assert answer == {"ok": True, "final_url": f"{app.url}/auth/woocommerce/return?success=1", "status": 200}


def test_an_app_that_is_down_cannot_be_installed(client: FlaskClient, simulation: Simulation) -> None:
    with running_app() as app:
        simulation.move_app(app.url)

    answer = client.post("/control/install", json={"platform": "woocommerce"}, base_url=app.url).json

    assert answer is not None
    assert (answer["ok"], answer["status"]) == (False, 0)


def test_the_browser_never_leaves_the_two_sites(client: FlaskClient, simulation: Simulation) -> None:
    with running_app(lambda got: (302, {"Location": "https://admin.shopify.com/store/x/apps/1"})) as app:
        simulation.move_app(app.url)
        answer = client.post("/control/install", json={"platform": "shopify"}, base_url=app.url).json

    assert answer == {"ok": True, "final_url": "https://admin.shopify.com/store/x/apps/1", "status": 302}


def test_an_unknown_platform_is_refused(client: FlaskClient) -> None:
    assert client.post("/control/install", json={"platform": "magento"}).status_code == 400


def test_now_is_told_in_utc(client: FlaskClient) -> None:
    state = client.get("/control/state").json

    assert state is not None
    assert datetime.fromisoformat(state["now"]).tzinfo == UTC


def test_the_woocommerce_store_can_become_another_kind_of_store(
    client: FlaskClient, simulation: Simulation
) -> None:
    changed = client.post("/control/woocommerce", json={"role": "subscriber", "permalinks": "plain"}).json
    refused = client.post("/control/woocommerce", json={"role": "emperor"})

    assert changed is not None
    assert (changed["role"], changed["permalinks"], changed["storage"]) == ("subscriber", "plain", "hpos")
    assert refused.status_code == 400
    assert traits(simulation.world).role == "subscriber"
