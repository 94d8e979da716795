"""The demo's own journey in this process, over a small and busy world, so that a test can change the product.

Everything is the real thing, on sockets of the loopback: the sandbox, the serving side, the worker.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import waitress

from app.cli import embedded, travel
from app.cli.demo_plan import DemoPlan
from app.cli.running import running
from app.cli.sandboxed import Sandbox
from app.config import Settings
from app.runtime import Runtime
from app.stores import commands
from app.wsgi import create_site
from connectors.channels.local import LocalChannel
from connectors.sandbox import shopify_payloads, woo_payloads
from connectors.sandbox.config import Rates, WorldConfig, load_or_store
from connectors.sandbox.journal import Journal
from connectors.sandbox.model import SHOPIFY, WOOCOMMERCE, Birth, Shopper
from connectors.sandbox.script import Script, write_script
from connectors.sandbox.server import create_app
from connectors.sandbox.shopify_api import AppRegistration
from connectors.sandbox.simulation import Simulation
from jobs.kit import Kit
from tests.e2e import turns
from tests.oracle import Verdict, judge
from tests.oracle.journal import Told

BUSY = Rates(
    duplicate=0.05,
    lost=0.05,
    delayed=0.1,
    forged=0.02,
    consent=0.8,
    preregistered=0.5,
    sms_consent=0.3,
    withdrawn=0.35,
    cancelled=0.08,
    refunded=0.08,
    click=0.4,
    unsubscribe=0.08,
    redeem=1.0,
)
LAST_DAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
STEP = timedelta(hours=12)
_BUILDERS = {SHOPIFY: shopify_payloads.webhook, WOOCOMMERCE: woo_payloads.webhook}
_CLIENT = ("small-world", "secret-of-the-small-world")


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is, which people live in it, what goes wrong, and which shops Ritorno knows.

    `data` is the folder of the data set that says what they buy; the installed one if None. After the tick
    `turns_at` everybody who is subscribed to mails has said no, yes, no and yes again.
    """

    seed: int
    households: int
    days: int
    rates: Rates = BUSY
    platforms: tuple[str, ...] = (SHOPIFY, WOOCOMMERCE)
    step: timedelta = STEP
    data: Path | None = None
    turns_at: int | None = None


@dataclass(frozen=True, slots=True)
class SmallWorld:
    """A world at its beginning, and a Ritorno that knows nothing of it yet.

    `ticks` are the moments at which the worker looked, once it was played.
    """

    journey: travel.Journey
    journal: Path
    data: Path | None = None
    turns_at: int | None = None
    ticks: list[datetime] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)

    @property
    def runtime(self) -> Runtime:
        """Ritorno's pieces."""
        return self.journey.kit.runtime

    def play(self, settings: Mapping[str, str] | None = None) -> Verdict:
        """Install both shops, set what a merchant would set besides, travel to the end, and judge."""
        self.journey.prepare()
        for shown in commands.listing(self.runtime) if settings else ():
            commands.set_values(self.runtime, shown["id"], settings or {})
        self.journey.travel(self._ticked, threading.Event())
        return judge(self.journal, self.runtime.settings.database, self.data, self.told)

    def _ticked(self, _start: datetime, moment: datetime, _end: datetime) -> None:
        self.ticks.append(moment)
        if len(self.ticks) == self.turns_at:
            self.told.extend(turns.say(self.runtime, moment))


@contextmanager
def small_world(size: Size, folder: Path, url: str) -> Iterator[SmallWorld]:
    """A world in `folder` and Ritorno over the empty database at `url`; both are closed afterwards."""
    with ExitStack() as held:
        outside = held.enter_context(_outside(_script(size), folder))
        plan = _plan(size, outside.effective_port)
        sandbox = Sandbox(plan, folder)
        runtime = Runtime.of_operator(_settings(plan, url))
        held.callback(runtime.database.dispose)
        site = create_site(runtime)
        held.callback(site.close)
        held.enter_context(running(embedded.open_server(site, "127.0.0.1", plan.port)))
        kit = Kit.build(runtime, held.enter_context(closing(LocalChannel(sandbox.url))), is_local=True)
        journey = travel.Journey(kit, sandbox, size.step, offset=timedelta(0), platforms=size.platforms)
        yield SmallWorld(journey, folder, size.data, size.turns_at)


@contextmanager
def _outside(script: Script, folder: Path) -> Iterator[Any]:
    """The sandbox, serving."""
    load_or_store(folder, script.config)
    app = AppRegistration(*_CLIENT, "http://127.0.0.1:1")
    with closing(Simulation(script, Journal(folder), app, builders=_BUILDERS)) as simulation:
        server = waitress.create_server(create_app(simulation, app), host="127.0.0.1", port=0)
        with running(server):
            yield server


def _plan(size: Size, sandbox_port: int) -> DemoPlan:
    return DemoPlan(
        seed=size.seed,
        customers=size.households,
        days=size.days,
        started_at=LAST_DAY.isoformat(),
        port=_free_port(),
        sandbox_port=sandbox_port,
        client_id=_CLIENT[0],
        client_secret=_CLIENT[1],
    )


def _settings(plan: DemoPlan, url: str) -> Settings:
    return Settings(
        database_url=url,
        secret_key="signing-key-of-the-tests",
        encryption_keys="dGhpcnR5LXR3byBieXRlcyBvZiB0aGUgdGVzdHMgISE=",
        public_url=f"http://127.0.0.1:{plan.port}",
        port=plan.port,
        shopify_client_id=plan.client_id,
        shopify_client_secret=plan.client_secret,
        shopify_admin_url=f"http://127.0.0.1:{plan.sandbox_port}/shopify/{{shop}}",
        allow_private_stores=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@cache
def _script(size: Size) -> Script:
    script = write_script(
        WorldConfig(
            first_started_at=LAST_DAY,
            seed=size.seed,
            households=size.households,
            days=size.days,
            client_id=_CLIENT[0],
            client_secret=_CLIENT[1],
            rates=size.rates,
        ),
        size.data,
    )
    return replace(script, shoppers=dict(_with_birthdays(script)))


def _with_birthdays(script: Script) -> Iterator[tuple[int, Shopper]]:
    """Everybody has a birthday within the world, and every other person is a minor."""
    start = datetime.fromtimestamp(script.span.start, UTC)
    for number, (household, shopper) in enumerate(sorted(script.shoppers.items())):
        day = start + timedelta(days=9 + number % 12)
        years = 15 if number % 2 else 40
        yield household, replace(shopper, birth=Birth(day.month, day.day, start.year - years))
