from app.db import Database
from app.mirror import pairs
from app.models import ProductPair
from connectors.base import OrderRecord
from tests.conftest import NOW
from tests.mirror.mirror_news import line, order, tell
from tests.seeds import new_store, rows_of


def test_each_counted_order_is_added_once(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, _bought("1", "A", "B"), _bought("2", "B", "A"), _bought("3", "A"))

    added = [_add(database, store_id) for _ in range(2)]

    assert added == [3, 0]
    assert _counts(database) == {("A", "A"): 3, ("A", "B"): 2, ("B", "A"): 2, ("B", "B"): 2}


def test_later_orders_join_the_counts(database: Database) -> None:
    store_id = new_store(database)
    tell(database, store_id, _bought("1", "A", "B"))
    _add(database, store_id)
    tell(database, store_id, _bought("2", "A", "B"))

    _add(database, store_id)

    assert _counts(database)["A", "B"] == 2


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


def _add(database: Database, store_id: int) -> int:
    with database.write() as session:
        return pairs.add_orders(session, store_id, 10)


def _counts(database: Database) -> dict[tuple[str, str], int]:
    rows = rows_of(database, ProductPair, "product_external_id", "other_external_id", "orders_count")
    return {(product, other): count for product, other, count in rows}
