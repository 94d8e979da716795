"""The shop of these tests."""

from collections.abc import Iterator

import pytest

from app.config import Settings
from app.db import Database
from tests.merging.merging_shop import MergeShop, merge_shop


@pytest.fixture
def shop(settings: Settings, database: Database) -> Iterator[MergeShop]:
    """A shop with two customers who are one person."""
    with merge_shop(settings, database) as opened:
        yield opened
