"""A million deliveries of one shop wait, and another shop's buyer is written to as if there were none."""

import json
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app import inbox
from app.inbox import EVENTS
from jobs.inbox import BATCH
from jobs.inbox import WAITING as STORES_WAITING
from tests import seeds
from tests.bars.sizes import Note, asked
from tests.engines import POSTGRESQL
from tests.faults.faults_books import tell
from tests.faults.faults_orders import answered_by_mail, fresh_order, paid_order
from tests.faults.faults_sending import Rig
from tests.faults.faults_shop import rig
from tests.webhooks.webhooks_process import HOSTED, serving

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1500), pytest.mark.parametrize("engine", [POSTGRESQL])]
WAITING, ORDERS, CLAIMS = asked(1_000_000, quick=10_000), asked(20, quick=5), 20
_AT_ONCE = 50_000
_PATIENCE_SECONDS = 60.0
_EVENTS = text(
    "INSERT INTO inbound_events (store_id, source, topic, dedupe_key, subject_external_id,"
    " received_at, next_at, status, attempts)"
    " SELECT :store, 'woocommerce', 'order.created', 'flood-' || n, n::text,"
    " CAST(:at AS timestamptz) + n * interval '1 millisecond',"
    " CAST(:at AS timestamptz) + n * interval '1 millisecond', 'waiting', 0"
    " FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n RETURNING id"
)
_BODIES = text(
    "INSERT INTO inbound_bodies (id, store_id, received_at, body)"
    " SELECT id, store_id, received_at,"
    " convert_to(replace(CAST(:template AS text), '7000000001', (7000000001 + id)::text), 'UTF8')"
    " FROM inbound_events WHERE store_id = :store AND id BETWEEN :first AND :last"
)


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """The shop that must not wait, whose flow writes to each newcomer at once."""
    with rig(tmp_path, database_url) as found:
        found.answer_first_orders()
        yield found


def test_a_million_waiting_deliveries_keep_no_other_shop_waiting(
    shop: Rig, tmp_path: Path, record_property: Note
) -> None:
    flooded = _flood(shop)
    before, claim_ms = _waiting(shop, flooded), _claim_ms(shop, flooded)

    with serving(shop.runtime.database.url, HOSTED, tmp_path, port=shop.port, environment=shop.environment):
        shop.work()
        shop.work()
        # Processes that are still starting keep everybody waiting, and are not what is asked about.
        answered_by_mail(shop, fresh_order(), _PATIENCE_SECONDS)
        seconds = [answered_by_mail(shop, fresh_order(), _PATIENCE_SECONDS) for _ in range(ORDERS)]
        after = _waiting(shop, flooded)

    answered = [one for one in seconds if one is not None]
    slowest = max(answered, default=_PATIENCE_SECONDS)
    tell(f"{before} waited, then {after}; {ORDERS} orders of another shop, slowest {slowest:.1f} s")
    record_property("deliveries waiting before", before)
    record_property("deliveries waiting after", after)
    record_property(f"to find and claim {BATCH} of them, ms", round(claim_ms, 1))
    record_property("orders of the other shop", ORDERS)
    record_property("orders without a mail", ORDERS - len(answered))
    record_property("median order to mail, s", round(statistics.median(answered or [_PATIENCE_SECONDS]), 2))
    record_property("slowest order to mail, s", round(slowest, 2))
    assert len(answered) == ORDERS
    assert after > 0
    assert slowest < 5


def _flood(shop: Rig) -> int:
    """Another shop, all of whose deliveries wait; its id."""
    database, begun = shop.runtime.database, datetime.now(UTC) - timedelta(hours=1)
    with database.write() as session:
        store_id = seeds.add_store(session, "flooded", installed_at=begun - timedelta(days=90)).id
    seeds.switch_on(database, store_id, "welcome", "review", since=begun - timedelta(days=80))
    template = json.dumps(paid_order(7_000_000_001, "buyer7000000001@example.com", begun))
    for start in range(0, WAITING, _AT_ONCE):
        told = {"store": store_id, "at": begun, "first": start + 1, "last": min(start + _AT_ONCE, WAITING)}
        with database.write() as session:
            ids = list(session.execute(_EVENTS, told).scalars())
            bodies = {"store": store_id, "template": template, "first": min(ids), "last": max(ids)}
            session.execute(_BODIES, bodies)
    return store_id


def _waiting(shop: Rig, store_id: int) -> int:
    with shop.runtime.database.read() as session:
        mine = select(func.count()).where(EVENTS.c.store_id == store_id, EVENTS.c.status == "waiting")
        return session.execute(mine).scalar_one()


def _claim_ms(shop: Rig, store_id: int) -> float:
    """The median of what it costs to see who has something waiting, and to claim a batch of it."""
    now, took = datetime.now(UTC), []
    for _ in range(CLAIMS):
        with shop.runtime.database.read() as session:
            begun = time.perf_counter()
            stores = STORES_WAITING.run(session, now=now)
            claimed = inbox.waiting(session, store_id, now, limit=BATCH)
            took.append(time.perf_counter() - begun)
            session.rollback()
        assert store_id in stores
        assert len(claimed) == BATCH
    return statistics.median(took) * 1000
