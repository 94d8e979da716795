"""A shop whose night fails keeps no other from its own: the run ends as failed, and covers it again."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app import retention
from app.analytics import effects, engagement
from app.flows import backlog, birthdays
from app.messaging import tallies
from app.mirror import pairs
from app.models import JobRun
from app.runtime import Runtime
from app.segments import product_rhythms, tickets
from jobs import daily, whose
from jobs.schedule import CalendarJob
from tests import seeds
from tests.conftest import NOW
from tests.jobs.jobs_seed import kit_of

WORK: dict[str, tuple[Any, str]] = {
    "birthdays": (birthdays, "plan"),
    "backlog": (backlog, "release"),
    "co_purchase": (pairs, "add_orders"),
    "rhythms": (product_rhythms, "count"),
    "ticket_bands": (tickets, "wanted"),
    "holdout": (effects, "count"),
    "tallies": (tallies, "add"),
    "engagement": (engagement, "plan"),
    "purge": (retention, "purge_once"),
}
"""By job of the calendar, what it does for one shop."""


class _Broken(Exception):
    pass


@pytest.mark.parametrize("job", daily.CALENDAR, ids=lambda job: job.name)
def test_a_shop_whose_night_fails_keeps_no_other_waiting(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch, job: CalendarJob
) -> None:
    broken, sound = (seeds.new_store(runtime.database, word) for word in ("broken", "sound"))
    _have_work(monkeypatch, [broken, sound])
    looked_at: list[int] = []
    module, name = WORK[job.name]
    work: Callable[..., Any] = getattr(module, name)

    def _fail_for_one(session: Any, store: Any, *arguments: Any, **named: Any) -> Any:
        store_id = getattr(store, "id", store)
        looked_at.append(store_id)
        if store_id == broken:
            raise _Broken
        return work(session, store, *arguments, **named)

    monkeypatch.setattr(module, name, _fail_for_one)
    monkeypatch.setattr(daily, "CALENDAR", (replace(job, has_work=None),))

    daily.run(kit_of(runtime), NOW)

    assert looked_at == [broken, sound]
    (error,) = seeds.values_of(runtime.database, JobRun, "error")
    assert "_Broken" in error
    assert error.rstrip().endswith(f"stores that failed: {broken}")


def _have_work(monkeypatch: pytest.MonkeyPatch, stores: list[int]) -> None:
    """Every job finds something to do in these."""
    for name in ("with_flow", "with_unpaired", "of_the_night", "with_old_bands", "connected"):
        monkeypatch.setattr(whose, name, lambda *_: stores)
    for name in ("has_birthday", "has_silent"):
        monkeypatch.setattr(whose, name, lambda *_: True)
    monkeypatch.setattr(engagement, "settled_days", lambda *_, **__: [NOW.date()])
    monkeypatch.setattr(retention, "waiting_in_all", lambda *_: dict.fromkeys(stores, retention.PURGES[:1]))
