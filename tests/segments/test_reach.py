"""How many may be written to: as of now in a short list, as of the last hour in a long one."""

import pytest

from app.models import Chore, ConsentState, Store
from app.runtime import Runtime
from app.segments import reach
from app.stores import chores
from jobs import figures
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
from tests.seeds import add_customer, new_store


def agree(runtime: Runtime, store_id: int, *names: str, address: str | None = None) -> None:
    with runtime.database.write() as session:
        for name in names:
            person = add_customer(session, store_id, name)
            of = {"store_id": store_id, "customer_id": person.id, "channel": "email"}
            session.add(ConsentState(**of, state="subscribed", occurred_at=NOW, address=address))


def told(runtime: Runtime, store_id: int) -> int:
    with runtime.database.read() as session:
        return reach.about(session, session.get_one(Store, store_id))


def test_a_long_list_is_counted_once_an_hour_and_a_short_one_whenever_somebody_asks(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_id = new_store(runtime.database)
    with runtime.database.write() as session:
        session.add(Chore(store_id=store_id, name=chores.FIGURES, next_at=NOW))
    agree(runtime, store_id, "ada", "bea")
    agree(runtime, store_id, "carla", address="another@example.com")
    before = told(runtime, store_id)
    figures.run(kit_of(runtime), NOW)
    agree(runtime, store_id, "dora")

    short = told(runtime, store_id)
    monkeypatch.setattr(reach, "SHORT", 1)
    long = told(runtime, store_id)
    figures.run(kit_of(runtime), NOW + figures.EVERY)

    assert (before, short, long, told(runtime, store_id)) == (2, 3, 2, 3)
