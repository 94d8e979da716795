"""The hosted web server: granian, with deliveries answered on its loop and pages on threads."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from app import logs
from app.cli.bridge import WsgiBridge
from app.config import Settings
from app.errors import AppError
from app.runtime import Runtime
from app.wsgi import create_app, create_inbox
from webhooks.bodies import Receive, Scope
from webhooks.front import Send, WebhookFront
from webhooks.storefronts import StorefrontDeliveries
from webhooks.writer import InboxWriter

_THREADS = 16
_HEADER_SECONDS = 10
_GRACE_SECONDS = 15
_WATCH_SECONDS = 1.0


class HostedSite:
    """The ASGI app of one web process; it closes its inbox when the server stops."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="page")
        self._inbox: InboxWriter = create_inbox(runtime)
        bridge = WsgiBridge(create_app(runtime).wsgi_app, self._threads)
        deliveries = StorefrontDeliveries(runtime)
        self._front = WebhookFront(deliveries, self._inbox, bridge, threads=self._threads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or follow the server's life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await self._front(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._threads.shutdown()
        self._inbox.close()
        self._runtime.database.dispose()
        await send({"type": "lifespan.shutdown.complete"})


def serve(settings: Settings, host: str, processes: int) -> None:
    """Serve until the process is told to stop; web processes that die are replaced.

    Raises:
        AppError: the extra `server` is not installed.
    """
    try:
        from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415
        from granian.http import HTTP1Settings  # noqa: PLC0415
        from granian.log import LogLevels  # noqa: PLC0415
        from granian.server import Server  # noqa: PLC0415
    except ImportError as error:
        raise AppError("`serve --hosted` needs the extra `server`: pip install 'ritorno[server]'") from error
    server = Server(
        "ritorno",
        address=host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=processes,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_SECONDS * 1000),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=_GRACE_SECONDS,
    )
    server.on_startup(partial(print, f"Ritorno serves on http://{host}:{settings.port}", flush=True))
    server.serve(target_loader=partial(_load, settings, os.getpid()), wrap_loader=False)


def _load(settings: Settings, parent: int) -> HostedSite:
    """In a web process: a database, threads and logs of its own; none crosses a fork."""
    logs.configure(settings.log_level, settings.log_format)
    threading.Thread(target=_end_with, args=(parent,), name="parent-watch", daemon=True).start()
    return HostedSite(Runtime.build(settings))


def _end_with(parent: int) -> None:
    """End this process when the one that started it is gone, killed for instance: nobody else would."""
    pause = threading.Event()
    while os.getppid() == parent:
        pause.wait(_WATCH_SECONDS)
    os._exit(1)
