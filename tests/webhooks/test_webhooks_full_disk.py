"""A full disk: 503 with Retry-After, nothing acknowledged that is not kept, and no restart needed after."""

import resource
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.models import Store
from app.runtime import Runtime
from tests.bars.sizes import Note, asked
from tests.engines import POSTGRESQL, SQLITE
from tests.webhooks import webhooks_process
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import EMBEDDED, HOSTED, SETTINGS, Answer, Serving
from tests.webhooks.webhooks_shops import connect_shopify, shopify_body, shopify_delivery
from tests.webhooks.webhooks_volume import may_mount, refusing, small_volume

only_sqlite = pytest.mark.parametrize("engine", [SQLITE])
only_postgresql = pytest.mark.parametrize("engine", [POSTGRESQL])
both_servers = pytest.mark.parametrize("arguments", [EMBEDDED, HOSTED], ids=["embedded", "hosted"])
ROOMY, FULL = asked(1, full=100, quick=5), asked(3, full=300, quick=10)


@only_postgresql
@both_servers
def test_a_server_on_a_really_full_volume_is_answered_503_and_needs_no_restart(
    database_url: str,
    tmp_path: Path,
    arguments: tuple[str, ...],
    record_property: Note,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with _disk(database_url, capsys) as (url, is_full):
        runtime = _runtime(url)
        store = connect_shopify(runtime)
        with webhooks_process.serving(url, arguments, tmp_path) as served:
            told = _through_a_full_disk(served, store, is_full)

        _is_kept(told, [row.dedupe_key for row in Inbox(runtime, store).rows()], record_property)
        runtime.database.dispose()


@contextmanager
def _disk(
    url: str, capsys: pytest.CaptureFixture[str]
) -> Iterator[tuple[str, Callable[[], AbstractContextManager[None]]]]:
    """A database, and what fills its disk for a while: a volume of its own where that may be had."""
    if may_mount():
        with small_volume() as volume:
            yield volume.url, volume.full
        return
    with capsys.disabled():
        sys.stdout.write(
            "\nNOT on a full volume, which only root may mount: the server says that it is full\n"
        )
    yield url, partial(refusing, url)


@only_sqlite
@both_servers
def test_a_full_disk_is_answered_503_and_needs_no_restart(
    database_url: str, tmp_path: Path, arguments: tuple[str, ...], record_property: Note
) -> None:
    runtime = _runtime(database_url)
    store = connect_shopify(runtime)

    with webhooks_process.serving(database_url, arguments, tmp_path) as served:
        told = _through_a_full_disk(served, store, lambda: _no_room(served, database_url))

    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as opened:
        (integrity,) = opened.execute("PRAGMA integrity_check").fetchone()
    record_property("pages that are not whole", int(integrity != "ok"))
    assert integrity == "ok"
    _is_kept(told, [row.dedupe_key for row in Inbox(runtime, store).rows()], record_property)
    runtime.database.dispose()


def _runtime(url: str) -> Runtime:
    values: dict[str, Any] = {name.lower(): value for name, value in SETTINGS.items()}
    return Runtime.of_operator(Settings.model_validate({"database_url": url, **values}))


@dataclass(frozen=True)
class _Told:
    """What was answered before the disk was full, until it took no more, while it was, and after it."""

    before: list[Answer]
    room: list[Answer]
    full: list[Answer]
    again: list[Answer]


def _through_a_full_disk(
    served: Serving, store: Store, disk: Callable[[], AbstractContextManager[None]]
) -> _Told:
    before = [_post(served, store, f"before-{number}") for number in range(ROOMY)]
    with disk():
        # What the log, or a page, has room for still is used up first.
        room = list(_until_refused(served, store))
        full = [_post(served, store, f"full-{number}") for number in range(FULL)]
    again = [_post(served, store, f"again-{number}") for number in range(ROOMY)]
    return _Told(before, room, full, again)


def _is_kept(told: _Told, kept: list[str], record_property: Note) -> None:
    """What was answered 200 is there, nothing else is, and nothing but 200 and 503 was answered."""
    taken = [f"before-{number}" for number in range(ROOMY)] + [
        f"room-{number}" for number in range(len(told.room))
    ]
    taken += [f"again-{number}" for number in range(ROOMY)]
    record_property("answered 200", len(taken))
    record_property("rows", len(kept))
    record_property("answered 503 while full", sum(answer.status == 503 for answer in told.full))
    record_property("answered otherwise", sum(answer.status not in (200, 503) for answer in told.full))
    record_property("answered 200 and not kept, or kept without", len(set(kept) ^ set(taken)))
    assert [answer.status for answer in (*told.before, *told.again)] == [200] * 2 * ROOMY
    assert [answer.status for answer in told.full] == [503] * FULL
    assert kept == taken


@contextmanager
def _no_room(served: Serving, url: str) -> Iterator[None]:
    _limit_files(served, Path(url.removeprefix("sqlite:///") + "-wal").stat().st_size)
    yield
    _limit_files(served, resource.RLIM_INFINITY)


def _until_refused(served: Serving, store: Store) -> Iterator[Answer]:
    """Deliver until the disk takes no more; the answers before that."""
    for number in count():
        answer = _post(served, store, f"room-{number}")
        if answer.status != 200:
            assert answer.status == 503
            return
        yield answer


def _limit_files(served: Serving, size: int) -> None:
    """From now on no file of the server may grow beyond this, which is how a full disk looks to it."""
    for pid in _family(served.process.pid):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(found for child in children for found in _family(int(child)))]


def _post(served: Serving, store: Store, webhook_id: str) -> Answer:
    body = shopify_body("orders/create")
    delivery = shopify_delivery(store.domain, "orders/create", body, webhook_id=webhook_id)
    return served.post(delivery.path, delivery.headers, delivery.body)
