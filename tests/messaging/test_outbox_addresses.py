"""A message goes to the address that its customer has when it leaves, not when it was planned."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app import consent
from app.consent import NewConsent
from app.db import table_of
from app.messaging import receipts
from app.models import Customer
from app.runtime import Runtime
from jobs.outbox import run
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop

CUSTOMERS = table_of(Customer)
OLD, NEW = "old@example.com", "new@example.com"


@pytest.fixture
def shop(runtime: Runtime) -> Shop:
    """A shop that may send."""
    return open_shop(runtime)


def test_an_address_that_changed_after_the_plan_is_the_one_written_to(shop: Shop) -> None:
    post = Post()
    _planned_for_the_old_address(shop)

    _set_email(shop, NEW)
    run(shop.kit(post), NOW)

    assert [message.to_address for message in post.sent] == [NEW]


def test_what_came_back_from_the_old_address_does_not_bar_the_new_one(shop: Shop) -> None:
    post = Post()
    customer_id = _planned_for_the_old_address(shop)
    with shop.database.write() as session:
        receipts.suppress(
            session, shop.runtime.signer, shop.id, channel="email", address=OLD, reason="bounce", now=NOW
        )

    run(shop.kit(post), NOW)
    to_the_old = [message.to_address for message in post.sent]
    _set_email(shop, NEW)
    shop.add_message(customer_id)
    run(shop.kit(post), NOW)

    assert to_the_old == []
    assert [message.to_address for message in post.sent] == [NEW]


def test_a_yes_for_the_old_address_is_none_for_the_new_one(shop: Shop) -> None:
    post = Post()
    customer_id = shop.add_subscriber(OLD)
    message_id = shop.add_message(customer_id)
    _set_email(shop, NEW)

    run(shop.kit(post), NOW)
    refused = shop.message(message_id)
    _say_yes(shop, customer_id, NEW)
    shop.add_message(customer_id)
    run(shop.kit(post), NOW)

    assert refused.reason == "no-legal-basis"
    assert [message.to_address for message in post.sent] == [NEW]


def test_who_goes_back_to_the_address_of_the_yes_is_written_to(shop: Shop) -> None:
    post = Post()
    customer_id = shop.add_subscriber(OLD)
    shop.add_message(customer_id)
    _set_email(shop, NEW)
    _set_email(shop, OLD.upper())

    run(shop.kit(post), NOW)

    assert [message.to_address for message in post.sent] == [OLD.upper()]


def test_who_moved_to_another_zone_is_written_to_within_the_hours_of_there(shop: Shop) -> None:
    post = Post()
    message_id = shop.add_message()
    with shop.database.write() as session:
        # Where it is nine in the evening.
        session.execute(update(CUSTOMERS).where(CUSTOMERS.c.store_id == shop.id).values(country="FJ"))

    run(shop.kit(post), NOW)
    waiting = shop.message(message_id)
    run(shop.kit(post), waiting.next_at)

    assert (waiting.status, waiting.next_at) == ("queued", NOW + timedelta(hours=11))
    assert post.sent_ids == [message_id]


def _planned_for_the_old_address(shop: Shop) -> int:
    customer_id = shop.add_subscriber()
    shop.add_message(customer_id)
    _set_email(shop, OLD)
    return customer_id


def _say_yes(shop: Shop, customer_id: int, address: str) -> None:
    with shop.database.write() as session:
        later = NOW + timedelta(minutes=1)
        said = NewConsent(shop.id, customer_id, "email", "subscribed", "consent", later, "test", address)
        consent.record(session, [said], NOW)


def _set_email(shop: Shop, email: str) -> None:
    with shop.database.write() as session:
        session.execute(update(CUSTOMERS).where(CUSTOMERS.c.store_id == shop.id).values(email=email))
