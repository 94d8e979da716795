"""Ten thousand deliveries at once: all are kept, and a buyer who comes then is written to all the same."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.bars.sizes import Note, asked
from tests.engines import SQLITE
from tests.faults.faults_books import tell
from tests.faults.faults_orders import Telling, answered_by_mail, fresh_order, orders_of, wrong_rows
from tests.faults.faults_processes import until
from tests.faults.faults_sending import Rig
from tests.faults.faults_shop import rig
from tests.webhooks.webhooks_process import HOSTED, serving

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]
DELIVERIES, SENDERS, QUIET = asked(10_000, quick=300), 8, asked(5, quick=2)
PEOPLE = DELIVERIES // 10
"""All of them newcomers, so that as many mails leave meanwhile."""
_PATIENCE_SECONDS = 120.0


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A shop whose flow writes to each newcomer at once."""
    with rig(tmp_path, database_url) as found:
        found.answer_first_orders()
        yield found


def test_ten_thousand_deliveries_are_kept_and_keep_nobody_waiting(
    shop: Rig, engine: str, tmp_path: Path, record_property: Note
) -> None:
    orders = orders_of(PEOPLE, DELIVERIES, first=1000, until=datetime.now(UTC))
    telling = Telling.of_orders(shop, orders, senders=SENDERS)

    with _running(shop, engine, tmp_path):
        quiet = [answered_by_mail(shop, fresh_order(), _PATIENCE_SECONDS) for _ in range(QUIET + 1)][1:]
        begun = time.monotonic()
        telling.start().finish(_PATIENCE_SECONDS)
        seconds = time.monotonic() - begun
        stormy = answered_by_mail(shop, fresh_order(), _PATIENCE_SECONDS)
        until(lambda: _wrong_rows(shop, orders)[0] == 0, _PATIENCE_SECONDS)
        drained = time.monotonic() - begun

    waits = sorted(telling.waits)
    rate, p99 = len(waits) / seconds, waits[len(waits) * 99 // 100]
    slowest, last = max(one or _PATIENCE_SECONDS for one in quiet), stormy or _PATIENCE_SECONDS
    rows, sums = _wrong_rows(shop, orders)
    figures = f"{rate:.0f}/s, p99 {p99 * 1000:.0f} ms, read after {drained:.0f} s"
    tell(
        f"storm of {DELIVERIES}, {engine}: {figures}; order to mail {slowest:.1f} s quiet, {last:.1f} s in it"
    )
    record_property("deliveries acknowledged", len(telling.acknowledged))
    record_property("answers other than 200", len(set(telling.statuses) - {200}))
    record_property("kept a second", round(rate))
    record_property("p99 of an answer, ms", round(p99 * 1000))
    record_property("acknowledged and not in the mirror", rows)
    record_property("people whose sums are not their orders' own", sums)
    record_property("from the first delivery to the last in the mirror, s", round(drained))
    record_property("order to mail while it is quiet, s", round(slowest, 1))
    record_property("order to mail at the end of the storm, s", round(last, 1))
    assert (len(telling.acknowledged), rows, sums) == (DELIVERIES, 0, 0)
    assert set(telling.statuses) == {200}


def _wrong_rows(shop: Rig, orders: list[dict[str, object]]) -> tuple[int, int]:
    return wrong_rows(shop.runtime.database, shop.store_id, orders)


@contextmanager
def _running(shop: Rig, engine: str, folder: Path) -> Iterator[None]:
    """The product as it is run over each database: all in one process, or the hosted server and a worker."""
    arguments = () if engine == SQLITE else HOSTED
    with ExitStack() as running:
        served = serving(
            shop.runtime.database.url, arguments, folder, port=shop.port, environment=shop.environment
        )
        running.enter_context(served)
        if engine != SQLITE:
            shop.work()
        yield
