"""Tags that we give and take reach the shop: of each the last wish, others' tags left alone."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.customers import tagging
from app.models import StoreWrite
from app.privacy.erasure import erase_customer
from connectors.sandbox.shopify_nodes import tags_of
from jobs.writes import run
from tests import seeds
from tests.connectors.sandbox.sandbox_fake_world import small_world
from tests.jobs.jobs_shopify import INSTALLED_AT, Reader, Shop, connect, running_shop

ANNA = 2
NOW = INSTALLED_AT + timedelta(hours=1)


@pytest.fixture
def shop() -> Iterator[Shop]:
    """The emulated shop."""
    with running_shop(small_world()) as running:
        yield running


@pytest.fixture
def reader(settings: Any, database: Any, shop: Shop) -> Reader:
    """A worker with that shop connected."""
    return connect(settings, database, shop)


@pytest.fixture
def anna(reader: Reader) -> int:
    """The customer whom both sides know; our id."""
    with reader.database.write() as session:
        return seeds.add_customer(session, reader.store_id, str(ANNA)).id


def change(reader: Reader, customer_id: int, **tags: tuple[str, ...]) -> None:
    """Wish for tags to be added or removed."""
    with reader.database.write() as session:
        tagging.change_tags(session, reader.store_id, customer_id, now=NOW, **tags)


def states(reader: Reader) -> list[tuple[Any, ...]]:
    """Every write."""
    return seeds.rows_of(reader.database, StoreWrite, "kind", "state", "reason")


def test_tags_are_given_and_taken_and_the_shops_own_stay(reader: Reader, shop: Shop, anna: int) -> None:
    before = tags_of(shop.world, ANNA)
    change(reader, anna, added=("warm", "lead"))
    run(reader.kit, NOW)
    change(reader, anna, added=("hot",), removed=("warm",))

    run(reader.kit, NOW)

    assert sorted(tags_of(shop.world, ANNA)) == sorted([*before, "lead", "hot"])
    assert states(reader) == [("tags", "done", None)]
    assert shop.calls() == ["TagsAdd", "TagsRemove", "TagsAdd"]


def test_of_two_wishes_for_a_tag_the_last_is_told_and_other_wishes_stay(
    reader: Reader, shop: Shop, anna: int
) -> None:
    change(reader, anna, added=("warm", "lead"))
    change(reader, anna, added=("hot",), removed=("warm",))

    run(reader.kit, NOW)

    assert {"lead", "hot"} <= set(tags_of(shop.world, ANNA))
    assert "warm" not in tags_of(shop.world, ANNA)
    assert shop.calls() == ["TagsRemove", "TagsAdd"]


def test_a_wish_during_the_call_is_told_after_it(reader: Reader, shop: Shop, anna: int) -> None:
    change(reader, anna, added=("warm",))

    def change_mind(_name: str) -> None:
        shop.on_call = lambda _name: None
        change(reader, anna, removed=("warm",))

    shop.on_call = change_mind

    run(reader.kit, NOW)

    assert "warm" not in tags_of(shop.world, ANNA)
    assert states(reader) == [("tags", "done", None)]


def test_a_wish_that_was_told_is_not_told_again_with_the_next(reader: Reader, shop: Shop, anna: int) -> None:
    change(reader, anna, added=("warm",))
    run(reader.kit, NOW)
    shop.world.remember("shopify_tags", {"household": ANNA, "tags": []})

    change(reader, anna, added=("hot",))
    run(reader.kit, NOW)

    assert tags_of(shop.world, ANNA) == ["hot"]


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_customer_whom_the_shop_does_not_have_is_no_failure(reader: Reader, shop: Shop, anna: int) -> None:
    del shop.world.shoppers[ANNA]
    change(reader, anna, added=("warm",))
    with reader.database.write() as session:
        guest = seeds.add_customer(session, reader.store_id, external_id=None).id
    change(reader, guest, added=("warm",))

    run(reader.kit, NOW)

    assert states(reader) == [("tags", "skipped", "gone"), ("tags", "skipped", "guest")]


def test_who_is_erased_is_not_tagged(reader: Reader, shop: Shop, anna: int) -> None:
    change(reader, anna, added=("warm",))
    with reader.database.write() as session:
        erase_customer(session, reader.kit.runtime.signer, reader.store_id, anna, now=NOW)

    run(reader.kit, NOW)

    assert (states(reader), shop.calls()) == ([], [])


@pytest.mark.parametrize("engine", ["sqlite"])
def test_no_wish_is_no_write(reader: Reader, anna: int) -> None:
    change(reader, anna)

    assert states(reader) == []
