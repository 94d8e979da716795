"""A shopper's tick becomes a row of the ledger: php runs the plugin, WooCommerce signs, we read."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Row, select

from app.consent import LEDGER, STATES
from app.models import Customer, Store
from app.runtime import Runtime
from connectors.storefronts.woocommerce.topics import STATEMENTS
from tests.plugin.plugin_php import Happened, Site, ordered, saved_account
from tests.webhooks.webhooks_inbox import Inbox
from tests.webhooks.webhooks_process import Serving
from tests.webhooks.webhooks_shops import connect_woocommerce, woo_delivery

ITALIAN = "Desidero ricevere offerte da %s per e-mail."
ENGLISH = "I would like to receive offers and news from %s by e-mail. I can take this back at any time."
SITE = Site(locale="it_IT", texts={ENGLISH: ITALIAN})
WORDING = "Desidero ricevere offerte da Bottega d'Angelo per e-mail."


@pytest.fixture
def store(runtime: Runtime) -> Store:
    """A connected store."""
    return connect_woocommerce(runtime)


def _deliver(served: Serving, runtime: Runtime, store: Store, *happened: Happened) -> list[int]:
    """Send what the plugin told, signed as WooCommerce does, and read it."""
    deliveries = [woo_delivery(runtime, store, STATEMENTS, body) for one in happened for body in one.bodies]
    statuses = [served.post(one.path, one.headers, one.body).status for one in deliveries]
    Inbox(runtime, store).read()
    return statuses


def _ledger(runtime: Runtime, store: Store) -> Sequence[Row[Any]]:
    with runtime.database.read() as session:
        mine = select(LEDGER).where(LEDGER.c.store_id == store.id).order_by(LEDGER.c.id)
        return session.execute(mine).all()


def _person(runtime: Runtime, store: Store) -> Customer:
    with runtime.database.read() as session:
        return session.execute(select(Customer).where(Customer.store_id == store.id)).scalar_one()


def test_a_guests_tick_at_checkout_is_in_the_ledger_with_its_wording(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    typed = {"ritorno/email-consent": "1", "ritorno/birthday": "14/03/1985"}
    happened = SITE.run(ordered("block", typed))

    statuses = _deliver(served, runtime, store, happened)

    (row,) = _ledger(runtime, store)
    person = _person(runtime, store)
    assert statuses == [200]
    assert Inbox(runtime, store).states() == ["done"]
    assert (row.channel, row.state, row.basis) == ("email", "subscribed", "consent")
    assert (row.wording, row.source) == (WORDING, "ritorno-plugin:checkout")
    assert (row.address, row.customer_id) == ("anna@example.com", person.id)
    assert row.occurred_at.isoformat()[:19] + "Z" == happened.told[0]["occurred_at"]
    assert (person.identity, person.phone) == ("email:anna@example.com", "+39 333 1234567")
    assert (person.birth_year, person.birth_month, person.birth_day) == (1985, 3, 14)
    assert person.locale == "it-IT"


def test_a_statement_delivered_twice_is_one_row(served: Serving, runtime: Runtime, store: Store) -> None:
    happened = SITE.run(ordered("classic", {"ritorno_email": "1"}, customer_id=7))

    _deliver(served, runtime, store, happened, happened)

    assert len(_ledger(runtime, store)) == 1
    assert len(Inbox(runtime, store).rows()) == 1
    assert _person(runtime, store).external_id == "7"


def test_the_stop_on_the_account_page_ends_both_channels(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    yes = SITE.run(saved_account({"ritorno_email": "1"}))
    stop = SITE.run(saved_account({"ritorno_stop": "1"}))

    _deliver(served, runtime, store, yes, stop)

    with runtime.database.read() as session:
        held = session.execute(select(STATES).where(STATES.c.store_id == store.id)).all()
    assert {(row.channel, row.state) for row in held} == {("email", "unsubscribed"), ("sms", "unsubscribed")}
    assert [row.wording for row in _ledger(runtime, store)][-1] == (
        "I no longer want to receive offers and news."
    )


def test_a_statement_signed_with_another_topics_secret_is_refused(
    served: Serving, runtime: Runtime, store: Store
) -> None:
    (body,) = SITE.run(ordered("classic", {"ritorno_email": "1"})).bodies
    other = woo_delivery(runtime, store, "order.created", body)
    headers = [(name, STATEMENTS if name.endswith("Topic") else value) for name, value in other.headers]

    answer = served.post(other.path, headers, body)

    assert answer.status == 401
    assert Inbox(runtime, store).rows() == []
