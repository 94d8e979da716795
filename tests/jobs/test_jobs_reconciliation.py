"""What the webhooks lost is pulled: everything that changed in outline, only what is lacked whole."""

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event

from app.config import Settings
from app.db import Database
from app.mirror import pulls as rows
from app.mirror.apply import apply_records
from app.models import Order, Reconciliation, Store, Timer
from connectors.sandbox.model import SHOPIFY
from jobs import pulls
from tests.connectors.sandbox.sandbox_fake_world import order
from tests.jobs.jobs_shopify import Reader, Shop, connect
from tests.seeds import rows_of

FIRST = 6_000_000_000_000_000_000


@pytest.fixture
def reader(settings: Settings, database: Database, shop: Shop) -> Reader:
    """A worker that has read the history and looks at changes from now on."""
    found = connect(settings, database, shop)
    found.finish()
    with database.write() as session:
        store = session.get(Store, found.store_id)
        assert store is not None
        rows.ensure_reconciliations(session, store, found.now)
    shop.asked.clear()
    return found


def _reconcile(reader: Reader, shop: Shop) -> int:
    """What the pulls of the next two hours bring of orders, customers and products."""
    reader.now += timedelta(hours=2)
    shop.world.now = max(shop.world.now, reader.now)
    return pulls.run_reconciliations(reader.kit, reader.now)["reconciled"]


def _asked_for(shop: Shop, name: str) -> int:
    return [asked for _, asked in shop.asked].count(name)


def test_what_is_mirrored_is_not_read_again(reader: Reader, shop: Shop) -> None:
    installed = reader.now
    for number in range(3):
        shop.world.add_order(order(9000 + number, FIRST, SHOPIFY, placed_at=installed))
    _reconcile(reader, shop)
    first = _asked_for(shop, "SeveralOrders")
    shop.asked.clear()
    with reader.database.write() as session:
        store = session.get(Store, reader.store_id)
        assert store is not None
        session.execute(
            rows.RECONCILIATIONS.update()
            .where(rows.RECONCILIATIONS.c.store_id == reader.store_id)
            .values(pulled_to=installed)
        )

    brought = _reconcile(reader, shop)

    assert first == 1
    assert [name for _, name in shop.asked] == ["Look"]
    assert brought == 0


def test_lost_orders_and_lost_changes_are_found(reader: Reader, shop: Shop) -> None:
    known = rows_of(reader.database, Order, "external_id")
    for number in range(23):
        moment = reader.now + timedelta(minutes=number)
        shop.world.add_order(order(9000 + number, FIRST + number % 10, SHOPIFY, placed_at=moment))

    _reconcile(reader, shop)

    found = {row[0] for row in rows_of(reader.database, Order, "external_id")} - {row[0] for row in known}
    assert found == {str(9000 + number) for number in range(23)}
    assert _asked_for(shop, "SeveralOrders") == 3


def test_a_refund_whose_webhooks_were_lost_comes_with_its_lines(reader: Reader, shop: Shop) -> None:
    placed = order(9000, FIRST, SHOPIFY, placed_at=reader.now)
    shop.world.add_order(placed)
    _reconcile(reader, shop)

    given_back_at = reader.now + timedelta(minutes=5)
    shop.world.add_order(
        replace(
            placed,
            refunded_at=given_back_at,
            refunded_minor=100,
            refunded_lines=(placed.lines[0].line_id,),
        )
    )
    _reconcile(reader, shop)

    assert ("9000", 100) in rows_of(reader.database, Order, "external_id", "refunded_minor")
    assert any("9000" in row and "100" in row for row in reader.mirror()["refunds"])


def test_a_kill_between_two_commits_of_a_pull_costs_nothing(
    reader: Reader, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(23):
        moment = reader.now + timedelta(minutes=number)
        shop.world.add_order(order(9000 + number, FIRST + number % 10, SHOPIFY, placed_at=moment))
    kept = count()

    def keep_and_die(*arguments: Any, **options: Any) -> None:
        if next(kept) == 1:
            raise _KilledError
        apply_records(*arguments, **options)

    monkeypatch.setattr("jobs.pulls.apply_records", keep_and_die)
    with pytest.raises(_KilledError):
        _reconcile(reader, shop)
    monkeypatch.undo()
    half = _new_orders(reader)
    with reader.database.write() as session:
        rows.release_own(session, reader.store_id)
    shop.asked.clear()

    _reconcile(reader, shop)

    assert (len(half), len(_new_orders(reader))) == (10, 23)
    # Those of before the kill are not read again.
    assert _asked_for(shop, "SeveralOrders") == 2


def test_an_order_that_cannot_be_mirrored_keeps_no_other_of_its_look_waiting(
    reader: Reader, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(23):
        moment = reader.now + timedelta(minutes=number)
        shop.world.add_order(order(9000 + number, FIRST + number % 10, SHOPIFY, placed_at=moment))
    before = _pulled(reader)

    def apply_but_one(session: Any, signer: Any, store: Any, records: Any, **options: Any) -> None:
        if any(getattr(record, "external_id", "") == "9004" for record in records):
            raise ZeroDivisionError
        apply_records(session, signer, store, records, **options)

    for place in ("jobs.pulls", "jobs.mirroring"):
        monkeypatch.setattr(f"{place}.apply_records", apply_but_one)

    _reconcile(reader, shop)

    assert len(_new_orders(reader)) == 22
    assert _pulled(reader) != before
    assert ("look-up.orders", 9004) in rows_of(reader.database, Timer, "kind", "subject_id")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_look_that_finds_nothing_new_asks_once_and_writes_twice(reader: Reader, shop: Shop) -> None:
    _reconcile(reader, shop)
    before = _pulled(reader)
    commits: list[object] = []
    event.listen(reader.database.engine, "commit", commits.append)
    shop.asked.clear()

    _reconcile(reader, shop)

    after = _pulled(reader)
    assert [name for _, name in shop.asked] == ["Look"]
    assert len(after) > 2
    assert all(after[name] > before[name] for name in before)
    assert len(commits) == 2


def test_what_is_looked_at_most_often_is_asked_for_together(reader: Reader, shop: Shop) -> None:
    _reconcile(reader, shop)
    shop.asked.clear()
    reader.now += timedelta(minutes=20)
    shop.world.now = reader.now

    pulls.run_reconciliations(reader.kit, reader.now)

    assert [name for _, name in shop.asked] == ["LookOften"]


def test_what_goes_on_after_its_first_page_is_read_to_its_end(reader: Reader, shop: Shop) -> None:
    for number in range(70):
        moment = reader.now + timedelta(minutes=number)
        shop.world.add_order(order(9000 + number, FIRST + number % 10, SHOPIFY, placed_at=moment))

    _reconcile(reader, shop)

    assert len(_new_orders(reader)) == 70
    assert (_asked_for(shop, "Look"), _asked_for(shop, "OrderOutlines")) == (1, 1)


def test_where_a_shop_refuses_the_question_for_all_each_is_asked_for_alone(
    reader: Reader, shop: Shop
) -> None:
    before = _pulled(reader)
    shop.world.add_order(order(9000, FIRST, SHOPIFY, placed_at=reader.now + timedelta(minutes=1)))
    shop.on_call = lambda name: ("", 503) if name in ("Look", "Customers") else None

    _reconcile(reader, shop)

    after = _pulled(reader)
    assert len(_new_orders(reader)) == 1
    assert [name for name in before if after[name] == before[name]] == ["customers"]


def test_a_resource_that_cannot_be_read_keeps_no_other_from_its_turn(
    reader: Reader, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = _pulled(reader)

    def fail(*_arguments: Any) -> None:
        raise _UnreadableError

    monkeypatch.setattr("jobs.changes.orders_lacked", fail)
    with pytest.raises(_UnreadableError):
        _reconcile(reader, shop)

    after = _pulled(reader)
    assert [name for name in before if after[name] == before[name]] == ["orders"]


def test_a_worker_that_is_asked_to_end_gives_back_what_it_had_not_begun(reader: Reader, shop: Shop) -> None:
    before = _pulled(reader)
    reader.kit.stopping.set()
    _reconcile(reader, shop)
    reader.kit.stopping.clear()
    stayed = _pulled(reader)

    _reconcile(reader, shop)

    after = _pulled(reader)
    assert stayed == before
    assert all(after[name] > before[name] for name in before)


def _pulled(reader: Reader) -> dict[str, Any]:
    """How far each resource was pulled."""
    return dict(rows_of(reader.database, Reconciliation, "resource", "pulled_to"))


def test_a_shop_that_fails_in_the_middle_is_asked_for_the_rest_later(reader: Reader, shop: Shop) -> None:
    for number in range(23):
        moment = reader.now + timedelta(minutes=number)
        shop.world.add_order(order(9000 + number, FIRST + number % 10, SHOPIFY, placed_at=moment))
    calls = count()
    shop.on_call = lambda name: ("", 503) if name == "SeveralOrders" and next(calls) == 1 else None

    _reconcile(reader, shop)
    half = _new_orders(reader)
    _reconcile(reader, shop)

    assert (len(half), len(_new_orders(reader))) == (10, 23)


class _UnreadableError(Exception):
    """What nobody foresaw."""


class _KilledError(BaseException):
    """What nobody catches."""


def _new_orders(reader: Reader) -> set[str]:
    found = {row[0] for row in rows_of(reader.database, Order, "external_id")}
    return {external_id for external_id in found if external_id.startswith("90") and len(external_id) == 4}
