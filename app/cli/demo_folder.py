"""What a demo finds when it begins: one of before to go on with, one to delete, or what is not its own."""

import shutil
from pathlib import Path

from sqlalchemy.engine import make_url

from app.cli.demo_plan import PLAN
from app.cli.sandboxed import LOCK, end_left_behind
from app.errors import AppError

SANDBOX = "sandbox"
"""The folder of its journal."""
_OVER = "demo.over"
"""The plan's name while all else is deleted: who is killed meanwhile leaves it to the next."""


def clear(folder: Path, database: str, *, anew: bool) -> None:
    """Have nothing in the way of a demo that goes on or begins: what half is deleted goes, with `anew` all.

    An SQLite database goes with its demo; a server's is for whoever runs it to empty.

    Raises:
        AppError: an SQLite database is in the way that no demo made.
    """
    plan, over = folder / PLAN, folder / _OVER
    if not plan.exists() and not over.exists():
        _expect_nothing(database)
    if anew and plan.exists():
        plan.replace(over)
    if anew or over.exists():
        _delete(folder, database)
        over.unlink(missing_ok=True)


def _expect_nothing(database: str) -> None:
    file = _file_of(database)
    if file and file.exists() and file.stat().st_size:
        raise AppError(f"no demo made {file}, so none touches it: give the demo a --database of its own")


def _delete(folder: Path, database: str) -> None:
    """All of a demo but its lock and the sign that it is over."""
    # The sandbox of a demo that was killed lives, to be gone on with; here it ends.
    end_left_behind(folder / SANDBOX)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in {LOCK, _OVER}:
            path.unlink()
    if file := _file_of(database):
        for suffix in ("", "-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)


def _file_of(database: str) -> Path | None:
    url = make_url(database)
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None
