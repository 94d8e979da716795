"""A button that says no is pressed again: it holds all the same, and the ledger is not filled by it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app import consent
from app.consent import NewConsent
from app.db import Database
from app.models import Consent, ConsentState
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.privacy.test_privacy_races import beside, wait_until_somebody_waits
from tests.seeds import add_customer, new_store, rows_of, values_of

MINUTE = timedelta(minutes=1)


def test_a_no_that_is_pressed_again_is_one_entry_an_hour(database: Database) -> None:
    store_id, customer_id = _somebody(database)

    for minutes in (0, 1, 59, 60, 61):
        _withdraw(database, store_id, customer_id, NOW + minutes * MINUTE)

    assert values_of(database, Consent, "occurred_at") == [NOW, NOW + 60 * MINUTE]
    assert _state(database) == [("email", "unsubscribed", NOW + 60 * MINUTE)]


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_a_no_that_is_pressed_again_waits_for_a_yes_that_is_being_written(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    _withdraw(database, store_id, customer_id, NOW)

    with database.write() as session:
        yes = NewConsent(
            store_id, customer_id, "email", "subscribed", "consent", NOW + MINUTE, "page", is_own=True
        )
        consent.record(session, [yes], NOW + MINUTE)
        again = beside(lambda: _withdraw(database, store_id, customer_id, NOW + 2 * MINUTE))
        wait_until_somebody_waits(database)
    again.join()

    assert _state(database) == [("email", "unsubscribed", NOW + 2 * MINUTE)]


def _withdraw(database: Database, store_id: int, customer_id: int, at: datetime) -> None:
    with database.write() as session:
        consent.withdraw(session, store_id, customer_id, "email", source="one-click", now=at)


def _somebody(database: Database) -> tuple[int, int]:
    store_id = new_store(database)
    with database.write() as session:
        return store_id, add_customer(session, store_id).id


def _state(database: Database) -> list[Any]:
    return rows_of(database, ConsentState, "channel", "state", "occurred_at")
