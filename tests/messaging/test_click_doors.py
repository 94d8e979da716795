"""Links in front of the pages, under both servers and over both databases, called as a server calls them."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from werkzeug.test import Client
from werkzeug.utils import redirect
from werkzeug.wrappers import Response

from app import policies
from app.db import Database
from app.messaging import copies
from app.messaging.links import LinkMaker
from app.models import InboundBody, InboundEvent
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW
from tests.engines import SQLITE
from webhooks import promises
from webhooks.bodies import Receive, Scope
from webhooks.finder import LinkFinder
from webhooks.front import Send
from webhooks.links import LinkDoor, LinkFront
from webhooks.writer import InboxWriter

CHROME = "Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36"
URLS = (
    "https://bottega.example/p/moka?utm_source=ritorno&x=%20a#top",
    "https://bottega.example:8443/",
    "https://bottega.example/caffè e tè?gusto=così&e=\"'<>#è",
    "https://caffè.example/",
    "https://bottega.example/a\r\nSet-Cookie: x=1",
    "https://anna:segreto@bottega.example/~a",
)
Visit = tuple[str, str]
"""Method and address."""
Ask = Callable[[Sequence[Visit]], list[Response]]
"""Answers visits that come all at once."""


@pytest.fixture
def desk(runtime: Runtime) -> Iterator[tuple[LinkFinder, InboxWriter]]:
    """Who looks up and who keeps; neither waits long for a lock."""
    opened = [Database(runtime.database.url, pool_size=1, busy_seconds=0.05) for _ in range(2)]
    finder, inbox = LinkFinder(opened[0].over_all_stores()), InboxWriter(opened[1])
    yield finder, inbox
    finder.close()
    inbox.close()


@pytest.fixture(params=["embedded", "hosted"])
def ask(request: pytest.FixtureRequest, runtime: Runtime, desk: tuple[LinkFinder, InboxWriter]) -> Ask:
    """Visits the links of one server."""
    if request.param == "embedded":
        return _by_threads(LinkDoor(runtime, *desk, _page))
    return _by_loop(LinkFront(runtime, *desk, _page_of_loop))


@pytest.fixture
def paths(runtime: Runtime) -> list[str]:
    """The address of each of the URLS, in a mail that was sent."""
    store_id = seeds.new_store(runtime.database)
    content = copies.pack({"html": "", "links": URLS})
    with runtime.database.write() as session:
        person = seeds.add_customer(session, store_id).id
        sent = {"status": "sent", "sent_at": NOW.replace(hour=1), "content": content}
        message_id = seeds.add_message(session, store_id, person, **sent).id
    maker = LinkMaker(
        base_url="",
        signer=runtime.signer,
        store_id=store_id,
        message_id=message_id,
        tags=None,
        tracks_clicks=True,
    )
    return [maker.click(url) for url in URLS]


def test_visits_of_a_moment_are_led_on_each_and_kept_each_once(
    runtime: Runtime, ask: Ask, paths: list[str]
) -> None:
    answers = ask([("GET", path) for path in paths for _ in range(2)])

    assert {answer.status_code for answer in answers} == {302}
    kept = seeds.rows_of(runtime.database, InboundEvent, "source", "status", "received_at")
    assert set(kept) == {("link", "waiting", NOW)}
    told = [json.loads(body) for (body,) in seeds.rows_of(runtime.database, InboundBody, "body")]
    assert sorted(one["url"] for one in told) == sorted(URLS)
    assert {one["is_human"] for one in told} == {True}


def test_the_answer_is_what_flask_would_say_with_the_headers_of_every_page(
    ask: Ask, paths: list[str]
) -> None:
    answers = ask([("GET", path) for path in paths])

    for answer, url in zip(answers, URLS, strict=True):
        # Flask would refuse an address of two lines; a browser takes it for one.
        wanted = Client(redirect(url.replace("\r\n", ""))).get("/")
        assert answer.location == wanted.location
        assert answer.content_type == wanted.content_type
        assert answer.headers["Content-Security-Policy"] == policies.policy()
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert all(name in answer.headers for name in policies.headers_of("http://app.test"))
        assert "Set-Cookie" not in answer.headers


def test_who_only_looks_is_led_on_and_not_kept(runtime: Runtime, ask: Ask, paths: list[str]) -> None:
    (answer,) = ask([("HEAD", paths[0])])

    assert (answer.status_code, answer.location, answer.data) == (302, URLS[0], b"")
    assert seeds.rows_of(runtime.database, InboundEvent) == []


def test_what_is_no_link_of_a_message_is_the_pages_affair(
    runtime: Runtime, ask: Ask, paths: list[str]
) -> None:
    unknown = runtime.signer.sign("click", "1-ffff-0")
    other = runtime.signer.sign("click", f"{0xFFFF:x}-1-0")
    visits = [("GET", f"/c/{token}") for token in (unknown, other, "x", "", "a/b", "é")]
    visits += [("POST", paths[0]), ("GET", f"{paths[0]}?x=%00"), ("GET", "/")]

    answers = ask(visits)

    assert {(answer.status_code, answer.data) for answer in answers} == {(404, b"a page")}
    assert seeds.rows_of(runtime.database, InboundEvent) == []


@pytest.mark.parametrize("engine", [SQLITE])
def test_a_database_that_cannot_write_keeps_nobody_from_the_shop(
    runtime: Runtime, ask: Ask, paths: list[str]
) -> None:
    with closing(sqlite3.connect(runtime.database.url.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        (during,) = ask([("GET", paths[0])])
    (after,) = ask([("GET", paths[0])])

    assert (during.location, after.location) == (URLS[0], URLS[0])
    assert len(seeds.rows_of(runtime.database, InboundEvent)) == 1


@pytest.mark.parametrize("engine", [SQLITE])
def test_a_database_that_does_not_answer_in_time_keeps_nobody_from_the_shop(
    runtime: Runtime, ask: Ask, paths: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promises, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(InboxWriter, "_insert", lambda _writer, _group: None)

    (answer,) = ask([("GET", paths[0])])

    assert (answer.status_code, answer.location) == (302, URLS[0])


@pytest.mark.parametrize("engine", [SQLITE])
def test_a_link_that_cannot_be_looked_up_now_is_answered_503(
    runtime: Runtime, ask: Ask, paths: list[str]
) -> None:
    with closing(sqlite3.connect(runtime.database.url.removeprefix("sqlite:///"))) as other:
        other.execute("ALTER TABLE messages RENAME TO lost")
        (during,) = ask([("GET", paths[0])])
        other.execute("ALTER TABLE lost RENAME TO messages")
    (after,) = ask([("GET", paths[0])])

    assert during.status_code == 503
    assert int(during.headers["Retry-After"]) > 0
    assert after.location == URLS[0]


def _by_threads(door: LinkDoor) -> Ask:
    def _ask(visits: Sequence[Visit]) -> list[Response]:
        client = Client(door, Response)
        with ThreadPoolExecutor(len(visits)) as threads:
            return list(threads.map(lambda visit: _visited(client, visit), visits))

    return _ask


def _visited(client: Client, visit: Visit) -> Response:
    method, path = visit
    return client.open(path, method=method, headers={"User-Agent": CHROME})


def _by_loop(front: LinkFront) -> Ask:
    async def _all(visits: Sequence[Visit]) -> list[Response]:
        return list(await asyncio.gather(*(_answered(front, visit) for visit in visits)))

    return lambda visits: asyncio.run(_all(visits))


async def _answered(front: LinkFront, visit: Visit) -> Response:
    method, (path, _, query) = visit[0], visit[1].partition("?")
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode()}
    told: list[Any] = []

    async def _send(message: Any) -> None:
        told.append(message)

    await front({**scope, "headers": [(b"user-agent", CHROME.encode())]}, _nothing, _send)
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in told[0]["headers"]]
    return Response(told[1]["body"], told[0]["status"], headers)


async def _nothing() -> dict[str, Any]:
    return {"type": "http.request"}


def _page(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("404 Not Found", [("Content-Type", "text/plain")])
    return [b"a page"]


async def _page_of_loop(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"a page"})
