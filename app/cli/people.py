"""`customer …`: what is kept about a person, and forgetting them."""

import argparse
from typing import Any

from sqlalchemy import select

from app import clock
from app.errors import NotFound
from app.models import Customer
from app.privacy import asked
from app.runtime import Runtime


def _export(runtime: Runtime, arguments: argparse.Namespace) -> object:
    store_id = _store_of(runtime, arguments)
    return asked.report_now(runtime, store_id, arguments.id, now=clock.now())


def _erase(runtime: Runtime, arguments: argparse.Namespace) -> object:
    store_id = _store_of(runtime, arguments)
    erased = asked.erase_now(runtime, store_id, arguments.id, source="cli", now=clock.now())
    return {
        "id": erased.customer_id,
        "store": store_id,
        "erased_at": erased.erased_at.isoformat(),
        "counts": erased.counts,
    }


def _store_of(runtime: Runtime, arguments: argparse.Namespace) -> int:
    """The store of the customer, whose id is unique over all; another than the one named is refused."""
    with runtime.database.read() as session:
        statement = select(Customer.store_id).where(Customer.id == arguments.id)
        store_id = session.execute(statement).scalar_one_or_none()
    if store_id is None or arguments.store not in (None, store_id):
        raise NotFound(f"there is no customer {arguments.id} in this store; /app/customers shows the ids")
    return store_id


def _add_customer(branches: Any) -> None:
    parser = branches.add_parser("customer", help="what is kept about a person; forgetting them")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, words in (
        ("export", _export, "everything that is kept about them, as JSON"),
        ("erase", _erase, "forget them; what the shop counts by stays"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("id", type=int)
        action.add_argument("--store", type=int, metavar="ID", help="refuse a customer of another store")
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, needs_runtime=True)


COMMANDS = (_add_customer,)
