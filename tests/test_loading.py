"""How a process loads: the garbage collector rests meanwhile, and no longer."""

import gc
import sys

import pytest

from app.loading import loading


def test_the_collector_rests_while_a_process_loads_and_no_longer() -> None:
    with loading():
        during = gc.isenabled()

    assert not during
    assert gc.isenabled()


def test_a_load_that_fails_leaves_the_collector_on_and_every_package_to_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "rich", raising=False)

    with pytest.raises(ModuleNotFoundError), loading():
        __import__("rich")

    assert gc.isenabled()
    assert "rich" not in sys.modules
