"""The emulated Shopify: one shop's OAuth pages and Admin GraphQL API, as a Flask blueprint."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, redirect, request, send_file
from graphql import GraphQLError

from connectors.sandbox.model import SHOPIFY_SHOP, WorldView
from connectors.sandbox.shopify_bucket import Bucket
from connectors.sandbox.shopify_bulk import STORAGE, Desk
from connectors.sandbox.shopify_graphql import Prepared, choose, prepare, run
from connectors.sandbox.shopify_oauth import AppRegistration, AuthorizationServer, OAuthError
from connectors.sandbox.shopify_resources import Caller

__all__ = ["API_VERSION", "AppRegistration", "blueprint"]

API_VERSION = "2026-10"
MAX_QUERY_COST = 1000
LIMITS_URL = "https://shopify.dev/api/usage/rate-limits"
UNRECOGNIZED = "[API] Invalid API key or access token (unrecognized login or wrong password)"
Answer = Response | tuple[Response, int]


def blueprint(world: WorldView, app: AppRegistration, files: Path | None = None) -> Blueprint:
    """Everything under ``/shopify/<shop>``, and the files of its bulk operations, which lie in `files`."""
    pages = Blueprint("sandbox_shopify", __name__, url_prefix=f"/shopify/{SHOPIFY_SHOP}")
    server = AuthorizationServer(world, app)
    bucket = Bucket(app.bucket_size, app.restore_rate, app.clock)
    desk = Desk(world, app, files)

    @pages.get("/admin/oauth/authorize")
    def authorize() -> Any:
        try:
            return redirect(server.authorize(request.args))
        except OAuthError as error:
            return Response(f"Oauth error {error.error}: {error}", 400, mimetype="text/html")

    @pages.post("/admin/oauth/access_token")
    def access_token() -> Response:
        sent = request.get_json(silent=True)
        try:
            return _json(server.token(sent if isinstance(sent, dict) else request.form.to_dict()))
        except OAuthError as error:
            return _json({"error": error.error, "error_description": str(error)}, 400)

    @pages.post("/admin/api/<version>/graphql.json")
    def graphql(version: str) -> Response:
        if version != API_VERSION:
            return _json({"errors": "Not Found"}, 404)
        scopes = server.scopes_of(request.headers.get("X-Shopify-Access-Token", ""))
        if scopes is None:
            return _json({"errors": UNRECOGNIZED}, 401)
        sent = request.get_json(silent=True)
        if not isinstance(sent, dict) or not isinstance(sent.get("query"), str):
            return _json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        caller = Caller(world, scopes, desk, request.host_url, client_id=app.client_id)
        return _json(answer(sent, caller, bucket))

    _serve_files(pages, desk, app)
    return pages


def answer(sent: Mapping[str, Any], caller: Caller, bucket: Bucket) -> dict[str, Any]:
    """The body that answers a GraphQL request; refusals are HTTP 200 too."""
    prepared = prepare(sent["query"])
    name = sent.get("operationName")
    operation = choose(prepared, name)
    if operation is None:
        return {"errors": _document_errors(prepared, name)}
    variables = sent.get("variables") or {}
    requested = operation.costs.requested(variables)
    if requested > MAX_QUERY_COST:
        return {"errors": [_too_dear(requested)]}
    if not bucket.take(requested, caller.world.now):
        documentation = {"code": "THROTTLED", "documentation": LIMITS_URL}
        error = {"message": "Throttled", "extensions": documentation}
        return {"errors": [error], "extensions": {"cost": _cost(requested, None, bucket)}}
    result = run(prepared, operation, caller, variables)
    actual = operation.costs.actual(variables, result.data) if result.data else 0
    bucket.give_back(max(requested - actual, 0))
    body: dict[str, Any] = {"data": result.data}
    if result.errors:
        body["errors"] = [error.formatted for error in result.errors]
    return {**body, "extensions": {"cost": _cost(requested, actual, bucket)}}


def _serve_files(pages: Blueprint, desk: Desk, app: AppRegistration) -> None:
    @pages.get(f"{STORAGE}/<name>")
    def storage(name: str) -> Response:
        found = desk.file(name)
        if found is None:
            return Response("<Error><Code>ExpiredToken</Code></Error>", 400, mimetype="application/xml")
        return send_file(found, mimetype="application/jsonl", conditional=app.bulk.knows_ranges)


def _document_errors(prepared: Prepared, name: str | None) -> list[Any]:
    missing = f'No operation named "{name}"' if name else "An operation name is required"
    errors = prepared.errors or (GraphQLError(missing),)
    return [error.formatted for error in errors]


def _too_dear(requested: int) -> dict[str, Any]:
    message = (
        f"Query cost is {requested}, which exceeds the single query max cost limit ({MAX_QUERY_COST}).\n\n"
        f"See {LIMITS_URL} for more information on how the\ncost of a query is calculated."
    )
    extensions = {
        "code": "MAX_COST_EXCEEDED",
        "cost": requested,
        "maxCost": MAX_QUERY_COST,
        "documentation": LIMITS_URL,
    }
    return {"message": message, "extensions": extensions}


def _cost(requested: int, actual: int | None, bucket: Bucket) -> dict[str, Any]:
    return {
        "requestedQueryCost": requested,
        "actualQueryCost": actual,
        "throttleStatus": bucket.status(),
    }


def _json(body: object, status: int = 200) -> Response:
    response = Response(json.dumps(body), status, content_type="application/json; charset=utf-8")
    response.headers["X-Shopify-API-Version"] = API_VERSION
    return response
