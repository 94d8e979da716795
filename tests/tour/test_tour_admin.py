"""Inside Shopify's admin, in a real browser: every screen by its links, with tokens alone and no cookie."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.web.catalogue import CATALOGUES
from tests.tour import tour_worlds
from tests.tour.conftest import PICTURES
from tests.tour.tour_admin import SETTINGS, Admin, entered
from tests.tour.tour_everyday import make_everyday
from tests.tour.tour_walk import paths_of
from tests.tour.tour_worlds import Place

pytestmark = [pytest.mark.tour, pytest.mark.timeout(600)]

T = CATALOGUES["en"]
NOT_INSIDE = re.compile(r"/app/(account|members|password|sign-in|not-there|customers/999999|settings/lists)")
"""Logins of our own have no place in the admin, and the report of a list is shown once only."""
BY_FORMS = {"/app/customers/*/why", "/app/flows/*/new-step", "/app/flows/*/publish"}
"""Where forms lead, and no link."""
_KIND = (
    (r"\?.*|#.*", ""),
    (r"/flows/(?!consent)[a-z_]+", "/flows/*"),
    (r"/steps/[\w-]+", "/steps/*"),
    (r"/messages/\w+", "/messages/*"),
    (r"/\d+", "/*"),
)


@pytest.fixture(scope="module")
def framed(full_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server whose operator has an app at Shopify."""
    folder = tmp_path_factory.mktemp("framed")
    with tour_worlds.serving(folder, make_everyday(full_home, folder), **SETTINGS) as place:
        yield place


@pytest.fixture
def admin(browser: Browser, framed: Place) -> Iterator[Admin]:
    """The admin with our home page in it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en")
    context.set_default_timeout(10_000)
    inside = entered(context, framed.base)
    inside.open("/app/")
    yield inside
    inside.page.screenshot(path=PICTURES / "admin.png")
    context.close()


def test_every_screen_is_reached_by_links_alone(admin: Admin, framed: Place) -> None:
    wanted = {_kind(path) for path in paths_of(framed) if path.startswith("/app/")}
    reached: set[str] = set()

    _walk(admin, reached)

    print(f"inside the admin {len(reached)} kinds of screens are reached by links: {sorted(reached)}")
    assert {kind for kind in wanted - reached - BY_FORMS if not NOT_INSIDE.match(kind)} == set()
    assert admin.wrong == []


def test_forms_files_and_mails_work_inside(admin: Admin) -> None:
    frame = admin.frame
    admin.use(frame.get_by_role("link", name=T["nav.outbox"]))
    frame.get_by_label(T["status"]).select_option(label=T["status.sent"])
    admin.use(frame.get_by_role("button", name=T["show"]))
    admin.use(frame.get_by_role("rowheader").get_by_role("link").first)
    mail = frame.frame_locator("iframe").locator("body")
    mail.wait_for()
    words = mail.inner_text()
    admin.use(frame.get_by_role("link", name=T["nav.customers"]))
    admin.use(frame.get_by_role("rowheader").get_by_role("link").first)
    with admin.page.expect_download() as brought:
        frame.get_by_role("button", name=T["privacy.report"]).click()
    admin.use(frame.get_by_role("link", name=T["nav.home"]))
    admin.use(frame.get_by_role("link", name=T["home.stop"]))
    admin.use(frame.get_by_role("button", name=T["stop.do"]))

    assert words.strip()
    assert brought.value.suggested_filename.endswith(".json")
    assert frame.get_by_text(T["stop.stopped"]).is_visible()
    assert admin.wrong == []


def test_where_forms_lead_is_reached_inside(admin: Admin) -> None:
    frame, reached = admin.frame, set()
    admin.use(frame.get_by_role("link", name=T["nav.customers"]))
    admin.use(frame.get_by_role("rowheader").get_by_role("link").first)
    admin.use(frame.get_by_role("button", name=T["why.ask"]))
    reached.add(_kind(admin.path()))
    admin.use(frame.get_by_role("link", name=T["nav.flows"]))
    admin.use(frame.get_by_role("link", name=T["flow.birthday"], exact=True))
    admin.use(frame.get_by_role("link", name=T["flow.steps"]))
    frame.get_by_text(T["steps.add"]).first.click()
    frame.get_by_label(T["steps.add.kind"]).first.select_option("tag")
    admin.use(frame.get_by_role("button", name=T["steps.add.go"]))
    reached.add(_kind(admin.path()))
    frame.get_by_label(T["step.field.add"]).fill("birthday")
    admin.use(frame.get_by_role("button", name=T["steps.keep"]))
    admin.use(frame.get_by_role("link", name=T["steps.review"]))
    reached.add(_kind(admin.path()))

    assert reached == BY_FORMS
    assert admin.wrong == []


def test_a_token_that_ran_out_is_fetched_anew_on_the_way(admin: Admin) -> None:
    admin.open("/app/orders", token="a token of yesterday")

    assert admin.path() == "/app/orders"
    assert admin.frame.get_by_role("heading", name=T["orders.title"]).is_visible()


def _walk(admin: Admin, reached: set[str]) -> None:
    """Use each link that leads to a kind of screen that was not seen yet, and come back."""
    here = admin.path()
    reached.add(_kind(here))
    for href in admin.links():
        if _kind(href) in reached or NOT_INSIDE.match(href):
            continue
        admin.use(admin.frame.locator(f'a[href="{href}"]').filter(visible=True).first)
        assert admin.frame.get_by_role("main").inner_text().strip()
        _walk(admin, reached)
        admin.go_back(here)


def _kind(path: str) -> str:
    """The same of all screens of one kind: without query, numbers and names."""
    for pattern, short in _KIND:
        path = re.sub(pattern, short, path)
    return path
