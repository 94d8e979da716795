"""Rows as named tuples are what the rows were, by name and by place; a store's columns are read so, too."""

import pytest

from app import clock
from app.db import Database, table_of
from app.models import Store
from app.named import named
from app.stores import rows
from tests.seeds import new_store

STORES = table_of(Store)


def test_the_rows_of_a_result_keep_their_order_their_names_and_their_types(database: Database) -> None:
    ids = [new_store(database, f"shop-{number}") for number in range(3)]

    with database.over_all_stores().read() as session:
        statement = STORES.select().order_by(STORES.c.id)
        expected = session.execute(statement).all()
        found = named(session.execute(statement))
        none = named(session.execute(statement.where(STORES.c.id == 0)))

    assert [row.id for row in found] == ids
    assert found == [tuple(row) for row in expected]
    assert (found[0].settings, found[0].installed_at) == (expected[0].settings, expected[0].installed_at)
    assert none == []


def test_who_only_reads_a_store_sees_what_others_see_and_changes_nothing(database: Database) -> None:
    store_id = new_store(database)

    with database.of_store(store_id).read() as session:
        whole, seen = rows.need(session, store_id), rows.look(session, store_id)
        nobody = rows.look(session, store_id + 1)

    assert seen is not None
    for column in STORES.columns:
        assert getattr(seen, column.name) == getattr(whole, column.name)
    with pytest.raises(AttributeError):
        seen.stopped_at = clock.now()
    assert nobody is None
