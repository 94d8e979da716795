"""WooCommerce stores that are slow, broken or in the way, on a real socket: the pull waits, and says why."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from flask import Response

from app.config import Settings
from app.db import Database
from app.mirror import pulls as rows
from app.models import Order, Reconciliation, Store
from jobs import pulls
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import NOW, small_world
from tests.jobs.jobs_woo import Bottega, running_bottega
from tests.sites import app_over
from tests.web.web_shops import signed_in

HOUR, FIRST_PAUSE = timedelta(hours=1), timedelta(seconds=30)
Answer = Callable[[], Response]


@pytest.fixture
def bottega(settings: Settings, database: Database) -> Iterator[Bottega]:
    """A store whose history was read, and whose changes are due within the hour."""
    with running_bottega(settings, database, small_world()) as found:
        found.mirror(NOW)
        with database.write() as session:
            rows.ensure_reconciliations(session, session.get_one(Store, found.store_id), NOW)
        yield found


def _page(status: int, body: str = "<html>Briefly unavailable</html>", **headers: str) -> Answer:
    return lambda: Response(body, status, headers=headers, content_type="text/html")


def _orders(bottega: Bottega) -> Reconciliation:
    with bottega.database.read() as session:
        return session.get_one(Reconciliation, (bottega.store_id, "orders"))


def _activity(bottega: Bottega) -> str:
    app = app_over(bottega.kit.runtime)
    return signed_in(app, bottega.kit.runtime).get("/app/activity").get_data(as_text=True)


@pytest.mark.parametrize(
    ("answer", "pause", "said"),
    [
        (_page(500), FIRST_PAUSE, "answered 500"),
        (_page(503, **{"Retry-After": "120"}), timedelta(minutes=2), "answered 503"),
        (_page(429, **{"Retry-After": "90000"}), HOUR, "answered 429"),
        (_page(200), FIRST_PAUSE, "a page instead of data"),
        (_page(403), FIRST_PAUSE, "firewall"),
        (_page(301, Location="https://www.bottega.example/wp-json/"), FIRST_PAUSE, "another address"),
        (_page(200, '{"orders": []}'), FIRST_PAUSE, "a list was promised"),
    ],
    ids=["500", "503-with-a-wait", "429-with-too-long-a-wait", "page", "firewall", "redirect", "no-list"],
)
def test_a_store_that_cannot_answer_makes_its_pull_wait_and_the_merchant_sees_why(
    bottega: Bottega, answer: Answer, pause: timedelta, said: str
) -> None:
    bottega.instead = lambda path: answer() if path.endswith("/orders") else None
    pulled_to = _orders(bottega).pulled_to

    pulls.run_reconciliations(bottega.kit, NOW + HOUR)

    row = _orders(bottega)
    assert (row.attempts, row.next_at - NOW - HOUR, row.pulled_to) == (1, pause, pulled_to)
    assert said in str(row.error)
    assert said in _activity(bottega)


def test_each_failure_makes_the_pull_wait_twice_as_long_and_a_good_answer_ends_it(bottega: Bottega) -> None:
    bottega.instead = lambda path: _page(500)() if path.endswith("/orders") else None
    waits, at = [], NOW + HOUR
    for _ in range(4):
        pulls.run_reconciliations(bottega.kit, at)
        waits.append(_orders(bottega).next_at - at)
        at = _orders(bottega).next_at

    bottega.instead = lambda _path: None
    pulls.run_reconciliations(bottega.kit, at)

    assert waits == [FIRST_PAUSE * 2**tries for tries in range(4)]
    assert (_orders(bottega).attempts, _orders(bottega).error, _orders(bottega).pulled_to) == (0, None, at)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_store_that_answers_after_five_seconds_is_waited_for(bottega: Bottega) -> None:
    """Real seconds: a shared host under load is no failure."""
    waiting, pauses = threading.Event(), [5.0]

    def answer_late(path: str) -> None:
        if path.endswith("/orders") and pauses:
            waiting.wait(pauses.pop())

    bottega.instead = answer_late

    pulls.run_reconciliations(bottega.kit, NOW + HOUR)

    assert (_orders(bottega).attempts, _orders(bottega).pulled_to) == (0, NOW + HOUR)
    assert len(seeds.values_of(bottega.database, Order, "id")) == 3
