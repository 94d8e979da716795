"""P6: events of a provider that take effect in a second, and how soon its largest posts are acknowledged.

The product's way is the whole one: the signature is checked, the post kept durably, then read by the worker's
job, each event deduplicated and its message moved up. The floor does the same in two tables.
"""

import http.client
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app import clock
from app.db import insert_rows, table_of
from app.loading import keep_loaded
from app.models import DeliveryEvent, Message, Store
from app.runtime import Runtime
from app.stores import settings
from benchmarks import machine, mails, stores
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import callbacks as floors
from benchmarks.posts import Account, Post
from connectors.channels.local import LocalChannel
from jobs import inbox
from jobs.kit import Kit
from webhooks.channels import ProviderDeliveries
from webhooks.posted import Posted
from webhooks.writer import InboxWriter

EVENTS, LARGEST = 100, 1700
_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
_WARM = 5


@dataclass(frozen=True, slots=True)
class Rates:
    """Events a second: as they arrive, as the worker reads them, and both; and by processor time."""

    kept: float
    read: float
    whole: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Waits:
    """Milliseconds until a post of the largest size was acknowledged."""

    kib: float
    p50_ms: float
    p99_ms: float


def compare(kind: str, databases: Databases, *, posts: int, rounds: int) -> tuple[Rates, Rates]:
    """The best rates of floor and product, taken in turns on fresh databases of one kind.

    The collector does as in a worker, which does not look at what was loaded again and again.
    """
    keep_loaded()
    best: list[Rates | None] = [None, None]
    for _ in range(rounds):
        account = Account()
        at = int(_NOW.timestamp())
        told = [account.post(1 + number * EVENTS // 2, EVENTS, at=at) for number in range(posts)]
        for place, run in enumerate((_floor, _product)):
            found, held = run(kind, databases, account, told), best[place]
            best[place] = found if held is None or found.whole > held.whole else held
    floor, product = best
    if floor is None or product is None:
        raise ValueError("no round was run")
    return floor, product


def acknowledged(kind: str, databases: Databases, *, posts: int) -> Waits:
    """How long posts of the largest size wait for their answer, one after the other, from a server."""
    account, url = Account(), _url(kind, databases)
    runtime = stores.connect(url)
    _prepare(runtime, account, 0)
    runtime.database.dispose()
    port, at = machine.free_port(), int(time.time())
    told = [account.post(1 + number * LARGEST, LARGEST, at=at) for number in range(posts + _WARM)]
    command = machine.python("-m", "app.cli.entry", "serve", "--port", str(port), "--worker", "none")
    environment = {**stores.ENVIRONMENT, "DATABASE_URL": url}
    with machine.running(command, port, environment, databases.folder):
        waits = sorted([_post(port, post) for post in told][_WARM:])
    kib = len(told[0].body) / 1024
    return Waits(kib, waits[len(waits) // 2] * 1000, waits[int(len(waits) * 0.99)] * 1000)


def _post(port: int, post: Post) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    begun = time.perf_counter()
    connection.request("POST", f"/webhooks/sendgrid/{mails.STORE_ID}", post.body, post.headers)
    answer = connection.getresponse()
    answer.read()
    waited = time.perf_counter() - begun
    connection.close()
    if answer.status != http.client.OK:
        raise AssertionError(f"a post was answered {answer.status}")
    return waited


def _floor(kind: str, databases: Databases, account: Account, told: Sequence[Post]) -> Rates:
    messages = len(told) * EVENTS // 2
    if kind == "SQLite":
        target: Any = floors.OnSqlite(str(databases.sqlite()), messages)
    else:
        target = floors.OnPostgres(databases.postgresql(), messages)
    key = account.verifier
    begun, cpu = time.perf_counter(), time.process_time()
    for post in told:
        target.take(post, key)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    events = len(told) * EVENTS
    if target.count() != events:
        raise AssertionError(f"{target.count()} of {events} events are there")
    target.close()
    return Rates(events / seconds, events / seconds, events / seconds, events / cpu)


def _product(kind: str, databases: Databases, account: Account, told: Sequence[Post]) -> Rates:
    runtime = stores.connect(_url(kind, databases))
    events = len(told) * EVENTS
    _prepare(runtime, account, events // 2)
    kit, writer = Kit.build(runtime, LocalChannel(None)), InboxWriter(runtime.database)
    deliveries = ProviderDeliveries(runtime)
    begun, cpu = time.perf_counter(), time.process_time()
    with clock.frozen_at(_NOW):
        for post in told:
            _keep(deliveries, writer, post)
        kept = time.perf_counter() - begun
        inbox.run(kit, _NOW + timedelta(seconds=1))
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    writer.close()
    _check(runtime, events)
    runtime.database.dispose()
    return Rates(events / kept, events / (seconds - kept), events / seconds, events / cpu)


def _keep(deliveries: ProviderDeliveries, writer: InboxWriter, post: Post) -> None:
    headers = {name.lower(): value for name, value in post.headers.items()}
    posted = Posted(place=f"sendgrid/{mails.STORE_ID}", query="", headers=headers, body=post.body)
    kept: Any = deliveries.check(posted)
    writer.keep(kept)


def _check(runtime: Runtime, events: int) -> None:
    """Every event is there once, and every message delivered."""
    with runtime.database.read() as session:
        there = session.execute(select(func.count()).select_from(table_of(DeliveryEvent))).scalar_one()
        statement = select(func.count()).select_from(table_of(Message)).where(Message.status == "delivered")
        delivered = session.execute(statement).scalar_one()
    if (there, delivered) != (events, events // 2):
        raise AssertionError(f"{there} of {events} events, {delivered} messages delivered")


def _url(kind: str, databases: Databases) -> str:
    return f"sqlite:///{databases.sqlite()}" if kind == "SQLite" else alchemy_url(databases.postgresql())


def _prepare(runtime: Runtime, account: Account, messages: int) -> None:
    """The key that signs, one customer, and messages that were sent."""
    with runtime.database.write() as session:
        store = session.get_one(Store, mails.STORE_ID)
        values = {"sendgrid.webhook_public_key": account.public_key}
        settings.write(session, store, values, vault=runtime.vault)
        mails.add_customer(session, _NOW)
        left_at = _NOW - timedelta(minutes=5)
        insert_rows(session, table_of(Message), [mails.sent(number, left_at) for number in range(messages)])
