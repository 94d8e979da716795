"""An empty hand-made journal for each test."""

from pathlib import Path

import pytest

from tests.oracle_checks.tiny import Tiny


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    """A world in which nothing has happened yet."""
    return Tiny(tmp_path / "journal")
