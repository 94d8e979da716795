"""A folder and a database of its own for each demo; its sandbox does not survive the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.e2e_demo import end_sandbox

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole worlds are judged by their figures; counting their lines makes them half as slow again.

    They take longest, and so come first: at the end one worker would wait for the other to play one.
    """
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.unmeasured)
    items.sort(key=lambda item: not item.path.is_relative_to(HERE))


@pytest.fixture
def demo_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database; the demo's sandbox is ended when the test is over."""
    if engine == "sqlite":
        url = f"sqlite:///{tmp_path / 'ritorno.db'}"
    else:
        url = request.getfixturevalue("database_url")
    yield url
    end_sandbox(tmp_path, url)
