"""A shop whose flows are on, things that happen to its customers, and what the flows make of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import select

from app import timeline
from app.db import Database, table_of, to_micros
from app.flows import work
from app.flows.definition import Definition
from app.models import (
    Checkout,
    Customer,
    CustomerState,
    Decision,
    Enrollment,
    Flow,
    FlowVersion,
    Message,
    Order,
    OrderLine,
    Store,
)
from app.models.message import OPEN_STATES
from app.timeline import NewEvent
from tests.conftest import NOW
from tests.seeds import add_customer, add_order, new_store, switch_on

SINCE = NOW - timedelta(days=60)
"""When the flows were switched on."""

SUBSCRIBED = {"channel": "email", "state": "subscribed", "source": "shopify"}
UNSUBSCRIBED = {"channel": "email", "state": "unsubscribed", "source": "shopify"}
_numbers = count(1)


@dataclass(frozen=True)
class World:
    """One store, reached through the tables that its flows read and write."""

    database: Database
    store_id: int

    @classmethod
    def open(cls, database: Database, *flows: str, word: str = "bottega", **values: Any) -> "World":
        """A store with these flows on."""
        store_id = new_store(database, word, **values)
        switch_on(database, store_id, *flows, since=SINCE)
        return cls(database, store_id)

    def publish(self, definition: Mapping[str, Any]) -> None:
        """A version of a flow's own, on since SINCE."""
        key = definition["key"]
        with self.database.write() as session:
            version = FlowVersion(
                store_id=self.store_id,
                flow_key=key,
                number=99,
                definition=Definition.model_validate(definition).model_dump(mode="json"),
                created_at=SINCE,
            )
            session.add(version)
            session.flush()
            table = table_of(Flow)
            mine = (table.c.store_id == self.store_id, table.c.key == key)
            session.execute(table.update().where(*mine).values(version_id=version.id))
        switch_on(self.database, self.store_id, key, since=SINCE)

    def customer(self, name: str = "", **values: Any) -> int:
        with self.database.write() as session:
            return add_customer(session, self.store_id, name, **values).id

    def order(self, customer_id: int, name: str, *products: str, **values: Any) -> int:
        """An order with a line of each product, the first the dearest."""
        with self.database.write() as session:
            order = add_order(session, self.store_id, customer_id, name, **values)
            for number, product in enumerate(products):
                session.add(
                    OrderLine(
                        store_id=self.store_id,
                        order_id=order.id,
                        external_id=f"L{number}",
                        product_external_id=product,
                        title=f"Title of {product}",
                        quantity=1,
                        current_quantity=1,
                        total_minor=5000 - number,
                    )
                )
            return order.id

    def happens(
        self,
        kind: str,
        customer_id: int,
        at: datetime,
        details: Mapping[str, Any] | None = None,
        *,
        subject: str = "",
        history: bool = False,
    ) -> None:
        """A timeline entry."""
        event = NewEvent(
            store_id=self.store_id,
            customer_id=customer_id,
            type=kind,
            subject=subject or f"test:{next(_numbers)}",
            source_key=f"{kind}:{next(_numbers)}",
            occurred_at=at,
            details=details or {},
            is_history=history,
        )
        with self.database.write() as session:
            timeline.record(session, [event], at)

    def run(self, now: datetime, limit: int = 500) -> None:
        """The flows' stage until it finds nothing to do."""
        while self._run_batch(now, limit):
            pass

    def run_and_fail(self, now: datetime) -> None:
        """A batch whose transaction is lost at its very end."""
        self._run_batch(now, limit=500, fails=True)

    def _run_batch(self, now: datetime, limit: int, *, fails: bool = False) -> int:
        with self.database.write() as session:
            store = session.get(Store, self.store_id)
            assert store is not None
            done = work.run_batch(session, store, now, limit)
            if fails:
                raise ZeroDivisionError
            return done

    def sent(self, step: str, at: datetime) -> None:
        """A message of this step left."""
        self._change(step, status="sent", sent_at=at)

    def stopped(self, step: str) -> None:
        """A message of this step was stopped by the gate."""
        self._change(step, status="stopped", reason="trigger-false")

    def _change(self, step: str, **values: Any) -> None:
        table = table_of(Message)
        with self.database.write() as session:
            session.execute(
                table.update().where(table.c.store_id == self.store_id, table.c.step == step).values(**values)
            )

    def change(self, model: type[Customer] | type[Order], row_id: int, **values: Any) -> None:
        """The mirror learns something."""
        table = table_of(model)
        with self.database.write() as session:
            session.execute(
                table.update().where(table.c.store_id == self.store_id, table.c.id == row_id).values(**values)
            )

    def change_customer(self, person: int, **values: Any) -> None:
        """The sums of a customer."""
        self.change(Customer, person, **values)

    def remember_attempts(self, person: int, began: Sequence[datetime]) -> None:
        """Attempts to win a customer back began at these moments."""
        table = table_of(CustomerState)
        mine = (table.c.store_id == self.store_id, table.c.customer_id == person)
        with self.database.write() as session:
            session.execute(table.update().where(*mine).values(attempts=[to_micros(at) for at in began]))

    def change_checkout(self, name: str, **values: Any) -> None:
        """The mirror learns something of a checkout."""
        table = table_of(Checkout)
        mine = (table.c.store_id == self.store_id, table.c.external_id == name)
        with self.database.write() as session:
            session.execute(table.update().where(*mine).values(**values))

    def messages(self, *names: str) -> list[Any]:
        """The messages in the order of their dues, as tuples of the columns named (one: its values)."""
        return self._rows(Message, names or ("step",), "due_at")

    def journeys(self, *names: str) -> list[Any]:
        return self._rows(Enrollment, names or ("flow_key", "state"), "entered_at")

    def decisions(self, *names: str) -> list[Any]:
        return self._rows(Decision, names or ("step", "reason"), "decided_at")

    def still_stopped(self) -> list[str]:
        """The steps of the open messages whose journey an exit has stopped."""
        statement = (
            select(Message.step)
            .join(Enrollment, Enrollment.id == Message.enrollment_id)
            .where(
                Message.store_id == self.store_id,
                Message.status.in_(OPEN_STATES),
                Enrollment.stopped_at.is_not(None),
            )
            .order_by(Message.due_at)
        )
        with self.database.read() as session:
            return list(session.execute(statement).scalars())

    def _rows(self, model: Any, names: tuple[str, ...], order: str) -> list[Any]:
        table = table_of(model)
        statement = (
            select(*(table.c[name] for name in names))
            .where(table.c.store_id == self.store_id)
            .order_by(table.c[order], table.c.id)
        )
        with self.database.read() as session:
            rows = session.execute(statement).all()
        return [row[0] if len(names) == 1 else tuple(row) for row in rows]
