"""`demo`: the main job on a public data set, with everything outside emulated.

Here it begins: with its folder, its plan, and its sandbox, a process of its own. What the demo is made of
(`app/cli/journey.py`) is loaded while that one reads its data set.
"""

import argparse
import signal
import time
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from app.cli.demo_folder import SANDBOX, clear
from app.cli.demo_plan import DemoPlan, load_or_make_plan
from app.cli.ending import on_termination
from app.cli.sandboxed import Sandbox, alone_in
from app.cli.words import STARTED_AT, aware, number, port
from app.config import VAR, Settings
from app.errors import BadInput
from app.loading import loading

_JOURNEY = "app.cli.journey"
_MOST_CUSTOMERS = 2469


def _demo(settings: Settings, arguments: argparse.Namespace) -> Any:
    begun = time.monotonic()
    folder, database = _places(arguments, settings)
    on_termination(_interrupt, *_endings())
    with alone_in(folder):
        clear(folder, database, anew=arguments.fresh)
        plan = load_or_make_plan(
            folder,
            seed=arguments.seed,
            customers=arguments.customers,
            days=arguments.days,
            started_at=arguments.started_at or datetime.now(UTC),
            port=arguments.port or (settings.port if arguments.serve else 0),
        )
        with Sandbox(plan, folder / SANDBOX).running() as sandbox:
            with loading():
                journey = import_module(_JOURNEY)
            return journey.run(_settings(settings, plan, database), sandbox, arguments, begun=begun)


def _endings() -> list[signal.Signals]:
    """What ends it as Ctrl-C does: who stops a service, and a terminal that is closed, unless under nohup."""
    is_held = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGTERM] if is_held else [signal.SIGTERM, signal.SIGHUP]


def _interrupt() -> None:
    raise KeyboardInterrupt


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
