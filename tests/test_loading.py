"""How a process loads: the garbage collector rests meanwhile, and no longer."""

import gc
import os
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


def test_a_worker_has_the_storefronts_at_its_start(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _BUILD_KIT],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(_ROOT), "DATABASE_URL": f"sqlite:///{tmp_path}/r.db"},
    ).stdout

    assert {
        "connectors.storefronts.shopify.api",
        "connectors.storefronts.shopify.writer",
        "connectors.storefronts.woocommerce.api",
        "connectors.storefronts.woocommerce.writer",
    } <= set(said.split())


_ROOT = Path(__file__).parents[1]
_BUILD_KIT = """
import sys
from app.config import load
from app.runtime import Runtime
from connectors.channels.local import LocalChannel
from jobs.kit import Kit
Kit.build(Runtime.of_operator(load()), LocalChannel(None))
print(*sys.modules)
"""
_LOAD_PAGES = """
import sys
from importlib import import_module
from app.loading import loading
with loading():
    for name in ("app.cli.serving", "app.cli.hosted", "app.asgi", "app.wsgi"):
        import_module(name)
unused = (
    "alembic", "apscheduler", "authlib", "charset_normalizer", "greenlet", "joserfc", "liquid",
    "phonenumbers", "pydantic_settings", "rich", "sendgrid", "sqlite3",
    "twilio", "connectors.storefronts.shopify.api", "connectors.storefronts.woocommerce.api",
)
print(*(name for name in unused if name in sys.modules))
"""
