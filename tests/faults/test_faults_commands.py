"""kill -9 of an operator's command in the middle of its one transaction on PostgreSQL: nothing is half done.

The command is held up by a row that it comes to late, so that it dies where it has written already.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text

from app.backups import writing
from app.config import Settings
from app.crypto import Vault
from app.db import Database
from app.models import AuditEntry, Store
from app.runtime import Runtime
from app.stores import credentials
from app.stores.credentials import Credentials
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.privacy.test_privacy_races import wait_until_somebody_waits

pytestmark = [pytest.mark.faults, pytest.mark.parametrize("engine", [POSTGRESQL])]
OLD, NEW = (Fernet.generate_key().decode() for _ in range(2))
WORDS = ["first", "second", "third"]


def test_a_rotation_that_is_killed_leaves_every_secret_readable_and_goes_on(
    settings: Settings, database: Database
) -> None:
    for word in WORDS:
        secrets = Credentials({"access_token": word}, {"webhook_secret": word})
        seeds.new_store(database, word, credentials=credentials.seal(Vault([OLD]), secrets))
    environment = _environment(settings, encryption_keys=f"{NEW},{OLD}")

    with database.write() as session:
        session.execute(text("SELECT 1 FROM stores WHERE name = 'third shop' FOR UPDATE"))
        _killed(database, environment, "key", "rotate")
    before = _tokens(database, OLD)
    done = subprocess.run(_command("key", "rotate"), env=environment, capture_output=True, check=False)

    assert before == WORDS
    assert done.returncode == 0
    assert _tokens(database, NEW) == WORDS
    assert seeds.values_of(database, AuditEntry, "action") == ["key.rotated"] * len(WORDS)


def test_a_restore_that_is_killed_leaves_what_was_there_and_can_be_done_again(
    settings: Settings, database: Database, runtime: Runtime, tmp_path: Path
) -> None:
    file = tmp_path / "ritorno.backup"
    store_id, *_ = [seeds.new_store(database, word) for word in WORDS]
    with database.write() as session:
        number = seeds.add_customer(session, store_id).id
    writing.make(runtime, file, NOW)
    with database.write() as session:
        session.execute(text("UPDATE stores SET name = 'since then'"))
        session.execute(text("DELETE FROM customers"))
    environment = _environment(settings)

    with database.write() as session:
        seeds.add_customer(session, store_id, "in the way", id=number)
        _killed(database, environment, "restore", str(file), "--force")
    before = seeds.values_of(database, Store, "name")
    again = _command("restore", str(file), "--force")
    done = subprocess.run(again, env=environment, capture_output=True, check=False)

    assert before == ["since then"] * len(WORDS)
    assert done.returncode == 0
    assert seeds.values_of(database, Store, "name") == [f"{word} shop" for word in WORDS]


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "app.cli.entry", *words]


def _environment(settings: Settings, **changed: str) -> dict[str, str]:
    names = ("database_url", "secret_key", "encryption_keys")
    told = {name: getattr(settings, name) for name in names} | changed
    return {**os.environ, **{name.upper(): value for name, value in told.items()}}


def _killed(database: Database, environment: dict[str, str], *words: str) -> None:
    """Start a command, and kill it once it waits for the lock."""
    with subprocess.Popen(_command(*words), env=environment, stdout=subprocess.DEVNULL) as process:
        wait_until_somebody_waits(database)
        process.send_signal(signal.SIGKILL)


def _tokens(database: Database, key: str) -> list[str]:
    """The shops' tokens, as far as this one key opens them."""
    sealed = seeds.values_of(database, Store, "credentials")
    return [credentials.unseal(Vault([key]), secret).access["access_token"] for secret in sealed]
