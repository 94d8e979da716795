"""The web side of `serve --hosted`, as ASGI: deliveries are taken at once, the pages load meanwhile."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

from app import logs, watching
from app.config import Settings
from app.doors import create_finder, create_inbox
from app.pages import Pages
from app.runtime import Runtime
from webhooks.bodies import Receive, Scope
from webhooks.bridge import WsgiBridge
from webhooks.deliveries import Deliveries
from webhooks.ear import Ear
from webhooks.front import Send, WebhookFront
from webhooks.links import LinkFront

PAGE_THREADS = 16
_WATCH_SECONDS = 1.0


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
        watching.end()
        await send({"type": "lifespan.shutdown.complete"})


def create_hosted_site(settings: Settings) -> HostedSite:
    """What granian calls in each web process: all is made here, so that nothing crosses a fork."""
    logs.configure(settings.log_level, settings.log_format)
    watching.begin(spans_to=settings.otel_exporter_otlp_endpoint, surprises_to=settings.sentry_dsn)
    watch = threading.Thread(target=_end_with, args=(os.getppid(),), name="parent-watch", daemon=True)
    watch.start()
    return HostedSite(Runtime.build(settings))


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, killed for instance: nobody else would."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_WATCH_SECONDS)
    os._exit(1)
