"""Clicks a second that lead on, are kept durably and count, against a bare Flask route that does the same.

Both are called as a server would call them, one request after the other, so that neither the socket nor the
server counts. The product leads on once a click is kept, and the worker lets it count: both are measured.
Each round checks that every click counts once and led to its own page.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app import clock
from app.db import insert_rows, table_of
from app.messaging import copies
from app.messaging.links import LinkMaker
from app.models import DeliveryEvent, Message
from app.runtime import Runtime
from app.wsgi import create_site
from benchmarks import mails, stores
from benchmarks.databases import Databases, alchemy_url
from benchmarks.floors import clicks as floors
from connectors.channels.local import LocalChannel
from jobs import inbox
from jobs.kit import Kit

AGENT = {"User-Agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0 Safari/537.36"}


@dataclass(frozen=True, slots=True)
class Rate:
    """Clicks a second, by the clock on the wall and by processor time; `answered` before they count."""

    wall: float
    cpu: float
    answered: float


def compare(kind: str, databases: Databases, *, clicks: int, rounds: int) -> tuple[Rate, Rate]:
    """The best rates of floor and product, taken in turns on fresh databases of one kind."""
    best = [Rate(0, 0, 0), Rate(0, 0, 0)]
    for _ in range(rounds):
        for place, run in enumerate((_floor, _product)):
            found, held = astuple(run(kind, databases, clicks)), astuple(best[place])
            best[place] = Rate(*map(max, held, found))
    return best[0], best[1]


def _floor(kind: str, databases: Databases, clicks: int) -> Rate:
    if kind == "SQLite":
        app, count = floors.on_sqlite(str(databases.sqlite()), clicks)
    else:
        app, count = floors.on_postgres(databases.postgresql(), clicks)
    paths = [f"/c/{floors.token_of(number)}" for number in range(1, clicks + 1)]
    return _measured(app.wsgi_app, paths, _nothing, count)


def _product(kind: str, databases: Databases, clicks: int) -> Rate:
    is_sqlite = kind == "SQLite"
    url = f"sqlite:///{databases.sqlite()}" if is_sqlite else alchemy_url(databases.postgresql())
    runtime = stores.connect(url)
    first = fill(runtime, clicks)
    site, kit = create_site(runtime), Kit.build(runtime, LocalChannel(None))
    paths = [path_of(runtime, first + number, number) for number in range(clicks)]
    try:
        return _measured(
            site.application, paths, lambda: inbox.run(kit, clock.now()), lambda: _count(runtime)
        )
    finally:
        site.close()
        runtime.database.dispose()


def _nothing() -> None:
    """The floor has written everything when it answers."""


def _measured(app: Any, paths: Sequence[str], finish: Callable[[], object], count: Callable[[], int]) -> Rate:
    made = [
        EnvironBuilder(path, base_url="http://localhost", headers=Headers(AGENT)).get_environ()
        for path in paths
    ]
    begun, cpu = time.perf_counter(), time.process_time()
    for number, environ in enumerate(made, 1):
        body, status, headers = run_wsgi_app(app, environ)
        b"".join(body)
        if not status.startswith("302") or not headers["Location"].startswith(
            f"https://bottega.example/p/{number}"
        ):
            raise AssertionError(f"click {number} was answered {status} {headers.get('Location')}")
    answered = time.perf_counter() - begun
    finish()
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    if count() != len(paths):
        raise AssertionError(f"{count()} of {len(paths)} clicks count")
    return Rate(len(paths) / seconds, len(paths) / cpu, len(paths) / answered)


def _count(runtime: Runtime) -> int:
    kept = table_of(DeliveryEvent)
    with runtime.database.read() as session:
        statement = select(func.count()).select_from(kept).where(kept.c.type == "clicked")
        return int(session.execute(statement).scalar_one())


def path_of(runtime: Runtime, message_id: int, number: int) -> str:
    """The address of the link in a mail of that number."""
    made = LinkMaker(
        base_url="",
        signer=runtime.signer,
        store_id=mails.STORE_ID,
        message_id=message_id,
        tags=None,
        tracks_clicks=True,
    )
    return made.click(f"https://bottega.example/p/{number + 1}")


def fill(runtime: Runtime, clicks: int) -> int:
    """A customer, and as many sent mails as clicks, each with its content; the first one's number."""
    before = datetime.now(UTC) - timedelta(hours=1)
    with runtime.database.write() as session:
        mails.add_customer(session, before)
        for start in range(0, clicks, 1000):
            numbers = range(start, min(start + 1000, clicks))
            rows = [mails.sent(number, before, content=_content(number)) for number in numbers]
            insert_rows(session, table_of(Message), rows)
        return session.execute(select(func.min(Message.id))).scalar_one() or 0


def _content(number: int) -> bytes:
    html = "<p>" + "Un mail come tanti altri, con parole che si ripetono. " * 150
    links = [f"https://bottega.example/p/{number + 1}"]
    content = {"subject": "Ciao", "text": html, "html": html, "links": links}
    return copies.pack(content)
