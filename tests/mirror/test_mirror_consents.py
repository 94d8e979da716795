from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.models import Consent, ConsentState, Customer, CustomerEvent
from connectors.base import ConsentUpdate
from tests.conftest import NOW
from tests.mirror.mirror_news import PLACED, order, person, said, tell
from tests.seeds import new_store, only, rows_of, values_of

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

HOUR = timedelta(hours=1)
STATE = ("channel", "state", "basis", "occurred_at")


def test_a_consent_may_come_before_its_person(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, ConsentUpdate("C1", said("subscribed", PLACED), email="anna@example.com"))
    tell(database, store_id, person("C1", first_name="Anna"))

    assert rows_of(database, Customer, "identity", "email", "first_name") == [
        ("id:C1", "anna@example.com", "Anna")
    ]
    assert rows_of(database, ConsentState, *STATE) == [("email", "subscribed", "consent", PLACED)]


def test_what_was_said_at_the_checkout_is_the_buyers(database: Database) -> None:
    store_id = new_store(database)
    guest = person(None, "anna@example.com", consents=(said("subscribed", PLACED, "sms"),))

    tell(database, store_id, order(customer=guest))

    customer_id = only(values_of(database, Customer, "id"))
    assert rows_of(database, ConsentState, "customer_id", "channel") == [(customer_id, "sms")]


def test_a_guests_consent_told_beside_the_account_is_the_accounts(database: Database) -> None:
    store_id = new_store(database)
    guest = person(None, "anna@example.com", consents=(said("subscribed", PLACED),))

    tell(database, store_id, order(customer=guest), person("C1", "anna@example.com"))

    assert values_of(database, Customer, "identity") == ["id:C1"]
    assert values_of(database, ConsentState, "state") == ["subscribed"]


@pytest.mark.parametrize("carrier", ["draft", "unknown"])
def test_what_says_nothing_is_no_statement(database: Database, carrier: str) -> None:
    store_id = new_store(database)
    state = "subscribed" if carrier == "draft" else "unknown"
    buyer = person(consents=(said(state, PLACED),))

    tell(database, store_id, order(customer=buyer, status="draft" if carrier == "draft" else "open"))

    assert rows_of(database, Consent) == []


def test_a_statement_without_a_moment_was_made_now(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, person(consents=(said("subscribed", None),)))

    assert values_of(database, ConsentState, "occurred_at") == [NOW]


def test_only_a_grant_has_a_basis(database: Database) -> None:
    store_id = new_store(database)

    tell(database, store_id, person(consents=(said("unsubscribed", PLACED, basis="double_opt_in"),)))

    assert values_of(database, ConsentState, "basis") == [None]


def test_the_address_that_a_mail_consent_is_about_is_kept(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, person(email="old@example.com"))

    news = person(
        email="new@example.com",
        updated_at=NOW,
        consents=(said("subscribed", NOW), said("subscribed", NOW, "sms")),
    )
    tell(database, store_id, news)

    assert sorted(rows_of(database, Consent, "channel", "address")) == [
        ("email", "new@example.com"),
        ("sms", None),
    ]


@pytest.mark.parametrize(
    ("said_at", "source", "is_pending"),
    [(PLACED, "backfill", False), (PLACED + 2 * HOUR, "shopify", True)],
    ids=["before the install", "since"],
)
def test_a_consent_of_the_past_starts_no_flow(
    database: Database, said_at: Any, source: str, *, is_pending: bool
) -> None:
    store_id = new_store(database)

    tell(
        database,
        store_id,
        person(consents=(said("subscribed", said_at),)),
        history_until=PLACED + HOUR,
    )

    changes = rows_of(database, CustomerEvent, "type", "is_pending")
    assert values_of(database, Consent, "source") == [source]
    assert ("consent.changed", is_pending) in changes


def test_a_consent_is_kept_with_the_address_that_its_news_name(database: Database) -> None:
    store_id = new_store(database)
    agreed = person("C1", "old@example.com", consents=(said("subscribed", PLACED),), updated_at=PLACED)
    moved = person("C1", "new@example.com", consents=agreed.consents, updated_at=PLACED + HOUR)

    tell(database, store_id, agreed)
    tell(database, store_id, moved)
    before = rows_of(database, ConsentState, "state", "address")
    again = person("C1", "new@example.com", consents=(said("subscribed", PLACED + HOUR),))
    tell(database, store_id, again)

    assert values_of(database, Customer, "email") == ["new@example.com"]
    assert before == [("subscribed", "old@example.com")]
    assert rows_of(database, ConsentState, "state", "address") == [("subscribed", "new@example.com")]
