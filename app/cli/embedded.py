"""`serve` in one process: pages, API and webhooks, with or without a worker beside them."""

import argparse
import socket
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import RequestEntityTooLarge

from app import doors, watching
from app.cli.dispatching import AnswerableRequest, Calls, Dispatcher, Looking, is_to_write, task_of
from app.cli.ending import on_termination
from app.cli.words import PORT_WAY_OUT
from app.doors import Site
from app.errors import AppError
from app.loading import loading
from app.pages import Pages, end_if_failed
from app.runtime import Runtime
from webhooks.door import MAX_BODY_BYTES
from webhooks.ear import Ear

_WORKER = "app.cli.working"
"""By its name, as the pages are: it is loaded once the port is open."""
THREADS = 32
_SERVER = {
    "threads": THREADS,
    "connection_limit": 1000,
    "channel_timeout": 10,
    # A delivery of an order is longer than the 8 KiB that waitress would read at once.
    "recv_bytes": 65536,
    # waitress refuses what reaches its limit; ours may be reached.
    "max_request_body_size": MAX_BODY_BYTES + 1,
    "cleanup_interval": 10,
    "ident": None,
    # Ours to judge (app/web/clients.py, /metrics): who takes them away makes a proxy's visitors local ones.
    "clear_untrusted_proxy_headers": False,
}


class _Parser(AnswerableRequest):
    """Ends the connection after a request that names its length in two ways, as RFC 9112 6.1 has it.

    What follows may be another's request in the eyes of a proxy before us, which went by the other length.
    """

    def parse_header(self, header_plus: bytes) -> None:
        """Read the head of a request."""
        super().parse_header(header_plus)
        if self.chunked and "CONTENT_LENGTH" in self.headers:
            self.headers["CONNECTION"] = "close"


def _refusal(channel: HTTPChannel, request: _Parser) -> Any:
    """What answers a refused request. A body over the cap is told by the site, in the reader's language.

    The site goes by the announced length and reads nothing; then the connection ends.
    """
    if not isinstance(request.error, RequestEntityTooLarge):
        return ErrorTask(channel, request)
    request.headers["CONTENT_LENGTH"] = str(MAX_BODY_BYTES + 1)
    task = WSGITask(channel, request)
    task.set_close_on_finish()
    return task


HTTPChannel.writable = is_to_write
HTTPChannel.parser_class = _Parser
HTTPChannel.error_task_class = staticmethod(_refusal)
HTTPChannel.task_class = staticmethod(task_of)


def open_server(site: Site, host: str, port: int) -> Any:
    """A bound waitress server: slow clients are buffered, a body over the cap is cut while it is read.

    Raises:
        AppError: the port cannot be opened.
    """
    dispatcher = Dispatcher(site.unwaited)
    dispatcher.set_thread_count(THREADS)
    address = _address_of(host, port)
    try:
        server = waitress.create_server(
            site.application, host=address, port=port, _dispatcher=dispatcher, **_SERVER
        )
    except OSError as error:
        raise AppError(f"port {port} of {address}: {error.strerror}; {PORT_WAY_OUT}") from error
    calls = Calls(server.trigger.pull_trigger)
    server.pull_trigger = calls
    server.readable = Looking(server.readable, calls.heard, dispatcher.look)
    return server


def _address_of(host: str, port: int) -> str:
    """One address of a name, which may have several: waitress would make a server of each."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return str(min(found, key=lambda one: one[0] != socket.AF_INET)[4][0])


def serve(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Serve until the process is told to stop: deliveries at once, pages and worker once they are loaded.

    Raises:
        AppError: the port cannot be opened.
    """
    settings = runtime.settings
    watching.begin(spans_to=settings.otel_exporter_otlp_endpoint, surprises_to=settings.sentry_dsn)
    with ThreadPoolExecutor(1, thread_name_prefix="loading") as background:
        site = doors.in_front_of(Pages(runtime, background), runtime)
        server = open_server(site, arguments.host, runtime.settings.port)
        workers = None if arguments.worker == "none" else background.submit(_start_workers, runtime)
        if workers is not None:
            workers.add_done_callback(end_if_failed)
        ear = Ear(runtime.database)
        ear.open()
        print(f"Ritorno serves on http://{arguments.host}:{server.effective_port}", flush=True)
        on_termination(_leave)
        try:
            server.run()
        finally:
            if workers is not None:
                workers.result().stop()
            ear.close()
            site.close()
            watching.end()


def _start_workers(runtime: Runtime) -> Any:
    with loading():
        workers = import_module(_WORKER).Workers(runtime)
    workers.start()
    return workers


def _leave() -> None:
    """End waitress's loop, which then lets the requests under way finish."""
    raise SystemExit
