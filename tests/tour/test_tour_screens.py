"""Every screen in both languages, light and dark, wide and narrow: nothing serious for axe, nothing cut."""

import itertools
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.tour.conftest import PICTURES
from tests.tour.tour_walk import Look, Tour, paths_of, public_paths, signed_in
from tests.tour.tour_worlds import Place

pytestmark = [pytest.mark.tour, pytest.mark.timeout(900)]

LANGUAGES, SCHEMES = ("it", "en"), ("light", "dark")
LOOKS = [
    *(Look(language, 1280, scheme) for language, scheme in itertools.product(LANGUAGES, SCHEMES)),
    *(Look(language, 375) for language in LANGUAGES),
    Look("it", 375, "dark"),
    Look("it", 320),
]


@pytest.fixture(params=["empty", "new", "full", "troubled"])
def world(request: pytest.FixtureRequest) -> tuple[str, Place]:
    """A world's name and its server."""
    return request.param, request.getfixturevalue(request.param)


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_screen_can_be_used(browser: Browser, world: tuple[str, Place], axe: str, look: Look) -> None:
    name, place = world
    pictures = _folder(name)
    paths = paths_of(place)
    if name == "full":
        context = signed_in(browser, place, look)
        paths += public_paths(context, place)
        context.close()
    tour = Tour(place, look, axe, pictures, is_empty=name == "empty")

    tour.walk(browser, paths)

    print(f"{name} {look}: {len(paths)} pages, {len(tour.complaints)} complaints")
    assert tour.complaints == []


def _folder(name: str) -> Path:
    folder = PICTURES / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
