"""How long the merchant's screens and the API take over a large store: 100,000 customers, 500,000 orders.

Each address is called as a server calls it; what counts is the server's time of an answer and how many
statements it asks, which must not grow with the rows.
"""

import hashlib
import io
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from app.lists.taking import KINDS
from app.loading import keep_loaded
from app.members import keys
from app.runtime import Runtime
from app.web import auth
from app.wsgi import create_app
from benchmarks import machine, screen_store, stores
from benchmarks.databases import Databases
from benchmarks.screen_store import FLOW, MESSAGE_ID, STEP, STORE_ID

MOST_MS, MOST_QUERIES = 100, 30
_READ = ("/app/", "/api/v1/", "/zones/", "/metrics", "/readyz")
_NOT_READ = re.compile(r"/sign-in|/openapi\.json$|<token>")
"""What asks for no rows of the store, or for a link that was sent."""
_VALUES = {
    "customer_id": "7920",
    "message_id": str(MESSAGE_ID),
    "order_id": "400000",
    "review_id": "4000",
    "key": FLOW,
    "locale": "it",
    "step": STEP,
    "step_id": STEP,
}
_ASKED = (
    "/app/?days=365",
    "/app/customers?q=cognome12",
    "/app/customers?q=nobody",
    "/app/customers?q=nobody+strauss",
    "/app/customers?q=nobody&kind=loyal",
    "/app/customers?consent=email:unsubscribed",
    "/app/customers?consent=email:unknown&kind=loyal",
    "/app/customers?standing=dormant",
    "/app/flows/reactivation",
    "/app/flows/reactivation/start",
    "/app/flows/review/publish?draft=1",
    "/app/outbox?flow=birthday&status=sent",
    "/app/outbox?flow=winback",
    "/app/outbox?status=unknown",
    "/app/activity?status=dead",
    "/app/reviews?show=low",
    "/app/reviews?show=approved",
    "/app/reviews?show=all",
    "/app/flows/review/new-step?way=products&kind=wait",
    "/api/v1/customers?email=c7920@example.com",
    "/api/v1/orders?customer=7920",
    "/api/v1/events?customer=7920",
    "/api/v1/events?type=shop.unheard",
    "/api/v1/messages?customer=7920",
    "/api/v1/messages?flow=birthday&status=delivered",
    "/api/v1/messages?flow=winback",
    "/api/v1/messages?status=unknown",
    "/api/v1/reviews?customer=7920",
    "/api/v1/reviews?product=unheard",
    "/api/v1/reviews?state=hidden",
    "/api/v1/enrollments?customer=7920",
    "/api/v1/enrollments?flow=winback",
    "/api/v1/inbound-events?status=dead",
    "/api/v1/inbound-events?topic=shop/unheard",
)
"""Lists that were asked for something, too: what is rare is the hardest to find."""
_MADE_BY = (
    "migrations/versions/0001_initial.py",
    "benchmarks/screen_store.py",
    "benchmarks/series.py",
    "benchmarks/stores.py",
    "benchmarks/why.py",
)
"""What a kept store was made by."""
_LIST = "/app/settings/lists"
_LISTED = 100

_Call = Callable[[], int]
"""Opens an address; the status of its answer."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An address's answers: milliseconds, and statements of the last one.

    Attributes:
        cpu: what the median answer took on a core, PostgreSQL's own work with it where that runs here.
    """

    path: str
    status: int
    p50: float
    p95: float
    cpu: float
    queries: int

    @property
    def is_kept(self) -> bool:
        """Whether it keeps the goal; what is not there, is shown by no screen."""
        return self.status < HTTPStatus.BAD_REQUEST and self.p95 <= MOST_MS and self.queries <= MOST_QUERIES


def measure(kind: str, databases: Databases, *, customers: int, rounds: int = 20) -> Iterator[Opened]:
    """Open each screen of a large store some times; the first time does not count."""
    runtime = _store(kind, databases, customers)
    app = create_app(runtime)
    member, program = _signed_in(app, runtime), _with_key(app, runtime)
    # As `serve` does: a round of the collector over all that is loaded takes a fifth of a second.
    keep_loaded()
    for path in [*_paths(app), *_ASKED]:
        client = program if path.startswith("/api/") else member
        yield _opened(path, _getting(client, path), databases, rounds)
    yield _opened(f"{_LIST} (a list of {_LISTED})", _posting_list(member), databases, rounds)
    runtime.database.dispose()


def tell(databases: Databases, *, customers: int, only: str) -> None:
    """Print each answer of both databases, and how many keep the goal."""
    print(f"\nScreens over {customers:,} customers and {5 * customers:,} orders")
    for kind in ("SQLite", "PostgreSQL"):
        if only not in kind:
            continue
        answers: list[Opened] = []
        for one in measure(kind, databases, customers=customers):
            answers.append(one)
            print(
                f"  {kind:11} {one.path:50} {one.status} p50 {one.p50:6.1f} ms, "
                f"p95 {one.p95:6.1f} ms (on a core {one.cpu:5.1f}), {one.queries} statements"
                f"{'' if one.is_kept else ' NOT KEPT'}",
                flush=True,
            )
        most = max(answers, key=lambda one: one.cpu)
        print(
            f"  {kind:11} {sum(one.is_kept for one in answers)} of {len(answers)} keep the goal "
            f"(p95 at most {MOST_MS} ms, {MOST_QUERIES} statements); "
            f"most work: {most.path}, {most.cpu:.1f} ms",
            flush=True,
        )


def _store(kind: str, databases: Databases, customers: int) -> Runtime:
    """The large store; one that was kept by an earlier run, if it was made by the same code."""
    digest = hashlib.sha256(b"".join((machine.ROOT / path).read_bytes() for path in _MADE_BY))
    name = f"screens_{customers}_{digest.hexdigest()[:12]}"
    is_filled, url = databases.named(kind, name)
    if is_filled:
        return stores.opened(url)
    runtime = stores.connect(url)
    screen_store.fill(runtime, customers)
    databases.is_filled(kind, name)
    return runtime


def _opened(path: str, call: _Call, databases: Databases, rounds: int) -> Opened:
    statements: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        statements.append(statement)

    status = call()
    servers = databases.server_processes()
    times, cpus = (sorted(of) for of in zip(*(_timed(call, servers) for _ in range(rounds)), strict=True))
    event.listen(Engine, "before_cursor_execute", count)
    call()
    event.remove(Engine, "before_cursor_execute", count)
    middle, late = len(times) // 2, len(times) * 95 // 100
    return Opened(path, status, times[middle], times[late], cpus[middle], len(statements))


def _timed(call: _Call, servers: Sequence[int]) -> tuple[float, float]:
    server, begun, cpu = machine.worked_ms(servers), time.perf_counter(), time.process_time()
    call()
    wall, ours = time.perf_counter() - begun, time.process_time() - cpu
    return wall * 1000, ours * 1000 + machine.worked_ms(servers) - server


def _getting(client: FlaskClient, path: str) -> _Call:
    return lambda: client.get(path).status_code


def _posting_list(client: FlaskClient) -> _Call:
    """A list that was taken in before and whose every row is refused: its page tells of each."""
    page = client.get("/app/settings").get_data(as_text=True)
    token = page.split('name="csrf" value="')[1].split('"')[0]
    rows = "email\n" + "".join(f"nobody-{number}\n" for number in range(_LISTED))

    def post() -> int:
        file = (io.BytesIO(rows.encode()), "list.csv")
        return client.post(_LIST, data={"csrf": token, "kind": KINDS[0], "file": file}).status_code

    return post


def _signed_in(app: Flask, runtime: Runtime) -> FlaskClient:
    with runtime.database.write() as session:
        token = auth.issue_sign_in_link(session, datetime.now(UTC))
    client = app.test_client()
    client.get(f"/app/sign-in/{token}")
    return client


def _with_key(app: Flask, runtime: Runtime) -> FlaskClient:
    with runtime.database.write() as session:
        key = keys.make(session, STORE_ID, "benchmark", datetime.now(UTC))
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


def _paths(app: Flask) -> Sequence[str]:
    rules = sorted(str(rule) for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()))
    screens = [rule for rule in rules if rule.startswith(_READ) and not _NOT_READ.search(rule)]
    return [re.sub(r"<(?:\w+:)?(\w+)>", lambda named: _VALUES[named[1]], rule) for rule in screens]
