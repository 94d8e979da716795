"""The sums of days: right whatever came late, by the store's own clock, and together with what is new."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from app.analytics import attribution, days, effects, sums
from app.analytics.holdout import Arm, brought, compare
from app.analytics.sums import Earned, Fates
from app.db import Database, table_of
from app.models import Attribution, Chore, ConsentState, DeliveryEvent, MessageAttempt, Order, Store
from app.runtime import Runtime
from jobs import figures
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
from tests.seeds import add_customer, add_message, add_order, new_store

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TODAY = date(2026, 11, 2)
MIDNIGHT = NOW.replace(hour=23, minute=0) - DAY
"""In Rome."""


def attribute(database: Database, store_id: int) -> None:
    with database.write() as session:
        attribution.attribute_due(session, store_id, 500)


def listed(database: Database, store_id: int, now: datetime = NOW) -> list[Any]:
    """The last three days."""
    with database.read() as session:
        store = session.get_one(Store, store_id)
        return list(sums.by_day(session, store, sums.last_days(store, 3, now)))


def fates(database: Database, store_id: int, *, later: timedelta = HOUR) -> dict[str, Fates]:
    with database.read() as session:
        store = session.get_one(Store, store_id)
        return sums.by_flow(session, store, sums.last_days(store, 30, NOW), NOW + later)


def send(database: Database, store_id: int, at: datetime, **values: Any) -> int:
    with database.write() as session:
        customer = add_customer(session, store_id)
        message = add_message(session, store_id, customer.id, status="sent", sent_at=at, **values)
        session.add(MessageAttempt(store_id=store_id, message_id=message.id, started_at=at))
        return message.id


def tell(database: Database, store_id: int, message_id: int, kind: str, at: datetime, **values: Any) -> None:
    key = f"{kind}:{message_id}:{at.timestamp()}"
    with database.write() as session:
        of = {"store_id": store_id, "message_id": message_id, "type": kind, "occurred_at": at}
        session.add(DeliveryEvent(**of, event_key=key, **values))


@pytest.fixture
def store_id(runtime: Runtime) -> int:
    """A shop in Rome whose sums are due."""
    store_id = new_store(runtime.database)
    with runtime.database.write() as session:
        session.add(Chore(store_id=store_id, name="figures", next_at=NOW))
    return store_id


def test_orders_are_added_up_by_the_shops_own_days_and_again_when_they_change(
    runtime: Runtime, store_id: int
) -> None:
    database, due = runtime.database, {"is_attribution_due": True}
    with database.write() as session:
        add_order(session, store_id, None, "evening", placed_at=MIDNIGHT - timedelta(microseconds=1), **due)
        add_order(session, store_id, None, "night", placed_at=MIDNIGHT, **due)
        add_order(session, store_id, None, "dollars", currency="USD", **due)
        add_order(session, store_id, None, "unpaid", is_counted=False, **due)
    attribute(database, store_id)
    first = [(one.day, one.orders, one.revenue_minor) for one in listed(database, store_id)]

    with database.write() as session:
        night = table_of(Order).c.external_id == "night"
        session.execute(update(table_of(Order)).where(night).values(refunded_minor=2_500, **due))
        add_order(session, store_id, None, "noon", **due)
    attribute(database, store_id)
    again = [(one.day, one.orders, one.revenue_minor) for one in listed(database, store_id)]

    assert first == [(TODAY - 2 * DAY, 0, 0), (TODAY - DAY, 1, 10_000), (TODAY, 1, 10_000)]
    assert again == [(TODAY - 2 * DAY, 0, 0), (TODAY - DAY, 1, 10_000), (TODAY, 2, 17_500)]


def test_a_first_count_goes_back_over_weeks_and_keeps_each_day_apart(runtime: Runtime, store_id: int) -> None:
    """They are asked for some at a time: the oldest and the newest are not of the same question."""
    database, hour = runtime.database, timedelta(hours=1)
    with database.write() as session:
        session.get_one(Store, store_id).installed_at = NOW - 40 * DAY
    first = send(database, store_id, NOW - 30 * DAY)
    send(database, store_id, NOW - 12 * DAY)
    tell(database, store_id, first, "clicked", NOW - 29 * DAY)
    for minutes in (1, 2):
        send(database, store_id, NOW - minutes * hour / 60)
    figures.run(kit_of(runtime), NOW)

    with database.read() as session:
        store = session.get_one(Store, store_id)
        found = sums.by_day(session, store, sums.last_days(store, 40, NOW))
    told = {one.day: (one.sent, one.clicked) for one in found if one.sent or one.clicked}

    assert told == {
        TODAY - 30 * DAY: (1, 0),
        TODAY - 29 * DAY: (0, 1),
        TODAY - 12 * DAY: (1, 0),
        TODAY: (2, 0),
    }


def test_messages_count_once_whether_they_were_added_up_before_or_left_since(
    runtime: Runtime, store_id: int
) -> None:
    database, minute = runtime.database, timedelta(minutes=1)
    old = send(database, store_id, NOW - 2 * DAY)
    today = send(database, store_id, NOW - minute)
    send(database, store_id, NOW - minute, flow_key="review", key="review:1")
    for at in (NOW - 2 * minute, NOW - minute):
        tell(database, store_id, old, "clicked", at)
    tell(database, store_id, today, "clicked", NOW - minute, is_human=False)
    figures.run(kit_of(runtime), NOW)

    send(database, store_id, NOW + minute)
    tell(database, store_id, today, "unsubscribed", NOW + 2 * minute)
    before = fates(database, store_id)
    figures.run(kit_of(runtime), NOW + HOUR)
    after = fates(database, store_id, later=2 * HOUR)

    assert before == after
    assert after == {"welcome": Fates(sent=3, clicked=1, unsubscribed=1), "review": Fates(sent=1)}
    assert [(one.sent, one.clicked) for one in listed(database, store_id)] == [(1, 0), (0, 0), (3, 1)]


def test_a_bounce_of_last_week_that_is_told_today_finds_its_day(runtime: Runtime, store_id: int) -> None:
    message_id = send(runtime.database, store_id, NOW - 3 * DAY)
    figures.run(kit_of(runtime), NOW)
    tell(runtime.database, store_id, message_id, "bounced", NOW - 2 * DAY)

    figures.run(kit_of(runtime), NOW + DAY)

    assert fates(runtime.database, store_id)["welcome"].bounced == 1


def test_of_the_days_that_are_counted_again_only_those_are_written_that_changed(
    runtime: Runtime, store_id: int
) -> None:
    message_id = send(runtime.database, store_id, NOW - 3 * DAY)
    send(runtime.database, store_id, NOW - 2 * DAY, flow_key="review", key="review:1")
    figures.run(kit_of(runtime), NOW)
    tell(runtime.database, store_id, message_id, "bounced", NOW - 2 * DAY)

    with runtime.database.read() as session:
        store = session.get_one(Store, store_id)
        written, _ = days.count(session, store, NOW, NOW + DAY)

    assert [(row["day"], row["flow_key"], row["bounced"]) for row in written] == [
        (TODAY - 2 * DAY, "welcome", 1)
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_list_grows_by_who_agreed_and_stays_on_its_day(runtime: Runtime, store_id: int) -> None:
    for number in range(3):
        with runtime.database.write() as session:
            of = {"store_id": store_id, "customer_id": number, "channel": "email", "occurred_at": NOW}
            session.add(ConsentState(**of, state="unsubscribed" if number == 1 else "subscribed"))
        figures.run(kit_of(runtime), NOW + number * DAY)

    days = listed(runtime.database, store_id, NOW + 2 * DAY)

    assert [one.subscribers for one in days] == [1, 1, 2]
    assert sums.growth(days) == (2, 1)


def test_what_flows_brought_is_of_now_and_of_the_shops_own_money(runtime: Runtime, store_id: int) -> None:
    with runtime.database.write() as session:
        for number, (amount, currency, at) in enumerate(
            [(700, "EUR", NOW), (900, "EUR", NOW - DAY), (800, "USD", NOW), (100, "EUR", NOW - 40 * DAY)]
        ):
            of = {
                "store_id": store_id,
                "order_id": number,
                "message_id": 1,
                "flow_key": "welcome",
                "step": "W2",
            }
            told = {"rule": "last-click", "amount_minor": amount, "currency": currency, "occurred_at": at}
            session.add(Attribution(**of, **told))

    with runtime.database.read() as session:
        store = session.get_one(Store, store_id)
        found = [sums.earned(session, store, sums.last_days(store, n, NOW)) for n in (1, 30, 90)]

    assert found == [
        {"welcome": Earned(1, 700)},
        {"welcome": Earned(2, 1_600)},
        {"welcome": Earned(3, 1_700)},
    ]


def test_what_all_flows_brought_is_the_sum_of_what_each_brought() -> None:
    treated = Arm(400, 100, 100, 400 * 2_000, 400 * 2_000**2 + 399 * 1_000.0**2)
    held_out = Arm(100, 40, 40, 100 * 1_800, 100 * 1_800**2 + 99 * 900.0**2)

    one, both = brought([(treated, held_out)]), brought([(treated, held_out), (treated, held_out)])

    alone = compare(treated, held_out)
    assert one is not None
    assert both is not None
    assert alone is not None
    assert alone.revenue is not None
    assert (one.low, one.value, one.high) == pytest.approx(
        (400 * alone.revenue.low, 80_000, 400 * alone.revenue.high)
    )
    assert both.value == pytest.approx(160_000)
    assert both.high - both.value == pytest.approx(2**0.5 * (one.high - one.value), rel=0.01)


@pytest.mark.parametrize(
    "flows",
    [[], [(Arm(900, 90), Arm(29, 29))], [(Arm(900, 90), Arm(100, 29))]],
    ids=["none", "too few left out", "too few of them bought"],
)
def test_too_few_prove_nothing(flows: list[tuple[Arm, Arm]]) -> None:
    assert brought(flows) is None


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_without_a_night_behind_it_has_no_proof(runtime: Runtime, store_id: int) -> None:
    with runtime.database.read() as session:
        assert effects.of_store(session, store_id) is None
