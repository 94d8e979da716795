"""Real serving processes: one for each kind of database, shared by the tests, each of which has its own shop.

Between them the two also cover both servers: SQLite is served by the embedded one, PostgreSQL by the hosted.
"""

from collections.abc import Iterator

import pytest

from app.config import Settings
from app.runtime import Runtime
from tests.engines import Engine
from tests.webhooks import webhooks_process
from tests.webhooks.webhooks_process import EMBEDDED, HOSTED, SETTINGS, Serving


@pytest.fixture(scope="session")
def _served_sqlite(_sqlite: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    url = _sqlite.create()
    with webhooks_process.serving(url, EMBEDDED, tmp_path_factory.mktemp("embedded")) as found:
        yield found
    _sqlite.drop(url)


@pytest.fixture(scope="session")
def _served_postgresql(_postgresql: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    url = _postgresql.create()
    with webhooks_process.serving(url, HOSTED, tmp_path_factory.mktemp("hosted")) as found:
        yield found
    _postgresql.drop(url)


@pytest.fixture
def served(engine: str, request: pytest.FixtureRequest) -> Serving:
    """A serving process over a database of this kind."""
    found: Serving = request.getfixturevalue(f"_served_{engine}")
    return found


@pytest.fixture
def runtime(served: Serving) -> Iterator[Runtime]:
    """The test's own entrance to the same database, with the same keys."""
    values = {name.lower(): value for name, value in SETTINGS.items()}
    built = Runtime.of_operator(Settings.model_validate({"database_url": served.database_url, **values}))
    yield built
    built.database.dispose()
