"""Who is silent gets no other marketing, and who was given up gets none; everything else leaves."""

from typing import Any

import pytest

from app.models import CustomerState, Decision
from app.runtime import Runtime
from jobs.outbox import run
from tests.conftest import NOW
from tests.messaging.outbox_seed import Post, Shop, open_shop
from tests.seeds import switch_on, values_of

ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
WIN_BACK = {
    "flow_key": "reactivation",
    "step": "R0",
    "context": {"content": "reactivation/R0", "only_if": ["is-reactivating"]},
}


def send(shop: Shop, state: str, **values: Any) -> tuple[str, str | None]:
    """A marketing mail to somebody who stands there: what became of it, and what it was stopped by."""
    message_id = shop.add_message(**values)
    row = shop.message(message_id)
    with shop.database.write() as session:
        session.add(CustomerState(store_id=shop.id, customer_id=row.customer_id, state=state, since=NOW))

    run(shop.kit(Post()), NOW)

    steps = values_of(shop.database, Decision, "steps")[-1]
    why = steps[-1]["value"] if steps[-1]["verdict"] == "stop" else None
    return shop.message(message_id).status, why


@pytest.mark.parametrize(
    ("state", "is_on", "found"),
    [
        ("active", True, ("sent", None)),
        ("dormant", True, ("stopped", "not-dormant")),
        ("reactivating", True, ("stopped", "not-dormant")),
        ("inactive", True, ("stopped", "not-inactive")),
        ("dormant", False, ("sent", None)),
        ("reactivating", False, ("sent", None)),
        ("inactive", False, ("stopped", "not-inactive")),
    ],
)
@ON_SQLITE
def test_marketing_of_other_flows(
    runtime: Runtime, state: str, found: tuple[str, str | None], *, is_on: bool
) -> None:
    shop = open_shop(runtime)
    if is_on:
        switch_on(shop.database, shop.id, "reactivation", since=NOW)

    assert send(shop, state) == found


@pytest.mark.parametrize("purpose", ["answer", "service", "transactional"])
@pytest.mark.parametrize("state", ["dormant", "inactive"])
@ON_SQLITE
def test_what_is_no_marketing_leaves(runtime: Runtime, purpose: str, state: str) -> None:
    shop = open_shop(runtime)
    switch_on(shop.database, shop.id, "reactivation", since=NOW)

    assert send(shop, state, purpose=purpose)[0] == "sent"


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("reactivating", ("sent", None)),
        ("active", ("stopped", "is-reactivating")),
        ("inactive", ("stopped", "is-reactivating")),
    ],
)
def test_the_attempt_itself_leaves_while_the_person_is_silent(
    runtime: Runtime, state: str, found: tuple[str, str | None]
) -> None:
    shop = open_shop(runtime)
    switch_on(shop.database, shop.id, "reactivation", since=NOW)

    assert send(shop, state, **WIN_BACK) == found
