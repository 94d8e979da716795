"""The emulated WooCommerce store: wc-auth pages and REST API v3, as a Flask blueprint."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Blueprint, Response, redirect, request

from connectors.sandbox import woo_coupons, woo_front, woo_resources, woo_reviews, woo_store, woo_webhooks
from connectors.sandbox.model import WorldView
from connectors.sandbox.woo_auth import Gate, Signed, php_query
from connectors.sandbox.woo_connect import AccessDeniedError, Desk, denied_page
from connectors.sandbox.woo_payloads import encode
from connectors.sandbox.woo_rest import Call, Reply, WooError, index_link, only_fields
from connectors.sandbox.woo_traits import Traits, traits
from connectors.sandbox.written import Fact

PREFIX = "/woo"
API = "/wp-json/wc/v3"
Resource = Callable[[Call], Reply]
# rule → method → (what answers, what a caller without rights is told)
ROUTES: dict[str, dict[str, tuple[Resource, str]]] = {
    "/system_status": {"GET": (woo_store.system_status, "list")},
    "/settings/general": {"GET": (woo_store.general_settings, "list")},
    "/settings/general/<name>": {"GET": (woo_store.general_setting, "view")},
    "/data/currencies/current": {"GET": (woo_store.current_currency, "list")},
    "/orders/statuses": {"GET": (woo_store.order_statuses, "list")},
    "/orders": {"GET": (woo_resources.list_orders, "list")},
    "/orders/<int:number>": {
        "GET": (woo_resources.get_order, "view"),
        "PUT": (woo_resources.put_order, "edit"),
        "DELETE": (woo_resources.delete_order, "delete"),
    },
    "/orders/<int:number>/refunds": {"GET": (woo_resources.list_order_refunds, "list")},
    "/refunds": {"GET": (woo_resources.list_refunds, "list")},
    "/customers": {"GET": (woo_resources.list_customers, "list")},
    "/customers/<int:number>": {
        "GET": (woo_resources.get_customer, "view"),
        "PUT": (woo_resources.put_customer, "edit"),
    },
    "/products": {"GET": (woo_resources.list_products, "list")},
    "/products/reviews": {"GET": (woo_reviews.list_reviews, "list")},
    "/products/<int:number>": {
        "GET": (woo_resources.get_product, "view"),
        "DELETE": (woo_resources.delete_product, "delete"),
    },
    "/coupons": {
        "GET": (woo_coupons.list_coupons, "list"),
        "POST": (woo_coupons.create_coupon, "create"),
    },
    "/coupons/batch": {"POST": (woo_coupons.batch_coupons, "batch")},
    "/coupons/<int:number>": {
        "GET": (woo_coupons.get_coupon, "view"),
        "PUT": (woo_coupons.change_coupon, "edit"),
        "DELETE": (woo_coupons.delete_coupon, "delete"),
    },
    "/webhooks": {
        "GET": (woo_webhooks.list_webhooks, "list"),
        "POST": (woo_webhooks.create_webhook, "create"),
    },
    "/webhooks/batch": {"POST": (woo_webhooks.batch_webhooks, "batch")},
    "/webhooks/<int:number>": {
        "GET": (woo_webhooks.get_webhook, "view"),
        "PUT": (woo_webhooks.change_webhook, "edit"),
        "DELETE": (woo_webhooks.delete_webhook, "delete"),
    },
}
FORBIDDEN = {
    "list": ("view", "Sorry, you cannot list resources."),
    "view": ("view", "Sorry, you cannot view this resource."),
    "create": ("create", "Sorry, you are not allowed to create resources."),
    "edit": ("edit", "Sorry, you are not allowed to edit this resource."),
    "delete": ("delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("batch", "Sorry, you are not allowed to batch manipulate this resource."),
}


def blueprint(world: WorldView, *, clock: Callable[[], float] = time.time, prefix: str = PREFIX) -> Blueprint:
    """The whole store.

    Args:
        world: the store behind it; `woo_traits` says what kind of store.
        clock: real seconds since the epoch, for the OAuth timestamps.
        prefix: the folder it is served from, "" at the root of its host.
    """
    pages = Blueprint("sandbox_woo", __name__, url_prefix=prefix or None)
    gate = Gate(world, clock)
    pages.before_request(partial(_answer_before_wordpress, world, prefix))
    _add_connect_pages(pages, Desk(world), prefix)
    for rule, listed in ROUTES.items():
        # WordPress edits by PUT, PATCH and POST alike.
        edits = {method: listed["PUT"] for method in ("POST", "PATCH") if "PUT" in listed}
        methods = {**listed, **edits}
        view = _view(world, gate, methods, prefix)
        endpoint = rule.strip("/").replace("/", "_").replace("<", "").replace(">", "").replace(":", "_")
        pages.add_url_rule(f"{API}{rule}", endpoint, view, methods=list(methods))
    _add_other_pages(pages, world)
    return pages


def _answer_before_wordpress(world: WorldView, prefix: str) -> Response | None:
    """What the web server in front says itself."""
    return woo_front.answer(traits(world), request.host, request.full_path.rstrip("?").removeprefix(prefix))


def _add_other_pages(pages: Blueprint, world: WorldView) -> None:
    @pages.get("/wp-json/")
    def index() -> Response:
        if traits(world).hides_index:
            return _error(world, woo_front.hidden_index())
        return _answer(world, Reply(woo_store.index(world)), "GET")

    @pages.route("/wp-json/<path:_rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def no_route(_rest: str) -> Response:
        return _error(world, woo_front.no_route())

    @pages.get("/")
    @pages.get("/<path:rest>")
    def any_page(rest: str = "") -> Response:
        store, route = traits(world), request.args.get("rest_route", "")
        if rest and not woo_front.is_wordpress(store, rest):
            return woo_front.not_found()
        if not route:
            return woo_front.page(store)
        if route == "/" and not traits(world).hides_index:
            return _answer(world, Reply(woo_store.index(world)), "GET")
        return _error(world, woo_front.refuse_route(route))


def _add_connect_pages(pages: Blueprint, desk: Desk, prefix: str) -> None:
    @pages.get("/wc-auth/v1/authorize")
    def authorize() -> Response:
        try:
            page = desk.grant_page(request.args, f"{prefix}/wc-auth/v1/")
        except AccessDeniedError as error:
            return Response(denied_page(error), 401, mimetype="text/html")
        return Response(page, mimetype="text/html")

    @pages.get("/wc-auth/v1/access_granted")
    def access_granted() -> Any:
        try:
            return redirect(desk.approve(request.args))
        except AccessDeniedError as error:
            return Response(denied_page(error), 401, mimetype="text/html")


def _view(
    world: WorldView, gate: Gate, methods: dict[str, tuple[Resource, str]], prefix: str
) -> Callable[..., Response]:
    def view(number: int = 0, name: str = "") -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in methods:
            return _error(world, woo_front.no_route())
        resource, action = methods[method]
        try:
            signed = _signed(traits(world), prefix)
            _check_access(traits(world), gate.key_of(signed), action)
            call = Call(world, signed.path, _own_arguments(signed), _sent(), number)
            return _answer(world, resource(call), ", ".join(methods))
        except WooError as error:
            return _error(world, error)

    return view


def _signed(store: Traits, prefix: str) -> Signed:
    authorization = "" if store.strips_authorization else request.headers.get("Authorization", "")
    return Signed(
        method=request.method,
        path=request.path.removeprefix(prefix),
        query=php_query(list(request.args.items(multi=True))),
        authorization=authorization,
        is_secure=request.is_secure and not store.hides_tls,
    )


def _check_access(store: Traits, key: Fact | None, action: str) -> None:
    """Refuse a caller: 401 for one who is nobody, 403 for one without the right."""
    if key is not None and store.may_manage:
        return
    kind, message = FORBIDDEN[action]
    raise WooError(f"woocommerce_rest_cannot_{kind}", message, 401 if key is None else 403)


def _own_arguments(signed: Signed) -> dict[str, str]:
    ours = ("oauth_", "consumer_")
    return {name: value for name, value in signed.query.items() if not name.startswith(ours)}


def _sent() -> dict[str, Any]:
    if request.method not in {"POST", "PUT", "PATCH"}:
        return {}
    sent = request.get_json(silent=True)
    if isinstance(sent, dict):
        return sent
    if request.get_data():
        raise WooError("rest_invalid_json", "Invalid JSON body passed.", 400)
    return {}


def _answer(world: WorldView, reply: Reply, allowed: str) -> Response:
    wanted = request.args.get("_fields", "")
    body = only_fields(reply.body, wanted) if wanted else reply.body
    headers = {"Link": index_link(world), "Allow": allowed, **reply.headers}
    return _response(body, reply.status, headers)


def _error(world: WorldView, error: WooError) -> Response:
    return _response(error.body(), error.status, {"Link": index_link(world)})


def _response(body: object, status: int, headers: dict[str, str]) -> Response:
    response = Response(encode(body), status, content_type="application/json; charset=UTF-8")
    response.headers.update(headers)
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Access-Control-Expose-Headers"] = "X-WP-Total, X-WP-TotalPages, Link"
    response.headers["Expires"] = "Wed, 11 Jan 1984 05:00:00 GMT"
    response.headers["Cache-Control"] = "no-cache, must-revalidate, max-age=0, no-store, private"
    return response
