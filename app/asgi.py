"""The web side of `serve --hosted`, as ASGI: deliveries are taken at once, the pages load meanwhile."""

import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import Any

import structlog

from app import logs
from app.config import Settings
from app.db import RECEIVE_BUSY_SECONDS, Database
from app.runtime import Runtime
from webhooks.bodies import Receive, Scope
from webhooks.bridge import WsgiBridge
from webhooks.deliveries import Deliveries
from webhooks.door import StartResponse, WsgiApp
from webhooks.ear import Ear
from webhooks.finder import LinkFinder
from webhooks.front import Send, WebhookFront
from webhooks.links import LinkFront
from webhooks.writer import InboxWriter

log = structlog.get_logger()
PAGE_THREADS = 16
_PAGES = "app.wsgi"
"""By its name: loading it takes longer than all that a delivery needs."""
_ALIVE, _IS_ALIVE = "/healthz", b'{"status":"ok"}\n'
_WATCH_SECONDS = 1.0


def create_inbox(runtime: Runtime) -> InboxWriter:
    """The writer of deliveries, with a connection of its own that waits for a lock for a moment only."""
    return InboxWriter(_of_receivers(runtime))


def create_finder(runtime: Runtime) -> LinkFinder:
    """Who looks links up, over a connection of its own."""
    return LinkFinder(_of_receivers(runtime).over_all_stores())


class Pages:
    """The pages as a WSGI app that is still being loaded: who asks for one waits, and only at the start."""

    def __init__(self, runtime: Runtime, threads: ThreadPoolExecutor) -> None:
        self._app: Future[WsgiApp] = threads.submit(_load, runtime)
        self._app.add_done_callback(_end_if_failed)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer by the pages; that the process is alive can be said without them."""
        if environ.get("PATH_INFO") == _ALIVE and not self._app.done():
            start_response("200 OK", [("Content-Type", "application/json")])
            return [_IS_ALIVE]
        return self._app.result()(environ, start_response)


class HostedSite:
    """Deliveries on the server's loop, pages on threads."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._threads = ThreadPoolExecutor(PAGE_THREADS, thread_name_prefix="page")
        self._inbox, self._finder = create_inbox(runtime), create_finder(runtime)
        pages = WsgiBridge(Pages(runtime, self._threads), self._threads)
        linked = LinkFront(runtime, self._finder, self._inbox, pages)
        self._ear = Ear(runtime.database)
        self._front = WebhookFront(Deliveries(runtime), self._inbox, linked, threads=self._threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life: what was taken is finished when it stops."""
        if scope["type"] != "lifespan":
            await self._front(scope, receive, send)
            return
        await receive()
        self._ear.open()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._ear.close()
        self._threads.shutdown()
        self._finder.close()
        self._inbox.close()
        self._runtime.database.dispose()
        await send({"type": "lifespan.shutdown.complete"})


def create_hosted_site(settings: Settings) -> HostedSite:
    """What granian calls in each web process: all is made here, so that nothing crosses a fork."""
    logs.configure(settings.log_level, settings.log_format)
    watch = threading.Thread(target=_end_with, args=(os.getppid(),), name="parent-watch", daemon=True)
    watch.start()
    return HostedSite(Runtime.build(settings))


def _of_receivers(runtime: Runtime) -> Database:
    return Database(runtime.database.url, pool_size=1, busy_seconds=RECEIVE_BUSY_SECONDS)


def _load(runtime: Runtime) -> WsgiApp:
    app: WsgiApp = import_module(_PAGES).create_app(runtime).wsgi_app
    return app


def _end_if_failed(loading: "Future[WsgiApp]") -> None:
    """A process that can show no page is of no use, and its server starts another one."""
    error = loading.exception()
    if error is not None:
        log.critical("the pages cannot be loaded", exc_info=error)
        os._exit(1)


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, killed for instance: nobody else would."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_WATCH_SECONDS)
    os._exit(1)
