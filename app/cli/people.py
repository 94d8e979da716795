"""`customer …`: what is kept about a person, forgetting them, and lists of people from elsewhere."""

import argparse
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app import access_log, audit, clock
from app.cli.words import number
from app.errors import NotFound
from app.flows.why import why
from app.lists import importing
from app.lists.taking import KINDS
from app.models import Customer, CustomerMerge, Store
from app.privacy import asked
from app.runtime import Runtime
from app.stores import settings
from app.web import catalogue, why_words
from app.web.why import asked_day


def _export(runtime: Runtime, arguments: argparse.Namespace) -> object:
    store_id, customer_id = _place_of(runtime, arguments)
    return asked.report_now(runtime, store_id, customer_id, now=clock.now())


def _erase(runtime: Runtime, arguments: argparse.Namespace) -> object:
    store_id, customer_id = _place_of(runtime, arguments)
    erased = asked.erase_now(runtime, store_id, customer_id, source="cli", now=clock.now())
    return {
        "id": erased.customer_id,
        "store": store_id,
        "erased_at": erased.erased_at.isoformat(),
        "counts": erased.counts,
    }


def _why(runtime: Runtime, arguments: argparse.Namespace) -> object:
    store_id, customer_id = _place_of(runtime, arguments)
    with runtime.database.write() as session:
        access_log.record(
            session,
            store_id,
            audit.OPERATOR,
            access_log.WHY,
            how=access_log.CLI,
            now=clock.now(),
            customer_id=customer_id,
        )
    with runtime.database.read() as session:
        store = session.get_one(Store, store_id)
        language = settings.read(store, "locale")[:2]
        with catalogue.reading_for(store, language if language in catalogue.LANGUAGES else "en"):
            on = asked_day(arguments.on, store)
            answer = why(session, store, customer_id, flow_key=arguments.flow, on=on, now=clock.now())
            return why_words.shape(answer) if arguments.json else "\n".join(why_words.sentences(answer))


_TELL_EVERY = 5000


def _import(runtime: Runtime, arguments: argparse.Namespace) -> object:
    told = 0

    def tell(rows: int) -> None:
        nonlocal told
        if rows // _TELL_EVERY > told // _TELL_EVERY:
            print(f"{rows} rows", file=sys.stderr, flush=True)
        told = rows

    with Path(arguments.file).open("rb") as stream:
        report = importing.import_list(
            runtime, arguments.store, stream, kind=arguments.kind, now=clock.now(), tell=tell
        )
    return report.shown()


def _place_of(runtime: Runtime, arguments: argparse.Namespace) -> tuple[int, int]:
    """Store and id of the customer, or of whoever they were merged into; ids are unique over all stores.

    Raises:
        NotFound: there is none, or in another store than the one named.
    """
    with runtime.database.read() as session:
        known = select(Customer.store_id, Customer.id).where(Customer.id == arguments.id)
        merged = select(CustomerMerge.store_id, CustomerMerge.customer_id).where(
            CustomerMerge.merged_customer_id == arguments.id, CustomerMerge.customer_id.is_not(None)
        )
        found = session.execute(known).first() or session.execute(merged).first()
    if found is None or found[1] is None or arguments.store not in (None, found[0]):
        raise NotFound(f"there is no customer {arguments.id} in this store; /app/customers shows the ids")
    return found[0], found[1]


def _add_customer(branches: Any) -> None:
    parser = branches.add_parser("customer", help="what is kept about a person, forgetting them, lists")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, words in (
        ("export", _export, "everything that is kept about them, as JSON"),
        ("erase", _erase, "forget them; what the shop counts by stays"),
    ):
        action = actions.add_parser(name, help=words)
        action.add_argument("id", type=number)
        action.add_argument("--store", type=number, metavar="ID", help="refuse a customer of another store")
        action.add_argument("--json", action="store_true")
        action.set_defaults(run=run, needs_runtime=True)
    asked_why = actions.add_parser("why", help="why they got, or did not get, a flow's messages on a day")
    asked_why.add_argument("id", type=number)
    asked_why.add_argument("--flow", required=True, metavar="KEY")
    asked_why.add_argument("--on", required=True, metavar="DATE", help="like 2026-11-02, a day of the store")
    asked_why.add_argument("--store", type=number, metavar="ID", help="refuse a customer of another store")
    asked_why.add_argument("--json", action="store_true")
    asked_why.set_defaults(run=_why, needs_runtime=True)
    listed = actions.add_parser("import", help="take in a CSV of subscribers or of refusals")
    listed.add_argument("file", metavar="FILE")
    listed.add_argument("--store", type=number, required=True, metavar="ID")
    listed.add_argument("--kind", required=True, choices=KINDS)
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(run=_import, needs_runtime=True)


COMMANDS = (_add_customer,)
