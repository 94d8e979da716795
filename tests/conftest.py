"""What every test may lean on: a stopped clock, both databases, and the runtime of a process."""

import gc
import logging
import os
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from functools import cache

import pytest
import structlog

from app import clock
from app.config import Settings
from app.db import Database
from app.runtime import Runtime
from tests import engines, measuring
from tests.engines import Engine

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
"""The moment at which the clock stands: a Monday morning, 10:00 in Rome."""
Opened = Callable[[str], Database]

# Objects made since the last time, and how many times before a look at older ones. A test makes thousands
# that stay while it runs: at Python's own 700 a fifth of all time went into looking at them.
_COLLECT_AFTER = (20_000, 20, 20)

# What the developer's own shell says is not ours.
for _name in Settings.model_fields:
    os.environ.pop(_name.upper(), None)
    os.environ.pop(f"{_name.upper()}_FILE", None)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Tidy up once, in the process that started the others."""
    if not hasattr(config, "workerinput"):
        engines.remove_leftovers()


def pytest_configure() -> None:
    """Collect no garbage while everything is imported and collected: there is hardly any."""
    gc.disable()


def pytest_collection_finish() -> None:
    """All of that stays to the end; the collector, which would look at it again and again, leaves it out."""
    gc.freeze()
    gc.set_threshold(*_COLLECT_AFTER)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Counting lines makes a test twice as long, and a line is counted once however often it runs."""
    measuring.choose(items)
    measuring.pause(config)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Count the lines of a measured test, from its first fixture to its last."""
    if item.get_closest_marker("unmeasured") is None:
        measuring.resume(item.config)
    else:
        measuring.pause(item.config)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Whoever writes down what was counted finds the counting as they left it."""
    measuring.resume(session.config)


@pytest.fixture(autouse=True)
def _stopped_clock() -> Iterator[None]:
    """Business time stands at NOW, and runs again afterwards."""
    with clock.frozen_at(NOW):
        yield


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """A command that a test runs sets up the logs of its process: onto streams that end with the test."""
    handlers = list(logging.root.handlers)
    yield
    logging.root.handlers[:] = handlers
    structlog.reset_defaults()


@pytest.fixture
def now() -> datetime:
    """The moment at which the clock stands."""
    return NOW


@pytest.fixture(scope="session")
def _sqlite(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return engines.Files(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def _postgresql() -> Iterator[Engine]:
    with engines.postgresql() as server:
        yield server


@pytest.fixture(params=[engines.SQLITE, engines.POSTGRESQL])
def engine(request: pytest.FixtureRequest) -> str:
    """The database's kind; parametrise `engine` in a test to have only one of them."""
    return str(request.param)


@pytest.fixture
def database_url(engine: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty database of the newest version, for this test alone."""
    kind: Engine = request.getfixturevalue(f"_{engine}")
    url = kind.create("test")
    yield url
    kind.drop(url)


@pytest.fixture(scope="session")
def opened() -> Opened:
    """Opens a database; one engine for all tests that have it at that URL compiles each statement once."""
    return cache(Database)


@pytest.fixture
def database(database_url: str, opened: Opened) -> Iterator[Database]:
    """The same, opened."""
    yield opened(database_url).over_all_stores()
    opened(database_url).dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """What an operator would have set; keys that never change."""
    return Settings(
        database_url=database_url,
        secret_key="signing-key-of-the-tests",
        encryption_keys="dGhpcnR5LXR3byBieXRlcyBvZiB0aGUgdGVzdHMgISE=",
        public_url="http://app.test",
        dns_server="off",
    )


@pytest.fixture
def runtime(settings: Settings, database: Database) -> Runtime:
    """The pieces of a process over that database."""
    return Runtime.build(settings, database)
