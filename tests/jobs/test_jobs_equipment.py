"""A store has every flow, pull and chore of this version, whenever it was connected."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, func, select

from app.config import Settings
from app.db import Database
from app.flows.definition import recipe_keys
from app.models import Chore, Flow, FlowVersion, Reconciliation, Store
from app.runtime import Runtime
from app.stores import install
from jobs import equipment
from jobs.kit import Kit
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
from tests.stores.stores_seed import arrive, shopify_arrival

LATER = NOW + timedelta(days=30)


@pytest.fixture
def kit(settings: Settings, database: Database) -> Kit:
    """A worker of this version."""
    return kit_of(Runtime.build(settings, database))


@pytest.fixture
def store_id(kit: Kit) -> int:
    """A store that has just arrived."""
    return arrive(kit.runtime, shopify_arrival({"access_token": "a", "is_lasting": True}), NOW).id


def _counts(kit: Kit) -> dict[str, int]:
    with kit.runtime.database.read() as session:
        tables = (Flow, Reconciliation, Chore)
        return {
            model.__tablename__: session.execute(select(func.count()).select_from(model)).scalar_one()
            for model in tables
        }


def test_a_store_that_arrives_is_equipped_once(kit: Kit, store_id: int) -> None:
    first, second = equipment.run(kit, NOW), equipment.run(kit, NOW)

    assert (first, second) == ({"equipped": 1}, {})
    assert _counts(kit)["flows"] == len(recipe_keys())
    with kit.runtime.database.read() as session:
        assert len(session.get_one(Store, store_id).subscriptions) > 10


def test_what_a_new_version_knows_reaches_stores_of_before_and_leaves_the_rest(
    kit: Kit, store_id: int
) -> None:
    equipment.run(kit, NOW)
    whole = _counts(kit)
    with kit.runtime.database.write() as session:
        session.get_one(Store, store_id).equipped_with = "an older version"
        session.execute(delete(Flow).where(Flow.key == "reactivation"))
        session.execute(delete(FlowVersion).where(FlowVersion.flow_key == "reactivation"))
        session.execute(delete(Chore).where(Chore.name == "senders"))
        session.execute(delete(Reconciliation).where(Reconciliation.resource == "checkouts"))

    equipment.run(kit, LATER)

    assert _counts(kit) == whole
    with kit.runtime.database.read() as session:
        due = {row.name: row.next_at for row in session.execute(select(Chore.name, Chore.next_at))}
    assert due == {"identity": NOW, "senders": LATER, "figures": NOW, "weekly": NOW}


def test_a_store_that_left_is_not_equipped_and_one_that_returns_is_again(kit: Kit, store_id: int) -> None:
    equipment.run(kit, NOW)
    with kit.runtime.database.write() as session:
        install.uninstall(session, session.get_one(Store, store_id), LATER)

    while_away = equipment.run(kit, LATER)
    arrive(kit.runtime, shopify_arrival({"access_token": "a", "is_lasting": True}), LATER)
    back = equipment.run(kit, LATER)

    assert (while_away, back) == ({}, {"equipped": 1})
    with kit.runtime.database.read() as session:
        assert session.get_one(Store, store_id).subscriptions
