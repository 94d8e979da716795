"""What was put back is found as quickly as before: the planner knows it from the first question on."""

from pathlib import Path

from sqlalchemy import text

from app.backups import restoring, writing
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
