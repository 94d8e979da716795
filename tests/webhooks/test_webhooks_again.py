"""A delivery that comes again weeks later, to a process started since: answered, and nothing comes of it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app import retention
from app.models import Customer, CustomerEvent, Order
from app.runtime import Runtime
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import EMBEDDED, Serving, serving
from tests.webhooks.webhooks_shops import connect_shopify, shopify_body, shopify_delivery

LATER = timedelta(days=60)
"""When what it said was removed long ago, and its key was not yet."""


def test_a_delivery_that_comes_again_after_two_months_has_no_effect(
    served: Serving, runtime: Runtime, tmp_path: Path
) -> None:
    store = connect_shopify(runtime)
    inbox = Inbox(runtime, store)
    told = shopify_delivery(store.domain, "orders/paid", shopify_body("orders/paid"), webhook_id="again")

    first = served.post(told.path, told.headers, told.body)
    inbox.work()
    made = _made(runtime, store.id)
    (row,) = inbox.rows()
    with runtime.database.write() as session:
        gone, _ = retention.purge_once(session, store.id, row.received_at + LATER)
    with serving(served.database_url, EMBEDDED, tmp_path) as restarted:
        again = restarted.post(told.path, told.headers, told.body)
    inbox.work()

    (kept,) = inbox.rows()
    assert (first.status, again.status) == (200, 200)
    assert (row.status, row.body, gone) == ("done", told.body, 1)
    assert (kept.id, kept.status, kept.done_at, kept.body) == (row.id, "done", row.done_at, None)
    assert made
    assert _made(runtime, store.id) == made


def _made(runtime: Runtime, store_id: int) -> list[Any]:
    """What came of it: people, orders, and what their timeline says."""
    with runtime.database.read() as session:
        return [
            row
            for model in (Customer, Order, CustomerEvent)
            for row in session.execute(select(model.id).where(model.store_id == store_id)).all()
        ]
