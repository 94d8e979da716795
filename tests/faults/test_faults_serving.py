"""kill -9 of a serving process under load: what was acknowledged is stored, and stored once."""

import os
import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from app.config import Settings
from app.inbox import EVENTS
from app.models import Store
from app.runtime import Runtime
from tests.bars.sizes import Note, asked
from tests.engines import SQLITE
from tests.faults.faults_load import Load, repeated
from tests.webhooks.webhooks_process import (
    EMBEDDED,
    HOSTED,
    SETTINGS,
    Serving,
    free_port,
    pause,
    serving,
)
from tests.webhooks.webhooks_shops import connect_shopify

SENDERS, KILLS = 8, asked(12, quick=2)
both_servers = pytest.mark.parametrize("arguments", [EMBEDDED, HOSTED], ids=["embedded", "hosted"])


@pytest.fixture
def runtime(database_url: str) -> Iterator[Runtime]:
    """The test's own entrance to the database that is served."""
    values = {name.lower(): value for name, value in SETTINGS.items()}
    built = Runtime.of_operator(Settings.model_validate({"database_url": database_url, **values}))
    yield built
    built.database.dispose()


@pytest.fixture
def store(runtime: Runtime) -> Store:
    """The shop that delivers."""
    return connect_shopify(runtime)


def _keys(runtime: Runtime, store: Store) -> list[str]:
    with runtime.database.read() as session:
        return list(session.scalars(select(EVENTS.c.dedupe_key).where(EVENTS.c.store_id == store.id)))


def _killed_again_and_again(
    runtime: Runtime, store: Store, folder: Path, arguments: tuple[str, ...], kills: int
) -> Load:
    chance = random.Random(kills)
    port = free_port()
    load = Load(port, store.domain, SENDERS)
    load.start()
    try:
        for _ in range(kills):
            with serving(runtime.database.url, arguments, folder, port=port) as served:
                pause(chance.uniform(0.05, 1.5))
                served.kill()
    finally:
        with serving(runtime.database.url, arguments, folder, port=port):
            load.stop()
    return load


def _assert_kept(runtime: Runtime, store: Store, load: Load) -> None:
    keys = _keys(runtime, store)
    assert load.acknowledged
    assert load.acknowledged - set(keys) == set()
    assert repeated(keys) == set()
    assert load.refused <= {503}


@pytest.mark.parametrize("engine", [SQLITE])
def test_what_a_killed_server_acknowledged_is_stored_once(
    runtime: Runtime, store: Store, tmp_path: Path
) -> None:
    load = _killed_again_and_again(runtime, store, tmp_path, EMBEDDED, kills=2)

    _assert_kept(runtime, store, load)


@pytest.mark.faults
@pytest.mark.timeout(600)
@both_servers
def test_what_a_server_acknowledged_is_stored_once_however_often_it_is_killed(
    runtime: Runtime, store: Store, tmp_path: Path, arguments: tuple[str, ...], record_property: Note
) -> None:
    load = _killed_again_and_again(runtime, store, tmp_path, arguments, kills=KILLS)

    keys = _keys(runtime, store)
    record_property("deliveries acknowledged", len(load.acknowledged))
    record_property("acknowledged and not stored (L)", len(load.acknowledged - set(keys)))
    record_property("stored twice", len(repeated(keys)))
    _assert_kept(runtime, store, load)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_hosted_web_process_that_is_killed_alone_is_replaced(
    runtime: Runtime, store: Store, tmp_path: Path
) -> None:
    with serving(runtime.database.url, ("--hosted", "--processes", "2"), tmp_path) as served:
        load = Load(served.port, store.domain, SENDERS)
        load.start()
        killed = _kill_web_processes(served, times=4)
        load.stop()

    assert killed == 4
    _assert_kept(runtime, store, load)


def _kill_web_processes(served: Serving, times: int) -> int:
    """One at a time, each when the one killed before has been replaced."""
    killed = 0
    while killed < times:
        children = _children(served.process.pid)
        if len(children) == 2:
            os.kill(children[0], signal.SIGKILL)
            killed += 1
            # A server gives up when a process dies again within seconds of being replaced.
            pause(6.0)
        pause(0.1)
    return killed


@pytest.mark.faults
@pytest.mark.parametrize("engine", [SQLITE])
def test_web_processes_end_when_the_one_that_started_them_is_killed(
    runtime: Runtime, store: Store, tmp_path: Path
) -> None:
    with serving(runtime.database.url, HOSTED, tmp_path) as served:
        children = _children(served.process.pid)
        served.process.kill()
        served.process.wait()
        while any(Path(f"/proc/{child}").exists() for child in children):
            pause(0.1)

    assert children


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
