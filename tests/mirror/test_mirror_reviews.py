"""Reviews in the mirror: whose they are, what the timeline says, and what an erasure leaves."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app.db import Database, table_of
from app.models import Customer, CustomerEvent, Notice, Review, Store
from app.privacy import access, erasure
from connectors.base import ReviewRecord
from tests.conftest import NOW
from tests.mirror.mirror_news import SIGNER, order, person, tell
from tests.seeds import new_store, rows_of, values_of

HOUR = timedelta(hours=1)


def review(external_id: str = "30", **values: Any) -> ReviewRecord:
    """Anna's five stars for P1, an hour old."""
    fields: dict[str, Any] = {
        "product_external_id": "P1",
        "email": "Anna@Example.com",
        "rating": 5,
        "text": "Ottimo!",
        "status": "approved",
        "is_verified": True,
        "written_at": NOW - HOUR,
    }
    return ReviewRecord(external_id, **(fields | values))


def received(database: Database) -> list[tuple[Any, ...]]:
    """What the timelines say of reviews."""
    found = rows_of(database, CustomerEvent, "type", "subject", "occurred_at", "is_pending")
    return [row[1:] for row in found if row[0] == "review.received"]


def store_of(database: Database) -> int:
    """A shop that was installed a day ago."""
    store_id = new_store(database)
    with database.write() as session:
        session.get_one(Store, store_id).installed_at = NOW - 24 * HOUR
    return store_id


def anna(database: Database) -> int:
    (number,) = values_of(database, Customer, "id")
    return int(number)


def test_a_review_is_its_writers_by_the_e_mail(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, person())

    tell(database, store_id, review())

    assert rows_of(
        database, Review, "external_id", "product_external_id", "customer_id", "rating", "text"
    ) == [("30", "P1", anna(database), 5, "Ottimo!")]
    assert received(database) == [("product:P1", NOW - HOUR, True)]


def test_a_review_told_again_is_the_same_with_its_newest_state(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, person())
    tell(database, store_id, review(status="held"))

    tell(database, store_id, review(status="approved", rating=4))

    assert rows_of(database, Review, "status", "rating", "customer_id") == [("approved", 4, anna(database))]
    assert len(received(database)) == 1


def test_a_review_that_comes_before_its_writer_finds_them_with_the_next_ones(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, review())
    before = (values_of(database, Review, "customer_id"), values_of(database, Customer, "id"))
    tell(database, store_id, order(customer=person(None)))

    tell(database, store_id, review("31", email="nobody@example.com"))

    assert before == ([None], [])
    assert rows_of(database, Review, "external_id", "customer_id") == [("30", anna(database)), ("31", None)]
    assert len(received(database)) == 1


def test_of_two_who_share_the_address_the_account_wrote_it(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, person(None, "old@example.com"), person("C1"))
    with database.write() as session:
        table = table_of(Customer)
        session.execute(table.update().where(table.c.external_id.is_(None)).values(email="anna@example.com"))

    tell(database, store_id, review())

    accounts = [row[0] for row in rows_of(database, Customer, "id", "external_id") if row[1] == "C1"]
    assert values_of(database, Review, "customer_id") == accounts


def test_spam_is_nobodys_news(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, person())

    tell(database, store_id, review(status="spam"), review("31", status="trash"))

    assert received(database) == []


def test_what_was_written_before_the_install_starts_nothing(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, person())

    tell(database, store_id, review(written_at=NOW - 48 * HOUR))

    assert received(database) == [("product:P1", NOW - 48 * HOUR, False)]


def test_reviews_of_another_shop_stay_there(database: Database) -> None:
    store_id, other_id = store_of(database), new_store(database, "other")
    tell(database, store_id, person())

    tell(database, other_id, review())

    assert values_of(database, Review, "customer_id") == [None]


def test_what_an_erased_person_wrote_goes_and_does_not_come_back(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, person())
    tell(database, store_id, review(), review("31", email="other@example.com", text="Mine."))
    with database.write() as session:
        report = access.report_of(session, SIGNER, store_id, anna(database))
        erasure.erase_customer(session, SIGNER, store_id, anna(database), now=NOW)
    columns = ("external_id", "email", "text", "rating")
    erased = rows_of(database, Review, *columns)

    tell(database, store_id, review(), review("32"))

    assert [one["text"] for one in report["reviews"]] == ["Ottimo!"]
    assert erased == [("30", None, None, 5), ("31", "other@example.com", "Mine.", 5)]
    assert rows_of(database, Review, *columns) == [*erased, ("32", None, None, 5)]


def test_what_they_wrote_under_an_earlier_address_does_not_come_back_either(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, person())
    tell(database, store_id, review())
    tell(database, store_id, person(email="new@example.com", updated_at=NOW))
    with database.write() as session:
        erasure.erase_customer(session, SIGNER, store_id, anna(database), now=NOW)

    tell(database, store_id, review())

    assert rows_of(database, Review, "email", "text", "rating") == [(None, None, 5)]


def test_a_review_is_no_customer(database: Database) -> None:
    store_id = store_of(database)

    tell(database, store_id, review())

    with database.read() as session:
        assert session.execute(select(Customer.id)).all() == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_new_unhappy_reviews_are_told_to_the_merchant_once(database: Database) -> None:
    store_id = store_of(database)
    news = [
        review("1", rating=3),
        review("2", rating=1, status="held", email="nobody@example.com"),
        review("3", rating=4),
        review("4", rating=0),
        review("5", rating=1, status="spam"),
        review("6", rating=1, written_at=NOW - 48 * HOUR),
    ]

    tell(database, store_id, *news)
    tell(database, store_id, *news)

    assert rows_of(database, Notice, "kind", "status", "n") == [("low_rating", "queued", 2)]


def test_what_the_merchant_decided_here_outlives_what_the_shop_goes_on_saying(database: Database) -> None:
    store_id = store_of(database)
    tell(database, store_id, review("1"), review("2", status="held"), review("3", status="spam"))
    before = rows_of(database, Review, "source", "object", "state")
    with database.write() as session:
        session.execute(table_of(Review).update().values(state="hidden"))

    tell(database, store_id, review("1", rating=4), review("2", status="approved"))

    found = {("woocommerce", "product", state) for state in ("approved", "pending", "hidden")}
    assert set(before) == found
    assert values_of(database, Review, "state") == ["hidden"] * 3
