"""One browser and the worlds of the whole tour."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from app import clock
from tests.tour import tour_worlds
from tests.tour.tour_worlds import Place

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "var" / "tour"
AXE = ROOT / ".contracts" / "axe-core" / "axe.min.js"


_SWITCHES = [
    "--no-sandbox",
    # Otherwise a page of the world, as which Chromium sees our stub of the admin, may not frame this machine.
    "--disable-features=LocalNetworkAccessChecks",
]


@pytest.fixture(autouse=True)
def _stopped_clock() -> None:
    """Here the clock runs: servers are processes of their own, and links expire."""
    clock.travel_to(None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium as the system has it, or as `playwright install chromium` brought it."""
    with sync_playwright() as driver:
        installed = shutil.which("chromium") or shutil.which("chromium-browser")
        chromium = driver.chromium.launch(executable_path=installed, args=_SWITCHES)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, which `make contracts` fetches."""
    return AXE.read_text()


@pytest.fixture(scope="session")
def full_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo ran; its database is `ritorno.db` in it."""
    folder = tmp_path_factory.mktemp("full")
    tour_worlds.make_full(folder)
    return folder


@pytest.fixture(scope="session")
def full(full_home: Path) -> Iterator[Place]:
    """A server over a shop full of life."""
    with tour_worlds.serving(full_home, f"sqlite:///{full_home / 'ritorno.db'}") as place:
        yield place


@pytest.fixture(scope="session")
def troubled(full_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server over the same shop in trouble."""
    folder = tmp_path_factory.mktemp("troubled")
    url = tour_worlds.make_troubled(f"sqlite:///{full_home / 'ritorno.db'}", folder)
    with tour_worlds.serving(full_home, url) as place:
        yield place


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server over a database in which nothing happened."""
    folder = tmp_path_factory.mktemp("empty")
    with tour_worlds.serving(folder, tour_worlds.make_empty(folder)) as place:
        yield place


@pytest.fixture(scope="session")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server over a shop that was connected a moment ago."""
    folder = tmp_path_factory.mktemp("new")
    with tour_worlds.serving(folder, tour_worlds.make_new(folder)) as place:
        yield place
