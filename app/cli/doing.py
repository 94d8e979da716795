"""`api-key`, `inbound`, `message`: single acts of an operator."""

import argparse
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit, clock, inbox
from app.cli.words import number
from app.errors import BadInput, NotFound
from app.members import keys
from app.messaging import held, settling
from app.models import InboundEvent, Message
from app.runtime import Runtime
from connectors.base import Outcome, SendResult


def _create_key(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        key = keys.make(session, arguments.store, arguments.name, clock.now())
        _record(session, arguments.store, audit.KEY_CREATED, subject=arguments.name)
    return {"store": arguments.store, "name": arguments.name, "key": key}


def _list_keys(runtime: Runtime, arguments: argparse.Namespace) -> object:
    """The keys of a store by their names; the keys themselves are kept nowhere."""
    with runtime.database.read() as session:
        return [
            {
                "id": key.id,
                "name": key.name,
                "created_at": key.created_at.isoformat(),
                "used_at": key.used_at.isoformat() if key.used_at else None,
                "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
            }
            for key in reversed(keys.of_store(session, arguments.store))
        ]


def _revoke_key(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        key = keys.revoke(session, arguments.store, arguments.id, clock.now())
        _record(session, arguments.store, audit.KEY_REVOKED, subject=key.name)
        return {"store": arguments.store, "id": key.id, "name": key.name, "revoked": True}


def _replay(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        replayed = inbox.replay(session, arguments.ids, clock.now())
        owned = select(InboundEvent.store_id, InboundEvent.id).where(InboundEvent.id.in_(arguments.ids))
        by_store: dict[int, list[int]] = {}
        for row in session.execute(owned.order_by(InboundEvent.id)):
            by_store.setdefault(row.store_id, []).append(row.id)
        for store_id, ids in by_store.items():
            _record(session, store_id, audit.INBOUND_REPLAYED, ids=ids)
    return {"replayed": replayed}


def _settle(runtime: Runtime, arguments: argparse.Namespace) -> object:
    outcome = Outcome.ACCEPTED if arguments.sent else Outcome.RETRY
    with runtime.database.write() as session:
        row = _message(session, arguments.id)
        settling.settle(session, row, SendResult(outcome), clock.now())
        fate = "sent" if arguments.sent else "not-sent"
        _record(session, row.store_id, audit.MESSAGE_SETTLED, subject=f"message:{row.id}", fate=fate)
    return {"id": arguments.id, "settled": "sent" if arguments.sent else "queued"}


def _decide(runtime: Runtime, arguments: argparse.Namespace) -> object:
    """Release or cancel held messages of one store: those named, or all."""
    is_release = arguments.act == "release"
    if bool(arguments.ids) == arguments.all:
        raise BadInput("name the messages, or give --all")
    with runtime.database.write() as session:
        ids = arguments.ids or held.ids_of(session, arguments.store)
        if is_release:
            count = held.release(session, arguments.store, ids, clock.now())
        else:
            count = held.cancel(session, arguments.store, ids)
        action = audit.MESSAGES_RELEASED if is_release else audit.MESSAGES_CANCELLED
        _record(session, arguments.store, action, n=count)
    return {"store": arguments.store, "released" if is_release else "cancelled": count}


def _record(session: Session, store_id: int, action: str, *, subject: str = "", **details: Any) -> None:
    audit.record(session, store_id, audit.OPERATOR, action, now=clock.now(), subject=subject, details=details)


def _message(session: Session, message_id: int) -> Any:
    row = session.execute(select(Message.__table__).where(Message.id == message_id)).one_or_none()
    if row is None or row.status != "unknown":
        raise NotFound(f"message {message_id} is not unknown; /app/outbox lists those that are")
    return row


def _add_api_key(branches: Any) -> None:
    parser = branches.add_parser("api-key", help="keys of the API")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, words in (
        ("create", _create_key, "make one; it is shown once"),
        ("list", _list_keys, "those of a store"),
        ("revoke", _revoke_key, "let one open nothing any more"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("--store", type=number, required=True, metavar="ID")
        if name == "create":
            action.add_argument("--name", required=True)
        if name == "revoke":
            action.add_argument("id", type=number)
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, needs_runtime=True)


def _add_inbound(branches: Any) -> None:
    parser = branches.add_parser("inbound", help="received deliveries")
    replay = parser.add_subparsers(required=True, metavar="ACTION").add_parser("replay")
    replay.add_argument("ids", type=number, nargs="+", metavar="ID")
    replay.add_argument("--json", action="store_true")
    replay.set_defaults(run=_replay, needs_runtime=True)


def _add_message(branches: Any) -> None:
    parser = branches.add_parser("message", help="messages that wait for a person: unknown or held ones")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for act, words in (("release", "held messages go in line again"), ("cancel", "held messages stay home")):
        decide = actions.add_parser(act, help=words)
        decide.add_argument("ids", type=number, nargs="*", metavar="ID")
        decide.add_argument("--all", action="store_true", help="all that the store holds")
        decide.add_argument("--store", type=number, required=True, metavar="ID")
        decide.add_argument("--json", action="store_true")
        decide.set_defaults(run=_decide, needs_runtime=True, act=act)
    settle = actions.add_parser("settle", help="what is known of an unknown message")
    settle.add_argument("id", type=number)
    fate = settle.add_mutually_exclusive_group(required=True)
    fate.add_argument("--sent", action="store_true")
    fate.add_argument("--not-sent", action="store_true")
    settle.add_argument("--json", action="store_true")
    settle.set_defaults(run=_settle, needs_runtime=True)


COMMANDS = (_add_api_key, _add_inbound, _add_message)
