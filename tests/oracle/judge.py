"""One verdict over a sandbox's journal and a database: what should be there, what is, how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import text

from tests.engines import over_all_stores
from tests.oracle.actual import moment_of, read_actual
from tests.oracle.compare import compare
from tests.oracle.compute import compute
from tests.oracle.dataset import data_folder
from tests.oracle.journal import Told
from tests.oracle.model import Actual, Expected, StoreSettings

_STORES = "SELECT platform, domain, timezone, country, id, installed_at FROM stores"
_ACTIVATED_AT = "SELECT MIN(active_since) FROM flows"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The expected and the actual rows, and at most 50 differences in words."""

    expected: Expected
    actual: Actual
    differences: list[str]


def judge(journal_dir: Path, url: str, data: Path | None = None, told: Sequence[Told] = ()) -> Verdict:
    """Compare a finished demo: both stores keep the default rails, all flows went on at one moment.

    Args:
        journal_dir: the sandbox's folder.
        url: SQLAlchemy's URL of the database.
        data: the folder of the data set that the world was made of; the installed one if None.
        told: what a test told Ritorno besides.
    """
    stores, activated_at = _read_stores(url)
    expected = compute(
        journal_dir, stores=stores, activated_at=activated_at, data=data or data_folder(), told=told
    )
    actual = read_actual(url)
    return Verdict(expected, actual, compare(expected, actual))


def _read_stores(url: str) -> tuple[list[StoreSettings], datetime]:
    engine = over_all_stores(url)
    try:
        with engine.connect() as connection:
            stores = [
                StoreSettings(
                    platform=platform,
                    domain=domain,
                    timezone=timezone,
                    country=country,
                    number=number,
                    installed_at=moment_of(installed_at),
                )
                for platform, domain, timezone, country, number, installed_at in connection.execute(
                    text(_STORES)
                )
            ]
            return stores, moment_of(connection.execute(text(_ACTIVATED_AT)).scalar_one())
    finally:
        engine.dispose()
