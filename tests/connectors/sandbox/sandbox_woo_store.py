"""A WooCommerce store of the sandbox with a client that signs as Authlib does, for the tests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from authlib.oauth1.rfc5849.signature import (
    construct_base_string,
    hmac_sha1_signature,
)
from flask import Flask

from connectors.sandbox.woo_api import blueprint
from tests.connectors.sandbox.sandbox_fake_world import FakeWorld, small_world

HOME = "http://sandbox-bottega.example"
KEY = {
    "key_id": 1,
    "consumer_key": "ck_" + "a" * 40,
    "consumer_secret": "cs_" + "b" * 40,
    "permissions": "read_write",
    "app_name": "Ritorno",
}


@dataclass
class Store:
    """The store, its world, and a clock that stands still."""

    world: FakeWorld = field(default_factory=small_world)
    seconds: float = 1_800_000_000.0
    nonces: int = 0

    def __post_init__(self) -> None:
        """Serve the store and keep one API key in it."""
        server = Flask("sandbox-store-under-test")
        server.register_blueprint(blueprint(self.world, clock=lambda: self.seconds))
        self.client: Any = server.test_client()
        self.world.remember("woo_key", KEY)

    def signed(self, method: str, path: str, query: Mapping[str, Any] | None = None, home: str = HOME) -> str:
        """The path and signed query of a request; signed for the store's home URL."""
        url = f"{home}/wp-json/wc/v3{path}"
        self.nonces += 1
        pairs = [
            *((name, str(value)) for name, value in (query or {}).items()),
            ("oauth_consumer_key", str(KEY["consumer_key"])),
            ("oauth_nonce", f"nonce{self.nonces}"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", str(int(self.seconds))),
            ("oauth_version", "1.0"),
        ]
        base = construct_base_string(method, url, pairs)
        signature = hmac_sha1_signature(base, KEY["consumer_secret"], "")
        return f"/wp-json/wc/v3{path}?{urlencode([*pairs, ('oauth_signature', signature)])}"

    def call(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, sent: object = None
    ) -> Any:
        """Send a signed request."""
        return self.client.open(f"/woo{self.signed(method, path, query)}", method=method, json=sent)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a signed GET that succeeds."""
        answer = self.call("GET", path, query)
        assert answer.status_code == 200, answer.text
        return answer.json
