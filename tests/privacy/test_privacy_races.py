"""An erasure and a worker at the same rows at the same time, and an erasure that fails half way."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from app.db import Database
from app.models import Customer, Enrollment, PrivacyRequest
from app.privacy.erasure import erase_customer
from jobs import inbox, privacy
from tests import seeds
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.mirror.mirror_news import SIGNER, person, tell
from tests.privacy.privacy_world import World, quiet_kit

MINUTE = timedelta(minutes=1)
LOCKED_OUT = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def wait_until_somebody_waits(database: Database) -> None:
    """Look until a statement waits for a lock."""
    pause = threading.Event()
    for _ in range(1000):
        with database.read() as session:
            if session.execute(text(LOCKED_OUT)).scalar_one():
                return
        pause.wait(0.01)
    raise AssertionError("nobody ever waited")


def beside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_news_that_waited_for_the_erasure_bring_nobody_back(database: Database) -> None:
    store_id = seeds.new_store(database, platform="shopify")
    tell(database, store_id, person())
    (number,) = seeds.values_of(database, Customer, "id")

    with database.write() as session:
        erase_customer(session, SIGNER, store_id, number, now=NOW)
        worker = beside(lambda: tell(database, store_id, person(updated_at=NOW + MINUTE)))
        wait_until_somebody_waits(database)
    worker.join()

    assert seeds.rows_of(database, Customer, "id", "email") == [(number, None)]


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_an_erasure_that_waited_for_news_takes_them_along(database: Database) -> None:
    store_id = seeds.new_store(database, platform="shopify")
    tell(database, store_id, person())
    (number,) = seeds.values_of(database, Customer, "id")

    def erase() -> None:
        with database.write() as session:
            erase_customer(session, SIGNER, store_id, number, now=NOW)

    with database.write() as session:
        session.execute(update(Customer).where(Customer.store_id == store_id).values(city="Torino"))
        worker = beside(erase)
        wait_until_somebody_waits(database)
    worker.join()

    assert seeds.rows_of(database, Customer, "id", "email", "city") == [(number, None, None)]


def test_an_erasure_that_fails_changes_nothing_and_is_tried_again(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    spoil(shop, [])
    before = shop.customer()
    shop.hear("customers/redact")
    kit = quiet_kit(shop.runtime)
    inbox.run(kit, NOW)
    with pytest.raises(AttributeError):
        privacy.run(kit, NOW)
    failed = shop.customer()
    spoil(shop, {})

    privacy.run(kit, NOW + timedelta(minutes=10))

    assert failed == before
    assert shop.customer().email is None
    assert seeds.values_of(shop.database, PrivacyRequest, "outcome") == ["done"]


def spoil(shop: World, context: Any) -> None:
    """Give the journey something that is no context, or an empty one."""
    with shop.database.write() as session:
        mine = update(Enrollment).where(Enrollment.store_id == shop.store_id)
        session.execute(mine.values(context=context))
