"""What two people said about a channel, once they are one: the strictest holds, the ledger keeps it all."""

from datetime import timedelta
from typing import Any

import pytest

from app import consent
from app.merging.consents import strictest
from app.models import Consent, CustomerEvent, Enrollment, StoreWrite
from tests import seeds
from tests.conftest import NOW
from tests.merging.merging_shop import MERGED, SWEPT, MergeShop
from tests.mirror.mirror_news import person, said, tell

DAY = timedelta(days=1)
OURS, THEIRS = "lucia.rossi2@example.com", "lucia.rossi4@example.com"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("subscribed", "unsubscribed", "unsubscribed"),
        ("pending", "unsubscribed", "unsubscribed"),
        ("subscribed", "pending", "pending"),
        ("subscribed", None, "subscribed"),
        ("subscribed", "subscribed", "subscribed"),
        (None, None, None),
    ],
)
def test_the_stricter_of_two_states_holds(one: str | None, other: str | None, expected: str | None) -> None:
    assert strictest(one, other) == expected
    assert strictest(other, one) == expected


def ledger(shop: MergeShop) -> list[list[Any]]:
    """The kept customer's, in the order in which it was written."""
    rows = seeds.rows_of(shop.database, Consent, "customer_id", "state", "source", "address")
    return [found for customer_id, *found in rows if customer_id == shop.kept]


@pytest.mark.parametrize("who", ["kept", "merged"])
def test_a_no_of_either_is_a_no_however_old_it_is(shop: MergeShop, who: str) -> None:
    ids = {"kept": shop.kept, "merged": shop.merged}
    no, yes = ids.pop(who), *ids.values()
    shop.says(no, "unsubscribed", NOW - 300 * DAY)
    shop.says(yes, "subscribed", NOW - DAY)

    shop.merge()

    assert shop.consents() == {"email": "unsubscribed"}
    assert len(ledger(shop)) == 2 + (who == "merged")


def test_the_shop_is_told_of_a_no_that_a_merge_brings_and_of_the_merged_one_nothing(shop: MergeShop) -> None:
    shop.says(shop.kept, "subscribed", NOW - DAY)
    shop.says(shop.merged, "subscribed", NOW - 2 * DAY)
    with shop.database.write() as session:
        consent.withdraw(session, shop.store_id, shop.merged, "email", source="link", now=NOW - DAY)

    shop.merge()

    told = seeds.rows_of(shop.database, StoreWrite, "kind", "subject", "customer_id", "state")
    assert [row for row in told if row[0] == "consent"] == [
        ("consent", f"email:{shop.kept}", shop.kept, "queued")
    ]


def test_a_no_of_the_merged_one_is_written_down_and_ends_the_journeys(shop: MergeShop) -> None:
    shop.says(shop.kept, "subscribed", NOW - DAY, address=OURS)
    shop.says(shop.merged, "unsubscribed", NOW - 2 * DAY, address=THEIRS)
    shop.add("enrollment", shop.kept, entered_at=NOW - DAY)

    shop.merge()
    shop.run_flows(NOW)

    assert ledger(shop) == [
        ["subscribed", "shopify", OURS],
        ["unsubscribed", "shopify", THEIRS],
        ["unsubscribed", "merge", OURS],
    ]
    assert seeds.rows_of(shop.database, Enrollment, "state", "exit_reason") == [("exited", "consent.changed")]


@pytest.mark.parametrize(
    ("address", "expected"), [(OURS.upper(), {"email": "subscribed"}), (THEIRS, {}), (None, {})]
)
def test_a_yes_counts_for_the_address_that_it_was_given_for(
    shop: MergeShop, address: str | None, expected: dict[str, str]
) -> None:
    shop.says(shop.merged, "subscribed", address=address)

    shop.merge()
    shop.run_flows(NOW)

    assert shop.consents() == expected
    # Nobody said yes today, so nobody is welcomed.
    assert seeds.values_of(shop.database, Enrollment, "id") == []


def test_a_yes_without_an_address_is_the_persons(shop: MergeShop) -> None:
    shop.says(shop.merged, "subscribed", channel="tracking")

    shop.merge()

    assert shop.consents() == {"tracking": "subscribed"}


def test_a_yes_for_another_phone_does_not_carry_over(shop: MergeShop) -> None:
    shop.change(shop.merged, phone="+393470000009")
    shop.says(shop.merged, "subscribed", channel="sms")

    shop.merge()

    assert shop.consents() == {}


def test_what_both_said_at_the_same_second_is_kept_twice(shop: MergeShop) -> None:
    for who in (shop.kept, shop.merged):
        shop.says(who, "subscribed", NOW - DAY)

    shop.merge()

    assert [state for state, *_ in ledger(shop)] == ["subscribed", "subscribed"]
    assert shop.consents() == {"email": "subscribed"}


def test_a_late_yes_of_the_merged_id_gives_no_leave_and_a_late_no_takes_it(shop: MergeShop) -> None:
    shop.merge()
    late = (("subscribed", NOW + DAY), ("unsubscribed", NOW + 2 * DAY))
    held = []

    for state, at in late:
        news = person(str(MERGED), THEIRS, consents=(said(state, at),), updated_at=at)
        tell(shop.database, shop.store_id, news, now=at)
        held.append(shop.consents())

    assert held == [{}, {"email": "unsubscribed"}]


def test_what_the_kept_customer_says_afterwards_counts_again(shop: MergeShop) -> None:
    shop.says(shop.merged, "unsubscribed")
    shop.merge()

    shop.says(shop.kept, "subscribed", NOW + SWEPT + DAY)

    assert shop.consents() == {"email": "subscribed"}


def test_a_merge_twice_says_nothing_twice(shop: MergeShop) -> None:
    shop.says(shop.merged, "unsubscribed")
    shop.merge()
    once = ledger(shop), seeds.rows_of(shop.database, CustomerEvent)

    shop.hear()
    shop.look(NOW + DAY)

    assert (ledger(shop), seeds.rows_of(shop.database, CustomerEvent)) == once
