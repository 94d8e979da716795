"""The sandbox as a process: one world, its emulated APIs and its controls on one local port."""

import gc
from dataclasses import asdict
from functools import partial
from pathlib import Path

import waitress
from flask import Flask, Response

from connectors.sandbox import control, provider_control, sendgrid_api, shopify_api, twilio_api, woo_api
from connectors.sandbox.config import WorldConfig, load_or_store
from connectors.sandbox.journal import STATE, Journal
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from connectors.sandbox.provider_state import Providers
from connectors.sandbox.script import write_script
from connectors.sandbox.shopify_api import AppRegistration
from connectors.sandbox.shopify_payloads import webhook as shopify_webhook
from connectors.sandbox.simulation import Simulation
from connectors.sandbox.woo_payloads import webhook as woo_webhook
from connectors.sandbox.woo_traits import Traits, change_traits, traits

# A provider's call that hangs holds a thread until its caller gives up.
_THREADS = 32
_CONNECTIONS = 1000
"""Each worker keeps up to sixty-four open; waitress would take a hundred and leave the rest waiting."""


def run(port: int, journal_dir: Path, config: WorldConfig) -> None:
    """Serve the world on 127.0.0.1 until the process is ended.

    Args:
        config: used at the first start; later starts go on with the one in `<journal_dir>/world.json`.
    """
    simulation, app = open_world(journal_dir, config)
    providers = open_providers(simulation)
    server = create_app(simulation, app, providers)
    # The world's script stays as long as the process: the garbage collector need not look at it again.
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    # Looking ahead is how waitress learns that a caller has left.
    waitress.serve(
        server,
        host="127.0.0.1",
        port=port,
        threads=_THREADS,
        ident=None,
        channel_request_lookahead=1,
        connection_limit=_CONNECTIONS,
    )


def open_world(journal_dir: Path, config: WorldConfig) -> tuple[Simulation, AppRegistration]:
    """The world of a journal, new or taken up where it stopped, and the app as the shop knows it."""
    kept = load_or_store(journal_dir, config)
    app = AppRegistration(kept.client_id, kept.client_secret, kept.ritorno_url.rstrip("/"))
    builders = {SHOPIFY: shopify_webhook, WOOCOMMERCE: woo_webhook}
    simulation = Simulation(write_script(kept), Journal(journal_dir), app, builders=builders)
    if traits(simulation.world) == Traits() != kept.woocommerce:
        change_traits(simulation.world, asdict(kept.woocommerce))
    return simulation, app


def open_providers(simulation: Simulation) -> Providers:
    """The two providers of a world; whoever opens them closes them, before the simulation."""
    world = simulation.world
    return Providers(simulation.journal, seed=world.script.config.seed, world_now=lambda: world.now_seconds)


def create_app(simulation: Simulation, app: AppRegistration, providers: Providers | None = None) -> Flask:
    """The Flask application over a world, with its providers where there are any."""
    server = Flask("connectors.sandbox", static_folder=None)
    server.json.sort_keys = False  # type: ignore[attr-defined]
    server.after_request(partial(_kept, simulation.journal))
    server.register_blueprint(control.blueprint(simulation, providers))
    # The process is ended by a signal: what lay in the machine's folder for passing files would stay there.
    files = simulation.journal.folder / "files"
    server.register_blueprint(shopify_api.blueprint(simulation.world, app, files))
    server.register_blueprint(woo_api.blueprint(simulation.world))
    if providers:
        server.register_blueprint(provider_control.blueprint(providers))
        server.register_blueprint(sendgrid_api.blueprint(providers))
        server.register_blueprint(twilio_api.blueprint(providers))
    return server


def _kept(journal: Journal, answer: Response) -> Response:
    """What a shop was told to keep is on the disk before the answer leaves."""
    journal.sync(STATE)
    return answer
