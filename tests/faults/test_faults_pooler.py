"""Behind PgBouncer in transaction mode: web and workers do what they do without it.

Runs where pgbouncer is installed (PGBOUNCER names another one), and says loudly where it is not.
"""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app import wakeups
from app.db import Database
from app.inbox import EVENTS, Kept
from app.messaging.links import ClickToken
from connectors.base import Envelope
from tests.bars.sizes import Note, asked
from tests.engines import POSTGRESQL
from tests.faults import faults_pooler
from tests.faults.faults_books import tell
from tests.faults.faults_orders import Telling, orders_of, wrong_rows
from tests.faults.faults_processes import until
from tests.faults.faults_sending import Rig
from tests.faults.faults_shop import rig
from webhooks.finder import LinkFinder
from webhooks.writer import InboxWriter

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.parametrize("engine", [POSTGRESQL]),
]
ORDERS, MAILS = asked(2_000, quick=300), asked(300, quick=60)
_WEBS, _EACH = 8, 50
_BROKEN = re.compile("stage failed|Traceback|[A-Z][A-Za-z]+Error")


@pytest.fixture
def pooled_url(database_url: str, tmp_path: Path) -> Iterator[str]:
    """The address of the database by way of the pooler."""
    if not faults_pooler.PROGRAM:
        pytest.skip("NOT CHECKED: that all works behind PgBouncer (apt-get install pgbouncer)")
    with faults_pooler.pooled(tmp_path, database_url) as found:
        yield found


@pytest.fixture
def shop(pooled_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A shop whose web and workers reach their database through the pooler alone."""
    with rig(tmp_path, pooled_url) as found:
        yield found


def test_behind_a_pooler_every_order_counts_and_every_message_leaves_once(
    shop: Rig, record_property: Note
) -> None:
    orders = orders_of(50, ORDERS, first=100_000, until=datetime.now(UTC) - timedelta(days=2))
    shop.serve(how=("--hosted",))
    assert until(shop.is_up, 60)
    telling = Telling.of_orders(shop, orders, senders=8).start()
    shop.queue(MAILS)
    workers = [shop.work(), shop.work()]

    telling.finish(240)
    shop.rest()
    until(lambda: wrong_rows(shop.runtime.database, shop.store_id, orders) == (0, 0), 120)
    shop.stop(*workers)

    books = shop.books()
    said = "".join(path.read_text(errors="replace") for path in shop.folder.glob("*.log"))
    record_property("orders", len(telling.acknowledged))
    tell(books.line("behind a pooler", orders=len(telling.acknowledged)))
    assert _BROKEN.findall(said) == []
    assert (books.twice, books.lost) == (set(), set())
    assert len(telling.acknowledged) == ORDERS
    assert wrong_rows(shop.runtime.database, shop.store_id, orders) == (0, 0)


def test_more_webs_than_the_pooler_has_connections_keep_what_is_told_and_find_links(
    database_url: str, pooled_url: str
) -> None:
    now = datetime.now(UTC)

    def _serve(number: int) -> None:
        writer = InboxWriter(Database(pooled_url, pool_size=1))
        finder = LinkFinder(Database(pooled_url, pool_size=1).over_all_stores())
        for place in range(_EACH):
            envelope = Envelope("shopify", "orders/create", "a.example", f"{number}-{place}")
            writer.keep(Kept(1, envelope, b"{}", now))
            assert finder.find(ClickToken(1, place, 0)) is None
        finder.close()
        writer.close()

    with ThreadPoolExecutor(_WEBS) as threads:
        list(threads.map(_serve, range(_WEBS)))

    direct = Database(database_url).over_all_stores()
    with direct.read() as session:
        assert session.execute(select(func.count()).select_from(EVENTS)).scalar_one() == _WEBS * _EACH
    direct.dispose()


def test_a_worker_with_a_direct_address_hears_what_is_kept_behind_the_pooler(
    database_url: str, pooled_url: str
) -> None:
    writer, direct = InboxWriter(Database(pooled_url, pool_size=1)), Database(database_url)
    envelope = Envelope("shopify", "orders/create", "a.example", "d-1")
    with ThreadPoolExecutor(1) as threads:
        heard = wakeups.calls(direct, lambda: False)
        next(heard)
        told = threads.submit(next, heard)
        writer.keep(Kept(1, envelope, b"{}", datetime.now(UTC)))

        assert told.result(20) == {wakeups.INBOX}
        heard.close()
    writer.close()
    direct.dispose()
