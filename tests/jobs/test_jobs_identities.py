"""What a WooCommerce store says of itself is read once a day: its order statuses become the choices."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.config import Settings
from app.db import Database
from app.models import Store
from connectors.sandbox import woo_store
from jobs import identities
from tests.connectors.sandbox.sandbox_fake_world import NOW, small_world
from tests.jobs.jobs_woo import Bottega, running_bottega

DAY = timedelta(days=1)


@pytest.fixture
def bottega(settings: Settings, database: Database) -> Iterator[Bottega]:
    """A store that was just connected."""
    with running_bottega(settings, database, small_world()) as found:
        yield found


def _store(bottega: Bottega) -> Store:
    with bottega.database.read() as session:
        return session.get_one(Store, bottega.store_id)


def test_the_statuses_of_the_store_are_read_at_the_install_and_daily(
    bottega: Bottega, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = identities.run(bottega.kit, NOW)["identities read"]
    at_install = [word for word, _ in _store(bottega).order_statuses]
    monkeypatch.setattr(woo_store, "STATUSES", (("arrived", "È arrivato"), *woo_store.STATUSES))

    same_day = identities.run(bottega.kit, NOW + DAY / 2)["identities read"]
    next_day = identities.run(bottega.kit, NOW + DAY)["identities read"]

    assert (first, same_day, next_day) == (1, 0, 1)
    assert {"pending", "processing", "completed"} < set(at_install)
    assert _store(bottega).order_statuses[0] == ["arrived", "È arrivato"]


def test_the_shops_own_words_are_taken_over_but_not_for_the_merchants_zone(
    bottega: Bottega,
) -> None:
    with bottega.database.write() as session:
        store = session.get_one(Store, bottega.store_id)
        store.settings = {**store.settings, "timezone": "Europe/Paris"}
        store.timezone = "Europe/Paris"

    identities.run(bottega.kit, NOW)

    found = _store(bottega)
    assert (found.name, found.timezone) == (woo_store.STORE_NAME, "Europe/Paris")
    assert (found.postal_address, found.plugins) == ("Via Garibaldi 10, 10122 Torino", ["woocommerce"])


def test_a_store_that_does_not_answer_is_asked_later(bottega: Bottega) -> None:
    bottega.refuse = lambda path: 500 if path.endswith("/statuses") else None

    identities.run(bottega.kit, NOW)

    chore = bottega.chore("identity")
    assert (chore.next_at, _store(bottega).order_statuses) == (NOW + timedelta(seconds=30), [])
    assert "500" in str(chore.error)
