"""What was put back is found as quickly as before: the planner knows it from the first question on."""

from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.backups import restoring, writing
from app.errors import Busy
from app.models import Customer
from app.runtime import Runtime
from tests.backups.backup_seed import DAY, fill
from tests.backups.conftest import Elsewhere
from tests.conftest import NOW

_KNOWN = {
    "sqlite": "SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'customers'",
    "postgresql": "SELECT count(*) FROM pg_class WHERE relname = 'customers' AND reltuples > 0",
}


def test_the_planner_knows_at_once_what_was_put_back(
    runtime: Runtime, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    fill(runtime)
    writing.make(runtime, tmp_path / "file", NOW)
    target = elsewhere()

    restoring.restore(target, tmp_path / "file", NOW + DAY)

    with target.database.read() as session:
        assert session.execute(text(_KNOWN[session.get_bind().dialect.name])).scalar_one() > 0


def test_a_restore_that_cannot_tell_the_planner_puts_nothing_back_and_may_be_tried_again(
    runtime: Runtime, elsewhere: Elsewhere, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(runtime)
    writing.make(runtime, tmp_path / "file", NOW)
    target = elsewhere()

    def refuse(session: Session) -> None:
        raise Busy("the database cannot be reached or written now")

    with monkeypatch.context() as busy:
        busy.setattr(restoring, "analyze", refuse)
        with pytest.raises(Busy):
            restoring.restore(target, tmp_path / "file", NOW + DAY)
    assert _customers(target) == 0

    restoring.restore(target, tmp_path / "file", NOW + DAY)
    assert _customers(target) == _customers(runtime) > 0


def _customers(runtime: Runtime) -> int:
    with runtime.database.over_all_stores().read() as session:
        return session.execute(select(func.count()).select_from(Customer)).scalar_one()
