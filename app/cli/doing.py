"""`api-key`, `inbound`, `message`, `doctor`: single acts of an operator."""

import argparse
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import clock, inbox, migrate
from app.config import Settings
from app.errors import NotFound
from app.messaging import settling
from app.models import Message, Store
from app.runtime import Runtime
from app.web.auth import create_api_key
from connectors.base import Outcome, SendResult

_SECRET = ("secret", "key", "token")


def _create_key(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        if session.get(Store, arguments.store) is None:
            raise NotFound(f"there is no store {arguments.store}; `ritorno store list` shows them")
        key = create_api_key(session, arguments.store, arguments.name, clock.now())
    return {"store": arguments.store, "name": arguments.name, "key": key}


def _replay(runtime: Runtime, arguments: argparse.Namespace) -> object:
    with runtime.database.write() as session:
        return {"replayed": inbox.replay(session, arguments.ids, clock.now())}


def _settle(runtime: Runtime, arguments: argparse.Namespace) -> object:
    outcome = Outcome.ACCEPTED if arguments.sent else Outcome.RETRY
    with runtime.database.write() as session:
        row = _message(session, arguments.id)
        settling.settle(session, row, SendResult(outcome), clock.now())
    return {"id": arguments.id, "settled": "sent" if arguments.sent else "queued"}


def _message(session: Session, message_id: int) -> Any:
    row = session.execute(select(Message.__table__).where(Message.id == message_id)).one_or_none()
    if row is None or row.status != "unknown":
        raise NotFound(f"message {message_id} is not unknown; /app/outbox lists those that are")
    return row


def _doctor(runtime: Runtime, arguments: argparse.Namespace) -> object:
    settings = runtime.settings
    with runtime.database.read() as session:
        session.execute(text("SELECT 1"))
        version = migrate.current(session)
        stores = session.execute(select(Store).order_by(Store.id)).scalars().all()
    return {
        "settings": {name.upper(): _shown(settings, name) for name in Settings.model_fields},
        "database": {
            "reachable": True,
            "version": version,
            "newest": migrate.head(),
            "mend": None if version == migrate.head() else "run `ritorno migrate`",
        },
        "stores": [
            {
                "id": store.id,
                "domain": store.domain,
                "state": store.state,
                "webhooks": len(store.subscriptions),
                "mend": _mend(store),
            }
            for store in stores
        ],
    }


def _shown(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    is_secret = any(part in name for part in _SECRET) and not name.endswith("_url")
    return "set" if is_secret and value else value


def _mend(store: Store) -> str | None:
    if store.state == "needs_reconnect":
        return "the shop no longer accepts our keys: let the merchant install the app again"
    if store.state == "connected" and not store.subscriptions:
        return "no webhooks yet: start the worker and look again"
    return None


def _add_api_key(branches: Any) -> None:
    parser = branches.add_parser("api-key", help="keys of the API")
    create = parser.add_subparsers(required=True, metavar="ACTION").add_parser("create")
    create.add_argument("--store", type=int, required=True, metavar="ID")
    create.add_argument("--name", required=True)
    create.add_argument("--json", action="store_true")
    create.set_defaults(run=_create_key, needs_runtime=True)


def _add_inbound(branches: Any) -> None:
    parser = branches.add_parser("inbound", help="received deliveries")
    replay = parser.add_subparsers(required=True, metavar="ACTION").add_parser("replay")
    replay.add_argument("ids", type=int, nargs="+", metavar="ID")
    replay.add_argument("--json", action="store_true")
    replay.set_defaults(run=_replay, needs_runtime=True)


def _add_message(branches: Any) -> None:
    parser = branches.add_parser("message", help="messages whose fate nobody knows")
    settle = parser.add_subparsers(required=True, metavar="ACTION").add_parser("settle")
    settle.add_argument("id", type=int)
    fate = settle.add_mutually_exclusive_group(required=True)
    fate.add_argument("--sent", action="store_true")
    fate.add_argument("--not-sent", action="store_true")
    settle.add_argument("--json", action="store_true")
    settle.set_defaults(run=_settle, needs_runtime=True)


def _add_doctor(branches: Any) -> None:
    parser = branches.add_parser("doctor", help="what is wrong and how to mend it")
    parser.add_argument("--json", action="store_true")
    parser.set_defaults(run=_doctor, needs_runtime=True)


COMMANDS = (_add_api_key, _add_inbound, _add_message, _add_doctor)
