"""Row-level security, the second wall: a transaction sees and writes the rows of the store that it names."""

import argparse
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from app import inbox
from app.cli import doctor
from app.config import Settings
from app.db import Base, Database, narrow, table_of
from app.errors import Busy
from app.messaging import destinations
from app.messaging.links import ClickToken
from app.models import Customer, Heartbeat, InboundEvent
from app.runtime import Runtime
from connectors.base import Envelope
from tests.conftest import NOW
from tests.engines import POSTGRESQL, ROLE
from tests.web.web_shops import Shop, make_shop
from webhooks.held import HeldConnection

CUSTOMERS, EVENTS = table_of(Customer), table_of(InboundEvent)
OUTSIDE = {"memberships"}
"""A login spans stores, and whether somebody still has one is asked over all of them."""
TENANTS = tuple(
    table for table in Base.metadata.tables.values() if "store_id" in table.c and table.name not in OUTSIDE
)
_FORCED = text(
    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity"
    " AND EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid AND polcmd = '*')"
)
_ROLE = text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
_SCOPE = text("SELECT current_setting('app.store', true)")

pytestmark = pytest.mark.parametrize("engine", [POSTGRESQL])


@pytest.fixture
def shops(runtime: Runtime) -> tuple[Shop, Shop]:
    """Two stores with one of nearly everything."""
    return make_shop(runtime, "azure"), make_shop(runtime, "crimson")


@pytest.fixture
def pooled(database_url: str) -> Iterator[Database]:
    """A pool of one connection, so that whoever comes next gets the one that was used before."""
    opened = Database(database_url, pool_size=1)
    yield opened
    opened.dispose()


def test_every_table_of_stores_has_its_policy_and_the_tests_run_as_an_ordinary_role(
    database: Database,
) -> None:
    with database.read() as session:
        forced = set(session.execute(_FORCED).scalars())
        goes_around = session.execute(_ROLE).scalar_one()

    assert forced == {table.name for table in TENANTS}
    assert not goes_around


def test_doctor_says_which_role_the_wall_does_not_hold(settings: Settings, database: Database) -> None:
    as_root = Settings(**settings.model_dump() | {"database_url": database.url.replace(ROLE, "postgres")})

    held, unheld = (_doctor_on(Runtime.of_operator(one)) for one in (settings, as_root))

    assert held is None
    assert unheld is not None
    assert "does not hold postgres" in unheld


def test_without_a_filter_a_store_sees_its_rows_of_every_table_and_who_names_none_sees_nothing(
    database: Database, shops: tuple[Shop, Shop]
) -> None:
    nobody, second, everybody = (
        _owners(scope) for scope in (database.of_no_store(), database.of_store(2), database)
    )

    filled = {name for name, owners in everybody.items() if owners == {1, 2}}
    assert len(filled) > 15
    assert {name for name, owners in second.items() if owners} == filled
    assert {owner for owners in second.values() for owner in owners} == {2}
    assert not any(nobody.values())


def test_without_a_filter_a_store_changes_and_deletes_its_own_rows_alone(
    database: Database, shops: tuple[Shop, Shop]
) -> None:
    with database.of_store(2).write() as session:
        changed = session.execute(update(CUSTOMERS).values(first_name="red").returning(CUSTOMERS.c.store_id))
        gone = session.execute(EVENTS.delete().returning(EVENTS.c.store_id))
        owners = {*changed.scalars(), *gone.scalars()}

    assert owners == {2}
    with database.read() as session:
        names = session.execute(select(CUSTOMERS.c.first_name).order_by(CUSTOMERS.c.store_id)).scalars()
        assert list(names) == ["azure", "red"]


@pytest.mark.parametrize(
    "scope", [lambda database: database.of_store(2), lambda database: database.of_no_store()]
)
def test_a_row_for_another_store_is_refused_whether_new_or_moved(
    database: Database, shops: tuple[Shop, Shop], scope: Callable[[Database], Database]
) -> None:
    row = {"store_id": 1, "name": "mine now", "key_hash": "0" * 64, "created_at": NOW}

    with pytest.raises(DBAPIError, match="row-level security"), scope(database).write() as session:
        session.execute(insert(Base.metadata.tables["api_keys"]), row)
    with pytest.raises(DBAPIError, match="row-level security"), database.of_store(2).write() as session:
        session.execute(update(CUSTOMERS).values(store_id=1))


def test_what_belongs_to_no_store_is_there_for_all(database: Database) -> None:
    with database.of_no_store().write() as session:
        session.execute(insert(Heartbeat), {"name": "ear", "since": NOW, "at": NOW})

    with database.of_store(7).read() as session:
        assert session.execute(select(func.count()).select_from(Heartbeat)).scalar_one() == 1


def test_a_transaction_that_learns_its_store_sees_no_other_from_there_on(
    database: Database, shops: tuple[Shop, Shop]
) -> None:
    with database.write() as session:
        before = session.execute(select(CUSTOMERS.c.store_id)).scalars().all()
        narrow(session, 1)
        after = session.execute(select(CUSTOMERS.c.store_id)).scalars().all()

    assert (sorted(before), after) == ([1, 2], [1])


def _end_well(database: Database) -> None:
    with database.of_store(1).write() as session:
        session.execute(update(CUSTOMERS).values(first_name="blue"))


def _fail(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.of_store(1).write() as session:
        session.execute(select(CUSTOMERS.c.id)).scalar_one() / 0


def _break_the_transaction(database: Database) -> None:
    with pytest.raises(DBAPIError), database.over_all_stores().write() as session:
        session.execute(text("SELECT 1 / 0"))


def _roll_back_inside(database: Database) -> None:
    with database.over_all_stores().write() as session:
        with session.begin_nested() as part:
            narrow(session, 1)
            part.rollback()
        session.rollback()


def _lose_the_connection(database: Database) -> None:
    with pytest.raises(Busy), database.over_all_stores().write() as session:
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


@pytest.mark.parametrize(
    "use", [_end_well, _fail, _break_the_transaction, _roll_back_inside, _lose_the_connection]
)
def test_the_next_who_gets_the_connection_inherits_no_store(
    pooled: Database, shops: tuple[Shop, Shop], use: Callable[[Database], None]
) -> None:
    use(pooled)

    with pooled.read() as session:
        assert session.execute(select(CUSTOMERS.c.id)).all() == []
        assert session.execute(_SCOPE).scalar_one() == ""
    raw = pooled.engine.raw_connection()
    assert raw.cursor().execute("SELECT id FROM customers").fetchall() == []
    raw.close()


def test_the_receiver_takes_deliveries_for_every_store_and_sees_none(
    pooled: Database, database: Database
) -> None:
    envelope = Envelope("shopify", "orders/create", "a.example", "d-1")
    kept = [inbox.Kept(store_id, envelope, b"{}", NOW) for store_id in (1, 2, inbox.NOBODY)]
    connection = pooled.engine.raw_connection()
    driver: Any = connection.driver_connection
    driver.autocommit = True

    inbox.insert_rows_postgresql(driver, [inbox.row_of(one, is_sqlite=False) for one in kept])
    seen = driver.execute("SELECT store_id FROM inbound_events").fetchall()

    connection.invalidate()
    with database.read() as session:
        stored = sorted(session.execute(select(EVENTS.c.store_id)).scalars())
    assert (seen, stored) == ([], [0, 1, 2])


def test_links_of_every_store_are_found_over_any_connection_and_leave_no_store_on_it(
    pooled: Database, shops: tuple[Shop, Shop]
) -> None:
    """As by a pooler in transaction mode, which gives each statement whatever connection is free."""
    tokens = [ClickToken(shop.store_id, shop.ids["message"], 0) for shop in shops]
    held = [HeldConnection(pooled.over_all_stores()) for _ in range(2)]

    found = [one.run(lambda driver: destinations.find_postgresql(driver, tokens)) for one in held]
    seen = [one.run(lambda driver: driver.execute("SELECT id FROM customers").fetchall()) for one in held]

    for one in held:
        one.close()
    assert [[where is not None for where in one] for one in found] == [[True, True]] * 2
    assert seen == [[], []]


def _doctor_on(runtime: Runtime) -> str | None:
    told: Any = doctor._doctor(runtime, argparse.Namespace())
    runtime.database.dispose()
    mend: str | None = told["database"]["mend"]
    return mend


def _owners(database: Database) -> dict[str, set[int]]:
    with database.read() as session:
        return {
            table.name: set(session.execute(select(table.c.store_id).distinct()).scalars())
            for table in TENANTS
        }
