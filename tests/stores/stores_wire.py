"""A Shopify and a WooCommerce on a real loopback socket; they know nothing of our code."""

import base64
import hashlib
import hmac
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

CLIENT_ID = "client-1"
CLIENT_SECRET = "hush-hush"
SHOP = "aurora.myshopify.com"
WOO_KEY = "ck_" + "1" * 40
WOO_SECRET = "cs_" + "2" * 40

Answer = tuple[int, Any]


@dataclass
class FakePlatforms:
    """Both platforms; every attribute may be changed by a test.

    Attributes:
        refresh_tokens: good ones; the one before the newest stays good until the newest pair is used.
        endless_tokens: those of our app that are to be migrated.
        app_id: whose app a token is said to be of.
        before_token_answer: called when a token was made and before it is sent.
        silent_paths, silent_methods: answered 503.
    """

    codes: set[str] = field(default_factory=set)
    refresh_tokens: list[str] = field(default_factory=list)
    access_tokens: list[str] = field(default_factory=list)
    endless_tokens: list[str] = field(default_factory=list)
    app_id: str = "another app"
    own_app: tuple[str, str] = ("own-client", "own-secret")
    shop_says: str = SHOP
    woo_home: str = "http://bottega.example"
    woo_uid: str = "uid-1"
    woo_namespaces: list[str] = field(default_factory=lambda: ["wc/v3"])
    woo_keys: dict[str, str] = field(default_factory=lambda: {WOO_KEY: WOO_SECRET})
    webhooks: list[dict[str, Any]] = field(default_factory=list)
    hooks_made: int = 0
    silent_paths: set[str] = field(default_factory=set)
    silent_methods: set[str] = field(default_factory=set)
    before_token_answer: Callable[[], None] = lambda: None
    calls: list[tuple[str, str]] = field(default_factory=list)
    grants: list[dict[str, Any]] = field(default_factory=list)
    base: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        """The status and the JSON of one request."""
        parts = urlsplit(target)
        with self._lock:
            self.calls.append((method, parts.path))
            if parts.path in self.silent_paths or method in self.silent_methods:
                return 503, {}
            if parts.path.startswith("/shopify/"):
                return self._shopify(parts.path, headers, json.loads(body or b"{}"))
            return self._woo(method, parts.path, target, json.loads(body or b"{}"))

    def _shopify(self, path: str, headers: dict[str, str], payload: dict[str, Any]) -> Answer:
        if path.endswith("/admin/oauth/access_token"):
            self.grants.append(payload)
            return self._token(payload)
        if headers.get("x-shopify-access-token") not in self.access_tokens:
            return 401, {"errors": "unauthorized"}
        del self.refresh_tokens[:-1]
        return 200, {"data": _identity(self.shop_says, self.app_id)}

    def _token(self, payload: dict[str, Any]) -> Answer:
        grant, client = payload["grant_type"], (payload.get("client_id"), payload.get("client_secret"))
        if grant == "client_credentials" and client == self.own_app:
            return 200, {"access_token": self._new_token(), "scope": "read_orders", "expires_in": 86399}
        if client != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        if grant == "authorization_code" and payload.get("code") in self.codes:
            self.codes.remove(payload["code"])
            return self._pair()
        if grant.endswith("token-exchange") and payload.get("subject_token") in self.endless_tokens:
            self.endless_tokens.remove(payload["subject_token"])
            self.access_tokens.remove(payload["subject_token"])
            return self._pair()
        if grant == "refresh_token" and payload.get("refresh_token") in self.refresh_tokens[-2:]:
            return self._pair()
        return 400, {"error": "invalid_grant"}

    def _pair(self) -> Answer:
        self.refresh_tokens.append(f"refresh-{len(self.grants)}")
        pair = {
            "access_token": self._new_token(),
            "scope": "read_customers,read_orders",
            "expires_in": 3600,
            "refresh_token": self.refresh_tokens[-1],
            "refresh_token_expires_in": 7776000,
        }
        self.before_token_answer()
        return 200, pair

    def _new_token(self) -> str:
        self.access_tokens.append(f"access-{len(self.grants)}")
        return self.access_tokens[-1]

    def _woo(self, method: str, path: str, target: str, payload: dict[str, Any]) -> Answer:
        rest = path.removeprefix("/woo/wp-json")
        if rest == "/":
            return 200, {
                "name": "Bottega",
                "home": self.woo_home,
                "url": self.woo_home,
                "namespaces": self.woo_namespaces,
                "timezone_string": "Europe/Rome",
            }
        if not self._is_signed(method, target):
            return 401, {"code": "woocommerce_rest_authentication_error", "message": "Invalid signature"}
        if rest.startswith("/wc/v3/webhooks"):
            return self._woo_webhooks(method, rest, payload)
        return 200, _WOO_ANSWERS[rest](self)

    def _woo_webhooks(self, method: str, rest: str, payload: dict[str, Any]) -> Answer:
        if method == "POST":
            self.hooks_made += 1
            hook = {"id": self.hooks_made, "status": "active", **payload}
            self.webhooks.append(hook)
            return 201, {name: hook[name] for name in hook if name != "secret"}
        if method == "DELETE":
            self.webhooks = [hook for hook in self.webhooks if hook["id"] != int(rest.rsplit("/", 1)[1])]
            return 200, {}
        return 200, self.webhooks

    def _is_signed(self, method: str, target: str) -> bool:
        """OAuth 1.0a over the store's own home URL, checked from scratch."""
        path, _, query = target.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        given = dict(pairs)
        secret = self.woo_keys.get(given.get("oauth_consumer_key", ""), "")
        encoded = sorted((_quoted(k), _quoted(v)) for k, v in pairs if k != "oauth_signature")
        text = "&".join(f"{key}={value}" for key, value in encoded)
        url = self.woo_home + path.removeprefix("/woo")
        base = "&".join((method, _quoted(url), _quoted(text)))
        mac = hmac.new(f"{secret}&".encode(), base.encode(), hashlib.sha1).digest()
        return bool(secret) and base64.b64encode(mac).decode() == given.get("oauth_signature")


_WOO_ANSWERS: dict[str, Callable[[FakePlatforms], Any]] = {
    "/wc/v3/system_status": lambda fake: {
        "environment": {"store_id": fake.woo_uid, "home_url": fake.woo_home, "language": "it_IT"},
        "settings": {"currency": "EUR"},
    },
    "/wc/v3/settings/general": lambda _: [{"id": "woocommerce_default_country", "value": "IT:MI"}],
    "/wc/v3/coupons/batch": lambda _: {},
}


def serve(fake: FakePlatforms) -> ThreadingHTTPServer:
    """Start the platforms on a port of their own; `fake.base` is their address."""

    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 64 * 1024  # One packet an answer: two would wait for each other's acknowledgement.

        def _take(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, payload = fake.answer(self.command, self.path, headers, body)
            content = json.dumps(payload).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _take

        def log_message(self, *_args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    fake.base = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


def signed_query(params: dict[str, str], secret: str = CLIENT_SECRET) -> dict[str, str]:
    """A query as Shopify signs it."""
    text = "&".join(f"{_quoted(key)}={_quoted(params[key])}" for key in sorted(params))
    return {**params, "hmac": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()}


def real_now() -> int:
    """Seconds since 1970 by the clock that a database sees, even where Python's is stopped."""
    with closing(sqlite3.connect(":memory:")) as connection:
        days = connection.execute("SELECT julianday('now') - 2440587.5").fetchone()[0]
    return int(days * 86_400)


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")


def _identity(shop: str, app_id: str) -> dict[str, Any]:
    return {
        "shop": {
            "id": "gid://shopify/Shop/77",
            "name": "Aurora",
            "email": "owner@example.com",
            "myshopifyDomain": shop,
            "ianaTimezone": "Europe/Rome",
            "currencyCode": "EUR",
            "primaryDomain": {"url": "https://aurora.example"},
            "shopAddress": {"countryCodeV2": "IT"},
        },
        "currentAppInstallation": {
            "app": {"apiKey": app_id},
            "accessScopes": [{"handle": "read_orders"}],
        },
    }
