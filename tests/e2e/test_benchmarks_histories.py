"""The benchmarks that read a history through the sandbox find there what they count."""

from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import bulk, woo_backfill
from benchmarks.databases import Databases


@pytest.mark.parametrize("part", [bulk, woo_backfill])
def test_a_benchmark_reads_every_order_of_the_sandbox(part: ModuleType, tmp_path: Path) -> None:
    run, orders = part.emulated(Databases(tmp_path, server=""), households=200)

    assert orders > 0
    assert run.rate > 0
