"""What a hosted web process answers while its pages are still being loaded."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from werkzeug.test import Client

from app.pages import Pages
from app.runtime import Runtime

_SECONDS = 10


@pytest.fixture
def loading() -> Event:
    """Holds the pages up until it is set."""
    return Event()


def _hold_up(loading: Event) -> None:
    """Until it is set, or until nobody would wait any longer: then it says so itself."""
    loading.wait(_SECONDS)
    loading.set()


@pytest.fixture
def visitor(runtime: Runtime, loading: Event) -> Iterator[Client]:
    """Asks for pages that load once they may."""
    with ThreadPoolExecutor(1) as threads:
        threads.submit(_hold_up, loading)
        yield Client(Pages(runtime, threads))
        loading.set()


def test_a_process_says_that_it_is_alive_while_its_pages_load(visitor: Client, loading: Event) -> None:
    early = visitor.get("/healthz")
    is_loading = not loading.is_set()
    loading.set()
    late = visitor.get("/healthz")

    assert is_loading
    assert early.status_code == late.status_code == 200
    assert early.get_json() == late.get_json() == {"status": "ok"}


def test_who_asks_for_a_page_that_is_not_loaded_yet_waits_for_it(visitor: Client, loading: Event) -> None:
    with ThreadPoolExecutor(1) as visitors:
        asked = visitors.submit(visitor.get, "/app/")
        is_early = asked.done()
        loading.set()
        answer = asked.result(_SECONDS)

    assert not is_early
    assert answer.status_code == 401
