"""WooCommerce's wc-auth pages: the merchant grants a key, the store posts it to the app.

The merchant counts as logged in. Unlike a real store, the sandbox lets a callback on this machine be
plain HTTP. Source: includes/class-wc-auth.php and approvals measured on WooCommerce 10.0 and 10.5.
"""

import html
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

import requests

from connectors.sandbox.model import WorldView
from connectors.sandbox.woo_payloads import encode
from connectors.sandbox.woo_traits import traits

PARAMETERS = ("app_name", "user_id", "return_url", "callback_url", "scope")
SCOPES = ("read", "write", "read_write")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
CALLBACK_SECONDS = 60
ACCESS = {"read": "Read", "write": "Write", "read_write": "Read/Write"}
UNSENT = "An error occurred in the request and at the time were unable to send the consumer data"


class AccessDeniedError(Exception):
    """The text of the page that refuses an authorization."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What an app asks for."""

    app_name: str
    user_id: str
    return_url: str
    callback_url: str
    scope: str


@dataclass
class Desk:
    """Hands out keys; a key that the app did not take with exactly 200 is deleted."""

    world: WorldView
    nonces: set[str] = field(default_factory=set)

    def grant_page(self, query: Mapping[str, str], path: str) -> str:
        """The page with the links to approve and to deny.

        Raises:
            AccessDeniedError: a parameter is missing or wrong.
        """
        grant = read_grant(query)
        self._check_role()
        nonce = secrets.token_hex(5)
        self.nonces.add(nonce)
        asked = {name: str(getattr(grant, name)) for name in PARAMETERS}
        approve = f"{path}access_granted?{urlencode({**asked, 'wc_auth_nonce': nonce})}"
        return _page(grant, approve, _return_url(grant, 0))

    def approve(self, query: Mapping[str, str]) -> str:
        """Make a key, post it, and give the URL to send the browser to.

        Raises:
            AccessDeniedError: a wrong parameter or nonce, or the callback did not answer 200.
        """
        grant = read_grant(query)
        self._check_role()
        if query.get("wc_auth_nonce") not in self.nonces:
            raise AccessDeniedError("Invalid nonce verification")
        key = {
            "key_id": self.world.next_id("key"),
            "user_id": clean(grant.user_id),
            "consumer_key": f"ck_{secrets.token_hex(20)}",
            "consumer_secret": f"cs_{secrets.token_hex(20)}",
            "key_permissions": grant.scope,
        }
        if not self._post(grant.callback_url, key):
            raise AccessDeniedError(UNSENT)
        kept = {name: key[name] for name in ("key_id", "consumer_key", "consumer_secret")}
        self.world.remember("woo_key", {**kept, "permissions": grant.scope, "app_name": grant.app_name})
        return _return_url(grant, 1)

    def _check_role(self) -> None:
        if not traits(self.world).may_manage:
            raise AccessDeniedError("You do not have permission to access this page")

    def _post(self, url: str, key: Mapping[str, object]) -> bool:
        headers = {
            "User-Agent": f"WordPress/7.0.4; {traits(self.world).home}",
            "Content-Type": "application/json;charset=UTF-8",
        }
        with requests.Session() as session:
            session.trust_env = False
            try:
                # As in WordPress, a redirect is followed as a GET and its 200 counts.
                response = session.post(url, data=encode(key), headers=headers, timeout=CALLBACK_SECONDS)
            except requests.RequestException:
                return False
        return response.status_code == 200


def read_grant(query: Mapping[str, str]) -> Grant:
    """The five parameters of an authorization.

    Raises:
        AccessDeniedError: one is missing or wrong; WooCommerce's words.
    """
    values = {}
    for name in PARAMETERS:
        value = query.get(name, "")
        if value in {"", "0"}:
            raise AccessDeniedError(f"Missing parameter {name}")
        values[name] = value
    if values["scope"] not in SCOPES:
        raise AccessDeniedError(f"Invalid scope {values['scope']}")
    for name in ("return_url", "callback_url"):
        url = values[name] if "://" in values[name] else f"https://{values[name]}"
        if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
            raise AccessDeniedError(f"The {name} is not a valid URL")
        values[name] = url
    callback = urlsplit(values["callback_url"])
    if callback.scheme != "https" and callback.hostname not in LOOPBACK:
        raise AccessDeniedError("The callback_url needs to be over SSL")
    return Grant(**values)


def clean(text: str) -> str:
    """A user_id as WordPress echoes it: without tags, percent codes and bars."""
    text = re.sub(r"<[^>]*>", "", text)
    return re.sub(r"%[0-9a-fA-F]{2}", "", text).replace("|", "").strip()


def denied_page(error: AccessDeniedError) -> str:
    """The page of a refusal; it goes out with HTTP 401."""
    return f"<!DOCTYPE html><title>Access denied</title><p>Error: {html.escape(str(error))}.</p>"


def _return_url(grant: Grant, success: int) -> str:
    join = "&" if urlsplit(grant.return_url).query else "?"
    return f"{grant.return_url}{join}{urlencode({'success': success, 'user_id': clean(grant.user_id)})}"


def _page(grant: Grant, approve: str, deny: str) -> str:
    name = html.escape(grant.app_name)
    host = html.escape(urlsplit(grant.callback_url).hostname or "")
    return (
        "<!DOCTYPE html>\n<title>Application authentication request</title>\n"
        f"<h1>{name} would like to connect to your store</h1>\n"
        f'<p>This will give "{name}" <strong>{ACCESS[grant.scope]}</strong> access. '
        f"Approving will share credentials with {host}. Do not proceed if this looks suspicious.</p>\n"
        '<p class="wc-auth-actions">\n'
        f'<a href="{html.escape(approve)}" class="button button-primary wc-auth-approve">Approve</a>\n'
        f'<a href="{html.escape(deny)}" class="button wc-auth-deny">Deny</a>\n</p>\n'
    )
