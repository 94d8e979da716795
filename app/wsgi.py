"""Puts the web side together: Flask for pages and the API, the webhook door in front of it."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from flask import Flask

from app import logs, migrate, web
from app.config import Settings
from app.db import RECEIVE_BUSY_SECONDS, Database
from app.runtime import Runtime
from webhooks.bodies import Receive, Scope
from webhooks.bridge import WsgiBridge
from webhooks.deliveries import Deliveries
from webhooks.door import WebhookDoor
from webhooks.ear import Ear
from webhooks.front import Send, WebhookFront
from webhooks.writer import InboxWriter

PAGE_THREADS = 16
_WATCH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Site:
    """The WSGI app of a process and the inbox writer behind it."""

    application: WebhookDoor
    inbox: InboxWriter


def create_app(runtime: Runtime) -> Flask:
    """The Flask app: the merchant's screens, the API, the customer's pages."""
    app = Flask("app.web", template_folder="templates", static_folder=None)
    app.extensions["ritorno"] = runtime
    web.register(app, migration_head=migrate.head)
    return app


def create_site(runtime: Runtime) -> Site:
    """Everything that a server process answers with."""
    inbox = create_inbox(runtime)
    door = WebhookDoor(Deliveries(runtime), inbox, create_app(runtime).wsgi_app)
    return Site(door, inbox)


def create_inbox(runtime: Runtime) -> InboxWriter:
    """The writer of deliveries, with a connection of its own that waits for a lock for a moment only."""
    return InboxWriter(Database(runtime.database.url, pool_size=1, busy_seconds=RECEIVE_BUSY_SECONDS))


class HostedSite:
    """The same as ASGI: deliveries on the server's loop, pages on threads (`serve --hosted`)."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._threads = ThreadPoolExecutor(PAGE_THREADS, thread_name_prefix="page")
        self._inbox = create_inbox(runtime)
        pages = WsgiBridge(create_app(runtime).wsgi_app, self._threads)
        self._ear = Ear(runtime.database)
        self._front = WebhookFront(Deliveries(runtime), self._inbox, pages, threads=self._threads)

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
        self._inbox.close()
        self._runtime.database.dispose()
        await send({"type": "lifespan.shutdown.complete"})


def create_hosted_site(settings: Settings) -> HostedSite:
    """What granian calls in each web process: all is made here, so that nothing crosses a fork."""
    logs.configure(settings.log_level, settings.log_format)
    watch = threading.Thread(target=_end_with, args=(os.getppid(),), name="parent-watch", daemon=True)
    watch.start()
    return HostedSite(Runtime.build(settings))


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, killed for instance: nobody else would."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_WATCH_SECONDS)
    os._exit(1)
