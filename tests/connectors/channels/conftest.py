"""The provider at the wire: one that listens for all tests of a file, and forgets between them."""

from collections.abc import Iterator

import pytest

from tests.connectors.channels.channel_stage import Reply, Stage, running


@pytest.fixture(scope="module")
def _listening() -> Iterator[Stage]:
    with running(lambda _request: Reply(500)) as stage:
        yield stage


@pytest.fixture
def stage(_listening: Stage) -> Iterator[Stage]:
    """The provider; it answers 500 until a test says otherwise."""
    _listening.says(Reply(500))
    _listening.requests.clear()
    _listening.ended.clear()
    yield _listening
    _listening.ended.set()
