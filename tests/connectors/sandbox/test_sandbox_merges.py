"""The merchant of the emulated Shopify merges two customers: what the APIs show, and what is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from connectors.sandbox import control
from connectors.sandbox.model import SHOPIFY
from connectors.sandbox.simulation import Simulation
from tests.connectors.sandbox.sandbox_stage import (
    App,
    config,
    install,
    open_simulation,
    running_app,
    write_data,
)

KEPT, MERGED = 2, 4


def played(tmp_path: Path) -> Simulation:
    """A world at its end, so that everybody has ordered."""
    simulation = open_simulation(write_data(tmp_path / "data"), tmp_path / "journal", config())
    simulation.advance(simulation.world.script.span.end)
    return simulation


def act(simulation: Simulation, **body: Any) -> int:
    server = Flask("sandbox")
    server.register_blueprint(control.blueprint(simulation))
    return server.test_client().post("/control/merge", json=body).status_code


def test_the_orders_are_the_kept_ones_and_the_merged_customer_is_gone(tmp_path: Path) -> None:
    world = played(tmp_path).world
    counts = world.orders_count(KEPT), world.orders_count(MERGED)

    world.merge(KEPT, MERGED, "never")

    assert world.shopper(MERGED) is None
    assert MERGED not in world.customer_ids(SHOPIFY, updated_from=None, by_id=True)
    order = world.order(MERGED * 1000 + 3)
    assert order is not None
    assert order.household == KEPT
    assert world.orders_count(KEPT) == sum(counts)


def test_merges_follow_each_other(tmp_path: Path) -> None:
    world = played(tmp_path).world

    world.merge(KEPT, MERGED, "never")
    world.merge(6, KEPT, "never")

    order = world.order(MERGED * 1000 + 3)
    assert order is not None
    assert order.household == 6


@pytest.mark.parametrize(
    ("deletion", "topics"),
    [
        ("never", ["customers/merge"]),
        ("before", ["customers/delete", "customers/merge"]),
        ("after", ["customers/merge", "customers/delete"]),
    ],
)
def test_the_app_is_told_in_the_order_that_was_asked_for(
    tmp_path: Path, deletion: str, topics: list[str]
) -> None:
    with running_app() as app:
        simulation = played(tmp_path)
        simulation.app.ritorno_url = app.url
        install(simulation, app.url)
        simulation.advance(simulation.world.now_seconds + 60)

        assert act(simulation, kept=KEPT, merged=MERGED, deletion=deletion) == 200
        simulation.advance(simulation.world.now_seconds)

    assert sorted(told(app)) == sorted(topics)
    assert [line["topic"] for line in journal(tmp_path)] == topics


def test_a_restarted_shop_remembers_the_merge_and_tells_it_once(tmp_path: Path) -> None:
    with running_app() as app:
        simulation = played(tmp_path)
        simulation.app.ritorno_url = app.url
        install(simulation, app.url)
        simulation.advance(simulation.world.now_seconds + 60)
        simulation.merge(KEPT, MERGED, "never")
        simulation.advance(simulation.world.now_seconds)
        simulation.close()

        again = open_simulation(tmp_path / "data", tmp_path / "journal", config())
        again.app.ritorno_url = app.url
        again.advance(again.world.now_seconds)

    assert again.world.shopper(MERGED) is None
    assert told(app) == ["customers/merge"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kept": KEPT},
        {"kept": KEPT, "merged": KEPT},
        {"kept": KEPT, "merged": 1},
        {"kept": KEPT, "merged": 99},
        {"kept": KEPT, "merged": MERGED, "deletion": "sometimes"},
    ],
    ids=["nobody", "one", "the same", "of the other shop", "unknown", "no word for it"],
)
def test_what_is_no_merge_is_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    simulation = played(tmp_path)

    assert act(simulation, **body) == 400
    assert simulation.world.remembered("merge") == []


def told(app: App) -> list[str]:
    return [json.loads(got.body)["topic"] for got in app.got]


def journal(folder: Path) -> list[dict[str, Any]]:
    lines = (folder / "journal" / "deliveries.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
