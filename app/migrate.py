"""Brings a database to the newest version, and says which one it is at."""

from functools import cache
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.orm import Session

from app.db import Database

FOLDER = Path(__file__).parents[1] / "migrations"


def upgrade(database_url: str, to: str = "head") -> None:
    """Apply every migration that the database has not seen; several processes may ask at once.

    Args:
        to: the version to stop at, for a backup from before.

    Raises:
        Busy: the database cannot be reached or written now.
        sqlalchemy.exc.DBAPIError: a migration failed; it left nothing behind.
    """
    if to == "head" and is_newest(database_url):
        return
    # Alembic takes a tenth of a second and 8 MiB, which a process that finds its tables never spends.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    settings = Config(attributes={"url": database_url})
    settings.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    command.upgrade(settings, to)


def is_newest(database_url: str) -> bool:
    """Whether the database is at the newest version already, or a newer program brought it further.

    While a release is rolled out, programs of before are started anew on what its migrations made: they only
    add to it (CONTRIBUTING.md), and their numbers rise.
    """
    database = Database(database_url)
    try:
        with database.read() as session:
            return (current(session) or "") >= head()
    finally:
        database.dispose()


def is_known(revision: str) -> bool:
    """Whether this program knows a version: that of a newer program it does not."""
    # As above: only a restore asks.
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    settings = Config()
    settings.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    return revision in {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}


@cache
def head() -> str:
    """The newest version that this program knows, from the file that guards against two heads."""
    return (FOLDER / "versions" / ".head").read_text().strip()


def current(session: Session) -> str | None:
    """The version of the database; None for an empty one."""
    if not inspect(session.connection()).has_table("alembic_version"):
        return None
    return session.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
