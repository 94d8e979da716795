"""`flow …` and `tick`."""

import argparse
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from app import audit, clock
from app.errors import BadInput
from app.flows import backlog, switch
from app.models import Store
from app.runtime import Runtime
from app.segments.state_facts import FLOW
from connectors.channels.local import LocalChannel
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


def _tick(runtime: Runtime, arguments: argparse.Namespace) -> object:
    kit = Kit.build(runtime, LocalChannel(None))
    as_of = parse_moment(arguments.as_of) if arguments.as_of else None
    return dict(tick(kit, as_of, until_idle=arguments.until_idle))


def _add_flow(branches: Any) -> None:
    parser = branches.add_parser("flow", help="the flows of a store")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run in (("list", _list), ("activate", _activate), ("deactivate", _deactivate)):
        action = actions.add_parser(name)
        if name != "list":
            action.add_argument("key")
        action.add_argument("--store", type=int, required=True, metavar="ID")
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, needs_runtime=True)


def _add_tick(branches: Any) -> None:
    parser = branches.add_parser("tick", help="do everything that is due at a moment, once")
    parser.add_argument("--as-of", metavar="MOMENT", help="like 2026-12-01T09:00:00Z; default: now")
    parser.add_argument("--until-idle", action="store_true", help="go round until nothing is left")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_tick, needs_runtime=True)


COMMANDS = (_add_flow, _add_tick)
