"""What is written before its time is sent only if it says what would be written when it is due."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.sandbox.ahead import Ahead, _Outlook
from connectors.sandbox.config import load_or_store
from connectors.sandbox.consents import UNSUBSCRIBED, ConsentState, write_consent
from connectors.sandbox.journal import Journal
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE, Voucher
from connectors.sandbox.plan import Planned
from connectors.sandbox.script import write_script
from connectors.sandbox.shopify_payloads import webhook as shopify_webhook
from connectors.sandbox.simulation import Simulation
from connectors.sandbox.wire import Request
from connectors.sandbox.woo_meta import write_meta
from connectors.sandbox.woo_payloads import webhook as woo_webhook
from connectors.sandbox.written import written
from tests.connectors.sandbox.sandbox_stage import (
    BUSY,
    OPENED,
    App,
    config,
    install,
    running_app,
    write_data,
)

DAY = 86400
STEP = 30
SHOPIFY_BUYER, WOO_BUYER = 2, 3
Act = Callable[[Simulation], None]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_data(tmp_path / "data")


def start(data: Path, folder: Path, app: App) -> Simulation:
    """A world whose bodies are the platforms' own, both shops installed."""
    kept = load_or_store(folder, config(rates=BUSY))
    app_in_shop: Any = App(app.url, app.answer)
    app_in_shop.client_id, app_in_shop.client_secret = kept.client_id, kept.client_secret
    app_in_shop.ritorno_url = app.url
    builders = {SHOPIFY: shopify_webhook, WOOCOMMERCE: woo_webhook}
    simulation = Simulation(write_script(kept, data), Journal(folder), app_in_shop, builders=builders)
    OPENED.append(simulation)
    install(simulation, app.url)
    return simulation


def nothing(_simulation: Simulation) -> None:
    """Nobody but the script acts."""


def consents_are_written(simulation: Simulation) -> None:
    for household in (SHOPIFY_BUYER, WOO_BUYER):
        said = ConsentState(UNSUBSCRIBED, None, simulation.world.now)
        write_consent(simulation.world, household, "email", said)


def meta_is_written(simulation: Simulation) -> None:
    entry = {"key": "note", "value": str(simulation.world.now_seconds)}
    write_meta(simulation.world, "customers", WOO_BUYER, [entry])


def codes_are_kept_for_the_next_order(simulation: Simulation) -> None:
    world = simulation.world
    for platform, household in ((SHOPIFY, SHOPIFY_BUYER), (WOOCOMMERCE, WOO_BUYER)):
        code = f"CODE-{world.now_seconds}-{household}"
        world.mint(Voucher(platform, 0, code, "percent", "10", None, None, "Ten"))
        world.intentions.add(household, world.now_seconds, code)


def customers_are_merged(simulation: Simulation) -> None:
    kept, merged = 6, SHOPIFY_BUYER
    if simulation.world.shopper(kept) and simulation.world.shopper(merged):
        simulation.merge(kept, merged, "never")


def the_app_moves(simulation: Simulation) -> None:
    simulation.move_app(simulation.app.ritorno_url + "/")


ACTS = (
    nothing,
    consents_are_written,
    meta_is_written,
    codes_are_kept_for_the_next_order,
    customers_are_merged,
    the_app_moves,
)


def sent(data: Path, folder: Path, act: Act) -> list[tuple[str, bytes]]:
    """All that crossed in a year in which somebody acted between the steps, signatures included."""
    with running_app() as app:
        simulation = start(data, folder, app)
        for step in range(STEP, 440, STEP):
            simulation.advance(simulation.world.script.span.start + step * DAY)
            wait_until_written(simulation)
            act(simulation)
    names = ("x-shopify-hmac-sha256", "x-wc-webhook-signature")
    return sorted((str([got.headers.get(name) for name in names]), got.body) for got in app.got)


def wait_until_written(simulation: Simulation) -> None:
    thread = simulation._ahead._thread
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()


class Taken:
    """Counts what was ready and could be sent, and what had to be written anew."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ready = self.anew = 0
        taking = Ahead.take

        def take(ahead: Ahead, planned: Planned, targets: Any) -> Any:
            found = taking(ahead, planned, targets)
            self.ready += found is not None
            self.anew += found is None
            return found

        monkeypatch.setattr(Ahead, "take", take)


@pytest.mark.parametrize("act", ACTS)
def test_the_same_crosses_as_if_all_were_written_when_it_is_due(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act
) -> None:
    taken = Taken(monkeypatch)
    ahead = sent(data, tmp_path / "ahead", act)
    monkeypatch.setattr(Ahead, "take", lambda *_: None)
    anew = sent(data, tmp_path / "anew", act)

    assert ahead == anew
    assert taken.ready > 100


def test_all_but_the_first_step_and_what_redeems_is_ready(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "journal", app)
        simulation.advance(simulation.world.script.span.start + STEP * DAY)
        taken = Taken(monkeypatch)
        for step in range(2 * STEP, 440, STEP):
            wait_until_written(simulation)
            simulation.advance(simulation.world.script.span.start + step * DAY)

    assert taken.anew == 0
    assert taken.ready > 100


def test_nothing_is_made_before_its_time(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "journal", app)
        simulation.advance(simulation.world.script.span.start + 200 * DAY)
        before = {path: path.read_bytes() for path in (tmp_path / "journal").iterdir()}
        received = len(app.got)
        shown = simulation.world.order_ids(SHOPIFY, updated_from=None, by_id=True)
        wait_until_written(simulation)

        assert {path: path.read_bytes() for path in (tmp_path / "journal").iterdir()} == before
        assert len(app.got) == received
        assert simulation.world.order_ids(SHOPIFY, updated_from=None, by_id=True) == shown


def test_what_it_holds_is_bounded(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.sandbox.ahead._MOST_BYTES", 10_000)
    with running_app() as app:
        simulation = start(data, tmp_path / "journal", app)
        simulation.advance(simulation.world.script.span.start + 200 * DAY)
        wait_until_written(simulation)

        ready = simulation._ahead._ready
        largest = max(bytes_of(one.requests) for one in ready.values())
        assert sum(bytes_of(one.requests) for one in ready.values()) <= 10_000 + largest


def bytes_of(requests: Any) -> int:
    return sum(len(request.body) for request in requests if isinstance(request, Request))


def test_its_thread_ends_with_the_world(data: Path, tmp_path: Path) -> None:
    with running_app() as app:
        simulation = start(data, tmp_path / "journal", app)
        simulation.advance(simulation.world.script.span.start + 200 * DAY)
        thread = simulation._ahead._thread
        simulation.close()
        OPENED.remove(simulation)

    assert thread is not None
    assert not thread.is_alive()


def test_who_asked_for_all_facts_of_a_kind_takes_it_for_true_that_there_are_no_more(
    data: Path, tmp_path: Path
) -> None:
    with running_app() as app:
        world = start(data, tmp_path / "journal", app).world
        world.remember("note", {"key": "a"})
        outlook: Any = _Outlook(world, world.now_seconds + DAY, [])

        assert written(outlook, "note", "key").latest() == [{"key": "a"}]
        questions = outlook.questions()
        assert [ask(world, *of) == answer for ask, of, answer in questions] == [True]
        world.remember("note", {"key": "b"})
        assert [ask(world, *of) == answer for ask, of, answer in questions] == [False]
