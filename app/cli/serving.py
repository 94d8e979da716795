"""`serve`: pages, API and webhooks, in one process or hosted."""

import argparse
from dataclasses import replace
from importlib import import_module
from typing import Any

from app import clock, migrate
from app.cli.words import number, port
from app.loading import loading
from app.members import links, people
from app.runtime import Runtime

_WAYS = {False: "app.cli.embedded", True: "app.cli.hosted"}
"""By `--hosted`, which module serves."""


def _serve(runtime: Runtime, arguments: argparse.Namespace) -> None:
    port = arguments.port or runtime.settings.port
    runtime = replace(runtime, settings=runtime.settings.model_copy(update={"port": port}))
    migrate.upgrade(runtime.settings.database)
    _tell_first_way_in(runtime)
    with loading():
        way = import_module(_WAYS[arguments.hosted])
    way.serve(runtime, arguments)


def _tell_first_way_in(runtime: Runtime) -> None:
    """While nobody has a login, print the link that makes the first one: nobody but its reader gets in."""
    with runtime.database.read() as session:
        if people.exist(session):
            return
    with runtime.database.write() as session:
        token = links.issue(session, clock.now(), lasts=links.OPERATORS_LASTS)
    way_in = f"{runtime.settings.base_url}/app/sign-in/{token}"
    print(f"Nobody has a login yet. Come in once, within 12 hours, by {way_in}", flush=True)


def _add_serve(branches: Any) -> None:
    parser = branches.add_parser("serve", help="serve pages, API and webhooks")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=port, default=0, help="default: PORT, else 8000")
    parser.add_argument(
        "--worker", choices=("embedded", "none"), help="default: embedded, none with --hosted"
    )
    parser.add_argument("--hosted", action="store_true", help="many connections, beside `ritorno worker`")
    parser.add_argument("--processes", type=number, default=1, metavar="N", help="web processes of --hosted")
    parser.set_defaults(run=_serve, needs_runtime=True)


COMMANDS = (_add_serve,)
