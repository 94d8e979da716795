"""HTTP for whoever drives the world (`/control`), and the provider's sink (`/sink`)."""

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request

from connectors.sandbox.merchant import Browser, Page, install_shopify, install_woocommerce
from connectors.sandbox.merges import AFTER, BEFORE, NEVER
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE
from connectors.sandbox.moments import parse_rfc3339, rfc3339
from connectors.sandbox.provider_state import Providers
from connectors.sandbox.simulation import Simulation
from connectors.sandbox.woo_traits import change_traits

Answer = Response | tuple[Response, int]


def blueprint(simulation: Simulation, providers: Providers | None = None) -> Blueprint:
    """The routes of one simulation; where there are providers, time passes for them as well."""
    routes = Blueprint("control", __name__)
    for method, path, view in _ROUTES:
        routes.add_url_rule(path, view.__name__, partial(view, simulation), methods=[method])
    for method, path, timed in _TIMED:
        routes.add_url_rule(path, timed.__name__, partial(timed, simulation, providers), methods=[method])
    return routes


def _state(simulation: Simulation) -> Answer:
    return jsonify(simulation.state())


def _next(simulation: Simulation, providers: Providers | None) -> Answer:
    due = providers.next_world_due() if providers else None
    known = [at for at in (simulation.next_at(), due) if at is not None]
    return jsonify(at=rfc3339(max(min(known), simulation.world.now_seconds)) if known else None)


def _app(simulation: Simulation) -> Answer:
    url = _body().get("ritorno_url")
    if url is not None:
        if not str(url).startswith(("http://", "https://")):
            return _refuse("ritorno_url is no http address")
        simulation.move_app(str(url))
    return jsonify(client_id=simulation.app.client_id, ritorno_url=simulation.app.ritorno_url)


def _install(simulation: Simulation) -> Answer:
    body = _body()
    platform = body.get("platform")
    if platform not in {SHOPIFY, WOOCOMMERCE}:
        return _refuse("platform is shopify or woocommerce")
    browser = Browser(simulation.app.ritorno_url, request.host_url.rstrip("/"))
    if body.get("login_url"):
        login = browser.open(str(body["login_url"]))
        if not login.is_good:
            return _tell_page(login)
    if platform == SHOPIFY:
        page = install_shopify(browser, simulation.app, int(time.time()))
    else:
        page = install_woocommerce(browser, simulation.app)
    return _tell_page(page)


def _advance(simulation: Simulation, providers: Providers | None) -> Answer:
    try:
        advanced = simulation.advance(parse_rfc3339(str(_body().get("to", ""))))
    except ValueError as error:
        return _refuse(str(error))
    posts = providers.pass_world_time() if providers and not advanced["blocked"] else None
    return jsonify(advanced if posts is None else {**advanced, "posts": posts})


def _woocommerce(simulation: Simulation) -> Answer:
    try:
        return jsonify(asdict(change_traits(simulation.world, _body())))
    except ValueError as error:
        return _refuse(str(error))


def _merge(simulation: Simulation) -> Answer:
    body = _body()
    try:
        kept, merged = int(body["kept"]), int(body["merged"])
    except (KeyError, TypeError, ValueError):
        return _refuse("kept and merged are the ids of two customers")
    deletion = str(body.get("deletion", NEVER))
    if deletion not in (BEFORE, AFTER, NEVER):
        return _refuse(f"deletion is {BEFORE}, {AFTER} or {NEVER}")
    try:
        simulation.merge(kept, merged, deletion)
    except ValueError as error:
        return _refuse(str(error))
    return jsonify(ok=True)


def _accept(simulation: Simulation) -> Answer:
    messages = request.get_json(silent=True)
    if not isinstance(messages, list):
        return _refuse("a list of messages is expected")
    try:
        return jsonify(accepted=simulation.accept(messages))
    except ValueError as error:
        return _refuse(str(error))


def _find(simulation: Simulation, message_id: str) -> Answer:
    found = simulation.sink.find(message_id)
    return jsonify(found) if found else (jsonify(error="unknown message"), 404)


def _tell_page(page: Page) -> Answer:
    return jsonify(ok=page.is_good, final_url=page.url, status=page.status)


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _refuse(why: str) -> Answer:
    return jsonify(error=why), 400


_ROUTES: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/control/state", _state),
    ("POST", "/control/app", _app),
    ("POST", "/control/install", _install),
    ("POST", "/control/merge", _merge),
    ("POST", "/control/woocommerce", _woocommerce),
    ("POST", "/sink/messages", _accept),
    ("GET", "/sink/messages/<path:message_id>", _find),
)
_TIMED: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
    ("GET", "/control/next", _next),
    ("POST", "/control/advance", _advance),
)
