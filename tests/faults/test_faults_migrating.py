"""A migration that expands the busiest table, and is taken back, again and again while deliveries arrive."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
from alembic import command
from alembic.config import Config
from sqlalchemy import select

from app import migrate
from app.config import Settings
from app.inbox import EVENTS
from app.runtime import Runtime
from tests.bars.sizes import Note, asked
from tests.faults.faults_load import Load, repeated
from tests.webhooks.webhooks_process import HOSTED, SETTINGS, pause, serving
from tests.webhooks.webhooks_shops import connect_shopify

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
SENDERS, TIMES = 4, asked(6, quick=2)
_PATIENCE_SECONDS = 30
EXPANSION = '''"""Something that the next release keeps of each delivery."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None


def upgrade() -> None:
    op.add_column("inbound_events", sa.Column("region", sa.String(8), nullable=True))
    op.create_table("regions", sa.Column("store_id", sa.BigInteger(), primary_key=True))


def downgrade() -> None:
    op.drop_table("regions")
    op.drop_column("inbound_events", "region")
'''


@pytest.fixture
def runtime(database_url: str) -> Iterator[Runtime]:
    """The test's own entrance to the database that is served."""
    values = {name.lower(): value for name, value in SETTINGS.items()}
    built = Runtime.of_operator(Settings.model_validate({"database_url": database_url, **values}))
    yield built
    built.database.dispose()


@pytest.fixture
def alembic(database_url: str, tmp_path: Path) -> Config:
    """Our migrations and one of the next release."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "next_regions.py").write_text(EXPANSION.format(head=migrate.head()))
    settings = Config(attributes={"url": database_url})
    settings.set_main_option("script_location", str(folder))
    return settings


def test_the_programs_of_before_take_deliveries_while_the_tables_are_expanded_and_taken_back(
    runtime: Runtime, alembic: Config, tmp_path: Path, record_property: Note
) -> None:
    store = connect_shopify(runtime)

    with serving(runtime.database.url, HOSTED, tmp_path) as served:
        load = Load(served.port, store.domain, SENDERS)
        load.start()
        ready = []
        for _ in range(TIMES):
            command.upgrade(alembic, "next")
            pause(0.3)
            ready.append(_status(f"http://127.0.0.1:{served.port}/readyz"))
            command.downgrade(alembic, migrate.head())
            pause(0.3)
        load.stop()
    command.upgrade(alembic, "next")
    with serving(runtime.database.url, HOSTED, tmp_path) as served:
        later = Load(served.port, store.domain, SENDERS, first=1_000_000)
        later.start()
        pause(0.3)
        later.stop()

    with runtime.database.read() as session:
        keys = list(session.scalars(select(EVENTS.c.dedupe_key).where(EVENTS.c.store_id == store.id)))
    acknowledged = load.acknowledged | later.acknowledged
    record_property("migrations up and down", TIMES)
    record_property("deliveries acknowledged while they ran", len(load.acknowledged))
    record_property("acknowledged and not stored (L)", len(acknowledged - set(keys)))
    record_property("answers other than 200", len(load.refused | later.refused))
    assert ready == [200] * TIMES
    assert later.acknowledged
    assert load.refused | later.refused == set()
    assert len(load.acknowledged) > TIMES
    assert acknowledged - set(keys) == set()
    assert repeated(keys) == set()


def _status(url: str) -> int:
    return urllib3.request("GET", url, retries=False, timeout=_PATIENCE_SECONDS).status
