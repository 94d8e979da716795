"""A usual day's work by what the screens say alone: so many clicks at most, with a mouse and without."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.tour import tour_worlds
from tests.tour.conftest import PICTURES
from tests.tour.tour_everyday import make_everyday
from tests.tour.tour_person import Person
from tests.tour.tour_tasks import TASKS, Task
from tests.tour.tour_walk import Look, signed_in
from tests.tour.tour_worlds import Place

pytestmark = [pytest.mark.tour, pytest.mark.timeout(300)]

BY_MOUSE = [Look(language, width) for language in ("it", "en") for width in (1280, 375)]
BY_KEYBOARD = [Look("it", 1280, "dark"), Look("en", 375, "dark")]


@pytest.fixture(scope="module")
def everyday(
    request: pytest.FixtureRequest, full_home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Place]:
    """A morning of its own for each look: what one got done is not done for the next."""
    folder = tmp_path_factory.mktemp("everyday")
    with tour_worlds.serving(folder, make_everyday(full_home, folder)) as place:
        yield place


@pytest.fixture(scope="module")
def desk(request: pytest.FixtureRequest, browser: Browser, everyday: Place) -> Iterator[BrowserContext]:
    """Somebody's own browser, signed in."""
    context = signed_in(browser, everyday, request.param)
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.mark.parametrize(("everyday", "desk"), [(each, each) for each in BY_MOUSE], indirect=True, ids=str)
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_takes_few_clicks(
    desk: BrowserContext, everyday: Place, task: Task, request: pytest.FixtureRequest
) -> None:
    clicks = _done(desk, everyday, task, request.node.callspec.params["desk"])

    assert clicks <= task.most_clicks


@pytest.mark.parametrize(("everyday", "desk"), [(each, each) for each in BY_KEYBOARD], indirect=True, ids=str)
@pytest.mark.parametrize("task", [each for each in TASKS if each.by_keyboard], ids=lambda task: task.name)
def test_a_task_can_be_done_without_a_mouse(
    desk: BrowserContext, everyday: Place, task: Task, request: pytest.FixtureRequest
) -> None:
    _done(desk, everyday, task, request.node.callspec.params["desk"], has_mouse=False)


def _done(desk: BrowserContext, place: Place, task: Task, look: Look, *, has_mouse: bool = True) -> int:
    """Get a task done from the home page on, leave a picture of its end, and count the clicks."""
    page = desk.new_page()
    page.goto(f"{place.base}/app/")
    person = Person(page, look.language, has_mouse=has_mouse)
    folder = PICTURES / "tasks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        task.do(person)
    finally:
        page.screenshot(path=folder / f"{task.name.replace(' ', '-')}.{look}.png", full_page=True)
        page.close()
    print(f"{task.name}: {person.clicks} clicks {'' if has_mouse else 'without a mouse '}({look})")
    assert person.unseen == []
    return person.clicks
