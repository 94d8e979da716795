"""Batches: the same rows on both engines, however many and whichever way they take."""

import traceback
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    Double,
    Integer,
    LargeBinary,
    Select,
    String,
    bindparam,
    create_engine,
    func,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from app import customers
from app.bindings import unbounded
from app.db import (
    Among,
    Base,
    Database,
    UtcDateTime,
    delete_rows,
    insert_new,
    insert_new_columns,
    insert_rows,
    is_among,
    table_of,
    update_rows,
    upsert,
)
from app.mirror import checkout_ends
from app.models import Customer, CustomerEvent, Fulfillment
from app.packing import PACKERS, packed_parameter
from tests.conftest import NOW

CUSTOMERS, EVENTS, PARCELS = table_of(Customer), table_of(CustomerEvent), table_of(Fulfillment)
FEW, MANY, MORE_THAN_ONE_STATEMENT_HOLDS = 3, 200, 4000
FIRST = 1_000_001
ROME = datetime.fromisoformat("2026-10-25T02:30:00+01:00")
LONG_AGO = datetime(1583, 1, 1, 23, 59, 59, 999_999, tzinfo=UTC)
PACKED = [
    (Column("number", BigInteger()), [-(2**63), -1, 0, 2**63 - 1]),
    (Column("number", Integer()), [2**31]),
    (Column("flag", Boolean()), [True, False]),
    (Column("body", LargeBinary()), [b"", b"\0\xff"]),
    (Column("day", Date()), [date(1583, 1, 1), date(1999, 12, 31), date(2000, 1, 1), date(9999, 12, 31)]),
    (Column("share", Double()), [-0.1, 0.0, 1e300]),
    (Column("told", JSON()), [{}, [], {"più": ['"', "\\", "{NULL}"]}]),
    (Column("name", String(3)), ["", "NULL", '{"a",\\b}', "più lungo", "🎈"]),
    (Column("at", UtcDateTime()), [LONG_AGO, NOW, ROME]),
]


@pytest.mark.parametrize("count", [1, FEW, MANY])
def test_what_is_inserted_is_read_again_with_the_defaults_of_what_was_left_out(
    database: Database, count: int
) -> None:
    rows = [_person(number, tags=['"quoted", \\N', "più"], source_created_at=ROME) for number in range(count)]

    with database.write() as session:
        new = insert_new(
            session, CUSTOMERS, rows, CUSTOMERS.c.id, CUSTOMERS.c.identity, CUSTOMERS.c.created_at
        )

    assert {row.identity for row in new} == {f"id:{number}" for number in range(count)}
    assert {row.created_at for row in new} == {NOW}
    assert _read(database, ("tags", "source_created_at", "orders_count", "email")) == (
        [(['"quoted", \\N', "più"], ROME.astimezone(UTC), 0, None)] * count
    )


@pytest.mark.parametrize("count", [FEW, MANY, MORE_THAN_ONE_STATEMENT_HOLDS])
def test_only_what_was_not_there_yet_comes_back(database: Database, count: int) -> None:
    with database.write() as session:
        insert_new(session, CUSTOMERS, [_person(number, city="first") for number in range(0, count, 2)])

    with database.write() as session:
        rows = [_person(number, city="second") for number in range(count)]
        new = insert_new(session, CUSTOMERS, rows, CUSTOMERS.c.identity)

    assert sorted(row.identity for row in new) == sorted(f"id:{number}" for number in range(1, count, 2))
    cities = {f"id:{number}": "second" if number % 2 else "first" for number in range(count)}
    assert dict(_read(database, ("identity", "city"))) == cities


@pytest.mark.parametrize("count", [1, FEW, MANY, MORE_THAN_ONE_STATEMENT_HOLDS])
def test_of_rows_that_bring_the_next_ids_only_the_new_ones_come_back(database: Database, count: int) -> None:
    with database.write() as session:
        insert_new(session, CUSTOMERS, [_person(number) for number in range(0, count, 2)])
        rows = [_person(number) for number in range(count)]
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        given = {**columns, "id": range(FIRST, FIRST + count)}
        new = insert_new_columns(session, CUSTOMERS, given, CUSTOMERS.c.id, CUSTOMERS.c.identity)

    told = [(FIRST + number, rows[number]["identity"]) for number in range(1, count, 2)]
    assert sorted(tuple(row) for row in new) == told


@pytest.mark.parametrize("count", [1, FEW, MANY, MORE_THAN_ONE_STATEMENT_HOLDS])
def test_what_is_all_new_comes_back_whole_and_what_a_batch_tells_twice_once(
    database: Database, count: int
) -> None:
    rows = [_person(number) for number in range(count)]
    with database.write() as session:
        new = insert_new(session, CUSTOMERS, rows, CUSTOMERS.c.store_id, CUSTOMERS.c.identity)
        more = [_person(number) for number in range(count, 2 * count)]
        twice = insert_new(session, CUSTOMERS, [*more, *more], CUSTOMERS.c.identity)
        again = insert_new(session, CUSTOMERS, rows, CUSTOMERS.c.identity)

    assert sorted(tuple(row) for row in new) == sorted((1, row["identity"]) for row in rows)
    assert sorted(row.identity for row in twice) == sorted(row["identity"] for row in more)
    assert again == []


@pytest.mark.parametrize("count", [1, FEW, MANY])
def test_news_overwrite_what_is_not_newer_and_of_two_with_one_key_the_last_counts(
    database: Database, count: int
) -> None:
    with database.write() as session:
        _tell(session, [_parcel(number, "old", 10 * (number % 2)) for number in range(count)])

    with database.write() as session:
        twice = [_parcel(number, status, 5) for status in ("first", "second") for number in range(count)]
        _tell(session, twice)

    with database.read() as session:
        found = list(session.execute(select(PARCELS.c.status).order_by(PARCELS.c.order_id)).scalars())
    assert found == ["old" if number % 2 else "second" for number in range(count)]


@pytest.mark.parametrize("count", [FEW, MANY])
def test_rows_are_changed_where_their_key_is_found_and_nowhere_else(database: Database, count: int) -> None:
    with database.write() as session:
        people = [_person(number) for number in range(count)]
        ids = [row.id for row in insert_new(session, CUSTOMERS, people, CUSTOMERS.c.id)]
        other = insert_new(session, CUSTOMERS, [_person(0, store_id=2)], CUSTOMERS.c.id)[0].id

    with database.write() as session:
        told = {"tags": ["vip"], "last_paid_at": ROME, "city": None}
        update_rows(session, CUSTOMERS, [{"store_id": 1, "id": id_, **told} for id_ in (*ids, other)])

    *changed, kept = _read(database, ("tags", "last_paid_at", "city"))
    assert changed == [(["vip"], ROME.astimezone(UTC), None)] * count
    assert kept == ([], None, "Torino")


@pytest.mark.parametrize("count", [1, FEW, MANY])
def test_rows_are_removed_by_their_key_and_no_others(database: Database, count: int) -> None:
    with database.write() as session:
        people = [_person(number) for number in range(count + 1)]
        ids = [row.id for row in insert_new(session, CUSTOMERS, people, CUSTOMERS.c.id)]
        other = insert_new(session, CUSTOMERS, [_person(0, store_id=2)], CUSTOMERS.c.id)[0].id
    *gone, kept = sorted(ids)

    with database.write() as session:
        keys = [{"store_id": 1, "id": id_} for id_ in (*gone, other)]
        delete_rows(session, CUSTOMERS, keys, key=("store_id", "id"))

    assert [id_ for (id_,) in _read(database, ("id",))] == [kept, other]


@pytest.mark.parametrize("count", [1, FEW, MANY])
@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_text_that_is_too_long_is_refused_neither_cut_nor_quoted(database: Database, count: int) -> None:
    rows = [_person(number, city="secret" * 50) for number in range(count)]

    with pytest.raises(DBAPIError, match="too long") as refused, database.write() as session:
        insert_new(session, CUSTOMERS, rows)

    assert "secret" not in "".join(traceback.format_exception(refused.value))
    assert _read(database, ("city",)) == []


@pytest.mark.parametrize("count", [1, FEW, MANY])
@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_number_that_has_no_room_is_refused_and_not_cut(database: Database, count: int) -> None:
    rows = [_person(number, birth_year=2**32 + 1990) for number in range(count)]

    with pytest.raises(DBAPIError, match="out of range"), database.write() as session:
        insert_new(session, CUSTOMERS, rows)

    assert _read(database, ("birth_year",)) == []


@pytest.mark.parametrize("count", [1, FEW, MANY])
def test_rows_that_must_be_new_are_an_error_when_they_are_not(database: Database, count: int) -> None:
    rows = [_person(number) for number in range(count)]
    with database.write() as session:
        insert_rows(session, CUSTOMERS, rows)

    with pytest.raises(IntegrityError), database.write() as session:
        insert_rows(session, CUSTOMERS, rows)


@pytest.mark.parametrize("count", [FEW, MANY])
def test_where_one_of_many_new_rows_is_refused_none_of_them_is_kept(database: Database, count: int) -> None:
    rows = [_person(number) for number in range(count)]
    with database.write() as session:
        insert_rows(session, CUSTOMERS, rows[-1:])
    with database.read() as session:
        kept = session.execute(select(CUSTOMERS.c.id)).all()

    with pytest.raises(IntegrityError), database.write() as session:
        insert_rows(session, CUSTOMERS, rows)

    with database.read() as session:
        assert session.execute(select(CUSTOMERS.c.id)).all() == kept
    assert len(kept) == 1


def test_one_transaction_may_hand_over_several_batches_of_a_table(database: Database) -> None:
    with database.write() as session:
        for start in range(0, 3 * MANY, MANY):
            insert_rows(session, CUSTOMERS, [_person(number) for number in range(start, start + MANY)])

    assert len(_read(database, ("id",))) == 3 * MANY


def test_what_is_among_many_values_is_found(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, CUSTOMERS, [_person(number) for number in range(MANY)])

    wanted = [f"id:{number}" for number in range(0, MANY, 3)]
    with database.read() as session:
        where = (CUSTOMERS.c.store_id == 1, is_among(session, CUSTOMERS.c.identity, wanted))
        found = session.execute(select(CUSTOMERS.c.identity).where(*where)).scalars().all()

    assert sorted(found) == sorted(wanted)


def test_a_statement_that_is_written_once_finds_what_is_among_many_values_or_none(database: Database) -> None:
    with database.write() as session:
        insert_rows(session, CUSTOMERS, [_person(number) for number in range(MANY)])

    statement = select(CUSTOMERS.c.identity).where(
        CUSTOMERS.c.store_id == bindparam("store_id"), Among(CUSTOMERS.c.identity, "wanted")
    )
    wanted = [f"id:{number}" for number in range(0, MANY, 3)]
    with database.read() as session:
        found, nobody = (
            session.execute(statement, {"store_id": 1, "wanted": asked}).scalars().all()
            for asked in (wanted, [])
        )

    assert sorted(found) == sorted(wanted)
    assert nobody == []


def test_text_is_found_among_many_as_it_is_written(database: Database) -> None:
    written = ['"', "\\u0000", "più 🎈", "{}", "a,b"]
    with database.write() as session:
        insert_rows(session, CUSTOMERS, [{**_person(0), "identity": text} for text in written])

    statement = select(CUSTOMERS.c.identity).where(
        CUSTOMERS.c.store_id == bindparam("store_id"), Among(CUSTOMERS.c.identity, "wanted")
    )
    with database.read() as session:
        found = session.execute(statement, {"store_id": 1, "wanted": [*written, "\\u0001"]}).scalars().all()

    assert sorted(found) == sorted(written)


def test_text_that_no_database_keeps_is_not_looked_for(database: Database) -> None:
    statement = select(CUSTOMERS.c.identity).where(Among(CUSTOMERS.c.identity, "wanted"))

    with database.read() as session, pytest.raises((StatementError, DBAPIError)):
        session.execute(statement, {"wanted": ["a\0b"]})


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("statement", [customers._HELD, checkout_ends._OPEN])
def test_a_batch_is_looked_up_by_its_keys_and_not_in_all_of_the_store(
    database: Database, statement: Select[Any]
) -> None:
    compiled = statement.compile(database.engine)
    asked = tuple(None for _ in compiled.positiontup or ())

    with database.read() as session:
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", asked)
        searches = [row.detail for row in plan if row.detail.startswith(("SEARCH", "SCAN c"))]

    assert len(searches) > 1
    assert all(" AND " in search or "(rowid=?)" in search for search in searches), searches


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize(("column", "values"), PACKED)
def test_packed_values_arrive_as_they_were_sent(
    database: Database, column: Column[Any], values: list[Any]
) -> None:
    sent = [None, *values]
    with database.read() as session:
        arrived = session.execute(
            select(func.unnest(packed_parameter("sent", column))), {"sent": sent}
        ).scalars()

        assert list(arrived) == sent


@pytest.mark.parametrize("engine", ["postgresql"])
@pytest.mark.parametrize(("column", "values"), PACKED)
def test_the_very_same_value_in_all_rows_arrives_in_each(
    database: Database, column: Column[Any], values: list[Any]
) -> None:
    statement = select(func.unnest(packed_parameter("sent", column)))
    with database.read() as session:
        arrived = [
            session.execute(statement, {"sent": [value] * FEW}).scalars().all() for value in (None, *values)
        ]

    assert arrived == [[value] * FEW for value in (None, *values)]


def test_every_column_can_be_packed() -> None:
    dialect = create_engine("postgresql+psycopg://").dialect
    types = {
        unbounded(column).compile(dialect)
        for table in Base.metadata.tables.values()
        for column in table.columns
    }

    assert types == set(PACKERS)


def test_nothing_is_done_for_no_rows(database: Database) -> None:
    with database.write() as session:
        assert insert_new(session, CUSTOMERS, [], CUSTOMERS.c.id) == []
        upsert(session, PARCELS, [], key=("store_id",), update=("status",))
        update_rows(session, CUSTOMERS, [])
        delete_rows(session, CUSTOMERS, [], key=("id",))


def _person(number: int, store_id: int = 1, **values: Any) -> dict[str, Any]:
    row = {"store_id": store_id, "identity": f"id:{number}", "created_at": NOW, "city": "Torino", "tags": []}
    return {**row, **values}


def _parcel(number: int, status: str, minutes: int) -> dict[str, Any]:
    moment = NOW + timedelta(minutes=minutes)
    return {
        "store_id": 1,
        "order_id": number,
        "external_id": "1",
        "status": status,
        "fulfilled_at": None,
        "delivered_at": None,
        "source_updated_at": moment,
    }


def _tell(session: Any, rows: Sequence[dict[str, Any]]) -> None:
    key = ("store_id", "order_id", "external_id")
    upsert(session, PARCELS, rows, key=key, update=("status",), newer_by="source_updated_at")


def _read(database: Database, names: Sequence[str]) -> list[tuple[Any, ...]]:
    statement = select(*(CUSTOMERS.c[name] for name in names)).order_by(CUSTOMERS.c.store_id, CUSTOMERS.c.id)
    with database.read() as session:
        return [tuple(row) for row in session.execute(statement)]
