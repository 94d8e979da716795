"""Checkouts in the mirror: whose they are, when they count as abandoned, and what ends them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import models, retention, timers
from app.db import Database
from app.mirror import checkout_ends, checkouts, lookups
from app.models import Checkout, Customer, CustomerEvent, Store, Timer
from app.privacy import access, erasure
from connectors.base import (
    CheckoutLineRecord,
    CheckoutRecord,
    Deletion,
    PrivacyKind,
    PrivacyRequest,
    Record,
    Resource,
)
from tests.conftest import NOW
from tests.mirror.mirror_news import SIGNER, order, person
from tests.mirror.mirror_news import tell as tell_as_of
from tests.seeds import new_store, rows_of, values_of

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
BEGUN = NOW - 30 * MINUTE
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
"""Where no statement is that another test does not send to PostgreSQL as well."""


def checkout(external_id: str = "70", **values: Any) -> CheckoutRecord:
    """Anna's basket of 12.50 euros, begun half an hour ago and left at once."""
    started_at = values.get("started_at", BEGUN)
    fields: dict[str, Any] = {
        "token": f"token-{external_id}",
        "started_at": started_at,
        "updated_at": started_at,
        "currency": "EUR",
        "total": "12.50",
        "lines": (CheckoutLineRecord("P1", "V1", "Moka", 2, "12.50"),),
        "email": "Anna@Example.com",
        "recovery_url": f"https://bottega.example/recover/{external_id}",
    }
    return CheckoutRecord(external_id=external_id, **(fields | values))


@pytest.fixture
def store_id(database: Database) -> int:
    """A shop that was installed a day ago and knows Anna."""
    number = new_store(database)
    with database.write() as session:
        session.get_one(Store, number).installed_at = NOW - 24 * HOUR
    tell_as_of(database, number, person())
    return number


def tell(database: Database, store_id: int, *records: Record, now: datetime = NOW) -> None:
    tell_as_of(database, store_id, *records, now=now)


def pass_hour(database: Database, store_id: int, now: datetime = NOW + HOUR) -> int:
    """The tick's work: what is due is settled."""
    with database.write() as session:
        due = timers.take_due(session, store_id, now, kind=checkout_ends.TIMER_KIND, limit=100)
        store = session.get_one(Store, store_id)
        return checkout_ends.settle(session, store, [row.subject_id for row in due], now)


def told(database: Database) -> list[tuple[Any, ...]]:
    """What the timelines say of checkouts."""
    found = rows_of(database, CustomerEvent, "type", "occurred_at", "is_pending")
    return [row for row in found if row[0].startswith("checkout.")]


def is_open(database: Database, store_id: int, external_id: str = "70") -> bool:
    with database.read() as session:
        return checkouts.is_open(session, store_id, external_id)


def test_a_checkout_is_its_customers_by_the_e_mail(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout())

    names = ("external_id", "email", "total_minor", "currency", "recovery_url", "customer_id")
    anna = values_of(database, Customer, "id")
    assert rows_of(database, Checkout, *names) == [
        ("70", "anna@example.com", 1250, "EUR", "https://bottega.example/recover/70", *anna)
    ]
    assert values_of(database, Checkout, "lines") == [
        [
            {
                "product_external_id": "P1",
                "variant_external_id": "V1",
                "title": "Moka",
                "quantity": 2,
                "total_minor": 1250,
            }
        ]
    ]
    assert told(database) == [("checkout.started", BEGUN, True)]
    assert is_open(database, store_id)


def test_an_hour_without_an_order_makes_it_abandoned_once(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout())

    early = pass_hour(database, store_id, BEGUN + HOUR - MINUTE)
    counts = (early, pass_hour(database, store_id), pass_hour(database, store_id))
    tell(database, store_id, checkout(updated_at=NOW + 2 * HOUR))
    pass_hour(database, store_id, NOW + 4 * HOUR)

    assert counts == (0, 1, 0)
    assert told(database)[1:] == [("checkout.abandoned", BEGUN + HOUR, True)]
    assert values_of(database, Checkout, "abandoned_at") == [BEGUN + HOUR]


@ON_SQLITE
def test_the_hour_begins_again_while_somebody_is_busy_with_it(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout())
    tell(database, store_id, checkout(updated_at=NOW))

    counts = [pass_hour(database, store_id, at) for at in (BEGUN + HOUR, NOW + HOUR)]

    assert counts == [0, 1]
    assert values_of(database, Checkout, "abandoned_at") == [NOW + HOUR]


@ON_SQLITE
def test_news_older_than_the_row_change_nothing(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout(total="20.00", updated_at=NOW))

    tell(database, store_id, checkout(total="10.00", updated_at=NOW - MINUTE))

    assert values_of(database, Checkout, "total_minor") == [2000]


@pytest.mark.parametrize(
    "ending",
    [
        order(checkout_token="token-70", placed_at=NOW, customer=person("C9", "other@example.com")),
        order(placed_at=BEGUN + MINUTE),
        order(placed_at=BEGUN + MINUTE, customer=person(None, "ANNA@example.com")),
    ],
    ids=["its token", "its customer", "its e-mail"],
)
@pytest.mark.parametrize("comes_first", [True, False])
def test_the_order_that_follows_ends_it(
    database: Database, store_id: int, ending: Any, comes_first: bool
) -> None:
    if comes_first and ending.checkout_token:
        # Where only the token tells, WooCommerce's is the order's own id, which the mirror keeps.
        ending = order("70", placed_at=NOW, customer=person("C9", "other@example.com"))
    begun = checkout(token="70") if comes_first else checkout()
    for record in (ending, begun) if comes_first else (begun, ending):
        tell(database, store_id, record)

    ended = rows_of(database, Checkout, "completed_at", "order_external_id", "recovery_url")
    assert ended == [(ending.placed_at, ending.external_id, None)]
    assert pass_hour(database, store_id) == 0
    assert [row[0] for row in told(database)] == ["checkout.started"]
    assert not is_open(database, store_id)


@ON_SQLITE
@pytest.mark.parametrize(
    "other",
    [
        order(placed_at=BEGUN - MINUTE),
        order(placed_at=NOW, customer=person("C9", "other@example.com")),
        order(placed_at=NOW, is_test=True),
        order(placed_at=NOW, financial_status="failed", is_paid=False, checkout_token="token-70"),
    ],
    ids=["placed before", "somebody else's", "a test", "failed"],
)
def test_no_other_order_ends_it(database: Database, store_id: int, other: Any) -> None:
    tell(database, store_id, checkout())

    tell(database, store_id, other)

    assert is_open(database, store_id)
    assert pass_hour(database, store_id) == 1


@ON_SQLITE
def test_an_order_that_only_the_mirror_saw_ends_it_at_the_hour(database: Database, store_id: int) -> None:
    """A guest's checkout finds its owner late, and the owner's order with it."""
    begun = checkout(email="bea@example.com", token=None)
    tell(database, store_id, begun)
    tell(database, store_id, order(placed_at=NOW, customer=person("C2", "bea2@example.com")))
    tell(database, store_id, person("C2", "bea@example.com", updated_at=NOW))

    assert pass_hour(database, store_id) == 0
    assert values_of(database, Checkout, "order_external_id") == ["100"]


@ON_SQLITE
def test_an_order_ends_what_was_begun_before_it_and_nothing_later(database: Database, store_id: int) -> None:
    tell(database, store_id, order(placed_at=NOW))

    tell(database, store_id, checkout("70"), checkout("71", started_at=NOW + MINUTE, updated_at=NOW + MINUTE))

    assert [is_open(database, store_id, name) for name in ("70", "71")] == [False, True]
    assert values_of(database, Checkout, "order_external_id") == ["100", None]


@ON_SQLITE
def test_what_the_platform_says_is_finished_is(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout())

    tell(database, store_id, checkout(updated_at=NOW, completed_at=NOW))

    assert pass_hour(database, store_id) == 0
    assert rows_of(database, Checkout, "completed_at", "recovery_url") == [(NOW, None)]


def test_a_checkout_makes_no_customer_and_waits_for_one_in_silence(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout("70", email="bea@example.com"))
    tell(database, store_id, checkout("71", email="nobody@example.com"))
    before = (told(database), values_of(database, Customer, "external_id"))

    tell(database, store_id, person("C2", "bea@example.com"))
    count = pass_hour(database, store_id)

    assert before == ([], ["C1"])
    assert count == 2
    assert [row[0] for row in told(database)] == ["checkout.started", "checkout.abandoned"]


@ON_SQLITE
def test_an_account_that_the_mirror_never_heard_of_is_looked_up(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout(email="x@example.com", customer_external_id="4711"))

    waiting = rows_of(database, Timer, "kind", "subject_id")
    tell(database, store_id, person("4711", "bea@example.com"))
    pass_hour(database, store_id)

    assert ("look-up.customers", 4711) in waiting
    assert [row[0] for row in told(database)] == ["checkout.started", "checkout.abandoned"]


def test_one_checkout_under_two_ids_is_known_by_its_token(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout("70", token="abc"))

    tell(database, store_id, checkout("gid-9", token="abc", updated_at=NOW, total="15.00"))

    assert rows_of(database, Checkout, "external_id", "total_minor") == [("70", 1500)]


@ON_SQLITE
def test_what_was_begun_before_the_install_is_history(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout(started_at=NOW - 25 * HOUR, updated_at=NOW))

    assert pass_hour(database, store_id, NOW + 2 * HOUR) == 0
    assert [(row[0], row[2]) for row in told(database)] == [("checkout.started", False)]


def test_a_deletion_is_looked_up_only_where_the_checkout_is_open(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout())

    tell(database, store_id, *(Deletion(Resource.CHECKOUTS, name, NOW) for name in ("70", "71")))
    asked = [row for row in rows_of(database, Timer, "kind", "subject_id") if row[0] == "look-up.checkouts"]
    with database.write() as session:
        lookups.mark_gone(session, store_id, Resource.CHECKOUTS, "70", now=NOW)

    assert asked == [("look-up.checkouts", 70)]
    assert not is_open(database, store_id)
    assert pass_hour(database, store_id) == 0


def test_erasing_somebody_takes_their_checkouts_for_good(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout(), checkout("71", email="bea@example.com"))
    (anna,) = values_of(database, Customer, "id")
    with database.read() as session:
        report = access.report_of(session, SIGNER, store_id, anna)
    with database.write() as session:
        erasure.erase_customer(session, SIGNER, store_id, anna, now=NOW)

    tell(database, store_id, checkout(), checkout("72", customer_external_id="C1", email=None))
    tell(database, store_id, checkout("73", started_at=NOW + MINUTE))

    assert [found["external_id"] for found in report["checkouts"]] == ["70"]
    assert values_of(database, Checkout, "external_id") == ["71", "73"]
    assert values_of(database, Checkout, "customer_id") == [None, None]


def test_who_asks_to_be_forgotten_need_not_be_a_customer(database: Database, store_id: int) -> None:
    """Shopify passes requests on for people who never ordered."""
    with database.write() as session:
        session.get_one(Store, store_id).platform = "shopify"
    tell(database, store_id, checkout("70", email="bea@example.com"), checkout("71", email="c@example.com"))
    account = checkout("72", email="d@example.com", customer_external_id="C9")

    tell(database, store_id, account)
    for names in ((None, "Bea@example.com"), ("C9", None), (None, None)):
        tell(database, store_id, PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, *names))
    tell(database, store_id, account, checkout("70", email="bea@example.com"))

    assert values_of(database, Checkout, "external_id") == ["71"]
    proofs = values_of(database, models.PrivacyRequest, "proof")
    assert proofs == [{"checkouts": 1}, {"checkouts": 1}, {"stored": 0}]


@ON_SQLITE
def test_an_order_that_came_back_without_a_name_takes_its_checkout_along(
    database: Database, store_id: int
) -> None:
    tell(database, store_id, checkout("70", token="70", email="bea@example.com"))

    tell(database, store_id, PrivacyRequest(PrivacyKind.ERASE_CUSTOMER, None, None, ("70",)))

    assert values_of(database, Checkout, "id") == []


@ON_SQLITE
def test_checkouts_are_kept_for_thirty_days(database: Database, store_id: int) -> None:
    tell(database, store_id, checkout(), checkout("71", started_at=NOW, updated_at=NOW))

    with database.write() as session:
        gone, _ = retention.purge_once(session, store_id, BEGUN + timedelta(days=30, seconds=1))

    assert gone == 1
    assert values_of(database, Checkout, "external_id") == ["71"]


@ON_SQLITE
def test_a_shop_sees_its_own_checkouts_only(database: Database, store_id: int) -> None:
    other = new_store(database, "second")
    tell(database, other, checkout())

    tell(database, store_id, order(checkout_token="token-70", placed_at=NOW))

    assert values_of(database, Checkout, "completed_at") == [None]
    with database.read() as session:
        assert checkouts.find(session, store_id, "70") is None
        statement = select(Checkout.store_id).where(Checkout.store_id == other)
        assert session.execute(statement).scalar_one() == other


@ON_SQLITE
def test_a_payment_that_failed_opens_the_checkout_again(database: Database, store_id: int) -> None:
    """WooCommerce's draft, order and failed payment share one id."""
    unpaid = {"is_paid": False, "placed_at": BEGUN}
    tell(database, store_id, checkout(token="70"))
    tell(database, store_id, order("70", financial_status="pending", updated_at=NOW, **unpaid))
    ended = values_of(database, Checkout, "order_external_id")
    failed = order("70", financial_status="failed", updated_at=NOW + MINUTE, **unpaid)
    tell(database, store_id, checkout(token="70", updated_at=NOW + MINUTE), failed)

    opened = is_open(database, store_id)
    first = pass_hour(database, store_id, NOW + 2 * HOUR)
    later = NOW + 3 * HOUR
    tell(database, store_id, order("70", financial_status="pending", updated_at=later, **unpaid))
    failed = order("70", financial_status="failed", updated_at=later + MINUTE, **unpaid)
    tell(database, store_id, checkout(token="70", updated_at=later + MINUTE), failed)

    assert (ended, opened, first) == (["70"], True, 1)
    assert is_open(database, store_id)
    assert pass_hour(database, store_id, NOW + 9 * HOUR) == 0
