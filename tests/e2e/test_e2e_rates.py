"""The demo's world is the one that was promised; a large one, which nobody has to travel through."""

from datetime import datetime

import pytest

from connectors.sandbox.config import WorldConfig
from connectors.sandbox.script import Script, write_script


@pytest.fixture(scope="module")
def script() -> Script:
    return write_script(
        WorldConfig(first_started_at=datetime.fromisoformat("2026-11-02T09:00Z"), households=800)
    )


def test_most_shoppers_consent_and_three_in_five_have_a_birthday(script: Script) -> None:
    people = script.shoppers.values()

    consenting = sum(person.email_consent_at is not None for person in people) / len(people)
    born = sum(person.birth is not None for person in people) / len(people)

    assert consenting >= 0.5
    assert born == pytest.approx(0.6, abs=0.02)


def test_one_order_in_twenty_is_refunded_or_cancelled(script: Script) -> None:
    book = script.book

    undone = sum(
        bool(cancelled or refunded) for cancelled, refunded in zip(book.cancelled, book.refunded, strict=True)
    )

    assert undone / len(book.placed) == pytest.approx(0.05, abs=0.005)


def test_both_shops_have_their_share(script: Script) -> None:
    shopify = sum(person.platform == "shopify" for person in script.shoppers.values())

    assert shopify / len(script.shoppers) == pytest.approx(0.5, abs=0.05)
