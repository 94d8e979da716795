"""Statements that go to SQLite's driver as they are: what is known of them, and what their errors tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session

from app import driven
from app.db import Database
from app.errors import Busy

ADD = "INSERT INTO things (number, name) VALUES (?, ?)"
ADD_AND_TELL = f"{ADD} RETURNING number + 1, name"


@pytest.fixture
def things(tmp_path: Path) -> Iterator[Database]:
    """A file with one table of its own."""
    made = Database(f"sqlite:///{tmp_path / 'things.db'}", busy_seconds=0.05)
    with made.write() as session:
        session.execute(text("CREATE TABLE things (number INTEGER PRIMARY KEY, name TEXT NOT NULL)"))
    yield made
    made.dispose()


@pytest.mark.parametrize("is_looked_at", [False, True])
def test_what_a_statement_wrote_and_returned_is_known_whoever_looks_at_it(
    things: Database, is_looked_at: bool
) -> None:
    seen: list[str] = []

    def note(*told: str) -> None:
        seen.append(told[2])

    if is_looked_at:
        event.listen(Engine, "before_cursor_execute", note)
    try:
        with things.write() as session:
            connection = session.connection()
            outcomes = [
                driven.run(connection, ADD_AND_TELL, (1, "a")),
                driven.run(connection, f"{ADD} ON CONFLICT DO NOTHING", (1, "b")),
                driven.run(connection, ADD, [(2, "c"), (3, "d")]),
            ]
    finally:
        if is_looked_at:
            event.remove(Engine, "before_cursor_execute", note)
    assert [list(outcome.rows) for outcome in outcomes] == [[(2, "a")], [], []]
    assert [outcome.written for outcome in outcomes[1:]] == [0, 2]
    assert [statement for statement in seen if "things" in statement] == (
        [ADD_AND_TELL, f"{ADD} ON CONFLICT DO NOTHING", ADD] if is_looked_at else []
    )


def test_what_was_written_goes_with_a_transaction_that_fails(things: Database) -> None:
    with pytest.raises(IntegrityError), things.write() as session:
        _add_twice(session)
    with things.read() as session:
        assert session.execute(text("SELECT count(*) FROM things")).scalar_one() == 0


def _add_twice(session: Session) -> None:
    for _ in range(2):
        driven.run(session.connection(), ADD, (1, "a"))


@pytest.mark.parametrize("values", [(1, None), [(1, None)]])
def test_a_refused_row_is_named_as_ever_and_tells_no_values(things: Database, values: list[object]) -> None:
    with pytest.raises(IntegrityError) as refused, things.write() as session:
        driven.run(session.connection(), ADD, values)
    assert "NOT NULL" in str(refused.value)
    assert "[parameters" not in str(refused.value)


def test_who_writes_while_another_does_is_told_that_the_database_is_busy(things: Database) -> None:
    with things.write() as other:
        other.connection()
        with pytest.raises(Busy) as busy, things.read() as session:
            driven.run(session.connection(), ADD, (1, "a"))
    assert isinstance(busy.value.__cause__, OperationalError)
