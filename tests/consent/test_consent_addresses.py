"""A yes belongs to the address that it was given for, and to a time where the shop wants that."""

from datetime import datetime, timedelta

import pytest

from app.customers import agreeing
from app.messaging.terms import terms_of
from app.models import ConsentState, Customer, Store
from tests.conftest import NOW

DAY, YEARS = timedelta(days=1), timedelta(days=731)


@pytest.mark.parametrize(
    ("given_for", "now", "state"),
    [
        ("+39 333 123 4567", "3331234567", "subscribed"),
        ("0039 3331234567", "+393331234567", "subscribed"),
        ("+393331234567", "+393331234568", "other-address"),
        ("1234567", "91234567", "other-address"),
        (None, "+393331234567", "subscribed"),
    ],
)
def test_a_number_is_the_same_with_and_without_its_prefix(
    given_for: str | None, now: str, state: str
) -> None:
    said = ConsentState(state="subscribed", address=given_for)

    assert agreeing.stands(said, now) == state


def test_a_no_is_the_persons_whatever_the_address() -> None:
    said = ConsentState(state="unsubscribed", address="old@example.com")

    assert agreeing.stands(said, "new@example.com") == "unsubscribed"


@pytest.mark.parametrize(
    ("said_on", "bought_on", "is_lapsed"),
    [
        (NOW - YEARS, None, True),
        (NOW - YEARS, NOW - YEARS, True),
        (NOW - YEARS, NOW - DAY, False),
        (NOW - DAY, None, False),
        (None, None, False),
    ],
)
def test_who_said_nothing_for_long_has_lapsed(
    said_on: datetime | None, bought_on: datetime | None, is_lapsed: bool
) -> None:
    store = Store(
        settings={"consent.lapses_after_days": "730"}, url="https://shop.example", domain="shop.example"
    )
    said = None if said_on is None else ConsentState(state="subscribed", occurred_at=said_on)
    customer = Customer(last_paid_at=bought_on)

    assert terms_of(store, "email").is_lapsed(said, customer, NOW) is is_lapsed


def test_a_consent_counts_until_it_is_withdrawn_where_the_shop_sets_no_end() -> None:
    store = Store(settings={}, url="https://shop.example", domain="shop.example")
    said = ConsentState(state="subscribed", occurred_at=NOW - 10 * YEARS)

    assert not terms_of(store, "email").is_lapsed(said, Customer(), NOW)
