"""Installing: Shopify's authorization code grant and WooCommerce's approval page.

A handshake begins in one browser, for one shop, and ends only there: its state is random, good once,
kept as a hash, and bound to a cookie of that browser. No address in a query is ever followed.
"""

import re
import secrets

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, ServiceUnavailable, Unauthorized
from werkzeug.wrappers import Response as BaseResponse

from app import audit, clock
from app.audit import Actor
from app.db import wall_now
from app.errors import BadInput
from app.members import people
from app.members.roles import OWNER
from app.runtime import Runtime
from app.stores import arrivals, attempts, install, verification
from app.stores.install import Arrival
from app.stores.platforms import SHOPIFY, WOOCOMMERCE
from app.web import shop_words
from app.web.acting import actor
from app.web.auth import public, role_required
from app.web.context import reader, runtime
from app.web.embedded import refuse_inside_admin
from connectors.base import ConnectorError, InvalidSignature, UnreadablePayload
from connectors.storefronts.shopify import auth as shopify
from connectors.storefronts.woocommerce import auth as woocommerce

blueprint = Blueprint("install", __name__)

APP_NAME = "Ritorno"
STATE_PURPOSE = "woocommerce-install"
"""What the `user_id` of WooCommerce's approval is signed for."""


@blueprint.get("/install/shopify")
@public("Shopify signs the query")
def start_shopify() -> ResponseReturnValue:
    """Send the merchant to the approval page of the shop that Shopify's signature names."""
    shop, _ = _signed_query()
    built, browser = runtime(), _browser() or secrets.token_urlsafe(32)
    with built.database.write() as session:
        state = attempts.start(session, platform=SHOPIFY, shop=shop, browser=browser)
    url = shopify.authorize_url(
        admin_url=built.settings.shopify_admin_url,
        shop=shop,
        client_id=built.settings.shopify_client_id,
        # None asked for: what the app declares at Shopify counts, so that there is one list only.
        scopes=(),
        redirect_uri=_own_url("install.finish_shopify"),
        state=state,
    )
    return _bound_to(browser, redirect(url))


@blueprint.get("/auth/shopify/callback")
@public("Shopify signs the query, and the state is bound to this browser")
def finish_shopify() -> ResponseReturnValue:
    """Trade the code for tokens and save the shop."""
    shop, params = _signed_query()
    built = runtime()
    state, code = params.get("state", ""), params.get("code", "")
    if not code:
        raise BadRequest
    with built.database.write() as session:
        now = wall_now(session)
        claimed = attempts.claim_shopify(session, state=state, shop=shop, browser=_browser())
    if claimed is None:
        raise BadRequest
    try:
        arrival = arrivals.shopify_by_code(built, shop, code, now)
    except ConnectorError as error:
        raise (BadRequest if error.permanent else ServiceUnavailable)(str(error)) from error
    _save(built, arrival, claimed.id, audit.PLATFORM)
    return _home()


@blueprint.get("/install/woocommerce")
@role_required(OWNER)
def start_woocommerce() -> ResponseReturnValue:
    """Send a signed-in member to the approval page of the store that they typed."""
    refuse_inside_admin()
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        # A link on another site could otherwise send our members wherever it likes.
        raise BadRequest
    built, browser = runtime(), _browser() or secrets.token_urlsafe(32)
    try:
        url = woocommerce.normalise_store_url(request.args.get("store", ""))
        _check_length(url)
        arrivals.look_at_woocommerce(built, url)
    except ConnectorError as error:
        flash(shop_words.told(str(error)), "bad")
        return redirect(url_for("home.show", store=request.args.get("store", "")[:_LONGEST_URL]), code=303)
    with built.database.write() as session:
        state = attempts.start(session, platform=WOOCOMMERCE, shop=url, browser=browser)
    approval = woocommerce.authorize_url(
        url,
        app_name=APP_NAME,
        user_id=built.signer.sign(STATE_PURPOSE, state),
        return_url=_own_url("install.finish_woocommerce"),
        callback_url=_own_url("install.take_woocommerce_keys"),
    )
    return _bound_to(browser, redirect(approval))


@blueprint.post("/auth/woocommerce/callback")
@public("the store posts keys for a state that we signed; they prove nothing until they are tried")
def take_woocommerce_keys() -> ResponseReturnValue:
    """Keep the keys sealed and answer at once: the store waits for us, and may not answer a call now."""
    request.max_content_length = _LARGEST_CALLBACK
    try:
        pair = woocommerce.read_callback(request.get_data())
    except UnreadablePayload as error:
        raise Unauthorized from error
    built = runtime()
    state = built.signer.check(STATE_PURPOSE, pair.state)
    if state is None:
        raise Unauthorized
    with built.database.write() as session:
        is_kept = attempts.keep_keys(session, built.vault, state=state, key=pair.key, secret=pair.secret)
    if not is_kept:
        raise Unauthorized
    return Response("ok", mimetype="text/plain")


@blueprint.get("/auth/woocommerce/return")
@role_required(OWNER)
def finish_woocommerce() -> ResponseReturnValue:
    """Try the keys against the store that the handshake began with, and only then save it."""
    refuse_inside_admin()
    built = runtime()
    state = built.signer.check(STATE_PURPOSE, request.args.get("user_id", ""))
    if state is None:
        raise BadRequest
    if request.args.get("success") != "1":
        return _home()
    with built.database.write() as session:
        now = wall_now(session)
        claimed = attempts.claim_woocommerce(session, built.vault, state=state, browser=_browser())
    if claimed is None:
        raise BadRequest
    keys = claimed.keys
    try:
        arrival = arrivals.woocommerce(built, claimed.shop, key=keys["key"], secret=keys["secret"], now=now)
        _save(built, arrival, claimed.id, actor())
    except ConnectorError as error:
        return _not_connected(built, claimed.id, error, may_pass=not error.permanent)
    except BadInput as error:
        return _not_connected(built, claimed.id, error, may_pass=False)
    return _home()


_LONGEST_URL = 500
_LARGEST_CALLBACK = 16 * 1024
_COOKIE = "ritorno_install"
_COOKIE_VALUE = re.compile(r"[A-Za-z0-9_-]{43}")
_COOKIE_SECONDS = 3600


def _check_length(url: str) -> None:
    if len(url) > _LONGEST_URL:
        raise ConnectorError("This address is too long.", permanent=True)


def _signed_query() -> tuple[str, dict[str, str]]:
    """The shop and the parameters of a query that Shopify signed a moment ago."""
    built = runtime()
    with built.database.read() as session:
        now = wall_now(session)
    try:
        params = shopify.verify_query(
            request.args.items(multi=True), verification.shopify_secrets(built, None), now
        )
        return shopify.normalize_shop(params.get("shop", "")), params
    except (InvalidSignature, shopify.InvalidShop) as error:
        raise BadRequest from error


def _save(built: Runtime, arrival: Arrival, attempt_id: int, by: Actor) -> None:
    seen = reader()
    with built.database.write() as session:
        store = install.complete(session, built.vault, arrival, clock.now())
        audit.record(session, store.id, by, audit.STORE_CONNECTED, now=clock.now(), subject=store.domain)
        if seen is not None and seen.member_id is not None and seen.roles is not None:
            people.adopt(session, store.id, seen.member_id, clock.now())
        attempts.forget(session, attempt_id)


def _not_connected(built: Runtime, attempt_id: int, error: Exception, *, may_pass: bool) -> BaseResponse:
    """Say what is wrong; where it may pass, loading the page again tries again with the same keys."""
    with built.database.write() as session:
        if may_pass:
            attempts.give_back(session, attempt_id)
        else:
            attempts.forget(session, attempt_id)
    if may_pass:
        raise ServiceUnavailable(str(error)) from error
    flash(shop_words.told(str(error)), "bad")
    return _home()


def _home() -> BaseResponse:
    return redirect(url_for("home.show"), code=303)


def _own_url(endpoint: str) -> str:
    """The address of a view as the outside reaches it, whatever the request's Host says."""
    return runtime().settings.base_url + url_for(endpoint)


def _browser() -> str:
    """The secret that this browser holds, "" if it holds none of ours."""
    value = request.cookies.get(_cookie_name(), "")
    return value if _COOKIE_VALUE.fullmatch(value) else ""


def _bound_to(browser: str, response: BaseResponse) -> BaseResponse:
    """Leave the secret with the browser; Lax, because the shop sends it back from another site."""
    response.set_cookie(
        _cookie_name(),
        browser,
        max_age=_COOKIE_SECONDS,
        secure=_is_secure(),
        httponly=True,
        samesite="Lax",
    )
    response.headers["Cache-Control"] = "no-store"
    return response


def _cookie_name() -> str:
    # The prefix keeps a neighbouring subdomain from planting a cookie of its own.
    return f"__Host-{_COOKIE}" if _is_secure() else _COOKIE


def _is_secure() -> bool:
    return runtime().settings.base_url.startswith("https://")
