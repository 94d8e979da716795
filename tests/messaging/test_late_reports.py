"""What a provider tells of somebody who was erased, or merged into another, since the message left."""

import pytest
from sqlalchemy import String, cast, or_, select
from sqlalchemy.orm import Session

from app.db import Base, Database
from app.merging import moving
from app.messaging import provider_events, reports
from app.models import CustomerEvent, CustomerMerge, Message, Store, Suppression
from app.privacy.erasure import erase_customer
from app.runtime import Runtime
from connectors.delivery import Advice, DeliveryKind, DeliveryUpdate
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.messaging.outbox_seed import Shop, open_shop
from tests.privacy.test_privacy_races import beside, wait_until_somebody_waits

TO = "zq.kanarie@vogelhaus.example"
only_postgresql = pytest.mark.parametrize("engine", [POSTGRESQL])


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_a_complaint_of_the_erased_bars_the_address_and_names_nobody(shop: Shop) -> None:
    customer_id, message_id = _written_to(shop)
    with shop.database.write() as session:
        erase_customer(session, shop.runtime.signer, shop.id, customer_id, now=NOW)

    _tell(shop, message_id, DeliveryKind.DELIVERED)
    _tell(shop, message_id, DeliveryKind.COMPLAINED, advice=Advice.SUPPRESS)

    assert shop.message(message_id).status == "delivered"
    assert seeds.values_of(shop.database, Suppression, "reason") == ["complaint"]
    assert _named_in(shop.database, TO) == []


@only_postgresql
def test_a_complaint_that_waited_for_the_erasure_brings_nobody_back(shop: Shop) -> None:
    customer_id, message_id = _written_to(shop)

    with shop.database.write() as session:
        erase_customer(session, shop.runtime.signer, shop.id, customer_id, now=NOW)
        worker = beside(lambda: _tell(shop, message_id, DeliveryKind.COMPLAINED, advice=Advice.SUPPRESS))
        wait_until_somebody_waits(shop.database)
    worker.join()

    assert seeds.values_of(shop.database, Suppression, "reason") == ["complaint"]
    assert _named_in(shop.database, TO) == []


@only_postgresql
def test_a_complaint_that_waited_for_a_merge_is_the_kept_ones(shop: Shop) -> None:
    merged, message_id = _written_to(shop)
    kept, merge_id = _merge_told(shop, merged)

    with shop.database.write() as session:
        store = session.get_one(Store, shop.id)
        moving.carry_out(session, shop.runtime.signer, store, merge_id, now=NOW)
        worker = beside(lambda: _tell(shop, message_id, DeliveryKind.COMPLAINED, advice=Advice.SUPPRESS))
        wait_until_somebody_waits(shop.database)
    worker.join()

    assert shop.message(message_id).customer_id == kept
    told = seeds.rows_of(shop.database, CustomerEvent, "type", "customer_id")
    assert [who for kind, who in told if kind == "message.complained"] == [kept]


@only_postgresql
def test_a_merge_that_waited_for_a_complaint_takes_it_along(shop: Shop) -> None:
    merged, message_id = _written_to(shop)
    kept, merge_id = _merge_told(shop, merged)

    def merge() -> None:
        with shop.database.write() as session:
            store = session.get_one(Store, shop.id)
            moving.carry_out(session, shop.runtime.signer, store, merge_id, now=NOW)

    with shop.database.write() as session:
        _apply(shop, session, message_id, DeliveryKind.COMPLAINED, advice=Advice.SUPPRESS)
        worker = beside(merge)
        wait_until_somebody_waits(shop.database)
    worker.join()

    assert seeds.values_of(shop.database, Message, "customer_id") == [kept]
    told = seeds.rows_of(shop.database, CustomerEvent, "type", "customer_id")
    assert [who for kind, who in told if kind == "message.complained"] == [kept]


def _written_to(shop: Shop) -> tuple[int, int]:
    """A customer and a mail to them that left."""
    with shop.database.write() as session:
        customer = seeds.add_customer(session, shop.id, "first", email=TO)
        values = {"status": "sent", "sent_at": NOW, "attempts": 1, "to_address": TO}
        message = seeds.add_message(session, shop.id, customer.id, key="welcome:W2:1:1", **values)
        return customer.id, message.id


def _merge_told(shop: Shop, merged: int) -> tuple[int, int]:
    """Another customer, and a merge into them that the shop told of."""
    with shop.database.write() as session:
        kept = seeds.add_customer(session, shop.id, "second")
        ids = {"kept_external_id": "second", "merged_external_id": "first", "merged_customer_id": merged}
        merge = CustomerMerge(store_id=shop.id, told_at=NOW, **ids)
        session.add(merge)
        session.flush()
        return kept.id, merge.id


def _tell(shop: Shop, message_id: int, kind: DeliveryKind, *, advice: Advice = Advice.NOTHING) -> None:
    with shop.database.write() as session:
        _apply(shop, session, message_id, kind, advice=advice)


def _apply(shop: Shop, session: Session, message_id: int, kind: DeliveryKind, *, advice: Advice) -> None:
    update = DeliveryUpdate(kind, NOW, f"{kind}:{message_id}", str(message_id), address=TO, advice=advice)
    signer = shop.runtime.signer
    provider_events.apply(session, signer, shop.id, "email", told=reports.of([update]), now=NOW)


def _named_in(database: Database, word: str) -> list[str]:
    """The tables that hold a word anywhere."""
    with database.read() as session:
        return [
            table.name
            for table in Base.metadata.sorted_tables
            if session.execute(
                select(table).where(or_(*(cast(column, String).contains(word) for column in table.columns)))
            ).first()
        ]
