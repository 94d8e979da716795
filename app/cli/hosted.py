"""`serve --hosted`: granian starts the web processes and replaces those that die."""

import argparse
from functools import partial

from app.asgi import create_hosted_site
from app.cli.words import PORT_WAY_OUT
from app.config import Settings
from app.errors import AppError, BadInput
from app.runtime import Runtime

_HEADER_MILLISECONDS = 10_000
_GRACE_SECONDS = 15
_OF_SYSTEM = "(os error"
"""How granian, whose sockets are opened in Rust, says that the system refused one."""


def serve(runtime: Runtime, arguments: argparse.Namespace) -> None:
    """Serve until the process is told to stop; the runtime is closed, each web process opens its own.

    Raises:
        AppError: the extra `server` is not installed, or the port cannot be opened.
        BadInput: a worker was asked for.
    """
    if arguments.worker == "embedded":
        raise BadInput("--hosted serves only: run `ritorno worker` beside it")
    runtime.database.dispose()
    _serve(runtime.settings, arguments.host, arguments.processes)


def _serve(settings: Settings, host: str, processes: int) -> None:
    try:
        from granian.constants import HTTPModes, Interfaces  # noqa: PLC0415 (an extra)
        from granian.http import HTTP1Settings  # noqa: PLC0415
        from granian.log import LogLevels  # noqa: PLC0415
        from granian.server import Server  # noqa: PLC0415
    except ImportError as error:
        raise AppError("--hosted needs the extra `server`: pip install 'ritorno[server]'") from error
    server = Server(
        "app.asgi:create_hosted_site",
        address=host,
        port=settings.port,
        interface=Interfaces.ASGI,
        workers=processes,
        http=HTTPModes.http1,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
        log_level=LogLevels.warning,
        respawn_failed_workers=True,
        workers_kill_timeout=_GRACE_SECONDS,
    )
    server.on_startup(partial(print, f"Ritorno serves on http://{host}:{settings.port}", flush=True))
    try:
        server.serve(target_loader=partial(create_hosted_site, settings), wrap_loader=False)
    except RuntimeError as error:
        said, _, _ = str(error).partition("\n")
        if _OF_SYSTEM not in said:
            raise
        raise AppError(f"port {settings.port} of {host}: {said}; {PORT_WAY_OUT}") from error
