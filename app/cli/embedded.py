"""`serve` in one process: pages, API and webhooks, with or without a worker beside them."""

import argparse
from typing import Any

import waitress

from app.cli.working import keep_loaded, on_termination
from app.runtime import Runtime
from app.wsgi import Site, create_site
from connectors.channels.local import LocalChannel
from jobs.alarm import Alarm
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


def serve(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Serve until the process is told to stop.

    Raises:
        OSError: the port is taken.
    """
    site = create_site(runtime)
    server = open_server(site, arguments.host, runtime.settings.port)
    worker = None if arguments.worker == "none" else Worker(Kit.build(runtime, LocalChannel(None)))
    alarm = None if worker is None else Alarm(runtime.database, worker.look)
    keep_loaded()
    ear = Ear(runtime.database)
    ear.open()
    if worker is not None and alarm is not None:
        worker.start()
        alarm.open()
    print(f"Ritorno serves on http://{arguments.host}:{server.effective_port}", flush=True)
    on_termination(_leave)
    try:
        server.run()
    finally:
        if worker is not None and alarm is not None:
            worker.stop()
            alarm.close()
        ear.close()
        site.close()


def _leave() -> None:
    """End waitress's loop, which then lets the requests under way finish."""
    raise SystemExit
