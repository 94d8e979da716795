"""Webhook steps reach the merchant's address: signed, tried again under one id, and in nobody's way."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import responses

from app.customers import tagging
from app.flows import effects
from app.models import Store, StoreWrite
from app.runtime import Runtime
from app.stores import credentials, settings, writes
from app.stores.credentials import Credentials
from app.stores.writes import NewWrite
from jobs.writes import run
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of
from tests.seeds import add_customer, new_store, rows_of

URL = "https://crm.example/hook"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ACCESS = {"key": "ck", "secret": "cs", "mode": "basic", "signing_url": "https://bottega.example"}
ON_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mocked:
        yield mocked


@pytest.fixture
def store_id(runtime: Runtime) -> int:
    """A WooCommerce with a secret, a call that waits, and after it a tag that has no place there."""
    sealed = credentials.seal(runtime.vault, Credentials(access=ACCESS))
    store_id = new_store(runtime.database, credentials=sealed)
    with runtime.database.write() as session:
        store = session.get_one(Store, store_id)
        settings.write(session, store, {"hooks.secret": SECRET}, vault=runtime.vault)
        call = NewWrite(store_id, effects.WRITE, "7:tell", payload={"url": URL, "told": {"step": "tell"}})
        writes.enqueue_once(session, [call], NOW)
        person = add_customer(session, store_id).id
        tagging.change_tags(session, store_id, person, now=NOW, added=["warm"])
    return store_id


def states(runtime: Runtime) -> dict[str, Any]:
    return {row[0]: row[1:] for row in rows_of(runtime.database, StoreWrite, "kind", "state", "reason")}


@ON_SQLITE
def test_an_address_that_fails_is_called_again_under_the_same_id_and_holds_nothing_up(
    runtime: Runtime, store_id: int, wire: responses.RequestsMock
) -> None:
    wire.post(URL, status=500)
    run(kit_of(runtime), NOW)
    first = states(runtime)
    wire.replace(responses.POST, URL, status=200)

    run(kit_of(runtime), NOW + timedelta(minutes=1))

    ids = [call.request.headers["webhook-id"] for call in wire.calls]
    assert first == {"webhook": ("queued", None), "tags": ("skipped", "unsupported")}
    assert states(runtime)["webhook"] == ("done", None)
    assert len(ids) == 2
    assert len(set(ids)) == 1


@ON_SQLITE
def test_an_address_that_is_gone_is_not_called_again(
    runtime: Runtime, store_id: int, wire: responses.RequestsMock
) -> None:
    wire.post(URL, status=410)

    for minutes in (0, 1, 60):
        run(kit_of(runtime), NOW + timedelta(minutes=minutes))

    assert states(runtime)["webhook"] == ("failed", "refused")
    assert len(wire.calls) == 1


@ON_SQLITE
def test_without_a_secret_no_call_is_made(
    runtime: Runtime, store_id: int, wire: responses.RequestsMock
) -> None:
    with runtime.database.write() as session:
        store = session.get_one(Store, store_id)
        settings.write(session, store, {"hooks.secret": ""}, vault=runtime.vault)

    run(kit_of(runtime), NOW)

    assert states(runtime)["webhook"] == ("failed", "refused")
    assert len(wire.calls) == 0
