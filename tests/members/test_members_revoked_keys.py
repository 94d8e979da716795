"""A key that is revoked while a request of its waits for its turn to write."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from app import wsgi
from app.members import keys
from app.models import ApiKey, CustomerEvent
from app.runtime import Runtime
from tests import seeds
from tests.conftest import NOW

TOLD = {"type": "support.opened", "occurred_at": NOW.isoformat()}


@pytest.fixture
def pages(runtime: Runtime) -> Flask:
    """The app."""
    return wsgi.create_app(runtime)


@pytest.mark.parametrize("is_revoked", [True, False])
def test_what_waits_for_its_turn_changes_nothing_once_its_key_is_revoked(
    runtime: Runtime, pages: Flask, is_revoked: bool
) -> None:
    store_id = seeds.new_store(runtime.database)
    with runtime.database.write() as session:
        customer_id = seeds.add_customer(session, store_id).id
        key = keys.make(session, store_id, "helpdesk", NOW)
        row = session.query(ApiKey).one()
        row.used_at = NOW
    answers: list[int] = []

    def _tell() -> None:
        headers = {"Authorization": f"Bearer {key}"}
        told = {**TOLD, "customer": customer_id}
        answers.append(pages.test_client().post("/api/v1/events", json=told, headers=headers).status_code)

    telling = threading.Thread(target=_tell)
    with _looked_up(telling) as is_let_in, runtime.database.write() as session:
        found = keys.revoke(session, store_id, row.id, NOW)
        session.flush()
        telling.start()
        assert is_let_in.wait(60)
        if not is_revoked:
            found.revoked_at = None
    telling.join()

    assert answers == [401 if is_revoked else 201]
    assert len(seeds.values_of(runtime.database, CustomerEvent, "id")) == int(not is_revoked)


@contextmanager
def _looked_up(thread: threading.Thread) -> Iterator[threading.Event]:
    """Set once that thread has looked a key up: it is let in, for all that it knows."""
    is_over = threading.Event()

    def _hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread() is thread and "api_keys.key_hash" in statement:
            is_over.set()

    event.listen(Engine, "after_cursor_execute", _hear)
    try:
        yield is_over
    finally:
        event.remove(Engine, "after_cursor_execute", _hear)
