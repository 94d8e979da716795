"""Time passes the same way in every run, whoever is killed in between."""

import base64
import hashlib
import hmac
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.shopify_oauth import TOKEN
from connectors.sandbox.simulation import Simulation
from tests.connectors.sandbox.sandbox_stage import (
    BUSY,
    CALM,
    WOO_SECRET,
    App,
    Got,
    config,
    install,
    open_simulation,
    running_app,
    write_data,
)

DAY = 86400
STEPS = tuple(range(20, 440, 35))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


def refuse_forgeries(got: Got) -> tuple[int, dict[str, str]]:
    """401 for a signature that is not by our secrets, as the app would answer."""
    secrets = {"x-shopify-hmac-sha256": b"sandbox-secret", "x-wc-webhook-signature": WOO_SECRET.encode()}
    for name, secret in secrets.items():
        if name in got.headers:
            return (200 if _signature(secret, got.body) == got.headers[name] else 401), {}
    return 200, {}


def _signature(secret: bytes, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret, body, hashlib.sha256).digest()).decode()


def start(data: Path, folder: Path, app: App, **changes: Any) -> Simulation:
    simulation = open_simulation(data, folder, config(ritorno_url=app.url, **changes))
    if not simulation.world.remembered(TOKEN):
        install(simulation, app.url)
    return simulation


def run(simulation: Simulation, steps: tuple[int, ...] = STEPS) -> None:
    for step in steps:
        simulation.advance(simulation.world.script.span.start + step * DAY)


def lines(folder: Path, name: str) -> list[Any]:
    return sorted((folder / f"{name}.jsonl").read_text().splitlines())


def test_nothing_is_delivered_before_the_app_is_installed(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = open_simulation(data, tmp_path / "j", config(ritorno_url=app.url))
        first = simulation.advance(simulation.world.script.span.start + 60 * DAY)
        install(simulation, app.url)
        again = simulation.advance(simulation.world.script.span.start + 60 * DAY)
        later = simulation.advance(simulation.world.script.span.start + 120 * DAY)

    assert (first["delivered"], again["delivered"]) == (0, 0)
    assert later["delivered"] == len(app.got) > 0


def test_each_order_makes_the_usual_webhooks_of_its_platform(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        run(start(data, tmp_path / "j", app))

    topics: dict[int, Counter[str]] = {}
    for got in app.got:
        body = json.loads(got.body)
        topics.setdefault(body["id"], Counter())[body["topic"]] += 1
    assert topics[2004] == Counter(
        ["orders/create", "orders/paid", "orders/fulfilled", "fulfillments/update"]
    )
    assert topics[3004] == Counter({"order.created": 1, "order.updated": 2})


def test_bodies_are_signed_with_the_secret_of_their_receiver(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        run(start(data, tmp_path / "j", app))

    assert app.got
    assert {refuse_forgeries(got)[0] for got in app.got} == {200}
    shopify = next(got for got in app.got if "x-shopify-topic" in got.headers)
    assert shopify.path == "/webhooks/shopify"
    assert shopify.headers["x-shopify-shop-domain"] == "sandbox-aurora.myshopify.com"
    woo = next(got for got in app.got if "x-wc-webhook-topic" in got.headers)
    assert woo.headers["x-wc-webhook-source"] == "http://sandbox-bottega.example/"
    assert woo.headers["x-wc-webhook-resource"] == woo.headers["x-wc-webhook-topic"].split(".")[0]
    assert b'"path":"a\\/b"' in woo.body


def test_a_body_shows_the_moment_of_the_fact_or_for_woocommerce_of_the_delivery(
    data: Path, tmp_path: Path
) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app, rates=replace(CALM, delayed=1.0))
        run(simulation)

    bodies = [json.loads(got.body) for got in app.got]
    book = simulation.world.script.book
    shopify = next(body for body in bodies if body["topic"] == "orders/create" and body["id"] == 2004)
    woo = next(body for body in bodies if body["topic"] == "order.created" and body["id"] == 3004)
    assert shopify["at"] == book.order(book.index_of(2004) or 0).placed_at.isoformat()
    assert woo["at"] > book.order(book.index_of(3004) or 0).placed_at.isoformat()


def test_lost_deliveries_are_never_sent_but_counted(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app, rates=replace(CALM, lost=1.0))
        run(simulation)

    assert app.got == []
    assert simulation.state()["counts"]["lost"] > 200
    assert len(lines(tmp_path / "j", "deliveries")) == simulation.state()["counts"]["lost"]


def test_duplicates_carry_the_same_ids(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app, rates=replace(CALM, duplicate=1.0))
        run(simulation)

    ids = Counter(got.headers["x-shopify-webhook-id"] for got in app.got if "x-shopify-topic" in got.headers)
    assert set(ids.values()) == {2}
    counts = simulation.state()["counts"]
    assert counts["delivered"] == 2 * counts["duplicates"] == len(app.got)


def test_forgeries_are_extra_and_counted_when_refused(data: Path, tmp_path: Path) -> None:
    with running_app(refuse_forgeries) as app:
        simulation = start(data, tmp_path / "j", app, rates=replace(CALM, forged=1.0))
        run(simulation)

    counts = simulation.state()["counts"]
    assert counts["rejected"] == sum(refuse_forgeries(got)[0] == 401 for got in app.got) > 100
    assert counts["delivered"] == len(app.got) - counts["rejected"]
    assert "forged_accepted" not in counts


def test_delayed_deliveries_come_one_to_six_hours_late(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app, rates=replace(CALM, delayed=1.0))
        moment = simulation.world.script.next_fact_at(simulation.world.now_seconds)
        assert moment is not None
        at_once = simulation.advance(moment)
        due = simulation.next_at()
        later = simulation.advance(moment + 6 * 3600 + 60)

    assert at_once["delivered"] == 0
    assert due is not None
    assert later["delivered"] > 0


def test_two_runs_deliver_the_same(data: Path, tmp_path: Path) -> None:
    with running_app(refuse_forgeries) as first:
        run(start(data, tmp_path / "a", first, rates=BUSY))
    with running_app(refuse_forgeries) as second:
        run(start(data, tmp_path / "b", second, rates=BUSY))

    assert first.bodies() == second.bodies()
    for name in ("facts", "deliveries", "advances"):
        assert lines(tmp_path / "a", name) == lines(tmp_path / "b", name)


def test_an_app_that_was_down_gets_what_it_missed_at_the_next_call(data: Path, tmp_path: Path) -> None:
    with running_app(refuse_forgeries) as calm:
        run(start(data, tmp_path / "calm", calm, rates=BUSY))
    with running_app(refuse_forgeries) as app:
        port = int(app.url.rsplit(":", 1)[1])
        simulation = start(data, tmp_path / "hard", app, rates=BUSY)
        run(simulation, STEPS[:4])
    down = simulation.advance(simulation.world.script.span.start + STEPS[4] * DAY)
    with running_app(refuse_forgeries, port) as revived:
        flushed = simulation.advance(simulation.world.now_seconds)
        run(simulation, STEPS[5:])

    assert (down["blocked"], down["delivered"]) == (True, 0)
    assert down["pending"] > 0
    assert (flushed["blocked"], flushed["pending"]) == (False, 0)
    assert sorted(app.bodies() + revived.bodies()) == calm.bodies()
    for name in ("facts", "deliveries"):
        assert lines(tmp_path / "hard", name) == lines(tmp_path / "calm", name)


def test_a_server_error_blocks_and_only_the_unanswered_half_of_a_duplicate_is_sent_again(
    data: Path, tmp_path: Path
) -> None:
    taken: Counter[str] = Counter()
    broken = [True]

    def fail_second(got: Got) -> tuple[int, dict[str, str]]:
        key = got.headers.get("x-shopify-webhook-id") or got.body.decode()
        if taken[key] and broken and "x-shopify-webhook-id" in got.headers:
            return 503, {}
        taken[key] += 1
        return 200, {}

    with running_app(fail_second) as app:
        simulation = start(data, tmp_path / "j", app, rates=replace(CALM, duplicate=1.0))
        moment = simulation.world.script.span.start + 80 * DAY
        blocked = simulation.advance(moment)
        broken.clear()
        done = simulation.advance(moment)

    assert blocked["blocked"]
    assert blocked["error"].endswith("answered 503")
    assert (done["blocked"], done["pending"]) == (False, 0)
    assert set(taken.values()) == {2}
    assert simulation.state()["counts"]["delivered"] == len(taken) * 2


def test_woocommerce_repeats_nothing_and_disables_a_webhook_at_its_seventh_failure(
    data: Path, tmp_path: Path
) -> None:
    def fail(got: Got) -> tuple[int, dict[str, str]]:
        return (500 if "x-wc-webhook-id" in got.headers else 200), {}

    with running_app(fail) as app:
        simulation = start(data, tmp_path / "j", app)
        run(simulation)

    tried = Counter(got.headers["x-wc-webhook-topic"] for got in app.got if "x-wc-webhook-id" in got.headers)
    hooks = {str(fact["topic"]): fact["status"] for fact in simulation.world.remembered("webhook")}
    bodies = [got.body for got in app.got if "x-wc-webhook-id" in got.headers]
    assert len(bodies) == len(set(bodies))
    assert tried["order.created"] >= 7
    assert {topic: status for topic, status in hooks.items() if status == "disabled"} == {
        topic: "disabled" for topic, times in tried.items() if times >= 7
    }
    assert simulation.state()["counts"]["failed"] == len(bodies)


def test_a_restarted_sandbox_goes_on_where_it_was_killed(data: Path, tmp_path: Path) -> None:
    with running_app(refuse_forgeries) as calm:
        whole = start(data, tmp_path / "calm", calm, rates=BUSY)
        run(whole)
    with running_app(refuse_forgeries) as app:
        for number, step in enumerate(STEPS):
            simulation = start(data, tmp_path / "hard", app, rates=BUSY)
            run(simulation, (step,))
            if number % 2:
                simulation.close()
        last = start(data, tmp_path / "hard", app, rates=BUSY)

    assert app.bodies() == calm.bodies()
    assert last.state() == whole.state()
    for name in ("facts", "deliveries"):
        assert lines(tmp_path / "hard", name) == lines(tmp_path / "calm", name)


def test_deliveries_that_were_pending_survive_a_restart(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
        port = int(app.url.rsplit(":", 1)[1])
    blocked = simulation.advance(simulation.world.script.span.start + 60 * DAY)
    again = open_simulation(data, tmp_path / "j", config())
    with running_app(port=port) as revived:
        flushed = again.advance(again.world.now_seconds)

    assert flushed["delivered"] == blocked["pending"] == len(revived.got)


def test_what_precedes_a_late_install_is_not_delivered_after_a_restart_either(
    data: Path, tmp_path: Path
) -> None:
    with running_app() as app:
        simulation = open_simulation(data, tmp_path / "j", config(ritorno_url=app.url))
        run(simulation, STEPS[:5])
        install(simulation, app.url)
        again = start(data, tmp_path / "j", app)
        answer = again.advance(again.world.now_seconds)

    assert (answer["delivered"], answer["pending"], app.got) == (0, 0, [])


def test_a_webhook_that_was_deleted_hears_nothing(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
        for webhook in list(simulation.world.remembered("webhook")):
            simulation.world.remember("webhook", {**webhook, "status": "deleted"})
        run(simulation)

    assert app.got
    assert all("x-shopify-topic" in got.headers for got in app.got)


def test_the_next_moment_is_that_of_the_next_fact(data: Path, tmp_path: Path) -> None:
    simulation = open_simulation(data, tmp_path / "j", config())

    moment = simulation.next_at()

    assert moment == simulation.world.script.next_fact_at(simulation.world.now_seconds)
    simulation.advance(simulation.world.script.span.end + 30 * DAY)
    assert simulation.next_at() is None


def test_time_never_runs_backwards(data: Path, tmp_path: Path) -> None:
    simulation = open_simulation(data, tmp_path / "j", config())

    with pytest.raises(ValueError, match="has passed"):
        simulation.advance(simulation.world.now_seconds - 1)


def test_the_world_is_finished_when_its_end_has_come_and_nothing_waits(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "j", app)
    before = simulation.state()
    end = simulation.world.script.span.end
    simulation.advance(end)
    waiting = simulation.state()
    with running_app(port=int(app.url.rsplit(":", 1)[1])):
        simulation.advance(end)

    assert not before["finished"]
    assert (waiting["finished"], waiting["pending"] > 0) == (False, True)
    assert (simulation.state()["finished"], simulation.state()["pending"]) == (True, 0)
