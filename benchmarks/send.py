"""P5: messages a second that leave, against the same done by nothing but the driver, a template and sockets.

The product's way is the outbox's own: claim, the gate's fourteen steps, Liquid, the provider's package,
a call for each, the answer on its row; each message has its row, its attempt, its decision and its entry of
the timeline. The sink is a process of its own on the loopback.
"""

import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from app.db import insert_rows, table_of
from app.flows import switch
from app.loading import keep_loaded
from app.models import ConsentState, Customer, Message, Store
from app.runtime import Runtime
from app.stores import settings
from benchmarks import machine, stores
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import send as floors
from connectors.channels.local import LocalChannel
from jobs import outbox
from jobs.kit import Kit

CONNECTIONS = 64
_NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
_STORE_ID = 1
_SETTINGS = {
    "sender.email": "ciao@bottega.example",
    "sender.name": "Bottega",
    "sender.postal_address": "via Garibaldi 12, 10122 Torino",
    "rails.holdout_percent": "0",
    "consent.import": "declined",
    "sending.warm_up": "off",
    "sendgrid.api_key": "SG.benchmark-key-number-1.benchmark-secret-of-the-account-00000000001",
}


@dataclass(frozen=True, slots=True)
class Case:
    """How long the provider takes, how many clocks the worker's process has, and the goal."""

    title: str
    latency_ms: float
    clocks: int
    goal: str


CASES = (
    Case("no latency", 0, 1, "1500/s"),
    Case("50 ms", 50, 1, "50%"),
    Case("50 ms, --concurrency 2", 50, 2, "50%"),
)


@dataclass(frozen=True, slots=True)
class Rate:
    """Messages a second, by the clock on the wall and by the sender's own processor time."""

    wall: float
    cpu: float


def compare(kind: str, databases: Databases, case: Case, *, messages: int, rounds: int) -> tuple[Rate, Rate]:
    """The best rates of floor and product, taken in turns on fresh databases of one kind.

    The collector does as in a worker, which does not look at what was loaded again and again.
    """
    keep_loaded()
    best = {"floor": Rate(0, 0), "product": Rate(0, 0)}
    for _ in range(rounds):
        for name, held in best.items():
            with _sink(databases, case.latency_ms) as port:
                if name == "floor":
                    found = _floor(kind, databases, messages, port)
                else:
                    found = _product(kind, databases, messages, port, clocks=case.clocks)
                _check(port, messages)
            best[name] = Rate(max(held.wall, found.wall), max(held.cpu, found.cpu))
    return best["floor"], best["product"]


def _floor(kind: str, databases: Databases, messages: int, port: int) -> Rate:
    if kind == "SQLite":
        target: Any = floors.OnSqlite(str(databases.sqlite()), messages)
    else:
        target = floors.OnPostgres(databases.postgresql(), messages)
    begun, cpu = time.perf_counter(), time.process_time()
    floors.send_all(target, port, CONNECTIONS)
    found = _rate(messages, begun, cpu)
    target.close()
    return found


def _product(kind: str, databases: Databases, messages: int, port: int, *, clocks: int) -> Rate:
    is_sqlite = kind == "SQLite"
    url = f"sqlite:///{databases.sqlite()}" if is_sqlite else alchemy_url(databases.postgresql())
    runtime = stores.connect(url, sendgrid_api_url=f"http://127.0.0.1:{port}")
    _fill(runtime, messages)
    kits = [Kit.build(runtime, LocalChannel(None)) for _ in range(clocks)]
    begun, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(clocks) as workers:
        list(workers.map(_drain, kits))
    found = _rate(messages, begun, cpu)
    with runtime.database.read() as session:
        statement = select(func.count()).select_from(table_of(Message)).where(Message.status == "sent")
        sent = session.execute(statement).scalar_one()
    runtime.database.dispose()
    if sent != messages:
        raise AssertionError(f"{sent} of {messages} rows are sent")
    return found


def _drain(kit: Kit) -> None:
    while outbox.run(kit, _NOW)["decided"]:
        pass


def _fill(runtime: Runtime, messages: int) -> None:
    """As many subscribers as messages, each with a mail of the welcome journey that is due."""
    with runtime.database.write() as session:
        store = session.get_one(Store, _STORE_ID)
        settings.write(session, store, _SETTINGS, vault=runtime.vault)
        switch.ensure_flows(session, _STORE_ID, _NOW)
        switch.activate(session, _STORE_ID, "welcome", _NOW)
        people = [_person(number) for number in range(messages)]
        for start in range(0, messages, 1000):
            insert_rows(session, table_of(Customer), people[start : start + 1000])
        ids = session.execute(select(Customer.id).where(Customer.store_id == _STORE_ID)).scalars().all()
        insert_rows(session, table_of(ConsentState), [_consent(id_) for id_ in ids])
        insert_rows(session, table_of(Message), [_message(id_) for id_ in ids])


def _person(number: int) -> dict[str, Any]:
    return {
        "store_id": _STORE_ID,
        "identity": f"id:c{number}",
        "external_id": f"c{number}",
        "email": f"c{number}@example.com",
        "first_name": f"Nome{number}",
        "country": "IT",
        "tags": [],
        "created_at": _NOW - timedelta(days=60),
    }


def _consent(customer_id: int) -> dict[str, Any]:
    said = {"channel": "email", "state": "subscribed", "basis": "consent", "occurred_at": _NOW}
    return {"store_id": _STORE_ID, "customer_id": customer_id, **said}


def _message(customer_id: int) -> dict[str, Any]:
    return {
        "store_id": _STORE_ID,
        "customer_id": customer_id,
        "key": f"welcome:W2:{customer_id}:consent",
        "flow_key": "welcome",
        "step": "W2",
        "channel": "email",
        "purpose": "marketing",
        "priority": 3,
        "status": "queued",
        "due_at": _NOW,
        "expires_at": _NOW + timedelta(hours=48),
        "next_at": _NOW,
        "created_at": _NOW,
        "context": {"content": "welcome/W2", "only_if": []},
    }


@contextmanager
def _sink(databases: Databases, latency_ms: float) -> Iterator[int]:
    port = machine.free_port()
    command = machine.python(str(machine.ROOT / "benchmarks" / "sink.py"), str(port), str(latency_ms))
    with machine.running(command, port, {}, databases.folder):
        yield port


def _check(port: int, messages: int) -> None:
    """The sink got each message, and none twice."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts", timeout=5) as answer:
        seen, again = map(int, answer.read().split())
    if (seen, again) != (messages, 0):
        raise AssertionError(f"the sink saw {seen} of {messages} messages, {again} of them again")


def _rate(messages: int, begun: float, cpu: float) -> Rate:
    return Rate(messages / (time.perf_counter() - begun), messages / (time.process_time() - cpu))
