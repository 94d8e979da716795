"""The demo from its first page to its last figure: the journey, and the pages that can be looked at."""

import argparse
import threading
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import inspect, select

from app import clock, migrate
from app.cli import embedded, figures, travel
from app.cli.running import running
from app.cli.sandboxed import Sandbox
from app.config import Settings
from app.errors import AppError
from app.loading import keep_loaded
from app.models import Store
from app.runtime import Runtime
from app.web.auth import issue_sign_in_link
from app.wsgi import create_site
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
from jobs.worker import Worker


def run(settings: Settings, sandbox: Sandbox, arguments: argparse.Namespace, *, begun: float) -> Any:
    """Travel to the end of the world and return the figures, or stay open for browsers until Ctrl-C.

    Args:
        settings: those of the demo.
        sandbox: is starting, or up.
        begun: by the stopwatch.

    Raises:
        AppError: the database has other shops than the sandbox's, or these cannot be installed.
    """
    runtime = Runtime.of_operator(settings)
    _expect_own_shops(runtime, sandbox)
    migrate.upgrade(settings.database)
    with (
        closing(create_site(runtime)) as site,
        running(embedded.open_server(site, "127.0.0.1", settings.port)),
    ):
        sandbox.wait_until_up()
        kit = Kit.build(runtime, LocalChannel(sandbox.url), is_local=True)
        step = timedelta(minutes=arguments.step_minutes)
        journey = travel.Journey(kit, sandbox, step, travel.waking(step))
        keep_loaded()
        if arguments.serve:
            _stay(journey, begun)
            return None
        journey.prepare()
        journey.travel(travel.progress_line, threading.Event())
        return _figures(journey, begun)


def _expect_own_shops(runtime: Runtime, sandbox: Sandbox) -> None:
    """Leave real shops alone: a demo moves the clock, switches flows on, and has its sandbox take all mail.

    Raises:
        AppError: the database has a shop that is not this sandbox's.
    """
    with runtime.database.read() as session:
        is_empty = not inspect(session.connection()).has_table(Store.__tablename__)
        urls = [] if is_empty else session.execute(select(Store.url)).scalars().all()
    for url in urls:
        if not url.startswith(f"{sandbox.url}/"):
            raise AppError(
                f"the database has a shop that is not this demo's, {url}: give the demo an empty one"
            )


def _stay(journey: travel.Journey, begun: float) -> None:
    """`make run`: pages at once, the year in the background, then the present with the worker."""
    _tell_where(journey.kit.runtime)
    worker = Worker(journey.kit)
    is_working = False
    try:
        journey.prepare()
        print("The year of orders arrives now; watch it on the home page. Stop with Ctrl-C.", flush=True)
        journey.travel(travel.progress_line, threading.Event())
        clock.travel_to(None)
        print(_told(_figures(journey, begun)), flush=True)
        worker.start()
        is_working = True
        threading.Event().wait()
    except KeyboardInterrupt:
        print("\nRitorno stops; `make run` goes on from here.", flush=True)
    finally:
        if is_working:
            worker.stop()


def _figures(journey: travel.Journey, begun: float) -> dict[str, Any]:
    world = journey.sandbox.get("/control/state")
    with journey.kit.runtime.database.read() as session:
        return figures.figures(session, world, time.monotonic() - begun)


def _tell_where(runtime: Runtime) -> None:
    with runtime.database.write() as session:
        token = issue_sign_in_link(session, datetime.now(UTC))
    base = runtime.settings.base_url
    print(f"\nRitorno is open at {base}\nSign in once with {base}/app/sign-in/{token}\n", flush=True)


def _told(shown: dict[str, Any]) -> str:
    sent = sum(states.get("sent", 0) for states in shown["messages"].values())
    return (
        f"{shown['orders']} orders of {shown['customers']} customers arrived by {shown['webhooks']['kept']} "
        f"webhooks; {sent} messages went out in {shown['seconds']} s."
    )
