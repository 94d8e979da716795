"""Closes the worlds and journals that a test has opened."""

from collections.abc import Iterator

import pytest

from tests.connectors.sandbox import sandbox_stage


@pytest.fixture(autouse=True)
def _close_what_was_opened() -> Iterator[None]:
    yield
    while sandbox_stage.OPENED:
        sandbox_stage.OPENED.pop().close()
