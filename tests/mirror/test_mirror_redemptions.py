from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.models import CustomerEvent, Order, Voucher
from tests.conftest import NOW
from tests.mirror.mirror_news import PLACED, order, tell
from tests.seeds import add_customer, new_store, only, rows_of, values_of

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

CODE = "ABCD-EFGH-IJKL"


def test_a_code_of_ours_is_redeemed_by_the_order_that_carries_it(database: Database) -> None:
    store_id = new_store(database)
    _add_voucher(database, store_id)

    tell(database, store_id, order(discount_codes=("OTHER", f" {CODE.lower()} ")))

    order_id = only(values_of(database, Order, "id"))
    assert rows_of(database, Voucher, "redeemed_at", "redeemed_order_id") == [(PLACED, order_id)]
    assert _redemptions(database) == [
        (PLACED, {"enrollment_id": 7, "order_id": order_id, "code": CODE}, True)
    ]


def test_a_code_is_redeemed_once(database: Database) -> None:
    store_id = new_store(database)
    _add_voucher(database, store_id)
    tell(database, store_id, order("1", discount_codes=(CODE,)))

    tell(database, store_id, order("1", discount_codes=(CODE,), updated_at=NOW))
    tell(database, store_id, order("2", discount_codes=(CODE,), placed_at=NOW))

    assert values_of(database, Voucher, "redeemed_at") == [PLACED]
    assert len(_redemptions(database)) == 1


def test_an_order_first_heard_of_as_cancelled_has_redeemed_its_code(database: Database) -> None:
    store_id = new_store(database)
    _add_voucher(database, store_id)

    tell(database, store_id, order(discount_codes=(CODE,), cancelled_at=NOW, updated_at=NOW))

    assert values_of(database, Voucher, "redeemed_at") == [PLACED]


def test_a_redemption_of_the_past_ends_no_journey(database: Database) -> None:
    store_id = new_store(database)
    _add_voucher(database, store_id)

    tell(database, store_id, order(discount_codes=(CODE,)), history_until=NOW)

    assert [is_pending for *_, is_pending in _redemptions(database)] == [False]


@pytest.mark.parametrize("code", ["ABCD-EFGH", "", "XXXX-EFGH-IJKL"])
def test_other_codes_redeem_nothing(database: Database, code: str) -> None:
    store_id = new_store(database)
    _add_voucher(database, store_id)

    tell(database, store_id, order(discount_codes=(code,)))

    assert values_of(database, Voucher, "redeemed_at") == [None]


def test_the_same_code_in_another_store_is_another_code(database: Database) -> None:
    ours, theirs = new_store(database, "ours"), new_store(database, "theirs")
    _add_voucher(database, ours)

    tell(database, theirs, order(discount_codes=(CODE,)))

    assert values_of(database, Voucher, "redeemed_at") == [None]


def _add_voucher(database: Database, store_id: int) -> None:
    with database.write() as session:
        customer = add_customer(session, store_id, "V1")
        fields: dict[str, Any] = {"name": "birthday", "flow_key": "birthday", "kind": "percentage"}
        session.add(
            Voucher(
                store_id=store_id,
                customer_id=customer.id,
                enrollment_id=7,
                code=CODE,
                value="10",
                expires_at=NOW + timedelta(days=9),
                minted_at=NOW - timedelta(days=20),
                **fields,
            )
        )


def _redemptions(database: Database) -> list[tuple[Any, ...]]:
    rows = rows_of(database, CustomerEvent, "occurred_at", "details", "is_pending", "type")
    return [row[:3] for row in rows if row[3] == "voucher.redeemed"]
