"""A server on a thread of its own comes to its end without a word, whatever its loop is doing then."""

import select
import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import waitress
from waitress import wasyncore

from app.cli.running import running

Found = tuple[list[Any], list[Any], list[Any]]


def test_a_loop_that_is_about_to_look_at_its_sockets_closes_them_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    died: list[threading.ExceptHookArgs] = []
    is_about_to, may_look = threading.Event(), threading.Event()

    def hesitate(r: Sequence[Any], w: Sequence[Any], e: Sequence[Any], timeout: float) -> Found:
        is_about_to.set()
        may_look.wait()
        return select.select(r, w, e, timeout)

    monkeypatch.setattr(threading, "excepthook", died.append)
    monkeypatch.setattr(wasyncore, "select", SimpleNamespace(select=hesitate, poll=select.poll))
    server = waitress.create_server(lambda environ, start: [b""], host="127.0.0.1", port=0)

    with running(server):
        is_about_to.wait()
        # By then the block has ended, and whoever closes from outside has closed.
        threading.Timer(0.2, may_look.set).start()

    assert died == []
    assert not server._map
    assert "server" not in {thread.name for thread in threading.enumerate()}
