"""Selects that SQLite's driver is handed as they are: their rows are those that SQLAlchemy gives."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Column,
    Engine,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    event,
    func,
    insert,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.engine import IteratorResult
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from app.db import Among, Base, Database, UtcDateTime, table_of
from app.errors import Busy
from app.models import Store
from app.prepared import PreparingSession
from tests import seeds

THINGS = Table(
    "things",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("at", UtcDateTime),
    Column("about", JSON),
)
NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
ROWS: list[dict[str, Any]] = [
    {"id": 1, "name": "a", "at": NOON, "about": {"x": [1]}},
    {"id": 2, "name": None, "at": None, "about": None},
    {"id": 3, "name": "c", "at": NOON, "about": "text"},
]


@pytest.fixture
def things(tmp_path: Path) -> Iterator[Database]:
    """A file with one table of its own."""
    made = Database(f"sqlite:///{tmp_path / 'things.db'}", busy_seconds=0.05)
    with made.write() as session:
        THINGS.create(session.connection())
        session.execute(insert(THINGS), ROWS)
    yield made
    made.dispose()


def _selects() -> dict[str, tuple[Any, dict[str, Any]]]:
    since = THINGS.c.at >= bindparam("since")
    return {
        "columns": (select(THINGS).order_by(THINGS.c.id), {}),
        "a moment": (select(THINGS.c.id, THINGS.c.at).where(since), {"since": NOON}),
        "a value within": (select(THINGS.c.name).where(THINGS.c.id == 3), {}),
        "a default": (select(THINGS.c.id).where(THINGS.c.id == bindparam("id", 2)), {}),
        "another than the default": (select(THINGS.c.id).where(THINGS.c.id == bindparam("id", 2)), {"id": 1}),
        "twice the same": (select(THINGS.c.id, THINGS.c.id.label("again"), THINGS.c.id), {}),
        "no name": (select(func.count(), func.max(THINGS.c.at), literal("x")), {}),
        "none": (select(THINGS).where(THINGS.c.id == bindparam("id")), {"id": 9}),
        "more than is asked for": (select(THINGS.c.id).where(since), {"since": NOON, "till": NOON}),
        "a union": (union_all(select(THINGS.c.id, THINGS.c.at), select(THINGS.c.id + 10, THINGS.c.at)), {}),
        "a list": (select(THINGS.c.id).where(Among(THINGS.c.id, "ids")), {"ids": [3, 1]}),
        "a list written out": (
            select(THINGS.c.id).where(THINGS.c.id.in_(bindparam("ids", expanding=True))),
            {"ids": [3, 1]},
        ),
    }


@pytest.mark.parametrize("name", _selects())
def test_a_select_gives_the_same_rows_each_time(things: Database, name: str) -> None:
    statement, given = _selects()[name]
    with Session(things.engine) as session:
        result = session.execute(statement, given)
        expected = list(result.keys()), [tuple(row) for row in result]

    for _ in range(3):
        with things.read() as session:
            result = session.execute(statement, given)
            assert (list(result.keys()), [tuple(row) for row in result]) == expected


def test_a_row_is_read_by_name_by_place_and_as_a_mapping(things: Database) -> None:
    statement = select(THINGS.c.id, THINGS.c.at.label("moment")).where(THINGS.c.id == bindparam("id"))

    for _ in range(3):
        with things.read() as session:
            row = session.execute(statement, {"id": 1}).one()
            scalar = session.execute(statement, {"id": 1}).scalar_one()
            mapped = session.execute(statement, {"id": 1}).mappings().one()
        assert (row.id, row.moment, row[1], scalar, dict(mapped)) == (
            1,
            NOON,
            NOON,
            1,
            {"id": 1, "moment": NOON},
        )


def test_the_second_time_it_is_prepared_and_what_is_made_of_it_is_another(things: Database) -> None:
    statement = select(THINGS.c.id).order_by(THINGS.c.id)
    with things.read() as session:
        runs = [session.execute(statement) for _ in range(2)]
        derived = [session.execute(statement.where(THINGS.c.id > 1)).scalars().all() for _ in range(2)]
        anew = [session.execute(select(THINGS.c.id)) for _ in range(2)]

    assert [_is_prepared(result) for result in runs] == [False, True]
    assert derived == [[2, 3], [2, 3]]
    assert [_is_prepared(result) for result in anew] == [False, False]


def test_a_long_answer_is_read_by_the_thousand(things: Database) -> None:
    with things.write() as session:
        session.execute(insert(THINGS), [{"id": number, "at": NOON} for number in range(4, 2501)])
    statement = select(THINGS.c.id, THINGS.c.at).order_by(THINGS.c.id)

    with things.read() as session:
        lengths = [[len(part) for part in session.execute(statement).partitions(700)] for _ in range(3)]
        first = session.execute(statement).first()

    assert lengths == [[700, 700, 700, 400]] * 3
    assert first == (1, NOON)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_objects_are_left_to_the_session(database: Database) -> None:
    store_id = seeds.new_store(database)
    of_objects, of_their_columns = select(Store).where(Store.id == store_id), select(Store.name)

    for round_ in range(3):
        with database.write() as session:
            store = session.execute(of_objects).scalar_one()
            store.name = f"name {round_}"
            assert session.execute(of_their_columns).scalars().all() == [f"name {round_}"]
            assert session.execute(of_objects).scalar_one() is store


def test_on_postgresql_every_session_is_sqlalchemys_own(database: Database) -> None:
    with database.read() as session:
        assert isinstance(session, PreparingSession) is database.is_sqlite


def test_who_looks_at_statements_sees_each(things: Database) -> None:
    statement, seen = select(THINGS.c.id), []

    def note(*told: Any) -> None:
        seen.append(told[2])

    with things.read() as session:
        for _ in range(2):
            session.execute(statement).all()
        event.listen(Engine, "before_cursor_execute", note)
        try:
            watched = session.execute(statement).all()
        finally:
            event.remove(Engine, "before_cursor_execute", note)

    assert len(seen) == 1
    assert watched == [(1,), (2,), (3,)]


@pytest.mark.parametrize("given", [{}, {"since": "noon"}, {"since": NOON.replace(tzinfo=None)}])
def test_parameters_that_are_wrong_are_refused_as_ever(things: Database, given: dict[str, Any]) -> None:
    statement = select(THINGS.c.id).where(THINGS.c.at >= bindparam("since"))
    with things.read() as session:
        for _ in range(2):
            session.execute(statement, {"since": NOON}).all()

    with pytest.raises(StatementError), things.read() as session:
        session.execute(statement, given)


def test_what_a_transaction_wrote_it_reads_and_what_it_gave_up_is_gone(things: Database) -> None:
    statement = select(func.count()).select_from(THINGS)
    with things.write() as session:
        session.execute(statement).scalar_one()
        session.execute(insert(THINGS), [{"id": 9}])
        within = session.execute(statement).scalar_one()
        session.rollback()
        after = session.execute(statement).scalar_one()

    assert (within, after) == (4, 3)


def test_a_database_that_is_locked_is_busy(things: Database) -> None:
    statement = select(THINGS.c.id)
    for _ in range(2):
        with things.read() as session:
            session.execute(statement).all()

    with things.write() as session:
        session.execute(insert(THINGS), [{"id": 9}])
        with pytest.raises(Busy):
            _read_as_writer(things, statement)


def test_an_error_while_later_rows_are_read_is_named(things: Database) -> None:
    with things.write() as session:
        session.execute(insert(THINGS), [{"id": number, "name": "1"} for number in range(4, 2000)])
        session.execute(text("UPDATE things SET name = 'no JSON' WHERE id = 1999"))
    statement = select(THINGS.c.id, func.json(THINGS.c.name)).where(THINGS.c.id > 3).order_by(THINGS.c.id)

    for _ in range(3):
        with pytest.raises(StatementError, match="JSON"), things.read() as session:
            session.execute(statement).all()


def test_every_table_of_ours_is_read_the_same_prepared(database: Database) -> None:
    seeds.new_store(database)
    for table in Base.metadata.sorted_tables:
        statement = select(table).order_by(*table.primary_key)
        with database.over_all_stores().read() as session:
            rows = [[tuple(row) for row in session.execute(statement)] for _ in range(3)]
        assert rows[0] == rows[1] == rows[2]
    with database.over_all_stores().read() as session:
        assert session.execute(select(table_of(Store).c.id)).all()


def _read_as_writer(things: Database, statement: Any) -> None:
    with things.write() as session:
        session.execute(statement)


def _is_prepared(result: object) -> bool:
    return isinstance(result, IteratorResult)
