"""From which moment to which the demo's journey goes on."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from app.cli.travel import Journey, waking
from app.runtime import Runtime
from app.timers import NewTimer, set_timers
from tests import seeds

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Outside:
    """A world in which something is due at a moment; it notes how often it was asked."""

    def __init__(self, at: datetime | None) -> None:
        self._at = at
        self.asked = 0

    def get(self, _path: str) -> dict[str, str | None]:
        """The answer of `/control/next`."""
        self.asked += 1
        return {"at": self._at.isoformat() if self._at else None}


def journey(runtime: Runtime, outside: Outside, step: timedelta, offset: timedelta = timedelta(0)) -> Journey:
    kit: Any = SimpleNamespace(runtime=runtime)
    world: Any = outside
    return Journey(kit, world, step, offset)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_journey_by_days_asks_nobody_when_it_goes_on(runtime: Runtime) -> None:
    outside = Outside(NOON + 6 * HOUR)
    by_days = journey(runtime, outside, DAY, waking(DAY))

    assert by_days._next(NOON.replace(hour=17)) == NOON.replace(day=2, hour=17)
    assert outside.asked == 0


@pytest.mark.parametrize(
    ("outside", "inside", "next_at"),
    [
        (None, None, NOON.replace(day=2, hour=0)),
        (NOON + timedelta(minutes=90), None, NOON.replace(hour=14)),
        (NOON + 9 * HOUR, NOON + 5 * HOUR, NOON.replace(hour=17)),
        (NOON - HOUR, None, NOON.replace(hour=13)),
    ],
    ids=["nothing is due", "outside", "inside before outside", "overdue"],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_journey_by_hours_goes_on_when_anything_is_due(
    runtime: Runtime, outside: datetime | None, inside: datetime | None, next_at: datetime
) -> None:
    store_id = seeds.new_store(runtime.database)
    if inside is not None:
        with runtime.database.of_store(store_id).write() as session:
            set_timers(session, [NewTimer(store_id, inside, "flow", 1)])

    assert journey(runtime, Outside(outside), HOUR)._next(NOON) == next_at
