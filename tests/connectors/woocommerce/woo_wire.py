"""A WooCommerce store at the wire: it checks signatures with code of its own and answers captured JSON."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlsplit

from requests import PreparedRequest

from connectors.base import CustomerRecord, OrderRecord, Record
from connectors.storefronts.woocommerce.api import WooStorefront
from connectors.storefronts.woocommerce.writer import WooWriter

FIXTURES = Path(__file__).parents[2] / "fixtures" / "woocommerce"
KEY = "ck_" + "1" * 40
SECRET = "cs_" + "2" * 40
HOOKS = "https://app.example.test/webhooks/woocommerce/7"

Json = Any
Reply = tuple[int, dict[str, str], str]
Answers = Callable[[str], Json]
Connect = Callable[..., WooStorefront]
WriteInto = Callable[..., WooWriter]
R = TypeVar("R")


@dataclass(frozen=True)
class Delivery:
    """A captured delivery, as it arrived."""

    name: str
    topic: str
    secret: str
    headers: dict[str, str]
    body: bytes

    def payload(self, **changes: Json) -> bytes:
        """The body with some of its keys changed."""
        return json.dumps({**json.loads(self.body), **changes}).encode()


Deliveries = Callable[[str], Delivery]


@dataclass
class FakeStore:
    """A store with its WordPress in front; every attribute may be changed by a test.

    `sees_tls` is what PHP knows of the request: a proxy may hide TLS from it.
    """

    home: str = "https://shop.example.test"
    sees_tls: bool = True
    key: str = KEY
    permissions: str = "read_write"
    is_owner_demoted: bool = False
    is_active: bool = True
    has_pretty_permalinks: bool = True
    rows: dict[str, list[Json]] = field(default_factory=dict)
    overrides: dict[str, Reply] = field(default_factory=dict)
    on_webhook_created: Callable[[str], None] | None = None
    served_at: str = "Sun, 22 Nov 2026 02:00:00 GMT"
    requests: list[PreparedRequest] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)

    def __call__(self, request: PreparedRequest) -> Reply:
        self.requests.append(request)
        parts = urlsplit(str(request.url))
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        if not self.has_pretty_permalinks and "rest_route" not in query:
            return 404, {}, "<html>Not found</html>"
        path = query.get("rest_route") or parts.path.split("/wp-json", 1)[-1]
        override = self.overrides.get(path)
        if override is not None:
            return override
        if path == "/":
            return self._json(200, self._index())
        if not self.is_active:
            return self._error(404, "rest_no_route", "No route was found.")
        return self._refuse(request, query) or self._route(str(request.method), path, query, request.body)

    def queries(self, path_end: str) -> list[dict[str, str]]:
        """The queries of the calls whose path ends so, in order."""
        called = (urlsplit(str(request.url)) for request in self.requests)
        return [dict(parse_qsl(parts.query)) for parts in called if parts.path.endswith(path_end)]

    def _index(self) -> Json:
        return {
            "name": "Bottega &amp; Figli",
            "url": self.home,
            "home": self.home,
            "timezone_string": "Europe/Rome",
            "gmt_offset": 1,
            "namespaces": ["wp/v2", *(["wc/v3"] if self.is_active else [])],
        }

    def _refuse(self, request: PreparedRequest, query: dict[str, str]) -> Reply | None:
        refused = (
            self._refuse_basic(request) if self._is_basic(request) else self._refuse_oauth(request, query)
        )
        if refused is not None:
            return refused
        if self.permissions == "read" and request.method != "GET":
            return self._error(401, "woocommerce_rest_authentication_error", "La chiave non ha il permesso.")
        if self.is_owner_demoted:
            return self._error(403, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        return None

    def _is_basic(self, request: PreparedRequest) -> bool:
        return "Authorization" in request.headers

    def _refuse_basic(self, request: PreparedRequest) -> Reply | None:
        sent = base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        if not self.sees_tls or sent.split(":")[0] != self.key:
            return self._error(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.")
        if sent != f"{self.key}:{SECRET}":
            return self._error(401, "woocommerce_rest_authentication_error", "Consumer secret is invalid.")
        return None

    def _refuse_oauth(self, request: PreparedRequest, query: dict[str, str]) -> Reply | None:
        code = "woocommerce_rest_authentication_error"
        if query.get("oauth_consumer_key") != self.key:
            return self._error(401, code, "Consumer key is invalid.")
        scheme = "https" if self.sees_tls else "http"
        path = "/wp-json" + urlsplit(str(request.url)).path.split("/wp-json", 1)[1]
        uri = f"{scheme}://{self.home.split('://', 1)[1]}{path}"
        expected = signature(str(request.method), uri, query)
        if not hmac.compare_digest(expected, query["oauth_signature"]):
            return self._error(401, code, "Invalid signature - provided signature does not match.")
        if query["oauth_nonce"] in self.nonces:
            return self._error(401, code, "Invalid nonce - nonce has already been used.")
        self.nonces.add(query["oauth_nonce"])
        return None

    def _route(self, method: str, path: str, query: dict[str, str], body: Json) -> Reply:
        resource, _, item_id = path.removeprefix("/wc/v3/").partition("/")
        if resource in ("system_status", "settings"):
            return self._captured(f"rest_{resource}{'_general' if item_id else ''}", query)
        if item_id == "batch":
            return self._batch(resource, json.loads(body or "{}"))
        if method == "POST":
            return self._create(resource, json.loads(body))
        if not item_id:
            return self._list(resource, query)
        return self._one(method, resource, int(item_id))

    def _captured(self, name: str, query: dict[str, str]) -> Reply:
        value = answer(name)
        wanted = query.get("_fields", "").split(",")
        is_list = isinstance(value, list)
        cut = [{key: row[key] for key in wanted if key in row} for row in (value if is_list else [value])]
        return self._json(200, cut if is_list else cut[0])

    def _batch(self, resource: str, sent: Json) -> Reply:
        asked = sent.get("create", [])
        assert len(asked) <= 100
        made = []
        for one in asked:
            status, _headers, body = self._create(resource, one)
            made.append(json.loads(body) if status == 201 else {"id": 0, "error": json.loads(body)})
        return self._json(200, {"create": made} if asked else {})

    def _create(self, resource: str, sent: Json) -> Reply:
        rows = self.rows.setdefault(resource, [])
        if resource == "coupons" and any(row["code"] == sent["code"] for row in rows):
            return self._error(400, "woocommerce_rest_coupon_code_already_exists", "The coupon code exists.")
        if resource == "webhooks" and self.on_webhook_created is not None:
            self.on_webhook_created(sent["delivery_url"])
        row = {"id": 1 + max((found["id"] for found in rows), default=99), "status": "active", **sent}
        rows.append(row)
        return self._json(201, {key: value for key, value in row.items() if key != "secret"})

    def _list(self, resource: str, query: dict[str, str]) -> Reply:
        rows = list(self.rows.get(resource, []))
        if resource == "orders":
            asked = query.get("status", "any")
            rows = [
                row
                for row in rows
                if (row.get("status") != "trash" if asked == "any" else row.get("status") == asked)
            ]
        if resource == "customers" and query.get("role") != "all":
            rows = [row for row in rows if row["role"] == query.get("role", "customer")]
        if "modified_after" in query and resource != "customers":
            assert query["dates_are_gmt"] == "true"
            rows = [row for row in rows if row["date_modified_gmt"] > query["modified_after"]]
        if query.get("orderby") == "modified":
            rows.sort(key=lambda row: (row["date_modified_gmt"], row["id"]))
        elif query.get("orderby") == "id":
            rows.sort(key=lambda row: row["id"])
        if "include" in query:
            rows = [row for row in rows if str(row["id"]) in query["include"].split(",")]
        if "code" in query:
            rows = [row for row in rows if row["code"] == query["code"]]
        size, number = int(query.get("per_page", "10")), int(query.get("page", "1"))
        assert size <= 100
        counts = {"X-WP-Total": str(len(rows)), "X-WP-TotalPages": str(-(-len(rows) // size))}
        return self._json(200, _narrowed(rows[(number - 1) * size : number * size], query), counts)

    def _one(self, method: str, resource: str, item_id: int) -> Reply:
        rows = self.rows.get(resource, [])
        found = next((row for row in rows if row["id"] == item_id), None)
        if found is None:
            return self._error(404, f"woocommerce_rest_{resource}_invalid_id", "Invalid ID.")
        if method == "DELETE":
            rows.remove(found)
        return self._json(200, found)

    def _json(self, status: int, value: Json, headers: dict[str, str] | None = None) -> Reply:
        return status, {"Date": self.served_at, **(headers or {})}, json.dumps(value)

    def _error(self, status: int, code: str, message: str) -> Reply:
        return self._json(status, {"code": code, "message": message, "data": {"status": status}})


def _narrowed(rows: list[Json], query: dict[str, str]) -> list[Json]:
    if "_fields" not in query:
        return rows
    wanted = query["_fields"].split(",")
    return [{key: value for key, value in row.items() if key in wanted} for row in rows]


def signature(method: str, uri: str, query: dict[str, str]) -> str:
    """HMAC-SHA1 as WooCommerce computes it (RFC 5849, no token)."""
    pairs = sorted(
        (quote(name, safe="~"), quote(value, safe="~"))
        for name, value in query.items()
        if name != "oauth_signature"
    )
    normalised = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join((method, quote(uri, safe="~"), quote(normalised, safe="~")))
    return base64.b64encode(hmac.new(f"{SECRET}&".encode(), base.encode(), hashlib.sha1).digest()).decode()


def read_delivery(path: Path) -> Delivery:
    """One captured delivery from its file."""
    captured = json.loads(path.read_text())
    request = captured["request"]
    return Delivery(
        name=path.stem,
        topic=captured["topic"],
        secret=captured["secret"],
        headers=dict(request["headers"]),
        body=request["body"].encode(),
    )


def answer(name: str) -> Json:
    """The JSON value of a captured REST answer."""
    return json.loads(json.loads((FIXTURES / f"{name}.json").read_text())["body"])


def deliveries() -> list[Delivery]:
    """All captured deliveries, pings included."""
    paths = sorted([*FIXTURES.glob("hpos_*.json"), *FIXTURES.glob("storecheckout*.json")])
    return [read_delivery(path) for path in paths]


def only(found: Sequence[Record], kind: type[R]) -> R:
    """The single Record, which must be of this kind."""
    [record] = found
    assert isinstance(record, kind)
    return record


def buyer(order: OrderRecord) -> CustomerRecord:
    """Who ordered; there must be somebody."""
    assert order.customer is not None
    return order.customer
