"""A batch foresees what its journeys will ask and reads that alone; what was not foreseen is found, too."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import event

from app.db import Database
from app.flows import likely
from app.flows.definition import recipe
from app.flows.likely import Likely
from app.flows.shop import LiveShop
from app.models import ConsentState, Sender
from tests.conftest import NOW
from tests.flows.flows_world import World

DAY = timedelta(days=1)
REVIEW = {1: recipe("review")}
ANNA, OWN, OTHER = frozenset({1}), frozenset({"order:1001"}), frozenset({"order:2002"})
TEXT: dict[str, Any] = {
    "key": "welcome",
    "entries": [
        {
            "id": "begin",
            "events": ["order.paid"],
            "occurrence": "{subject}",
            "steps": [
                {
                    "kind": "message",
                    "id": "T1",
                    "channel": "sms-or-email",
                    "purpose": "service",
                    "priority": 5,
                    "ttl_hours": 72,
                    "content": "welcome/W1",
                }
            ],
        }
    ],
}


def journey(step: str, *, entry: str = "products", waits_for: str | None = None) -> Any:
    """A row of Anna's first order, as a batch reads it."""
    return SimpleNamespace(
        id=7,
        customer_id=1,
        version_id=1,
        step=step,
        waits_for=waits_for,
        subject="order:1001",
        context={"entry": entry},
    )


def told(*kinds: str, subject: str = "order:2002") -> list[Any]:
    """What happened to Anna, about another order."""
    return [SimpleNamespace(customer_id=1, type=kind, subject=subject) for kind in kinds]


@pytest.mark.parametrize(
    ("kinds", "is_taken"),
    [
        ((), False),
        (("order.paid",), False),
        (("order.paid", "order.cancelled"), True),
        (("order.delivered",), True),
        (("customer.erased",), True),
    ],
)
def test_a_journey_is_taken_in_hand_when_something_told_may_end_it_or_move_it_on(
    kinds: tuple[str, ...], is_taken: bool
) -> None:
    row = journey("parcel", waits_for="order.delivered")

    found = likely.concerned([row], likely.types_of(told(*kinds)), frozenset(), REVIEW)

    assert (found == [row]) is is_taken


def test_a_journey_that_is_due_is_taken_in_hand_whatever_is_told() -> None:
    row = journey("parcel")

    assert likely.concerned([row], {}, frozenset({7}), REVIEW) == [row]


@pytest.mark.parametrize(
    ("step", "waits_for", "kinds", "found"),
    [
        ("to-M3", None, (), Likely(goods=OWN, people=ANNA)),
        ("to-M3R", None, (), Likely(journeys=frozenset({7}))),
        ("end", None, (), Likely()),
        ("parcel", "order.delivered", ("order.placed",), Likely(goods=OWN, waiting=OWN)),
        ("end", None, ("order.paid",), Likely()),
        ("end", None, ("order.fulfilled",), Likely(beginners=ANNA)),
        ("end", None, ("order.delivered",), Likely(goods=OTHER, waiting=OTHER, beginners=ANNA)),
    ],
)
def test_only_what_the_next_steps_ask_is_read(
    step: str, waits_for: str | None, kinds: tuple[str, ...], found: Likely
) -> None:
    row, events = journey(step, waits_for=waits_for), told(*kinds)

    asked = likely.look(
        [row],
        events,
        likely.types_of(events),
        due_ids=frozenset({7}),
        flows=REVIEW.values(),
        definitions=REVIEW,
    )

    assert asked == found


def test_the_products_of_an_order_that_was_not_foreseen_are_found(database: Database) -> None:
    world = World.open(database, "review")
    anna = world.customer()
    foreseen, other = world.order(anna, "1", "A"), world.order(anna, "2", "B", "C")

    with database.read() as session:
        shop = LiveShop(session, world.store_id, orders=[foreseen])
        named = {id_: [one.external_id for one in shop.bought(id_)] for id_ in (foreseen, other, 0)}

    assert named == {foreseen: ["A"], other: ["B", "C"], 0: []}


@pytest.mark.parametrize(
    ("agreed", "phone", "accounts", "channel"),
    [
        ("+393331234567", "+393331234567", (), "sms"),
        ("+393331234567", "+393331234567", ("sms",), "sms"),
        ("+393331234567", "+393331234567", ("email",), "email"),
        ("+393331234567", "+393337654321", (), "email"),
        ("+393331234567", None, (), "email"),
        (None, "+393331234567", (), "email"),
    ],
)
def test_a_message_is_a_text_to_who_agreed_to_texts_at_their_number(
    database: Database, agreed: str | None, phone: str | None, accounts: tuple[str, ...], channel: str
) -> None:
    world = World.open(database)
    world.publish(TEXT)
    anna = world.customer("Anna", phone=phone, country="IT")
    with database.write() as session:
        session.add_all(Sender(store_id=world.store_id, channel=name, account="A") for name in accounts)
        if agreed is not None:
            session.add(
                ConsentState(
                    store_id=world.store_id,
                    customer_id=anna,
                    channel="sms",
                    state="subscribed",
                    occurred_at=NOW - DAY,
                    address=agreed,
                )
            )

    world.happens("order.paid", anna, NOW, subject="order:1")
    world.run(NOW)

    assert world.messages("step", "channel") == [("T1", channel)]


def test_who_agreed_to_texts_is_not_read_where_no_step_texts(database: Database) -> None:
    world = World.open(database)
    world.publish(TEXT | {"entries": [mails_alone(TEXT["entries"][0])]})
    anna = world.customer("Anna", phone="+393331234567")
    world.happens("order.paid", anna, NOW, subject="order:1")
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    world.run(NOW)

    assert world.messages("channel") == ["email"]
    assert not any("FROM consent_states" in statement for statement in asked)


def mails_alone(entry: Any) -> dict[str, Any]:
    return {**entry, "steps": [{**step, "channel": "email"} for step in entry["steps"]]}
