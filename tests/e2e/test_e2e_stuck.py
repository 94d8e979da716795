"""A demo that cannot go on says why, instead of showing the same bar for ever."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import update

from app.cli import travel
from app.errors import AppError
from app.models import Store
from tests.e2e.small_world import Size, small_world


def test_a_demo_whose_deliveries_nobody_takes_ends_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(travel, "_PATIENCE_SECONDS", 0.0)
    size, database = Size(seed=3, households=4, days=10), f"sqlite:///{tmp_path}/ritorno.db"
    with small_world(size, tmp_path, database) as world:
        world.journey.prepare()
        with world.runtime.database.write() as session:
            # As if the keys that sealed them were gone.
            session.execute(update(Store).values(credentials="sealed by other keys"))

        with pytest.raises(AppError, match=r"no delivery of the shops is taken: .* answered 503"):
            world.journey.travel(lambda *_: None, threading.Event())
