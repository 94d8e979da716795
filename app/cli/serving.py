"""`serve`: pages, API and webhooks, with or without a worker in the same process."""

import argparse
from dataclasses import replace
from typing import Any

import waitress

from app import migrate
from app.cli import hosted
from app.cli.working import keep_loaded, on_termination
from app.errors import BadInput
from app.runtime import Runtime
from app.wsgi import Site, create_site
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
from jobs.worker import Worker
from webhooks.door import MAX_BODY_BYTES
from webhooks.ear import Ear

THREADS = 32
_SERVER = {
    "threads": THREADS,
    "connection_limit": 1000,
    "channel_timeout": 10,
    # waitress refuses what reaches its limit; ours may be reached.
    "max_request_body_size": MAX_BODY_BYTES + 1,
    "cleanup_interval": 10,
    "ident": None,
    "clear_untrusted_proxy_headers": True,
}


def open_server(site: Site, host: str, port: int) -> Any:
    """A bound waitress server: slow clients are buffered, a body over the cap is cut while it is read.

    Raises:
        OSError: the port is taken.
    """
    return waitress.create_server(site.application, host=host, port=port, **_SERVER)


def _serve(runtime: Runtime, arguments: argparse.Namespace) -> None:
    port = arguments.port or runtime.settings.port
    runtime = replace(runtime, settings=runtime.settings.model_copy(update={"port": port}))
    migrate.upgrade(runtime.settings.database)
    if arguments.hosted:
        _serve_hosted(runtime, arguments)
        return
    site = create_site(runtime)
    server = open_server(site, arguments.host, port)
    worker = None if arguments.worker == "none" else Worker(Kit.build(runtime, LocalChannel(None)))
    keep_loaded()
    ear = Ear(runtime.database)
    ear.open()
    if worker is not None:
        worker.start()
    print(f"Ritorno serves on http://{arguments.host}:{server.effective_port}", flush=True)
    on_termination(_leave)
    try:
        server.run()
    finally:
        if worker is not None:
            worker.stop()
        ear.close()
        site.inbox.close()


def _serve_hosted(runtime: Runtime, arguments: argparse.Namespace) -> None:
    if arguments.worker == "embedded":
        raise BadInput("--hosted serves only: run `ritorno worker` beside it")
    runtime.database.dispose()
    hosted.serve(runtime.settings, arguments.host, arguments.processes)


def _leave() -> None:
    """End waitress's loop, which then lets the requests under way finish."""
    raise SystemExit


def _add_serve(branches: Any) -> None:
    parser = branches.add_parser("serve", help="serve pages, API and webhooks")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="default: PORT, else 8000")
    parser.add_argument(
        "--worker", choices=("embedded", "none"), help="default: embedded, none with --hosted"
    )
    parser.add_argument("--hosted", action="store_true", help="many connections, beside `ritorno worker`")
    parser.add_argument("--processes", type=int, default=1, metavar="N", help="web processes of --hosted")
    parser.set_defaults(run=_serve, needs_runtime=True)


COMMANDS = (_add_serve,)
