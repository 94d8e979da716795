"""The pages of a process that is up already: loading them takes longer than all that a delivery needs."""

import os
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from typing import Any

import structlog

from app import heap
from app.loading import loading
from app.runtime import Runtime
from webhooks.door import StartResponse, WsgiApp

log = structlog.get_logger()
_PAGES = "app.wsgi"
_ALIVE, _IS_ALIVE = "/healthz", b'{"status":"ok"}\n'


class Pages:
    """The pages as a WSGI app that is still being loaded: who asks for one waits, and only at the start."""

    def __init__(self, runtime: Runtime, threads: ThreadPoolExecutor) -> None:
        self._app: Future[WsgiApp] = threads.submit(_load, runtime)
        self._app.add_done_callback(end_if_failed)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer by the pages; that the process is alive can be said without them."""
        if environ.get("PATH_INFO") == _ALIVE and not self._app.done():
            start_response("200 OK", [("Content-Type", "application/json")])
            return [_IS_ALIVE]
        return self._app.result()(environ, start_response)


def end_if_failed(part: "Future[Any]") -> None:
    """A process that lacks a part of itself is of no use, and whoever watches it starts another one."""
    error = part.exception()
    if error is not None:
        log.critical("a part of the process cannot be loaded", exc_info=error)
        os._exit(1)


def _load(runtime: Runtime) -> WsgiApp:
    with loading():
        app: WsgiApp = import_module(_PAGES).create_app(runtime).wsgi_app
    # What reading so many modules left free is half a mebibyte.
    heap.give_back()
    return app
