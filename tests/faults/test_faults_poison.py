"""Signed nonsense against a running server and worker, and behind each a good order of the same shop."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.models import Store
from tests import seeds
from tests.bars.sizes import Note
from tests.faults.faults_books import tell
from tests.faults.faults_processes import until
from tests.faults.faults_sending import Rig
from tests.faults.faults_shop import rig
from tests.webhooks.test_webhooks_poison import (
    NO_JSON,
    NUL_TEXTS,
    ODD_FIELDS,
    ODD_IDS,
    SHOPIFY_ORDER,
    WOO_ORDER,
)
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import exchange, head
from tests.webhooks.webhooks_shops import Delivery, shopify_delivery, woo_delivery

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
_AT_REST_OR_READ = {"dead", "done", "ignored"}
_ELSEWHERE = ("_links", "payment_url")
"""Of the captured order: it names the shop that it was captured from."""


@dataclass(frozen=True)
class Sender:
    """A shop of either platform, and an order of it that is good."""

    rig: Rig
    store: Store
    order: dict[str, Any]

    def post(self, body: bytes, name: str) -> tuple[int, float]:
        """The status and the seconds of a signed delivery."""
        delivery, begun = self._signed(body, name), time.monotonic()
        lines = [("Content-Length", str(len(body))), *delivery.headers]
        answer = exchange(self.rig.port, head("POST", delivery.path, lines) + body)
        return answer.status, time.monotonic() - begun

    def changed(self, **fields: Any) -> bytes:
        """The order with other fields."""
        return json.dumps({**self.order, **fields}).encode()

    def _signed(self, body: bytes, name: str) -> Delivery:
        if self.store.platform == "shopify":
            return shopify_delivery(self.store.domain, "orders/create", body, webhook_id=name)
        return woo_delivery(self.rig.runtime, self.store, "order.created", body)


@pytest.fixture
def senders(database_url: str, tmp_path: Path) -> Iterator[list[Sender]]:
    """A shop of each platform, over one server and one worker."""
    with rig(tmp_path, database_url) as found:
        with found.runtime.database.write() as session:
            installed_at = datetime.now(UTC) - timedelta(days=1)
            told = {"platform": "shopify", "domain": "aurora.myshopify.com", "installed_at": installed_at}
            other = seeds.add_store(session, "aurora", **told)
            own = session.get_one(Store, found.store_id)
        found.serve()
        found.work()
        assert until(found.is_up, 60)
        woo = {key: value for key, value in WOO_ORDER.items() if key not in _ELSEWHERE}
        yield [Sender(found, own, woo), Sender(found, other, SHOPIFY_ORDER)]


def test_a_good_order_behind_each_poison_is_answered_and_read(
    senders: list[Sender], engine: str, record_property: Note
) -> None:
    statuses, seconds, poisons = [], [], 0
    for sender in senders:
        for number, poison in enumerate(_poisons(sender)):
            statuses.append(sender.post(poison, f"poison-{number}")[0])
            good = sender.changed(id=9_000_000 + number, admin_graphql_api_id=f"gid://shopify/Order/{number}")
            status, took = sender.post(good, f"good-{number}")
            statuses.append(status)
            seconds.append(took)
            poisons += 1
    inboxes = [Inbox(sender.rig.runtime, sender.store) for sender in senders]
    until(lambda: all(set(inbox.states()) <= _AT_REST_OR_READ for inbox in inboxes), 60)

    rows = [row for inbox in inboxes for row in inbox.rows()]
    open_ones = [row for row in rows if row.status not in _AT_REST_OR_READ]
    good_ones = [row for row in rows if row.body and b'"id": 90000' in row.body]
    mirrored = [(row.done_at - row.received_at).total_seconds() for row in good_ones if row.done_at]
    tell(f"{poisons} poisons, {engine}: next good answered {max(seconds):.2f} s, read {max(mirrored):.2f} s")
    record_property("poisons", poisons)
    record_property("answers of 5xx", sum(status >= 500 for status in statuses))
    record_property("neither at rest nor read", len(open_ones))
    record_property("good orders behind them not read", poisons - len(mirrored))
    record_property("slowest answer to a good one, s", round(max(seconds), 2))
    record_property("slowest good one to the mirror, s", round(max(mirrored), 2))
    assert set(statuses) == {200}
    assert (open_ones, len(mirrored)) == ([], poisons)


def _poisons(sender: Sender) -> Iterator[bytes]:
    yield from NO_JSON.values()
    yield from (sender.changed(id=value) for value in ODD_IDS.values())
    yield from (sender.changed(id=77, note=text, customer_note=text) for text in NUL_TEXTS.values())
    if sender.store.platform == "woocommerce":
        yield from (sender.changed(id=78, **{name: value}) for name, value in ODD_FIELDS.values())
