from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations
from random import Random
from threading import Barrier

import pytest

from app.db import Database
from app.mirror import pairs
from app.models import ProductCount, ProductPair
from app.models.product import SUPPORT
from connectors.base import OrderRecord
from tests.conftest import NOW
from tests.engines import POSTGRESQL
from tests.mirror.mirror_news import line, order, tell
from tests.seeds import new_store, rows_of


def test_each_counted_order_is_added_once(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, *_both_of(range(SUPPORT)), _bought("alone", "A"))

    added = [_add(database, store_id) for _ in range(4)]

    assert added == [10, 10, 1, 0]
    both = {("A", "B"): SUPPORT, ("B", "A"): SUPPORT}
    assert _counts(database) == {("A", "A"): SUPPORT + 1, ("B", "B"): SUPPORT} | both


def test_later_orders_join_the_counts(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, *_both_of(range(SUPPORT)))
    _add_all(database, store_id)
    tell(database, store_id, *_both_of(range(SUPPORT, SUPPORT + 3)))

    _add_all(database, store_id)

    assert _counts(database)["A", "B"] == _counts(database)["B", "A"] == SUPPORT + 3


def test_products_that_stood_in_too_few_orders_have_no_pairs(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, *_both_of(range(SUPPORT - 1)), _bought("alone", "A"))

    _add_all(database, store_id)

    assert _counts(database) == {("A", "A"): SUPPORT, ("B", "B"): SUPPORT - 1}


def test_the_orders_of_a_product_are_kept_until_they_tell(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, *_both_of(range(SUPPORT - 1)), _bought("alone", "A"))

    _add_all(database, store_id)

    kept = dict(rows_of(database, ProductCount, "product_external_id", "orders"))
    assert kept["A"] is None
    assert len(set(kept["B"])) == SUPPORT - 1


def test_night_by_night_the_counts_are_those_from_scratch(database: Database) -> None:
    """Products of all sorts, so that some tell from the first night on, some later, some with their pairs."""
    random, store_id = Random(11), new_store(database)
    names = [f"P{n:02}" for n in range(24)]
    often = [1 / (n + 1) for n in range(24)]
    baskets: list[set[str]] = []
    for size in (90, 7, 40, 1, 25, 60):
        night = [set(random.choices(names, often, k=random.choice((1, 2, 4, 8, 12)))) for _ in range(size)]
        orders = [_bought(str(n), *sorted(goods)) for n, goods in enumerate(night, start=len(baskets))]
        tell(database, store_id, *orders)
        baskets += night
        _add_all(database, store_id)

        assert _counts(database) == _from_scratch(baskets)


@pytest.mark.parametrize("engine", [POSTGRESQL])
def test_workers_that_add_at_once_lose_nothing_of_each_other(database: Database) -> None:
    random, store_id = Random(5), new_store(database)
    baskets = [set(random.sample("ABCDEF", 3)) for _ in range(120)]
    tell(database, store_id, *(_bought(str(n), *sorted(goods)) for n, goods in enumerate(baskets)))
    at_once = Barrier(4)

    def work(_number: int) -> None:
        at_once.wait()
        while _add(database, store_id, 3):
            pass

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    _add_all(database, store_id)

    assert _counts(database) == _from_scratch(baskets)


def test_orders_that_do_not_count_are_left_out(database: Database) -> None:
    store_id = new_store(database)
    tell(
        database,
        store_id,
        _bought("1", "A", "B")._replace(is_test=True),
        _bought("2", "A", "B")._replace(cancelled_at=NOW),
    )

    assert _add(database, store_id) == 0
    assert _counts(database) == {}


def test_two_lines_of_a_product_are_one_product(database: Database) -> None:
    store_id = new_store(database)
    lines = (line("A", external_id="1"), line("A", external_id="2"), line(None, external_id="3"))
    tell(database, store_id, order("1", lines=lines))

    _add(database, store_id)

    assert _counts(database) == {("A", "A"): 1}


def test_of_a_large_basket_the_twelve_dearest_count(database: Database) -> None:
    store_id = new_store(database)
    lines = tuple(line(f"P{n:02}", f"{n}.00") for n in range(1, 16))
    tell(database, store_id, order("1", lines=lines))

    _add(database, store_id)

    assert {product for product, _ in _counts(database)} == {f"P{n:02}" for n in range(4, 16)}


def test_of_equally_dear_products_the_first_by_name_count(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, order("1", lines=tuple(line(f"P{n:02}", "5.00") for n in range(15, 0, -1))))

    _add(database, store_id)

    assert {product for product, _ in _counts(database)} == {f"P{n:02}" for n in range(1, 13)}


def _bought(external_id: str, *products: str) -> OrderRecord:
    return order(external_id, lines=tuple(line(product) for product in products))


def _both_of(numbers: range) -> list[OrderRecord]:
    return [_bought(str(n), *("AB" if n % 2 else "BA")) for n in numbers]


def _add(database: Database, store_id: int, most: int = 10) -> int:
    with database.write() as session:
        return pairs.add_orders(session, store_id, most)


def _add_all(database: Database, store_id: int) -> None:
    while _add(database, store_id):
        pass


def _counts(database: Database) -> dict[tuple[str, str], int]:
    alone = rows_of(database, ProductCount, "product_external_id", "orders_count")
    both = rows_of(database, ProductPair, "product_external_id", "other_external_id", "orders_count")
    return {(product, product): n for product, n in alone} | {(one, other): n for one, other, n in both}


def _from_scratch(baskets: list[set[str]]) -> dict[tuple[str, str], int]:
    alone = Counter(product for goods in baskets for product in goods)
    both = Counter(pair for goods in baskets for pair in permutations(goods, 2))
    telling = {product for product, n in alone.items() if n >= SUPPORT}
    return {(product, product): n for product, n in alone.items()} | {
        pair: n for pair, n in both.items() if telling.issuperset(pair)
    }
