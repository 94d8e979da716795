"""`demo`: the main job on a public data set, with everything outside emulated."""

import argparse
import shutil
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from app import clock, migrate
from app.cli import embedded, figures, travel
from app.cli.running import running
from app.cli.sandboxed import DemoPlan, Sandbox, load_or_make_plan
from app.cli.words import STARTED_AT, aware, number, port
from app.config import VAR, Settings
from app.errors import BadInput
from app.loading import keep_loaded
from app.runtime import Runtime
from app.web.auth import issue_sign_in_link
from app.wsgi import create_site
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
from jobs.worker import Worker

_MOST_CUSTOMERS = 2469


def _demo(settings: Settings, arguments: argparse.Namespace) -> Any:
    begun = time.monotonic()
    folder, database = _places(arguments, settings)
    if arguments.fresh:
        _forget(folder, database)
    plan = load_or_make_plan(
        folder,
        seed=arguments.seed,
        customers=arguments.customers,
        days=arguments.days,
        started_at=arguments.started_at or datetime.now(UTC),
        port=arguments.port or (settings.port if arguments.serve else 0),
    )
    runtime = Runtime.of_operator(_settings(settings, plan, database))
    migrate.upgrade(runtime.settings.database)
    sandbox = Sandbox(plan, folder / "sandbox")
    # It reads its data set while we load the pages.
    sandbox.start()
    with closing(create_site(runtime)) as site, running(embedded.open_server(site, "127.0.0.1", plan.port)):
        sandbox.wait_until_up()
        kit = Kit.build(runtime, LocalChannel(sandbox.url), is_local=True)
        step = timedelta(minutes=arguments.step_minutes)
        journey = travel.Journey(kit, sandbox, plan, step, travel.waking(step))
        keep_loaded()
        if arguments.serve:
            _stay(journey, begun)
            return None
        return _travel(journey, begun)


def _travel(journey: travel.Journey, begun: float) -> dict[str, Any]:
    journey.prepare()
    journey.travel(travel.progress_line, threading.Event())
    result = _figures(journey, begun)
    journey.sandbox.stop()
    return result


def _stay(journey: travel.Journey, begun: float) -> None:
    """`make run`: pages at once, the year in the background, then the present with the worker."""
    _tell_where(journey.kit.runtime)
    worker = Worker(journey.kit)
    is_working = False
    try:
        journey.prepare()
        print("The year of orders arrives now; watch it on the home page. Stop with Ctrl-C.", flush=True)
        journey.travel(travel.progress_line, threading.Event())
        clock.travel_to(None)
        print(_told(_figures(journey, begun)), flush=True)
        worker.start()
        is_working = True
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nRitorno stops; `make run` goes on from here.", flush=True)
    finally:
        if is_working:
            worker.stop()
        journey.sandbox.stop()


def _figures(journey: travel.Journey, begun: float) -> dict[str, Any]:
    world = journey.sandbox.get("/control/state")
    with journey.kit.runtime.database.read() as session:
        return figures.figures(session, world, time.monotonic() - begun)


def _tell_where(runtime: Runtime) -> None:
    with runtime.database.write() as session:
        token = issue_sign_in_link(session, datetime.now(UTC))
    base = runtime.settings.base_url
    print(f"\nRitorno is open at {base}\nSign in once with {base}/app/sign-in/{token}\n", flush=True)


def _told(shown: dict[str, Any]) -> str:
    sent = sum(states.get("sent", 0) for states in shown["messages"].values())
    return (
        f"{shown['orders']} orders of {shown['customers']} customers arrived by {shown['webhooks']['kept']} "
        f"webhooks; {sent} messages went out in {shown['seconds']} s."
    )


def _places(arguments: argparse.Namespace, settings: Settings) -> tuple[Path, str]:
    """The demo's folder and database; a database given by URL has its folder beside it or under var/."""
    if not 1 <= arguments.customers <= _MOST_CUSTOMERS:
        raise BadInput(f"--customers: the data set has 1 to {_MOST_CUSTOMERS} households")
    if not arguments.database:
        return VAR / "demo", f"sqlite:///{VAR / 'demo' / 'ritorno.db'}"
    url = make_url(arguments.database)
    if url.get_backend_name() == "sqlite" and url.database:
        path = Path(url.database)
        return path.with_name(path.name + ".demo"), arguments.database
    return VAR / f"demo-{url.database}", arguments.database


def _settings(settings: Settings, plan: DemoPlan, database: str) -> Settings:
    """The process's settings, with the outside replaced by the sandbox."""
    return settings.model_copy(
        update={
            "database_url": database,
            "public_url": f"http://127.0.0.1:{plan.port}",
            "port": plan.port,
            "shopify_client_id": plan.client_id,
            "shopify_client_secret": plan.client_secret,
            "shopify_admin_url": f"http://127.0.0.1:{plan.sandbox_port}/shopify/{{shop}}",
            "allow_private_stores": True,
        }
    )


def _forget(folder: Path, database: str) -> None:
    """Begin anew: the sandbox's journal and an SQLite database go; a server's database must be empty."""
    if folder.exists():
        shutil.rmtree(folder)
    url = make_url(database)
    if url.get_backend_name() == "sqlite" and url.database:
        for suffix in ("", "-wal", "-shm"):
            Path(url.database + suffix).unlink(missing_ok=True)


def _add_demo(branches: Any) -> None:
    parser = branches.add_parser("demo", help="the main job on a public data set, in simulated time")
    parser.add_argument("--days", type=number, default=365)
    parser.add_argument("--customers", type=number, default=250)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--started-at", type=aware, metavar="MOMENT", help=STARTED_AT)
    parser.add_argument("--database", metavar="URL", help="default: SQLite under var/demo/")
    parser.add_argument("--fresh", action="store_true", help="begin anew")
    parser.add_argument("--serve", action="store_true", help="stay open for browsers, also afterwards")
    parser.add_argument("--port", type=port, default=0)
    parser.add_argument("--step-minutes", type=number, default=1440, help="the grid of simulated time")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_demo, needs_runtime=False)


COMMANDS = (_add_demo,)
