import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from app import consent
from app.consent import NewConsent
from app.db import Database
from app.models import Consent, ConsentState, CustomerEvent
from tests.conftest import NOW
from tests.seeds import add_customer, new_store, rows_of, values_of

DAY = timedelta(days=1)
EARLIER = NOW - 30 * DAY


def test_what_was_said_is_kept_with_its_words(database: Database) -> None:
    store_id, customer_id = _somebody(database)

    _record(database, _said(store_id, customer_id, "subscribed", address="anna@example.com", wording="Yes!"))

    assert rows_of(
        database,
        Consent,
        "channel",
        "state",
        "basis",
        "occurred_at",
        "recorded_at",
        "source",
        "address",
        "wording",
    ) == [("email", "subscribed", "consent", EARLIER, NOW, "shopify", "anna@example.com", "Yes!")]
    assert _state(database) == [("email", "subscribed", EARLIER)]


def test_the_ledger_only_grows(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    moments = [EARLIER + n * DAY for n in range(4)]
    states = ["subscribed", "unsubscribed", "pending", "subscribed"]

    for state, at in zip(states, moments, strict=True):
        _record(database, _said(store_id, customer_id, state, at))

    assert values_of(database, Consent, "state") == states
    assert _state(database) == [("email", "subscribed", moments[-1])]


def test_the_same_statement_told_twice_is_kept_once(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    statement = _said(store_id, customer_id, "subscribed")

    _record(database, statement, statement)
    _record(database, statement)

    assert values_of(database, Consent, "state") == ["subscribed"]
    assert len(_changes(database)) == 1


def test_the_newest_statement_decides_whatever_the_order_of_arrival(database: Database) -> None:
    store_id, _ = _somebody(database)
    states = ["subscribed", "unsubscribed", "pending", "subscribed", "unsubscribed", "pending"]
    said = [(state, EARLIER + n * DAY) for n, state in enumerate(states)]
    dice = random.Random(1)
    people: list[int] = []

    for _ in range(20):
        with database.write() as session:
            people.append(add_customer(session, store_id).id)
        for state, at in dice.sample(said, len(said)):
            _record(database, _said(store_id, people[-1], state, at))

    rows = rows_of(database, ConsentState, "customer_id", "state", "occurred_at")
    assert rows == [(person, "pending", EARLIER + 5 * DAY) for person in people]


@pytest.mark.parametrize("refusal_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_at_the_same_moment_a_refusal_wins(
    database: Database, *, refusal_first: bool, together: bool
) -> None:
    store_id, customer_id = _somebody(database)
    news = [_said(store_id, customer_id, "unsubscribed"), _said(store_id, customer_id, "subscribed")]
    if not refusal_first:
        news.reverse()

    for batch in [news] if together else [[item] for item in news]:
        _record(database, *batch)

    assert _state(database) == [("email", "unsubscribed", EARLIER)]


def test_an_older_statement_is_kept_and_changes_nothing(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    _record(database, _said(store_id, customer_id, "unsubscribed", EARLIER + DAY))

    _record(database, _said(store_id, customer_id, "subscribed", EARLIER))

    assert sorted(values_of(database, Consent, "state")) == ["subscribed", "unsubscribed"]
    assert _state(database) == [("email", "unsubscribed", EARLIER + DAY)]
    assert [details["state"] for details, _ in _changes(database)] == ["unsubscribed"]


def test_a_repeated_state_moves_the_moment_and_tells_nothing(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    _record(database, _said(store_id, customer_id, "subscribed", EARLIER))

    _record(database, _said(store_id, customer_id, "subscribed", EARLIER + DAY))

    assert _state(database) == [("email", "subscribed", EARLIER + DAY)]
    assert len(_changes(database)) == 1


def test_twenty_flips_end_in_the_last_state_and_tell_each_change(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    flips = [
        _said(
            store_id, customer_id, "subscribed" if n % 2 else "unsubscribed", EARLIER + timedelta(minutes=n)
        )
        for n in range(20)
    ]

    _record(database, *flips[:11])
    for flip in flips[11:]:
        _record(database, flip)

    assert _state(database) == [("email", "subscribed", EARLIER + timedelta(minutes=19))]
    assert len(_changes(database)) == 20


def test_channels_and_people_do_not_mix(database: Database) -> None:
    store_id, anna = _somebody(database)
    with database.write() as session:
        bruno = add_customer(session, store_id, "bruno").id

    _record(
        database,
        _said(store_id, anna, "subscribed"),
        _said(store_id, anna, "unsubscribed", channel="sms"),
        _said(store_id, bruno, "pending"),
    )

    assert rows_of(database, ConsentState, "customer_id", "channel", "state") == [
        (anna, "email", "subscribed"),
        (anna, "sms", "unsubscribed"),
        (bruno, "email", "pending"),
    ]


def test_a_standing_statement_that_repeats_itself_is_no_news(database: Database) -> None:
    """A profile's state is told again with every edit, each time with a newer moment."""
    store_id, customer_id = _somebody(database)
    _record(database, _said(store_id, customer_id, "subscribed", EARLIER, is_standing=True))

    for n in range(1, 4):
        _record(database, _said(store_id, customer_id, "subscribed", EARLIER + n * DAY, is_standing=True))

    assert values_of(database, Consent, "occurred_at") == [EARLIER]
    assert _state(database) == [("email", "subscribed", EARLIER)]


def test_a_standing_statement_does_not_take_back_what_the_person_said_meanwhile(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    _record(database, _said(store_id, customer_id, "subscribed", EARLIER, is_standing=True))
    with database.write() as session:
        consent.withdraw(
            session, store_id, customer_id, "email", source="unsubscribe-link", now=EARLIER + DAY
        )

    _record(database, _said(store_id, customer_id, "subscribed", EARLIER + 2 * DAY, is_standing=True))

    assert _state(database) == [("email", "unsubscribed", EARLIER + DAY)]


def test_a_standing_statement_that_changed_is_news(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    for n, state in enumerate(["subscribed", "unsubscribed", "subscribed"]):
        _record(database, _said(store_id, customer_id, state, EARLIER + n * DAY, is_standing=True))

    assert values_of(database, Consent, "state") == ["subscribed", "unsubscribed", "subscribed"]
    assert _state(database) == [("email", "subscribed", EARLIER + 2 * DAY)]


def test_standing_statements_repeat_themselves_within_a_batch_too(database: Database) -> None:
    store_id, customer_id = _somebody(database)

    _record(
        database,
        *(_said(store_id, customer_id, "subscribed", EARLIER + n * DAY, is_standing=True) for n in range(3)),
    )

    assert values_of(database, Consent, "occurred_at") == [EARLIER]


def test_each_source_stands_for_itself(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    _record(database, _said(store_id, customer_id, "subscribed", EARLIER, is_standing=True))

    _record(
        database,
        _said(store_id, customer_id, "subscribed", EARLIER + DAY, is_standing=True, source="checkout"),
    )

    assert values_of(database, Consent, "source") == ["shopify", "checkout"]


def test_history_is_kept_and_starts_no_flow(database: Database) -> None:
    store_id, customer_id = _somebody(database)

    _record(database, _said(store_id, customer_id, "subscribed", is_history=True))

    assert _state(database) == [("email", "subscribed", EARLIER)]
    assert [is_pending for _, is_pending in _changes(database)] == [False]


def test_a_withdrawal_is_told_with_its_source(database: Database) -> None:
    store_id, customer_id = _somebody(database)
    _record(database, _said(store_id, customer_id, "subscribed"))

    with database.write() as session:
        consent.withdraw(session, store_id, customer_id, "email", source="unsubscribe-link", now=NOW)

    assert _state(database) == [("email", "unsubscribed", NOW)]
    assert _changes(database)[-1] == (
        {"channel": "email", "state": "unsubscribed", "source": "unsubscribe-link"},
        True,
    )


def test_nothing_was_ever_said(database: Database) -> None:
    store_id, customer_id = _somebody(database)

    with database.read() as session:
        state = consent.state_of(session, store_id, customer_id, "email")

    assert state is None


def _somebody(database: Database) -> tuple[int, int]:
    store_id = new_store(database)
    with database.write() as session:
        return store_id, add_customer(session, store_id, "anna").id


def _said(
    store_id: int, customer_id: int, state: str, at: datetime = EARLIER, channel: str = "email", **values: Any
) -> NewConsent:
    fields: dict[str, Any] = {"basis": "consent", "source": "shopify"}
    return NewConsent(
        store_id=store_id,
        customer_id=customer_id,
        channel=channel,
        state=state,
        occurred_at=at,
        **(fields | values),
    )


def _record(database: Database, *statements: NewConsent) -> None:
    with database.write() as session:
        consent.record(session, statements, NOW)


def _state(database: Database) -> Sequence[tuple[Any, ...]]:
    return rows_of(database, ConsentState, "channel", "state", "occurred_at")


def _changes(database: Database) -> list[tuple[Any, ...]]:
    return rows_of(database, CustomerEvent, "details", "is_pending")
