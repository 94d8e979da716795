"""The shop of these tests, on both databases."""

from collections.abc import Iterator

import pytest

from app.config import Settings
from app.db import Database
from app.runtime import Runtime
from tests.privacy.privacy_world import SECRET, World, world


@pytest.fixture
def runtime(settings: Settings, database: Database) -> Runtime:
    """The process of an operator whose app is known to Shopify."""
    named = settings.model_copy(update={"shopify_client_id": "client-1", "shopify_client_secret": SECRET})
    return Runtime.build(named, database)


@pytest.fixture
def shop(runtime: Runtime) -> Iterator[World]:
    """A shop that may send."""
    with world(runtime) as opened:
        yield opened
