"""A shop that speaks from another address moved, or is a copy: nothing is sent until we know which."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.config import Settings
from app.db import Database
from app.messaging import facts
from app.models import Order, Store
from app.stores import credentials, homes
from connectors.sandbox import woo_store
from connectors.sandbox.model import WOO_HOME
from jobs import identities, inbox
from tests import seeds
from tests.conftest import NOW as RECEIVED_AT
from tests.connectors.sandbox.sandbox_fake_world import NOW, small_world
from tests.connectors.woocommerce.woo_wire import FIXTURES, read_delivery
from tests.jobs.jobs_seed import delivered, delivery, receive
from tests.jobs.jobs_woo import Bottega, running_bottega

DAY = timedelta(days=1)
STAGING = "https://staging.example"


@pytest.fixture
def bottega(settings: Settings, database: Database) -> Iterator[Bottega]:
    """A store that was just connected."""
    with running_bottega(settings, database, small_world()) as found:
        yield found


def _store(bottega: Bottega) -> Store:
    with bottega.database.read() as session:
        return session.get_one(Store, bottega.store_id)


def _sends(bottega: Bottega) -> tuple[bool, str | None]:
    """Whether the gate would take the shop for a copy, and why it would wait."""
    with bottega.database.write() as session:
        store = session.get_one(Store, bottega.store_id)
        customer = seeds.add_customer(session, store.id)
        message = seeds.add_message(session, store.id, customer.id)
        loaded = facts.load(session, bottega.kit.runtime.signer, store, rows=[message], now=NOW)
        found = facts.facts_of(loaded, message).store
        return found.is_copy, found.sender_pause


def _receive_from(bottega: Bottega, home: str, key: str) -> None:
    """A captured order, sent from a home."""
    body = read_delivery(FIXTURES / "hpos_019_order_updated.json").body
    theirs = body.replace(b"http:\\/\\/127.0.0.1:8088", home.replace("/", "\\/").encode())
    more: dict[str, Any] = {"source": "woocommerce", "next_at": RECEIVED_AT}
    receive(bottega.database, [delivery(bottega.store_id, "order.updated", theirs, key, **more)])
    inbox.run(bottega.kit, RECEIVED_AT)


def _settle(bottega: Bottega, answer: str) -> None:
    with bottega.database.write() as session:
        store = session.get_one(Store, bottega.store_id)
        if answer == "moved":
            homes.settle_moved(session, bottega.kit.runtime.vault, store, NOW)
        else:
            homes.settle_copy(store)


def test_a_shop_at_its_own_home_sends(bottega: Bottega) -> None:
    identities.run(bottega.kit, NOW)
    _receive_from(bottega, WOO_HOME, "own")
    _receive_from(bottega, WOO_HOME.replace("://", "://www."), "www")
    _receive_from(bottega, f"{WOO_HOME}/en", "language")

    assert _sends(bottega) == (False, None)
    assert [delivered(bottega.database, key).status for key in ("own", "www", "language")] == ["done"] * 3


@pytest.mark.parametrize("answer", ["moved", "copy"])
def test_a_shop_that_says_it_lives_elsewhere_waits_for_its_merchant(
    bottega: Bottega, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    index = woo_store.index
    monkeypatch.setattr(woo_store, "index", lambda world: {**index(world), "home": STAGING, "url": STAGING})

    identities.run(bottega.kit, NOW)
    before = _sends(bottega)
    _settle(bottega, answer)

    assert before == (False, "the shop speaks from another address")
    assert _sends(bottega) == (answer == "copy", None)
    assert _store(bottega).domain == (
        "staging.example" if answer == "moved" else WOO_HOME.partition("://")[2]
    )


def test_another_shop_at_the_same_address_is_asked_about(bottega: Bottega) -> None:
    with bottega.database.write() as session:
        session.get_one(Store, bottega.store_id).store_uid = "another"

    identities.run(bottega.kit, NOW)

    assert _sends(bottega) == (False, "the shop speaks from another address")


def test_what_a_copy_delivers_is_not_believed_and_stops_the_sending(bottega: Bottega) -> None:
    _receive_from(bottega, STAGING, "staging")

    assert delivered(bottega.database, "staging").status == "ignored"
    assert seeds.values_of(bottega.database, Order, "id") == []
    assert _sends(bottega) == (False, "the shop speaks from another address")


def test_once_it_is_known_as_a_copy_the_shop_sends_on_and_the_copy_is_passed_over(bottega: Bottega) -> None:
    _receive_from(bottega, STAGING, "first")

    _settle(bottega, "copy")
    _receive_from(bottega, STAGING, "second")

    assert delivered(bottega.database, "second").status == "ignored"
    assert _sends(bottega) == (False, None)


def test_once_it_is_known_to_have_moved_the_shop_is_called_and_believed_there(bottega: Bottega) -> None:
    _receive_from(bottega, STAGING, "first")

    _settle(bottega, "moved")
    _receive_from(bottega, STAGING, "second")

    store = _store(bottega)
    opened = credentials.unseal(bottega.kit.runtime.vault, store.credentials).access
    assert (store.url, opened["signing_url"]) == (STAGING, STAGING)
    assert delivered(bottega.database, "second").status == "done"
    assert json.loads(read_delivery(FIXTURES / "hpos_019_order_updated.json").body)["id"] in {
        int(found) for found in seeds.values_of(bottega.database, Order, "external_id")
    }
