"""Migrations go up and down on both databases, and the tables are those of the models."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from app import migrate
from app.db import Base, Database
from tests.engines import POSTGRESQL, SQLITE

ONLY_SQLITE = pytest.mark.parametrize("engine", [SQLITE])
ONLY_POSTGRESQL = pytest.mark.parametrize("engine", [POSTGRESQL])


@pytest.fixture
def alembic(database_url: str) -> Config:
    """Alembic's settings for the database of the test."""
    settings = Config(attributes={"url": database_url})
    settings.set_main_option("script_location", str(migrate.FOLDER))
    return settings


def test_there_is_one_head_and_the_guard_file_names_it(alembic: Config) -> None:
    heads = ScriptDirectory.from_config(alembic).get_heads()

    assert heads == [migrate.head()]


def test_a_migrated_database_has_the_tables_of_the_models(alembic: Config) -> None:
    command.check(alembic)


def test_the_way_down_leaves_nothing_and_the_way_up_works_again(alembic: Config, database: Database) -> None:
    command.downgrade(alembic, "base")

    assert _tables(database) == {"alembic_version"}

    command.upgrade(alembic, "head")

    command.check(alembic)


def test_an_empty_database_is_brought_to_the_newest_version_once(alembic: Config, database: Database) -> None:
    command.downgrade(alembic, "base")

    migrate.upgrade(database.url)
    migrate.upgrade(database.url)

    with database.read() as session:
        assert migrate.current(session) == migrate.head()
    assert _tables(database) == {*Base.metadata.tables, "alembic_version"}


def test_a_database_without_tables_is_at_no_version(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")

    with database.read() as session:
        version = migrate.current(session)

    assert version is None
    database.dispose()


@ONLY_SQLITE
def test_timers_are_clustered_by_their_key(database: Database) -> None:
    with database.read() as session:
        statement = "SELECT sql FROM sqlite_master WHERE name = 'timers'"
        definition = session.execute(text(statement)).scalar_one()

    assert "WITHOUT ROWID" in definition


@ONLY_POSTGRESQL
def test_bodies_are_compressed_by_lz4_where_the_server_can_and_the_two_roles_are_named(
    database: Database,
) -> None:
    can_lz4 = "SELECT 'lz4' = ANY(enumvals) FROM pg_settings WHERE name = 'default_toast_compression'"
    body = "FROM pg_attribute WHERE attrelid = 'inbound_bodies'::regclass AND attname = 'body'"
    roles = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'ritorno%' AND NOT rolcanlogin ORDER BY rolname"

    with database.read() as session:
        is_built_with_it = session.execute(text(can_lz4)).scalar_one()
        compression = session.execute(text(f"SELECT attcompression {body}")).scalar_one()
        named = session.execute(text(roles)).scalars().all()

    assert compression == ("l" if is_built_with_it else "")
    assert named == ["ritorno_web", "ritorno_worker"]


@ONLY_POSTGRESQL
def test_a_database_whose_owner_may_not_make_roles_is_migrated_all_the_same(
    alembic: Config, database: Database
) -> None:
    command.downgrade(alembic, "base")
    with database.write() as session:
        session.execute(text("CREATE ROLE plain_owner LOGIN"))
        session.execute(text("GRANT ALL ON SCHEMA public TO plain_owner"))
        session.execute(text("GRANT ALL ON alembic_version TO plain_owner"))

    migrate.upgrade(database.url.replace("//ritorno_tests:", "//plain_owner:"))

    with database.read() as session:
        assert migrate.current(session) == migrate.head()


def test_processes_that_start_together_upgrade_one_after_the_other(
    alembic: Config, database: Database
) -> None:
    command.downgrade(alembic, "base")

    program = f"from app import migrate; migrate.upgrade({database.url!r})"
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(2)]
    codes = [process.wait() for process in processes]

    assert codes == [0, 0]
    with database.read() as session:
        assert migrate.current(session) == migrate.head()


def _tables(database: Database) -> set[str]:
    with database.read() as session:
        return set(inspect(session.connection()).get_table_names())
