"""Each paid order goes to one message or to none. Source: DEFINITIONS.md, attribution."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.analytics import attribution
from app.analytics.attribution import Candidate, choose
from app.db import Database, table_of
from app.flows import switch
from app.messaging import clicks
from app.messaging.clicks import Click
from app.models import Attribution, DeliveryEvent, Order, Voucher
from tests.conftest import NOW
from tests.seeds import add_customer, add_enrollment, add_message, add_order, new_store, rows_of

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
WINDOW = timedelta(days=5)
ATTRIBUTED = ("order_id", "message_id", "rule", "amount_minor")


def _click(message_id: int, at: datetime) -> Candidate:
    return Candidate(message_id, "welcome", "W1", "last-click", at)


def _code(message_id: int, at: datetime) -> Candidate:
    return Candidate(message_id, "birthday", "B1", "voucher", at)


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        (WINDOW + timedelta(microseconds=1), False),
        (WINDOW, True),
        (timedelta(microseconds=1), True),
        (timedelta(0), False),
        (-SECOND, False),
    ],
    ids=["a little over five days", "five days", "just before", "the order's own instant", "after"],
)
def test_which_clicks_count(before: timedelta, *, counts: bool) -> None:
    chosen = choose([_click(1, NOW - before)], NOW)

    assert (chosen is not None) is counts


def test_the_last_click_wins() -> None:
    clicks = [_click(1, NOW - 2 * DAY), _click(2, NOW - DAY), _click(3, NOW - 3 * DAY)]

    chosen = choose(clicks, NOW)

    assert chosen == _click(2, NOW - DAY)


def test_of_clicks_of_one_moment_the_lower_message_wins() -> None:
    assert choose([_click(7, NOW - DAY), _click(3, NOW - DAY), _click(5, NOW - DAY)], NOW) == _click(
        3, NOW - DAY
    )


def test_a_redeemed_code_wins_over_any_click_and_knows_no_window() -> None:
    code = _code(1, NOW - 20 * DAY)

    assert choose([_click(2, NOW - SECOND), code], NOW) == code


def test_no_candidate_is_no_message() -> None:
    assert choose([], NOW) is None


def test_an_order_goes_to_the_message_that_was_clicked_last(database: Database) -> None:
    shop = _Shop(database)
    early, late = shop.clicked(NOW - 3 * DAY), shop.clicked(NOW - DAY)
    order_id = shop.order(total_minor=12_000, tax_minor=1500, shipping_minor=500)

    shop.attribute()

    assert early != late
    assert rows_of(database, Attribution, *ATTRIBUTED) == [(order_id, late, "last-click", 10_000)]


def test_the_inputs_of_the_choice_are_kept(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    shop.order(tax_minor=1500)

    shop.attribute()

    assert rows_of(database, Attribution, "inputs", "occurred_at", "currency", "flow_key") == [
        (
            {
                "at": (NOW - DAY).isoformat(),
                "total_minor": 10_000,
                "refunded_minor": 0,
                "tax_minor": 1500,
                "shipping_minor": 0,
            },
            NOW,
            "EUR",
            "welcome",
        )
    ]


def test_the_click_of_a_scanner_never_counts(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY, is_human=False)
    shop.order()

    shop.attribute()

    assert rows_of(database, Attribution) == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_click_that_was_found_out_later_never_counts(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    shop.order()
    clicks = table_of(DeliveryEvent)
    with database.write() as session:
        session.execute(clicks.update().where(clicks.c.store_id == shop.id).values(is_human=False))

    shop.attribute()

    assert rows_of(database, Attribution) == []


def test_the_click_of_somebody_else_never_counts(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    with database.write() as session:
        bruno = add_customer(session, shop.id, "bruno").id
    shop.order(customer_id=bruno)

    shop.attribute()

    assert rows_of(database, Attribution) == []


def test_the_click_of_a_namesake_in_another_store_never_counts(database: Database) -> None:
    ours, theirs = _Shop(database), _Shop(database, "theirs")
    theirs.clicked(NOW - DAY)
    ours.order()

    ours.attribute()

    assert rows_of(database, Attribution) == []


def test_several_orders_of_one_batch_each_find_their_own_click(database: Database) -> None:
    shop = _Shop(database)
    first, second = shop.clicked(NOW - 4 * DAY), shop.clicked(NOW - DAY)
    orders = [shop.order(placed_at=at) for at in (NOW - 10 * DAY, NOW - 3 * DAY, NOW, NOW + 4 * DAY + SECOND)]

    shop.attribute()

    assert rows_of(database, Attribution, "order_id", "message_id") == [
        (orders[1], first),
        (orders[2], second),
    ]


def test_an_order_with_our_code_goes_to_the_last_message_that_carried_it(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - SECOND)
    order_id = shop.order()
    carriers = shop.redeemed(order_id, sent=(NOW - 30 * DAY, NOW - 20 * DAY, NOW + DAY, None))

    shop.attribute()

    assert rows_of(database, Attribution, *ATTRIBUTED) == [(order_id, carriers[1], "voucher", 10_000)]


def test_a_message_of_the_journey_that_carried_another_code_is_no_candidate(database: Database) -> None:
    shop = _Shop(database)
    order_id = shop.order()
    shop.redeemed(order_id, sent=(NOW - DAY,), carried="shipping")

    shop.attribute()

    assert rows_of(database, Attribution) == []


def test_recomputing_changes_nothing_unless_facts_changed(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    order_id = shop.order()
    shop.attribute()
    before = rows_of(database, Attribution)

    looked_at = shop.attribute()
    shop.change(order_id, is_attribution_due=True)
    again = shop.attribute()

    assert (looked_at, again) == (0, 1)
    assert rows_of(database, Attribution) == before


@pytest.mark.parametrize(
    ("changes", "amount_minor"),
    [
        ({"refunded_minor": 2500}, 7500),
        ({"refunded_minor": 10_000}, 0),
        ({"refunded_minor": 9000, "tax_minor": 1500}, 0),
        ({"cancelled_at": NOW}, 0),
        ({"deleted_at": NOW}, 0),
    ],
    ids=["partly refunded", "wholly refunded", "less than its tax is left", "cancelled", "deleted"],
)
def test_what_is_given_back_is_taken_off(
    database: Database, changes: dict[str, Any], amount_minor: int
) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    order_id = shop.order()
    shop.attribute()

    shop.change(order_id, is_attribution_due=True, **changes)
    shop.attribute()

    assert rows_of(database, Attribution, "order_id", "amount_minor") == [(order_id, amount_minor)]


def test_an_order_that_lost_its_claim_goes_to_nobody(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    order_id = shop.order()
    shop.attribute()

    shop.change(order_id, is_attribution_due=True, placed_at=NOW + 10 * DAY)
    shop.attribute()

    assert rows_of(database, Attribution) == []


def test_a_test_order_brings_nothing(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    shop.order(is_test=True, is_counted=False)

    shop.attribute()

    assert rows_of(database, Attribution) == []


def test_switching_a_flow_off_changes_nothing(database: Database) -> None:
    shop = _Shop(database)
    message_id = shop.clicked(NOW - DAY)
    order_id = shop.order()
    shop.attribute()
    with database.write() as session:
        switch.deactivate(session, shop.id, "welcome", NOW)

    shop.change(order_id, is_attribution_due=True)
    shop.attribute()

    assert rows_of(database, Attribution, "message_id", "amount_minor") == [(message_id, 10_000)]


def test_what_is_attributed_is_never_more_than_what_was_earned(database: Database) -> None:
    shop = _Shop(database)
    shop.clicked(NOW - DAY)
    for n in range(40):
        shop.order(
            placed_at=NOW + n * timedelta(hours=3),
            total_minor=1000 * (n % 5),
            refunded_minor=700 * (n % 3),
            tax_minor=90 * (n % 4),
            is_test=n % 7 == 0,
            cancelled_at=NOW if n % 11 == 0 else None,
        )

    shop.attribute(limit=7)

    orders, attributions = table_of(Order), table_of(Attribution)
    with database.read() as session:
        earned = session.execute(
            select(func.sum(orders.c.total_minor - orders.c.refunded_minor)).where(
                orders.c.cancelled_at.is_(None),
                ~orders.c.is_test,
                orders.c.total_minor >= orders.c.refunded_minor,
            )
        ).scalar_one()
        attributed = session.execute(select(func.sum(attributions.c.amount_minor))).scalar_one()
        due = session.execute(select(func.count()).where(orders.c.is_attribution_due)).scalar_one()
    assert 0 < attributed <= earned
    assert due == 0


class _Shop:
    """A store with one customer, whose clicks and orders are told."""

    def __init__(self, database: Database, word: str = "bottega") -> None:
        self.database = database
        self.id = new_store(database, word)
        with database.write() as session:
            self.customer_id = add_customer(session, self.id, "anna").id

    def clicked(self, at: datetime, *, is_human: bool = True) -> int:
        """A message that left and was clicked; its id."""
        with self.database.write() as session:
            message = add_message(session, self.id, self.customer_id, status="sent", sent_at=at - DAY)
            clicks.apply(session, self.id, [Click(message.id, "https://bottega.example/", at, is_human)], at)
            return message.id

    def order(self, **values: Any) -> int:
        customer_id = values.pop("customer_id", self.customer_id)
        with self.database.write() as session:
            return add_order(session, self.id, customer_id, is_attribution_due=True, **values).id

    def redeemed(
        self, order_id: int, *, sent: tuple[datetime | None, ...], carried: str = "birthday"
    ) -> list[int]:
        """The order used a code of a journey whose messages left at these moments; their ids."""
        with self.database.write() as session:
            journey = add_enrollment(session, self.id, self.customer_id, flow_key="birthday")
            session.add(
                Voucher(
                    store_id=self.id,
                    customer_id=self.customer_id,
                    enrollment_id=journey.id,
                    name="birthday",
                    flow_key="birthday",
                    code="ABCD-EFGH-IJKL",
                    kind="percentage",
                    value="10",
                    expires_at=NOW + DAY,
                    minted_at=NOW - 30 * DAY,
                    redeemed_at=NOW,
                    redeemed_order_id=order_id,
                )
            )
            return [
                add_message(
                    session,
                    self.id,
                    self.customer_id,
                    enrollment_id=journey.id,
                    flow_key="birthday",
                    status="sent" if at else "queued",
                    sent_at=at,
                    context={"voucher": {"name": carried}},
                ).id
                for at in sent
            ]

    def change(self, order_id: int, **values: Any) -> None:
        orders = table_of(Order)
        with self.database.write() as session:
            session.execute(
                orders.update().where(orders.c.store_id == self.id, orders.c.id == order_id).values(**values)
            )

    def attribute(self, limit: int = 500) -> int:
        """Attribute what is due, a batch a commit; how many orders were looked at."""
        total, count = 0, limit
        while count == limit:
            with self.database.write() as session:
                count = attribution.attribute_due(session, self.id, limit)
            total += count
        return total
