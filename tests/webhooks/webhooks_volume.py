"""A PostgreSQL whose disk is full: on a small volume of its own, or one that says so."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from tests.engines import own_server

_MEGABYTES = 160
_BLOCK = b"\0" * 65_536


@dataclass(frozen=True)
class Volume:
    """The server's data and its log, all on one volume.

    Attributes:
        url: of a migrated database.
        owner: where its administrator connects.
    """

    folder: Path
    url: str
    owner: str

    @contextmanager
    def full(self) -> Iterator[None]:
        """Somebody else's file takes all the room there is, for the time of a block."""
        with psycopg.connect(self.owner, autocommit=True) as connection:
            # The log has room for all that is written meanwhile: it is files of a fixed size, made before.
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
        other = self.folder / "somebody-elses"
        with other.open("wb", buffering=0) as file:
            for block in (_BLOCK, b"\0"):
                _fill(file, block)
        try:
            yield
        finally:
            other.unlink()


def may_mount() -> bool:
    """Whether this process may have a volume of its own; root may, unless it is shut in."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        return _mount(Path(folder)) and _unmount(Path(folder))


@contextmanager
def small_volume() -> Iterator[Volume]:
    """The server, for the time of a block."""
    folder = Path(tempfile.mkdtemp(prefix="ritorno-full-"))
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir(0o700)
    try:
        _mount(data)
        with own_server(data) as (handle, url):
            yield Volume(data, url, handle.get_uri())
    finally:
        _unmount(data)
        shutil.rmtree(folder)


@contextmanager
def refusing(url: str) -> Iterator[None]:
    """The server answers whatever would be kept as it does when its disk is full."""
    refuse = "BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END"
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string()) as owner:
        owner.autocommit = True
        owner.execute(f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $${refuse}$$".encode())
        owner.execute("CREATE TRIGGER full_disk BEFORE INSERT ON inbound_events EXECUTE FUNCTION refuse()")
        yield
        owner.execute("DROP TRIGGER full_disk ON inbound_events")
        owner.execute("DROP FUNCTION refuse()")


def _fill(file: Any, block: bytes) -> None:
    try:
        while True:
            file.write(block)
    except OSError:
        return


def _mount(folder: Path) -> bool:
    size = f"size={_MEGABYTES}m,mode=0700"
    return _succeeds("mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder))


def _unmount(folder: Path) -> bool:
    return _succeeds("umount", str(folder))


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
