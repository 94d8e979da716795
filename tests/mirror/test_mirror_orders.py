from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from app.db import Database
from app.mirror import lookups
from app.models import Customer, CustomerEvent, Order, OrderLine, Refund
from connectors.base import Money, OrderRecord, Resource
from tests.conftest import NOW
from tests.mirror.mirror_news import PLACED, euros, line, order, person, refund, refund_news, tell
from tests.seeds import new_store, only, rows_of, values_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
UNPAID: dict[str, Any] = {"financial_status": "pending", "is_paid": False}
SUMS = ("orders_count", "discounted_count", "total_spent_minor", "first_paid_at", "last_paid_at")


def test_stale_news_change_nothing(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order(financial_status="paid", updated_at=PLACED + HOUR))
    before = rows_of(database, Order)

    tell(database, store_id, order(**UNPAID, total=euros("1.00"), lines=(), updated_at=PLACED))

    assert rows_of(database, Order) == before
    assert values_of(database, OrderLine, "external_id") == ["L-P1"]


def test_later_news_that_another_worker_wrote_meanwhile_stay(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order(updated_at=PLACED + HOUR))
    before = rows_of(database, Order)

    def _too_early(*asked: Any) -> tuple[str, Any]:
        _, _, statement, values, *_ = asked
        is_look = statement.startswith("SELECT orders.id,")
        return statement.replace("WHERE ", "WHERE 1 = 0 AND ", 1) if is_look else statement, values

    event.listen(database.engine, "before_cursor_execute", _too_early, retval=True)
    try:
        tell(database, store_id, order(**UNPAID, lines=None, updated_at=PLACED))
    finally:
        event.remove(database.engine, "before_cursor_execute", _too_early)

    assert rows_of(database, Order) == before


def test_newer_news_replace_the_lines_that_they_carry(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order(lines=(line("P1"), line("P2", "20.00"))))

    tell(database, store_id, order(lines=(line("P2", "25.00"),), updated_at=PLACED + HOUR))

    assert rows_of(database, OrderLine, "external_id", "total_minor") == [("L-P2", 2500)]


def test_news_without_lines_and_refunds_leave_them_as_they_are(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order(refunds=(refund("30.00", PLACED + HOUR),), updated_at=PLACED + HOUR))

    tell(database, store_id, order(lines=None, refunds=None, updated_at=PLACED + DAY))

    assert values_of(database, OrderLine, "external_id") == ["L-P1"]
    assert values_of(database, Refund, "amount_minor") == [3000]
    assert values_of(database, Order, "refunded_minor") == [3000]


def test_a_draft_is_no_order_yet(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, order(status="draft"))

    assert rows_of(database, Order) == []
    assert rows_of(database, Customer) == []


def test_yen_have_no_minor_units(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, order(total=Money("1200", "JPY"), lines=()))

    assert rows_of(database, Order, "total_minor", "currency") == [(1200, "JPY")]


@pytest.mark.parametrize(
    ("changes", "is_counted"),
    [
        ({}, True),
        (UNPAID, False),
        ({"is_test": True}, False),
        ({"cancelled_at": PLACED + HOUR, "status": "cancelled"}, False),
        ({"refunded_total": euros("99.99")}, True),
        ({"refunded_total": euros("100.00")}, False),
        ({"total": euros("0.00"), "refunded_total": euros("0.00")}, True),
    ],
    ids=["paid", "unpaid", "test", "cancelled", "partly refunded", "wholly refunded", "free"],
)
def test_which_orders_count(database: Database, changes: dict[str, Any], *, is_counted: bool) -> None:
    store_id = new_store(database)

    tell(database, store_id, order(**changes))

    assert values_of(database, Order, "is_counted") == [is_counted]
    assert values_of(database, Customer, "orders_count") == [int(is_counted)]


def test_sums_are_those_of_the_orders_that_count(database: Database) -> None:
    store_id = new_store(database)

    tell(
        database,
        store_id,
        order("1", placed_at=PLACED, refunded_total=euros("25.00"), is_discounted=True),
        order("2", placed_at=PLACED + DAY, total=euros("40.00")),
        order("3", placed_at=PLACED + 2 * DAY, cancelled_at=PLACED + 3 * DAY),
        order("4", placed_at=PLACED - DAY, is_test=True),
    )

    assert rows_of(database, Customer, *SUMS) == [(2, 1, 11_500, PLACED, PLACED + DAY)]


def test_a_cancellation_and_its_return_are_followed_by_the_sums(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    tell(database, store_id, order(cancelled_at=PLACED + HOUR, updated_at=PLACED + HOUR))
    cancelled = rows_of(database, Customer, *SUMS)
    tell(database, store_id, order(updated_at=PLACED + DAY))

    assert cancelled == [(0, 0, 0, None, None)]
    assert rows_of(database, Customer, *SUMS) == [(1, 0, 10_000, PLACED, PLACED)]


def test_an_order_that_changes_hands_changes_both_sums(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order(customer=person("C1", "anna@example.com")))

    tell(database, store_id, order(customer=person("C2", "bruno@example.com"), updated_at=PLACED + HOUR))

    assert rows_of(database, Customer, "external_id", "orders_count") == [("C1", 0), ("C2", 1)]


def test_a_deleted_order_leaves_the_sums_and_is_attributed_anew(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())
    _attributed(database)

    with database.write() as session:
        lookups.mark_gone(session, store_id, Resource.ORDERS, "100", now=NOW)

    assert rows_of(database, Customer, *SUMS) == [(0, 0, 0, None, None)]
    assert rows_of(database, Order, "deleted_at", "is_counted", "is_attribution_due") == [(NOW, False, True)]


def test_each_moment_of_an_orders_life_is_told_once(database: Database) -> None:
    store_id = new_store(database)
    life = _life()

    for news in (*life, *life):
        tell(database, store_id, news)

    assert _told(database) == [
        ("order.cancelled", PLACED + 9 * HOUR),
        ("order.delivered", PLACED + 5 * HOUR),
        ("order.fulfilled", PLACED + 3 * HOUR),
        ("order.paid", PLACED + HOUR),
        ("order.placed", PLACED),
        ("order.refunded", PLACED + 6 * HOUR),
        ("order.refunded", PLACED + 7 * HOUR),
    ]


def test_an_order_first_heard_of_at_its_end_tells_all_its_moments(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, _life()[-1])

    assert [kind for kind, _ in _told(database)] == [
        "order.cancelled",
        "order.delivered",
        "order.fulfilled",
        "order.paid",
        "order.placed",
        "order.refunded",
    ]


@pytest.mark.parametrize("changes", [{"is_test": True}, {"customer": None}], ids=["test", "nobody's"])
def test_orders_that_concern_no_flow_tell_nothing(database: Database, changes: dict[str, Any]) -> None:
    store_id = new_store(database)

    tell(database, store_id, order(**changes))

    assert _told(database) == []


@pytest.mark.parametrize("paid_first", [True, False])
@pytest.mark.parametrize("together", [True, False], ids=["one batch", "two batches"])
@pytest.mark.parametrize("apart", [timedelta(0), timedelta(seconds=1)], ids=["same second", "later"])
def test_the_moment_of_payment_is_not_lost(
    database: Database, *, apart: timedelta, together: bool, paid_first: bool
) -> None:
    """Shopify tells it by orders/paid alone, beside an orders/updated of the same or the next second."""
    store_id = new_store(database)
    tell(database, store_id, order(**UNPAID))
    changed_at = PLACED + 3 * DAY
    news = [order(paid_at=changed_at, updated_at=changed_at), order(updated_at=changed_at + apart)]
    if not paid_first:
        news.reverse()

    for batch in [news] if together else [[item] for item in news]:
        tell(database, store_id, *batch)

    assert rows_of(database, Order, "paid_at", "is_counted") == [(changed_at, True)]
    assert values_of(database, Customer, "first_paid_at") == [changed_at]


def test_a_late_moment_of_payment_brings_none_of_the_old_parts_back(database: Database) -> None:
    store_id = new_store(database)
    edited = order(lines=(line("P2"),), refunds=(), updated_at=PLACED + DAY)
    tell(database, store_id, edited)
    late = order(paid_at=PLACED + HOUR, refunds=(refund("10.00", PLACED),), updated_at=PLACED + HOUR)

    tell(database, store_id, late)

    assert values_of(database, Order, "paid_at") == [PLACED + HOUR]
    assert values_of(database, OrderLine, "external_id") == ["L-P2"]
    assert rows_of(database, Refund) == []


def test_an_order_first_heard_of_as_paid_was_paid_when_it_was_placed(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, order(updated_at=PLACED + 3 * DAY))

    assert values_of(database, Order, "paid_at") == [PLACED]


def test_of_two_states_of_one_second_no_moment_is_lost(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order(paid_at=PLACED, fulfilled_at=PLACED, delivered_at=PLACED))

    tell(database, store_id, order(**UNPAID))

    assert rows_of(database, Order, "paid_at", "fulfilled_at", "delivered_at", "is_counted") == [
        (PLACED, PLACED, PLACED, True)
    ]


def test_a_cancellation_of_the_same_second_is_not_taken_back(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order(cancelled_at=PLACED))

    tell(database, store_id, order())

    assert values_of(database, Order, "cancelled_at") == [PLACED]


def test_a_refund_that_is_told_twice_counts_once(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    tell(database, store_id, refund_news("30.00", NOW), refund_news("30.00", NOW))
    tell(database, store_id, refund_news("30.00", NOW))
    tell(database, store_id, refund_news("20.00", NOW + HOUR, external_id="R2"))

    assert values_of(database, Order, "refunded_minor") == [5000]
    assert values_of(database, Customer, "total_spent_minor") == [5000]


def test_history_starts_no_flow(database: Database) -> None:
    store_id = new_store(database)
    installed_at = PLACED + 4 * HOUR

    tell(database, store_id, *_life(), history_until=installed_at)

    pending = rows_of(database, CustomerEvent, "type", "is_pending")
    assert sorted(kind for kind, is_pending in pending if not is_pending) == [
        "customer.created",
        "order.fulfilled",
        "order.paid",
        "order.placed",
    ]
    assert sorted(kind for kind, is_pending in pending if is_pending) == [
        "order.cancelled",
        "order.delivered",
        "order.refunded",
    ]


def test_what_a_backfill_tells_again_stays_pending(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())

    tell(database, store_id, order(), history_until=NOW)

    pending = dict(rows_of(database, CustomerEvent, "type", "is_pending"))
    assert pending["order.paid"] is True


def test_news_of_another_store_do_not_touch_ours(database: Database) -> None:
    ours, theirs = new_store(database, "ours"), new_store(database, "theirs")
    tell(database, ours, order())

    tell(database, theirs, order(cancelled_at=NOW, updated_at=NOW))

    assert rows_of(database, Order, "store_id", "is_counted") == [(ours, True), (theirs, False)]


def test_a_batch_with_an_amount_that_is_none_is_refused_whole(database: Database) -> None:
    store_id = new_store(database)

    with pytest.raises(ValueError, match="decimal"):
        tell(database, store_id, order("1"), order("2", total=euros("a lot")))

    assert rows_of(database, Order) == []


def test_a_message_is_looked_for_again_when_the_money_changes(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order())
    _attributed(database)

    tell(database, store_id, order(financial_status="paid", status="closed", updated_at=PLACED + HOUR))
    untouched = only(values_of(database, Order, "is_attribution_due"))
    tell(database, store_id, refund_news("30.00", NOW))

    assert untouched is False
    assert values_of(database, Order, "is_attribution_due") == [True]


def _life() -> tuple[OrderRecord, ...]:
    """The states of one order: placed, paid, sent, arrived, refunded twice, cancelled."""
    placed = order(**UNPAID)
    paid = placed._replace(
        is_paid=True, financial_status="paid", paid_at=PLACED + HOUR, updated_at=PLACED + HOUR
    )
    sent = paid._replace(
        fulfillment_status="fulfilled",
        fulfilled_at=PLACED + 3 * HOUR,
        updated_at=PLACED + 3 * HOUR,
    )
    arrived = sent._replace(delivered_at=PLACED + 5 * HOUR, updated_at=PLACED + 5 * HOUR)
    first = refund("10.00", PLACED + 6 * HOUR, "R1")
    second = refund("5.00", PLACED + 7 * HOUR, "R2")
    partly = arrived._replace(refunds=(first,), updated_at=PLACED + 6 * HOUR)
    more = arrived._replace(refunds=(first, second), updated_at=PLACED + 7 * HOUR)
    cancelled = more._replace(
        status="cancelled", cancelled_at=PLACED + 9 * HOUR, updated_at=PLACED + 9 * HOUR
    )
    return placed, paid, sent, arrived, partly, more, cancelled


def _told(database: Database) -> list[tuple[str, Any]]:
    rows = rows_of(database, CustomerEvent, "type", "occurred_at")
    return sorted((kind, at) for kind, at in rows if kind.startswith("order."))


def _attributed(database: Database) -> None:
    with database.write() as session:
        session.query(Order).update({"is_attribution_due": False})


@pytest.mark.parametrize("engine", ["sqlite"])
def test_sums_are_made_of_the_index_alone(database: Database, engine: str) -> None:
    store_id = new_store(database)
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append(told[2:4]))

    tell(database, store_id, order())

    statement, values = next(one for one in asked if "GROUP BY orders.customer_id" in one[0])
    with database.read() as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    assert "SEARCH orders USING COVERING INDEX ix_orders_customer" in plan[0].detail
