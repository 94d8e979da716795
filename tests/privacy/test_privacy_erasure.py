"""Erasing somebody: nothing leaves any more, nothing names them, and the figures stay as they were."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.crypto import Signer
from app.db import Database, table_of
from app.errors import NotFound
from app.messaging import preferences
from app.messaging.addresses import suppression_hash
from app.messaging.wishes import Wishes
from app.models import (
    Attribution,
    Consent,
    ConsentState,
    Customer,
    CustomerEvent,
    Decision,
    Enrollment,
    ErasedIdentity,
    Message,
    Order,
    Preference,
    PrivacyRequest,
    Suppression,
    Timer,
)
from app.privacy.erasure import Erased, erase_customer
from app.runtime import Runtime
from jobs import flows, inbox, outbox, privacy
from jobs.kit import Kit
from tests import seeds
from tests.conftest import NOW
from tests.privacy.privacy_world import EMAIL, World, world

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
SIGNER = Signer("signing-key-of-the-tests")
FIGURES = (
    "orders_count",
    "discounted_count",
    "total_spent_minor",
    "first_paid_at",
    "last_paid_at",
    "country",
)


def erase(shop: World, now: Any = NOW) -> Erased:
    with shop.database.write() as session:
        return erase_customer(session, SIGNER, shop.store_id, shop.customer().id, now=now)


def kit(shop: World) -> Kit:
    return Kit.build(shop.runtime, shop.post)


def hear_all(shop: World) -> None:
    shop.subscribe()
    shop.hear("orders/paid")


def read_all(shop: World) -> None:
    inbox.run(kit(shop), NOW)


def move_on(shop: World) -> None:
    flows.run(kit(shop), NOW)
    shop.write(purpose="answer")


def send_all(shop: World) -> None:
    outbox.run(kit(shop), NOW)


STEPS: tuple[Callable[[World], None], ...] = (hear_all, read_all, move_on, send_all)


@pytest.mark.parametrize("done", range(len(STEPS) + 1))
def test_nothing_is_sent_after_a_request_between_any_two_steps(shop: World, done: int) -> None:
    for step in STEPS[:done]:
        step(shop)
    sent = len(shop.post.sent)
    shop.hear("customers/redact")
    read_all(shop)
    privacy.run(kit(shop), NOW)

    for step in STEPS[done:]:
        if step is not move_on or done > 0:
            step(shop)
    for days in range(1, 60, 7):
        shop.tick(days * DAY)

    assert len(shop.post.sent) == sent
    assert seeds.values_of(shop.database, PrivacyRequest, "outcome") == ["done"]
    assert EMAIL not in seeds.values_of(shop.database, Customer, "email")


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("queued", ("cancelled", "erased")),
        ("preparing", ("cancelled", "erased")),
        ("held", ("cancelled", "erased")),
        ("sending", ("sending", None)),
        ("unknown", ("unknown", None)),
        ("sent", ("sent", None)),
        ("bounced", ("bounced", None)),
    ],
)
def test_each_message_ends_as_far_as_it_had_come(
    shop: World, before: str, after: tuple[str, str | None]
) -> None:
    shop.subscribe()
    shop.tick()
    shop.write(status=before, to_address=EMAIL, subject="Ciao", content=b"xy", lease_token="a")

    erase(shop)

    (row,) = shop.messages("status", "reason", "to_address", "subject", "content", "due_at", "flow_key")
    assert row == (*after, None, None, None, NOW, "welcome")


def test_who_is_erased_leaves_the_figures_as_they_were(shop: World) -> None:
    shop.subscribe()
    shop.hear("orders/paid")
    shop.tick()
    with shop.database.write() as session:
        order = session.execute(select(Order)).scalar_one()
        session.add(attribution(shop.store_id, order.id))
    figures = seeds.rows_of(shop.database, Customer, *FIGURES)
    orders, attributed = seeds.rows_of(shop.database, Order), seeds.rows_of(shop.database, Attribution)

    erased = erase(shop)

    assert seeds.rows_of(shop.database, Customer, *FIGURES) == figures
    assert figures[0][0] == 1
    assert seeds.rows_of(shop.database, Order) == orders
    assert seeds.rows_of(shop.database, Attribution) == attributed
    assert erased.counts["tombstones"] == 2


def attribution(store_id: int, order_id: int) -> Attribution:
    return Attribution(
        store_id=store_id,
        order_id=order_id,
        message_id=1,
        flow_key="welcome",
        step="W1",
        rule="last-click",
        amount_minor=100,
        currency="EUR",
        occurred_at=NOW,
    )


def test_everything_that_names_the_person_goes(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    with shop.database.write() as session:
        born = {"birth_year": 1990, "birth_month": 5, "birth_day": 9, "timezone": "Europe/Rome"}
        session.execute(update(Customer).values(tags=["vip"], birth_known_at=NOW, **born))

    erase(shop)

    row = shop.customer()._asdict()
    kept = {name for name, value in row.items() if value not in (None, [], 0)}
    assert row["identity"] == f"erased:{row['id']}"
    assert kept == {
        "id",
        "store_id",
        "identity",
        "country",
        "source_created_at",
        "source_updated_at",
        "created_at",
        "erased_at",
    }


def test_journeys_end_and_nothing_waits_for_them(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    assert seeds.values_of(shop.database, Enrollment, "state") == ["active"]

    erase(shop)

    assert seeds.rows_of(shop.database, Enrollment, "state", "exit_reason", "due_at", "ended_at") == [
        ("exited", "customer.erased", None, NOW)
    ]
    assert seeds.rows_of(shop.database, Timer) == []


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_journey_that_began_during_the_erasure_ends_with_its_news(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    erase(shop)
    with shop.database.write() as session:
        seeds.add_enrollment(session, shop.store_id, shop.customer().id, occurrence="late")

    shop.tick(MINUTE)

    assert set(seeds.values_of(shop.database, Enrollment, "state")) == {"exited"}


def test_consents_stay_without_their_words(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    said = ("channel", "state", "basis", "occurred_at")
    states = seeds.rows_of(shop.database, ConsentState, *said)
    with shop.database.write() as session:
        session.execute(update(Consent).values(wording="I, Zwitschermann, agree"))

    erase(shop)

    assert seeds.rows_of(shop.database, ConsentState, *said) == states
    assert set(seeds.values_of(shop.database, ConsentState, "address")) == {None}
    assert seeds.rows_of(shop.database, Consent, "state", "address", "wording") == [
        ("subscribed", None, None)
    ]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_the_gate_saw_of_an_address_goes(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    steps: list[dict[str, str | None]] = [
        {"step": "customer", "verdict": "pass", "reason": None, "value": "known"},
        {"step": "address", "verdict": "stop", "reason": "address-invalid", "value": f"{EMAIL} is none"},
    ]
    said = {"flow_key": "welcome", "step": "W2", "decided_at": NOW, "verdict": "stop", "steps": steps}
    with shop.database.write() as session:
        session.add(Decision(store_id=shop.store_id, customer_id=shop.customer().id, **said))

    erase(shop)

    (kept,) = seeds.values_of(shop.database, Decision, "steps")
    assert kept == [steps[0], {**steps[1], "value": "erased"}]


@pytest.mark.parametrize("refused", ["suppressed", "unsubscribed"])
def test_a_refusal_is_remembered_without_the_address(shop: World, refused: str) -> None:
    shop.subscribe()
    shop.tick()
    digest = suppression_hash(SIGNER, "email", EMAIL)
    if refused == "unsubscribed":
        shop.say("email", "unsubscribed")
    else:
        row = {"store_id": shop.store_id, "channel": "email", "created_at": NOW, "reason": "bounce"}
        with shop.database.write() as session:
            session.add(Suppression(address_hash=digest, **row))

    erase(shop)

    assert seeds.values_of(shop.database, Suppression, "address_hash") == [digest]


def test_a_repeated_request_changes_nothing_more(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    shop.hear("customers/redact")
    shop.tick(MINUTE)
    tables = (Customer, CustomerEvent, Consent, Enrollment, Message, ErasedIdentity, Suppression)
    before = [seeds.rows_of(shop.database, table) for table in tables]

    shop.hear("customers/redact")
    shop.tick(DAY)

    assert [seeds.rows_of(shop.database, table) for table in tables] == before
    assert seeds.rows_of(shop.database, PrivacyRequest, "outcome", "done_at") == [
        ("done", NOW + MINUTE),
        ("done", NOW + DAY),
    ]


def test_the_same_person_in_another_shop_is_left_alone(shop: World, runtime: Runtime) -> None:
    with world(runtime, "second.myshopify.com") as second:
        for one in (shop, second):
            one.hear("customers/create", shop_domain=one.domain)
            one.hear("orders/paid", shop_domain=one.domain)
            one.tick()
        theirs = table_of(Customer).c.store_id == second.store_id
        before = rows(second.database, theirs)

        shop.hear("customers/redact")
        shop.tick(MINUTE)

        assert rows(second.database, theirs) == before
        assert second.customer().email == EMAIL
        bodies = seeds.bodies_of(second.database, "store_id")
        assert all(body is not None for store_id, body in bodies if store_id == second.store_id)


def rows(database: Database, condition: Any) -> list[Any]:
    with database.read() as session:
        return list(session.execute(select(table_of(Customer)).where(condition)))


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_customer_of_another_shop_cannot_be_erased(shop: World) -> None:
    shop.subscribe()
    shop.tick()
    other = seeds.new_store(shop.database, "other")

    with shop.database.write() as session, pytest.raises(NotFound):
        erase_customer(session, SIGNER, other, shop.customer().id, now=NOW)

    assert shop.customer().email == EMAIL


@pytest.mark.parametrize("engine", ["sqlite"])
def test_what_a_person_wished_goes_with_them(shop: World) -> None:
    hear_all(shop)
    read_all(shop)
    with shop.database.write() as session:
        wished = Wishes(topics_off=frozenset({"offers"}))
        preferences.write(session, shop.store_id, shop.customer().id, wished=wished, now=NOW)

    erased = erase(shop)

    assert erased.counts["preferences"] == 1
    assert seeds.rows_of(shop.database, Preference) == []
