"""The whole sandbox over the data set itself: what it delivers is what its two shops would deliver."""

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.sandbox.config import Rates, WorldConfig
from connectors.sandbox.server import create_app, open_world
from connectors.sandbox.simulation import Simulation
from tests.connectors.sandbox import sandbox_stage
from tests.connectors.sandbox.sandbox_stage import App, Got, config, install, running_app

DAY = 86400
SECRETS = {"x-shopify-hmac-sha256": b"sandbox-secret", "x-wc-webhook-signature": b"5ecret"}


def check_signature(got: Got) -> tuple[int, dict[str, str]]:
    for name, secret in SECRETS.items():
        if name in got.headers:
            signature = base64.b64encode(hmac.new(secret, got.body, hashlib.sha256).digest()).decode()
            return (200 if signature == got.headers[name] else 401), {}
    return 200, {}


@pytest.fixture
def app() -> Iterator[App]:
    with running_app(check_signature) as running:
        yield running


@pytest.fixture
def settings(app: App) -> WorldConfig:
    return config(ritorno_url=app.url, households=12, days=60, rates=Rates(forged=0.05, cancelled=0.1))


def start(folder: Path, settings: WorldConfig) -> Simulation:
    simulation, _ = open_world(folder, settings)
    sandbox_stage.OPENED.append(simulation)
    return simulation


def test_two_months_of_twelve_households(app: App, settings: WorldConfig, tmp_path: Path) -> None:
    simulation = start(tmp_path, settings)
    install(simulation, app.url)

    simulation.advance(simulation.world.script.span.end + 20 * DAY)

    counts = simulation.state()["counts"]
    assert counts["delivered"] + counts["rejected"] == len(app.got)
    assert counts["rejected"] > 0
    topics = {got.headers.get("x-shopify-topic") or got.headers["x-wc-webhook-topic"] for got in app.got}
    assert topics >= {
        "orders/create",
        "orders/paid",
        "orders/fulfilled",
        "fulfillments/update",
        "customers/create",
        "order.created",
        "order.updated",
        "customer.updated",
    }
    for got in app.got:
        body = json.loads(got.body)
        assert body
        if got.headers.get("x-shopify-topic") == "orders/create" and check_signature(got)[0] == 200:
            order = simulation.world.order(body["id"])
            assert order is not None
            assert round(float(body["total_price"]) * 100) == order.total_minor


def test_a_world_taken_up_from_its_journal_delivers_nothing_again(
    app: App, settings: WorldConfig, tmp_path: Path
) -> None:
    first = start(tmp_path, settings)
    install(first, app.url)
    first.advance(first.world.script.span.end)
    first.close()
    sent = len(app.got)

    second = start(tmp_path, settings)
    second.advance(second.world.now_seconds)

    assert sent > 0
    assert len(app.got) == sent
    assert second.state() == first.state()


def test_one_server_answers_for_both_shops_and_the_controls(settings: WorldConfig, tmp_path: Path) -> None:
    simulation, registration = open_world(tmp_path, settings)
    sandbox_stage.OPENED.append(simulation)

    client = create_app(simulation, registration).test_client()

    assert client.get("/control/state").status_code == 200
    assert client.get("/woo/wp-json/").status_code == 200
    graphql = "/shopify/sandbox-aurora.myshopify.com/admin/api/2026-10/graphql.json"
    assert client.post(graphql, json={"query": "{shop{name}}"}).status_code == 401


def test_what_a_request_keeps_is_on_the_disk_once_before_the_answer(
    settings: WorldConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation, registration = open_world(tmp_path, settings)
    sandbox_stage.OPENED.append(simulation)
    server = create_app(simulation, registration)
    kept: list[str] = []
    monkeypatch.setattr(os, "fdatasync", lambda _file: kept.append((tmp_path / "state.jsonl").read_text()))

    @server.post("/many")
    def many() -> str:
        for number in range(3):
            simulation.world.remember("thing", {"number": number})
        return str(len(kept))

    assert server.test_client().post("/many").text == "0"
    assert [state.count('"thing"') for state in kept] == [3]


def test_an_app_that_died_once_it_had_its_token_hears_of_the_shop(
    app: App, settings: WorldConfig, tmp_path: Path
) -> None:
    simulation, registration = open_world(tmp_path, settings)
    sandbox_stage.OPENED.append(simulation)
    client = create_app(simulation, registration).test_client()
    shop = "/shopify/sandbox-aurora.myshopify.com/admin/oauth"
    asked = {"client_id": registration.client_id, "redirect_uri": f"{app.url}/connect/shopify/callback"}
    end = simulation.world.script.span.end

    simulation.advance(end - 30 * DAY)
    heard_before = len(app.got)
    location = client.get(f"{shop}/authorize", query_string=asked).headers["Location"]
    code = parse_qs(urlsplit(location).query)["code"][0]
    sent = {"client_id": registration.client_id, "client_secret": registration.client_secret, "code": code}
    assert client.post(f"{shop}/access_token", json=sent).status_code == 200
    simulation.advance(end)

    assert heard_before == 0
    assert len(app.got) > 10
