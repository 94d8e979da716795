"""Orders of WooCommerce as signed deliveries, each told until it is acknowledged."""

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import func, select

from app.db import Database, table_of
from app.models import Customer, Message, Order, Store
from tests.faults.faults_sending import Rig
from tests.webhooks.webhooks_process import pause
from tests.webhooks.webhooks_shops import Delivery, woo_delivery, woo_fixtures

CUSTOMERS, MESSAGES, ORDERS = table_of(Customer), table_of(Message), table_of(Order)
TOPIC = "order.created"
_RETRY_SECONDS = 0.05
_CAPTURED: dict[str, Any] = json.loads(
    next(one for one in woo_fixtures("hpos") if one["topic"] == TOPIC)["request"]["body"]
)
_ELSEWHERE = ("_links", "payment_url", "coupon_lines")
"""Of the captured order: it names the shop that it was captured from, and a code of ours that is none."""


def paid_order(number: int, buyer: str, placed_at: datetime, *, total: str = "36.03") -> dict[str, Any]:
    """A whole order of two lines or so, paid as it was placed by somebody without an account."""
    moment = placed_at.strftime("%Y-%m-%dT%H:%M:%S")
    order = {key: value for key, value in _CAPTURED.items() if key not in _ELSEWHERE}
    moments = ("created", "modified", "paid")
    return {
        **order,
        "id": number,
        "number": str(number),
        "status": "processing",
        "customer_id": 0,
        "total": total,
        "billing": {**_CAPTURED["billing"], "email": buyer, "first_name": buyer.partition("@")[0]},
        **{f"date_{name}_gmt": moment for name in moments},
        **{f"date_{name}": moment for name in moments},
    }


def delivery_of(rig: Rig, store: Store, order: dict[str, Any]) -> Delivery:
    """The delivery that tells of an order."""
    return woo_delivery(rig.runtime, store, TOPIC, json.dumps(order).encode())


def store_of(rig: Rig) -> Store:
    """The rig's shop as its row says."""
    with rig.runtime.database.read() as session:
        return session.get_one(Store, rig.store_id)


class Telling:
    """A shop that tells of its orders over a few kept-open connections; some of them twice.

    Attributes:
        acknowledged: the numbers of the orders that were answered 200.
        statuses: every answer, 0 where none came.
        waits: seconds to each answer that came.
    """

    def __init__(
        self, port: int, deliveries: Sequence[tuple[int, Delivery]], senders: int, pace: float = 0.0
    ) -> None:
        self._port = port
        self._pace = pace
        self._left = list(reversed(deliveries))
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._tell, daemon=True) for _ in range(senders)]
        self.acknowledged: set[int] = set()
        self.statuses: Counter[int] = Counter()
        self.waits: list[float] = []

    @classmethod
    def of_orders(
        cls, rig: Rig, orders: Sequence[dict[str, Any]], *, senders: int, pace: float = 0.0
    ) -> "Telling":
        """All of them in any order, a tenth of them twice.

        Args:
            pace: the seconds that each sender rests after what was acknowledged.
        """
        store, chance = store_of(rig), random.Random(1)
        told = [(int(order["id"]), delivery_of(rig, store, order)) for order in orders]
        told += chance.sample(told, len(told) // 10)
        chance.shuffle(told)
        return cls(rig.port, told, senders, pace)

    def start(self) -> "Telling":
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    @property
    def is_done(self) -> bool:
        """Whether everything was acknowledged."""
        return not any(thread.is_alive() for thread in self._threads)

    def finish(self, seconds: float) -> None:
        """Wait until everything is acknowledged; what is not by then never will be."""
        end = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def _tell(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        while not self._ending.is_set():
            with self._lock:
                if not self._left:
                    break
                number, delivery = self._left.pop()
            while self._post(connection, delivery) != 200:
                if self._ending.wait(_RETRY_SECONDS):
                    return
            with self._lock:
                self.acknowledged.add(number)
            if self._pace:
                pause(self._pace)
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, delivery: Delivery) -> int:
        begun, status = time.monotonic(), 0
        try:
            connection.request("POST", delivery.path, delivery.body, dict(delivery.headers))
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            with suppress(OSError):
                connection.close()
        with self._lock:
            self.statuses[status] += 1
            if status:
                self.waits.append(time.monotonic() - begun)
        return status


def orders_of(people: int, count_of_orders: int, *, first: int, until: datetime) -> list[dict[str, Any]]:
    """So many orders of so many people, a second apart, the last one at that moment."""
    return [
        paid_order(
            first + place,
            f"buyer{place % people}@example.com",
            until - timedelta(seconds=count_of_orders - place),
            total=f"{10 + place % 90}.{place % 100:02}",
        )
        for place in range(count_of_orders)
    ]


def wrong_rows(database: Database, store_id: int, orders: Sequence[dict[str, Any]]) -> tuple[int, int]:
    """How many of these orders are missing or wrong in the mirror, and how many people's sums are."""
    expected = {str(order["id"]): round(float(order["total"]) * 100) for order in orders}
    with database.read() as session:
        mine = ORDERS.c.store_id == store_id
        kept = session.execute(select(ORDERS.c.external_id, ORDERS.c.total_minor).where(mine))
        found = {row.external_id: row.total_minor for row in kept}
        counted = select(ORDERS.c.customer_id, func.count(), func.sum(ORDERS.c.total_minor))
        sums = {
            person: (number, int(total))
            for person, number, total in session.execute(counted.where(mine).group_by(ORDERS.c.customer_id))
        }
        told = select(CUSTOMERS.c.id, CUSTOMERS.c.orders_count, CUSTOMERS.c.total_spent_minor)
        people = session.execute(told.where(CUSTOMERS.c.store_id == store_id)).all()
    rows = sum(found.get(number) != total for number, total in expected.items())
    wrong = sum(sums.get(row.id, (0, 0)) != (row.orders_count, row.total_spent_minor) for row in people)
    return rows, wrong


def answered_by_mail(rig: Rig, order: dict[str, Any], seconds: float) -> float | None:
    """Tell of an order; how long after that the provider has a mail to its buyer, None if it never comes."""
    delivery, begun = delivery_of(rig, store_of(rig), order), time.monotonic()
    Telling(rig.port, [(order["id"], delivery)], 1).start().finish(seconds)
    while time.monotonic() < begun + seconds:
        if _is_written_to(rig, order["billing"]["email"]):
            return time.monotonic() - begun
        pause(_LOOK_SECONDS)
    return None


def _is_written_to(rig: Rig, buyer: str) -> bool:
    """Whether a message to somebody stands in the provider's own log."""
    theirs = select(MESSAGES.c.id).join(CUSTOMERS, CUSTOMERS.c.id == MESSAGES.c.customer_id)
    with rig.runtime.database.read() as session:
        mine = theirs.where(CUSTOMERS.c.store_id == rig.store_id, CUSTOMERS.c.email == buyer)
        planned = {str(number) for number in session.scalars(mine)}
    return bool(planned) and any(planned & mails.keys() for mails in rig.control("/accepted/count").values())


_LOOK_SECONDS = 0.1
_numbers = count(5_000_000)


def fresh_order() -> dict[str, Any]:
    """An order of somebody new, placed now."""
    number = next(_numbers)
    return paid_order(number, f"fresh{number}@example.com", datetime.now(UTC))
