"""A database to restore into, of either kind."""

from collections.abc import Callable, Iterator

import pytest

from app.config import Settings
from app.db import Database
from app.runtime import Runtime
from tests.engines import Engine

Elsewhere = Callable[..., Runtime]


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, settings: Settings) -> Iterator[Elsewhere]:
    """Makes a process over another, empty database: of the test's own kind, or the one named."""
    opened: list[tuple[Engine, Database]] = []

    def make(kind: str = "", **changed: str) -> Runtime:
        engine: Engine = request.getfixturevalue(f"_{kind or request.getfixturevalue('engine')}")
        database = Database(engine.create()).over_all_stores()
        opened.append((engine, database))
        told = settings.model_dump() | {"database_url": database.url} | changed
        return Runtime.build(Settings(**told), database)

    yield make
    for engine, database in opened:
        database.dispose()
        engine.drop(database.url)
