"""The ways in, by keyboard and in a real browser: the doors that stand before every screen."""

import pytest
from playwright.sync_api import Browser, Page, expect

from app.db import Database
from app.members import links, passwords, people
from tests.conftest import NOW
from tests.tour.conftest import PICTURES
from tests.tour.tour_walk import Look, complaints_of
from tests.tour.tour_worlds import Place

pytestmark = [pytest.mark.tour, pytest.mark.timeout(300)]

EMAIL, PASSWORD = "olga@ritorno.example", "seven green kettles sing"
LOOKS = [Look("it", 1280), Look("en", 375, "dark"), Look("it", 320)]


@pytest.fixture
def reset_link(empty: Place) -> str:
    """A link to a new password of the operator, who has one already."""
    database = Database(empty.url)
    with database.write() as session:
        member = people.make(session, EMAIL, NOW)
        member.password, member.is_operator = passwords.hashed(PASSWORD), True
        token = links.issue(session, NOW, member_id=member.id, lasts=links.PASSWORD_LASTS)
    database.dispose()
    return f"/app/password/{token}"


@pytest.mark.parametrize("look", LOOKS, ids=str)
def test_every_way_in_can_be_used_and_somebody_gets_in_by_keyboard(
    browser: Browser, empty: Place, axe: str, reset_link: str, look: Look
) -> None:
    context = browser.new_context(
        viewport={"width": look.width, "height": 900},
        locale=look.language,
        color_scheme="dark" if look.scheme == "dark" else "light",
    )
    page, wrong = context.new_page(), []
    for path in ("/app/orders", "/app/sign-in", "/app/password", reset_link):
        page.goto(empty.base + path)
        wrong += complaints_of(page, axe, look)
    page.goto(f"{empty.base}/app/sign-in")
    wrong += _typed(page, axe, look, password="not it at all")
    _typed(page, axe, look, password=PASSWORD)
    expect(page).to_have_url(f"{empty.base}/app/")
    for path in ("/app/account", "/app/members"):
        page.goto(empty.base + path)
        wrong += complaints_of(page, axe, look)
    page.screenshot(path=PICTURES / f"account.{look}.png", full_page=True)
    context.close()

    assert wrong == []


def _typed(page: Page, axe: str, look: Look, *, password: str) -> list[str]:
    """Fill the form in as a keyboard does, and what is wrong with the page that answers."""
    page.locator("#email").fill(EMAIL)
    page.keyboard.press("Tab")
    page.keyboard.type(password)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    return complaints_of(page, axe, look)
