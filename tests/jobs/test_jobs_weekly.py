"""Letters to merchants that a clock or an account sets off: their week, and a sender that failed."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.analytics import weekly as letter
from app.db import table_of
from app.messaging import senders
from app.messaging.notices import mail
from app.models import Chore, FlowDay, Notice, Sender, Store, StoreDay
from app.runtime import Runtime
from app.stores import chores
from connectors.channels.local import LocalChannel
from jobs import notices, weekly
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.connectors.sandbox.sandbox_providers import Pair
from tests.jobs.jobs_providers import FROM

MINUTE, DAY, WEEK = timedelta(minutes=1), timedelta(days=1), timedelta(days=7)
EIGHT = datetime(2026, 11, 2, 7, tzinfo=UTC)
"""In Rome, on a Monday in winter."""


def shop(runtime: Runtime, **values: Any) -> int:
    """A store whose first week is behind it: what it sold, and what left for it."""
    store_id = seeds.new_store(runtime.database, email="anna@bottega.example", **values)
    with runtime.database.write() as session:
        session.add(Chore(store_id=store_id, name=chores.WEEKLY, next_at=EIGHT, done_at=EIGHT - WEEK))
        for number in range(9):
            day = date(2026, 10, 25) + timedelta(days=number)
            counts = {"orders": 2, "revenue_minor": 5_000, "subscribers": 100 + number, "texting": 0}
            session.add(StoreDay(store_id=store_id, day=day, **counts))
            session.add(FlowDay(store_id=store_id, day=day, flow_key="welcome", sent=3, clicked=1))
    return store_id


def run(runtime: Runtime, now: datetime) -> None:
    kit = Kit.build(runtime, LocalChannel(None))
    weekly.run(kit, now)
    notices.run(kit, now)


def told(pair: Pair) -> list[str]:
    return [line["mid"] for line in pair.providers.log.lines]


def test_the_week_is_told_on_monday_at_eight_and_once(operator: Runtime, pair: Pair) -> None:
    store_id = shop(operator)
    counts = []
    for moment in (EIGHT - MINUTE, EIGHT, EIGHT + MINUTE, EIGHT + 3 * DAY, EIGHT + WEEK - MINUTE):
        run(operator, moment)
        counts.append(len(told(pair)))

    run(operator, EIGHT + WEEK)

    assert counts == [0, 1, 1, 1, 1]
    assert told(pair) == [f"notice-{store_id}-weekly"] * 2


@pytest.mark.parametrize("engine", ["sqlite"])
def test_it_tells_the_seven_days_before_in_the_merchants_language(runtime: Runtime) -> None:
    store_id = shop(runtime)

    with runtime.database.read() as session:
        store = session.get_one(Store, store_id)
        values = letter.values(session, store, letter.week_before(store, EIGHT), "it")
    told = mail(store, "weekly", to_address="a@b.example", from_address=FROM, base_url="", told=values)

    for words in (
        "dal 26 ottobre al 1 novembre",
        "Venduto in tutto: 350,00\xa0€",
        "Ordini in tutto: 14",
        "Messaggi inviati: 21",
        "Cliccati: 7",
        ": 107 (+6)",
        "Tornato con Ritorno: 0,00\xa0€",
        "Il sorteggio non può ancora dire",
    ):
        assert words in told.text
    assert ">350,00\xa0€</td>" in (told.html or "")


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("why", ["switched off", "a new shop", "nothing happened"])
def test_nobody_is_told_without_need(operator: Runtime, pair: Pair, why: str) -> None:
    store_id = shop(operator, settings={"notices.weekly": "off"} if why == "switched off" else {})
    with operator.database.write() as session:
        if why == "a new shop":
            session.get_one(Chore, (store_id, chores.WEEKLY)).done_at = None
        if why == "nothing happened":
            for model in (StoreDay, FlowDay):
                session.execute(table_of(model).delete())

    run(operator, EIGHT)

    assert told(pair) == []
    assert seeds.values_of(operator.database, Chore, "next_at") == [EIGHT + WEEK]


@pytest.mark.parametrize(
    ("zone", "now", "following"),
    [
        ("Europe/Rome", EIGHT - timedelta(seconds=1), EIGHT),
        ("Europe/Rome", EIGHT, EIGHT + WEEK),
        ("Europe/Rome", datetime(2026, 10, 22, tzinfo=UTC), datetime(2026, 10, 26, 7, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 11, 2, 3, tzinfo=UTC), datetime(2026, 11, 2, 13, tzinfo=UTC)),
    ],
    ids=["just before", "on the dot", "the clocks change between", "still Sunday there"],
)
def test_monday_is_the_shops_own(zone: str, now: datetime, following: datetime) -> None:
    assert letter.next_monday(Store(timezone=zone), now) == following


def test_an_account_that_sends_no_more_is_told_once_while_flows_need_it(
    operator: Runtime, pair: Pair
) -> None:
    database = operator.database
    store_id = seeds.new_store(database, email="anna@bottega.example")
    with database.write() as session:
        session.add(Sender(store_id=store_id, channel="email", account="a", problem="unknown key"))
    run(operator, NOW)
    idle = len(told(pair))

    seeds.switch_on(database, store_id, "welcome", since=NOW)
    run(operator, NOW + 1 * MINUTE)
    run(operator, NOW + 2 * MINUTE)
    with database.write() as session:
        senders.note_check(session, store_id, "email", problem=None, now=NOW)
    run(operator, NOW + 3 * MINUTE)

    assert idle == 0
    assert told(pair) == [f"notice-{store_id}-sender_stopped"]
    assert seeds.values_of(database, Notice, "kind") == []
