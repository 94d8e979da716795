"""What the tour visits: a real server over nothing, over a new shop, a full one, and one in trouble."""

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app import clock
from app.crypto import Vault
from app.db import Database
from app.flows import switch
from app.models import Customer, InboundEvent, Message, Order, Product, Store
from app.stores import install
from app.stores.install import Arrival
from app.stores.platforms import WOOCOMMERCE
from app.web import auth
from connectors.base import StoreIdentity
from tests.e2e.e2e_demo import World, end_sandbox, run_demo

WORLD = World(seed=11, customers=40, days=60, step_minutes=720)
HOSTILE = '<img src=x onerror="window.struck=1">"\'><script>window.struck=1</script>{{ 7*7 }}'
"""What a shopper may call herself: it must stand on every page as the text that it is."""
_NEW_SHOP = Arrival(
    platform=WOOCOMMERCE,
    url="https://bottega-aurora.example",
    identity=StoreIdentity(
        domain="bottega-aurora.example",
        name="Bottega Aurora",
        timezone="Europe/Rome",
        currency="EUR",
        country="IT",
        locale="it",
        home_url="https://bottega-aurora.example",
        email="ciao@bottega-aurora.example",
        postal_address="via Garibaldi 12, 10122 Torino",
        plugins=(),
    ),
    access={"key": "ck_new", "secret": "cs_new", "mode": "header", "signing_url": ""},
)
COMMAND = str(Path(sys.executable).with_name("ritorno"))


@dataclass(frozen=True, slots=True)
class Place:
    """A running server and its database."""

    base: str
    url: str

    def sign_in_link(self) -> str:
        """An address that signs its reader in once."""
        database = Database(self.url)
        with database.write() as session:
            token = auth.issue_sign_in_link(session, clock.now())
        database.dispose()
        return f"{self.base}/app/sign-in/{token}"


@contextmanager
def serving(folder: Path, url: str, **settings: str) -> Iterator[Place]:
    """`ritorno serve` over a database, as an operator starts it, without a worker.

    Args:
        folder: where it runs; the keys that the demo made for its database lie there.
        settings: more of the environment.
    """
    port = free_port()
    environment = {**os.environ, "DATABASE_URL": url, **settings}
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [COMMAND, "serve", "--worker", "none", "--port", str(port)],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(port, process, folder / "serve.log")
            yield Place(f"http://127.0.0.1:{port}", url)
        finally:
            process.terminate()
            process.wait(30)


def make_empty(folder: Path) -> str:
    """A migrated database in which nothing happened."""
    url = f"sqlite:///{folder / 'ritorno.db'}"
    subprocess.run([COMMAND, "migrate"], cwd=folder, env={**os.environ, "DATABASE_URL": url}, check=True)
    return url


def make_new(folder: Path) -> str:
    """A database with one shop, connected a moment ago: nobody in it, nothing copied, nothing sent."""
    url = make_empty(folder)
    vault = Vault([(folder / "var" / "encryption_keys").read_text()])

    def connect(session: Session) -> None:
        store = install.complete(session, vault, _NEW_SHOP, clock.now())
        switch.ensure_flows(session, store.id, clock.now())

    change(url, connect)
    return url


def make_full(folder: Path) -> str:
    """A database after two months of the demo, with a shopper who means harm."""
    url = f"sqlite:///{folder / 'ritorno.db'}"
    try:
        run_demo(WORLD, folder, url)
    finally:
        end_sandbox(folder, url)
    change(url, _be_hostile)
    return url


def make_troubled(full: str, folder: Path) -> str:
    """A copy of the full one in which all goes wrong that a merchant can be told."""
    url = f"sqlite:///{folder / 'ritorno.db'}"
    whole, copy = (sqlite3.connect(each.removeprefix("sqlite:///")) for each in (full, url))
    whole.backup(copy)
    whole.close()
    copy.close()
    change(url, _fall_ill)
    return url


def change(url: str, act: Callable[[Session], None]) -> None:
    """Do something to a database, as one transaction."""
    database = Database(url)
    with database.write() as session:
        act(session)
    database.dispose()


def free_port() -> int:
    """A port of the loopback that nobody listens at."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
    return port


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Ask until the server answers; one that ended says why."""
    while process.poll() is None:
        with socket.socket() as asked:
            asked.settimeout(1)
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError(log.read_text())


def _be_hostile(session: Session) -> None:
    first = select(func.min(Store.id)).scalar_subquery()
    busiest = select(Message.customer_id).where(Message.store_id == first).group_by(Message.customer_id)
    busiest = busiest.order_by(func.count().desc()).limit(1)
    session.execute(
        update(Customer)
        .where(Customer.id == busiest.scalar_subquery())
        .values(first_name=HOSTILE, last_name=HOSTILE, city=HOSTILE, tags=[HOSTILE])
    )
    session.execute(update(Product).values(title=HOSTILE + Product.title).where(Product.id % 7 == 0))
    session.execute(update(Order).values(number=HOSTILE[:60]).where(Order.id % 7 == 0))


def _fall_ill(session: Session) -> None:
    session.execute(update(Store).values(state="needs_reconnect"))
    sent = select(Message.id).where(Message.status == "sent").limit(5)
    session.execute(
        update(Message)
        .where(Message.id.in_(sent.scalar_subquery()))
        .values(status="unknown", unknown_since=clock.now())
    )
    session.execute(
        update(InboundEvent)
        .where(InboundEvent.id % 50 == 0)
        .values(status="dead", error=f"order.total: {HOSTILE}")
    )
