"""Whatever shoppers may write stays text: on every screen, in previews of mails and in files.

Once more with the content security policy switched off: what keeps a script from running is that it never was
markup, and the policy stands behind that.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Page

from app.db import Database
from tests.tour import tour_worlds
from tests.tour.conftest import PICTURES
from tests.tour.tour_corpus import CHUNKS, hostile_customers, make_hostile
from tests.tour.tour_walk import MISSING, Look, paths_of, public_paths, signed_in
from tests.tour.tour_worlds import Place

pytestmark = [pytest.mark.tour, pytest.mark.timeout(900)]

MAILS = (
    "welcome/W1",
    "review/M3",
    "cross_sell/X1",
    "birthday/B1",
    "reactivation/R1",
    "abandoned_checkout/A1",
)
_WATCH = """
window.forbidden = [];
document.addEventListener("securitypolicyviolation", (event) => {
    window.forbidden.push(`${event.effectiveDirective} ${event.blockedURI} at ${event.sourceFile}`);
});
"""
_PREVIEWED = """async (person) => {
    const form = document.getElementById("editor");
    const typed = new FormData(form);
    typed.set("person", person);
    const headers = {Accept: "application/json"};
    const body = new URLSearchParams(typed);
    const answer = await fetch(form.dataset.preview, {method: "POST", headers, body});
    return (await answer.json()).html;
}"""


@pytest.fixture(scope="module")
def hostile(full_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A server over a shop whose shoppers mean harm."""
    folder = tmp_path_factory.mktemp("hostile")
    with tour_worlds.serving(folder, make_hostile(full_home, folder)) as place:
        yield place


@pytest.fixture(params=[False, True], ids=["as it is", "without the policy"])
def page(request: pytest.FixtureRequest, browser: Browser, hostile: Place) -> Iterator[Page]:
    """A signed-in browser that notes whatever runs and whatever is forbidden."""
    context = signed_in(browser, hostile, Look("en", 1280), bypass_csp=request.param)
    context.add_init_script(_WATCH)
    opened = context.new_page()
    opened.on("dialog", _count)
    yield opened
    context.close()


def test_nothing_that_shoppers_write_runs_on_any_screen(page: Page, hostile: Place) -> None:
    ids = _customers(hostile)
    own = [f"/app/customers/{one}{rest}" for one in ids for rest in ("", "/why?flow=review&on=2026-11-20")]
    lists = [
        "/app/activity?status=dead",
        "/app/reviews?show=all",
        "/app/reviews?show=low",
        "/app/outbox?status=sent",
    ]
    paths = [*paths_of(hostile), *public_paths(page.context, hostile), *own, *lists]

    seen = {path: _looked_at(page, hostile.base + path) for path in paths if path not in MISSING}

    shown = sum(has_any for _, has_any in seen.values())
    print(f"{len(seen)} pages, {shown} of them with hostile words")
    page.goto(f"{hostile.base}/app/reviews?show=all")
    page.screenshot(path=PICTURES / "hostile.png", full_page=True)
    assert {path: wrong for path, (wrong, _) in seen.items() if wrong} == {}
    assert shown > 15


def test_nothing_that_shoppers_write_runs_in_a_mail_or_a_file(page: Page, hostile: Place) -> None:
    scratch = page.context.new_page()
    scratch.on("dialog", _count)
    wrong = {}
    for customer_id in _customers(hostile):
        for mail in MAILS:
            page.goto(f"{hostile.base}/app/flows/{mail.replace('/', '/messages/')}")
            html = page.evaluate(_PREVIEWED, str(customer_id))
            scratch.goto("about:blank")
            scratch.set_content(html or "", wait_until="domcontentloaded")
            scratch.wait_for_timeout(_A_MOMENT_MS)
            wrong[mail] = [
                *_ran(scratch),
                *_ran(page),
                *_addresses(scratch),
                *([] if html else ["no preview"]),
            ]
    page.goto(f"{hostile.base}/app/customers/{_customers(hostile)[0]}")
    with page.expect_download() as brought:
        page.get_by_role("button", name="Download everything that is kept").click()

    assert {mail: found for mail, found in wrong.items() if found} == {}
    assert brought.value.suggested_filename.endswith(".json")


_dialogs: list[str] = []
_A_MOMENT_MS = 30


def _count(dialog: Dialog) -> None:
    _dialogs.append(dialog.message)
    dialog.dismiss()


def _looked_at(page: Page, address: str) -> tuple[list[str], bool]:
    """What is wrong with a page, and whether it shows any of the words at all."""
    page.goto(address)
    page.wait_for_timeout(_A_MOMENT_MS)
    text = page.evaluate("document.documentElement.innerText")
    return [*_ran(page), *_addresses(page), *_forbidden(page)], any(chunk[:20] in text for chunk in CHUNKS)


def _ran(page: Page) -> list[str]:
    """What ran: in the page or in a frame of it."""
    found = [f"ran in {frame.url}" for frame in page.frames if frame.evaluate("Boolean(window.__xss)")]
    found += [f"dialog {message}" for message in _dialogs]
    _dialogs.clear()
    return found


def _forbidden(page: Page) -> list[str]:
    """What the policy had to forbid."""
    return [
        f"forbidden: {each}" for frame in page.frames for each in _list(frame.evaluate("window.forbidden"))
    ]


def _addresses(page: Page) -> list[str]:
    """Links, forms and frames that would run a script or leave for somebody's own site once they are used."""
    return _list(page.evaluate(_DANGEROUS))


def _list(found: Any) -> list[str]:
    return list(found or [])


_DANGEROUS = """() => [...document.querySelectorAll("a[href], form[action], iframe, base, object, img[src]")]
    .map((one) => one.href ?? one.getAttribute("action") ?? one.src ?? one.data ?? "")
    .filter((address) => /^javascript:|evil\\.example/i.test(String(address)))"""


def _customers(place: Place) -> list[int]:
    database = Database(place.url)
    with database.read() as session:
        found = hostile_customers(session)
    database.dispose()
    return found
