"""`flow …` and `tick`."""

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from app import audit, clock
from app.cli.words import number
from app.errors import AppError, BadInput
from app.flows import backlog, switch
from app.flows.simulate import run as simulation
from app.flows.simulate import telling
from app.models import Store
from app.runtime import Runtime
from app.segments.state_facts import FLOW
from app.stores.known import known
from connectors.base import ConnectorError
from connectors.channels.local import LocalChannel
from jobs.guard import Failed
from jobs.kit import Kit
from jobs.tick import tick


def parse_moment(text: str) -> datetime:
    """An RFC 3339 moment; without a zone it is refused.

    Raises:
        BadInput: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInput(f"{text!r} is no moment like 2026-12-01T09:00:00Z") from error
    if moment.tzinfo is None:
        raise BadInput(f"{text!r} needs a zone, like 2026-12-01T09:00:00Z")
    return moment.astimezone(UTC)


def _list(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.read() as session:
        return [
            {
                "key": flow.key,
                "active": flow.is_active,
                "active_since": flow.active_since,
                "version": flow.version,
            }
            for flow in switch.listing(session, arguments.store)
        ]


def _activate(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        if switch.activate(session, arguments.store, arguments.key, clock.now()):
            _record(session, arguments, audit.FLOW_ON)
        concerns = _concerned(session, arguments) if arguments.key == FLOW else {}
    return {"key": arguments.key, "active": True, **concerns}


def _concerned(session: Session, arguments: argparse.Namespace) -> dict[str, int]:
    """How many are silent already, and how many of them begin in a day."""
    store = session.get_one(Store, arguments.store)
    return {"silent": backlog.waiting(session, store), "a_day": backlog.a_day(session, store)}


def _deactivate(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        if switch.deactivate(session, arguments.store, arguments.key, clock.now()):
            _record(session, arguments, audit.FLOW_OFF)
    return {"key": arguments.key, "active": False}


def _record(session: Session, arguments: argparse.Namespace, action: str) -> None:
    audit.record(session, arguments.store, audit.OPERATOR, action, now=clock.now(), subject=arguments.key)


def _simulate(runtime: Runtime, arguments: argparse.Namespace) -> object:
    begun = time.monotonic()
    with runtime.database.read() as session:
        store = known(session, arguments.store)
        if arguments.ahead is not None:
            span = telling.ahead_of(clock.now(), arguments.ahead)
        else:
            span = telling.span_of(store, arguments.since, arguments.until, now=clock.now())
        question = simulation.ask(session, store, arguments.key, since=span.begin, until=span.end)
    # What forks must not carry open connections along.
    runtime.database.dispose()
    url = runtime.settings.database
    report = simulation.simulate_widely(url, runtime.signer, question, _progress)
    shown = telling.shape(question, report) | {"seconds": round(time.monotonic() - begun, 1)}
    return shown if arguments.json else telling.told(shown)


def _progress(done: int, total: int) -> None:
    """How far it is, on standard error: a line where it is kept, redrawn in place on a terminal."""
    is_terminal = sys.stderr.isatty()
    text = f"{done} / {total} people"
    end = "\n" if not is_terminal or done >= total else ""
    print(f"\r  {text}" if is_terminal else text, end=end, file=sys.stderr, flush=True)


def _tick(runtime: Runtime, arguments: argparse.Namespace) -> object:
    kit = Kit.build(runtime, LocalChannel(None))
    as_of = parse_moment(arguments.as_of) if arguments.as_of else None
    failing: dict[str, Failed] = {}
    done = dict(tick(kit, as_of, until_idle=arguments.until_idle, failing=failing))
    # A shop or a provider that does not answer fails nothing: what is owed to it waits, as its page says.
    ours = {name: failed for name, failed in failing.items() if not isinstance(failed.error, ConnectorError)}
    if ours:
        causes = "; ".join(sorted({failed.told for failed in ours.values()}))
        raise StagesFailed(f"what is due waits ({', '.join(ours)}): {causes}")
    return done


class StagesFailed(AppError):
    """Stages of a tick could not do their work; the others did theirs."""


def _add_flow(branches: Any) -> None:
    parser = branches.add_parser("flow", help="the flows of a store")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run in _ACTIONS:
        action = actions.add_parser(name)
        if name != "list":
            action.add_argument("key")
        action.add_argument("--store", type=number, required=True, metavar="ID")
        if name == "simulate":
            action.add_argument("--since", metavar="DATE", help="a day of the store; default: 90 days ago")
            action.add_argument("--until", metavar="DATE", help="the last day; default: up to now")
            action.add_argument(
                "--ahead", type=number, metavar="DAYS", help="instead: these days, if switched on now"
            )
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, needs_runtime=True)


_ACTIONS = (
    ("list", _list),
    ("activate", _activate),
    ("deactivate", _deactivate),
    ("simulate", _simulate),
)


def _add_tick(branches: Any) -> None:
    parser = branches.add_parser("tick", help="do everything that is due at a moment, once")
    parser.add_argument("--as-of", metavar="MOMENT", help="like 2026-12-01T09:00:00Z; default: now")
    parser.add_argument("--until-idle", action="store_true", help="go round until nothing is left")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_tick, needs_runtime=True)


COMMANDS = (_add_flow, _add_tick)
