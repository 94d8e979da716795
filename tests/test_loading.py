"""How a process loads: the garbage collector rests meanwhile, and no longer."""

import gc
import subprocess
import sys
from pathlib import Path

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


def test_a_web_process_holds_nothing_that_its_pages_do_not_use() -> None:
    said = subprocess.run(
        [sys.executable, "-c", _LOAD_PAGES], capture_output=True, text=True, check=True, cwd=_ROOT
    ).stdout

    assert said.split() == []


_ROOT = Path(__file__).parents[1]
_LOAD_PAGES = """
import sys
from importlib import import_module
from app.loading import loading
with loading():
    for name in ("app.cli.serving", "app.cli.hosted", "app.asgi", "app.wsgi"):
        import_module(name)
unused = (
    "alembic", "apscheduler", "charset_normalizer", "greenlet", "liquid", "rich", "sendgrid", "sqlite3",
    "twilio", "connectors.storefronts.shopify.api", "connectors.storefronts.woocommerce.api",
)
print(*(name for name in unused if name in sys.modules))
"""
