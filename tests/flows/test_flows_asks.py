"""What earlier asks named is found in their JSON, whatever characters an id has and however it is written."""

import json
from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.flows.asks import asks_of, named_in
from app.messaging import outbox
from app.messaging.outbox import NewMessage
from tests.conftest import NOW
from tests.flows.flows_world import World


def ask(*products: str, is_ascii: bool = True) -> str:
    return json.dumps(products, ensure_ascii=is_ascii)


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("name", ["1015067", "tè-verde", 'a"b', "a/b", ""])
def test_a_product_that_was_asked_about_is_found_by_its_id(name: str, *, is_ascii: bool) -> None:
    asks = [ask("1"), ask("2", name, is_ascii=is_ascii)]

    assert named_in(",".join(asks), [name, "3"]) == {name}


@pytest.mark.parametrize("asks", [[], [ask()], [ask("10150671")], [ask("1", "01015067")]])
def test_what_only_looks_like_it_is_no_ask_about_it(asks: list[str]) -> None:
    assert named_in(",".join(asks), ["1015067"]) == frozenset()


def test_the_outbox_keeps_what_a_message_asks_about(database: Database) -> None:
    world = World.open(database)
    anna = world.customer()
    products = [{"external_id": "tè-verde", "title": "Tè"}, {"external_id": "2", "title": "1015067"}]
    asking: dict[str, Any] = {"content": "review/M3", "products": products}
    messages = [
        _message(world.store_id, anna, "review", "M3", asking),
        _message(world.store_id, anna, "review", "M3", asking, occurrence="1002"),
        _message(world.store_id, anna, "review", "M3R", asking),
        _message(world.store_id, anna, "cross_sell", "X1", asking),
    ]

    with database.write() as session:
        outbox.enqueue(session, messages, NOW)
        found = asks_of(session, world.store_id, [anna])

    assert json.loads(f"[{found[anna]}]") == [["tè-verde", "2"], ["tè-verde", "2"]]


def _message(
    store_id: int,
    customer_id: int,
    flow: str,
    step: str,
    context: dict[str, Any],
    *,
    occurrence: str = "1001",
) -> NewMessage:
    return NewMessage(
        store_id=store_id,
        customer_id=customer_id,
        enrollment_id=None,
        flow_key=flow,
        version_id=None,
        step=step,
        occurrence=occurrence,
        channel="email",
        purpose="service",
        priority=4,
        due_at=NOW,
        expires_at=NOW + timedelta(days=5),
        context=context,
    )
