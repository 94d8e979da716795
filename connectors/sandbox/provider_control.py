"""HTTP for whoever drives the two providers: `/control/providers/…`, JSON in and out."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, request

from connectors.sandbox import sendgrid_events, twilio_callbacks, twilio_inbound
from connectors.sandbox.provider_faults import parse_rule
from connectors.sandbox.provider_state import OUTCOME, Providers

Answer = Response | tuple[Response, int]
_MOST_LINES = 1000
_OUTCOMES = {*sendgrid_events.OUTCOMES, *twilio_callbacks.OUTCOMES}


def blueprint(providers: Providers) -> Blueprint:
    """The controls of both providers."""
    routes = Blueprint("provider_control", __name__, url_prefix="/control/providers")
    for method, path, view in _ROUTES:
        routes.add_url_rule(path, view.__name__, partial(_serve, providers, view), methods=[method])
    return routes


def _serve(providers: Providers, view: Callable[[Providers, Any], Answer]) -> Answer:
    try:
        return view(providers, request.get_json(silent=True, force=True))
    except (ValueError, TypeError, KeyError) as error:
        return jsonify(error=str(error)), 400


def _show_settings(providers: Providers, _given: Any) -> Answer:
    return jsonify(providers.show())


def _change_settings(providers: Providers, given: Any) -> Answer:
    providers.change(given)
    return jsonify(providers.show())


def _show_faults(providers: Providers, _given: Any) -> Answer:
    return jsonify(rules=[asdict(rule) for rule in providers.faults.rules], done=providers.faults.done)


def _replace_faults(providers: Providers, given: Any) -> Answer:
    """A list of rules, or one; an empty list ends all misbehaviour."""
    rules = given if isinstance(given, list) else [given]
    providers.faults.replace(tuple(parse_rule(rule) for rule in rules))
    return _show_faults(providers, None)


def _order_outcome(providers: Providers, given: Any) -> Answer:
    """{"whom": an address, a number or a mid, "outcome"}; `chance` leaves it to the shares again."""
    outcome = str(given["outcome"])
    if outcome not in _OUTCOMES | {"chance"}:
        raise ValueError(f"an outcome is chance, {', '.join(sorted(_OUTCOMES))}")
    providers.remember(OUTCOME, whom=str(given["whom"]), outcome=outcome)
    return jsonify(ok=True)


def _list_accepted(providers: Providers, _given: Any) -> Answer:
    """?provider=&mid=&to=&after=<number>&limit=: the lines, oldest first, and how many match."""
    query = request.args
    found = list(
        providers.log.find(
            provider=query.get("provider", ""),
            mid=query.get("mid", ""),
            to=query.get("to", ""),
            after=int(query.get("after", "0")),
        )
    )
    return jsonify(count=len(found), accepted=found[: int(query.get("limit", str(_MOST_LINES)))])


def _count_accepted(providers: Providers, _given: Any) -> Answer:
    return jsonify(providers.log.count())


def _post(providers: Providers, given: Any) -> Answer:
    """{"everything": true}: all planned events, whenever they are due; else those that are due now."""
    everything = isinstance(given, dict) and given.get("everything") is True
    return jsonify(providers.posts.post(providers.now(), everything=everything))


def _come_in(providers: Providers, given: Any) -> Answer:
    """{"from", "body"} and perhaps "to": somebody writes to the merchant's number."""
    status, opt_out = twilio_inbound.come_in(providers, given["from"], given["body"], given.get("to", ""))
    return jsonify(status=status, opt_out_type=opt_out)


_ROUTES: tuple[tuple[str, str, Callable[[Providers, Any], Answer]], ...] = (
    ("GET", "/settings", _show_settings),
    ("POST", "/settings", _change_settings),
    ("GET", "/faults", _show_faults),
    ("POST", "/faults", _replace_faults),
    ("POST", "/outcomes", _order_outcome),
    ("GET", "/accepted", _list_accepted),
    ("GET", "/accepted/count", _count_accepted),
    ("POST", "/post", _post),
    ("POST", "/inbound", _come_in),
)
