"""A mail gateway that is a whole browser: it opens every link, runs the scripts, and changes nothing."""

import hashlib
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page
from sqlalchemy import select

from app import models
from app.crypto import Signer
from app.db import Database, table_of
from app.messaging.links import LinkMaker
from app.models import Message
from tests.tour import tour_worlds
from tests.tour.tour_walk import Look, signed_in
from tests.tour.tour_worlds import Place

pytestmark = [pytest.mark.tour, pytest.mark.timeout(300)]

MAILS = 40
KINDS = {"c", "u", "p", "r", "o"}
_LINK = re.compile(r'href="(?:https?://[^/"]+)?(/([cupr])/[^"?]+)[^"]*"')
_KEPT = {"inbound_events", "inbound_bodies"}
"""Where clicks are written down, to be told apart later by what else was opened with them."""


@pytest.fixture
def place(full_home: Path, tmp_path: Path) -> Iterator[Place]:
    """A server over a copy of the shop full of life."""
    shutil.copytree(full_home / "var", tmp_path / "var")
    shutil.copyfile(full_home / "ritorno.db", tmp_path / "ritorno.db")
    with tour_worlds.serving(tmp_path, f"sqlite:///{tmp_path / 'ritorno.db'}") as found:
        yield found


@pytest.fixture
def gateway(browser: Browser) -> Iterator[BrowserContext]:
    """A browser that nobody knows."""
    context = browser.new_context()
    yield context
    context.close()


def test_a_gateway_that_runs_scripts_unsubscribes_nobody_and_changes_nothing(
    browser: Browser, gateway: BrowserContext, place: Place, tmp_path: Path
) -> None:
    links = [*_links(browser, place), _confirmation(place, tmp_path)]
    before = _sums(place)

    for _ in range(2):
        for link in links:
            _open(gateway.new_page(), f"{place.base}{link}")

    opened = _changed(place, before)
    _press(gateway.new_page(), place.base + next(link for link in links if link.startswith("/u/")))

    assert {link.split("/")[1] for link in links} == KINDS
    assert "inbound_events" in opened <= _KEPT
    # A person's button does what opening did not.
    assert "consents" in _changed(place, before)


def _open(page: Page, address: str) -> None:
    """As a patient gateway does: to the end of what loads, down the page and over every link and button."""
    try:
        page.goto(address, wait_until="networkidle")
    except Error:
        # Clicks lead on to the shop, which is the demo's and gone: the redirect was followed all the same.
        assert "/c/" in address
    page.mouse.wheel(0, 10_000)
    for element in page.locator("a, button, input, summary").all():
        element.dispatch_event("mouseover")
        element.dispatch_event("focus")
    page.wait_for_load_state("networkidle")
    page.close()


def _press(page: Page, address: str) -> None:
    page.goto(address)
    with page.expect_navigation():
        page.locator("main button").first.click()
    page.close()


def _changed(place: Place, before: Mapping[str, str]) -> set[str]:
    """The tables that are not as they were, without what the server notes of itself."""
    return {name for name, checksum in _sums(place).items() if before[name] != checksum} - {"heartbeats"}


def _links(browser: Browser, place: Place) -> list[str]:
    """Every link of ours in the latest mails."""
    merchant = signed_in(browser, place, Look("en", 1280))
    found: set[str] = set()
    for _, message_id in _sent(place):
        body = merchant.request.get(f"{place.base}/app/outbox/{message_id}/body").text()
        found |= {path for path, _ in _LINK.findall(body)}
    merchant.close()
    return sorted(found)


def _confirmation(place: Place, folder: Path) -> str:
    """A link that confirms a consent, with the key that the demo made for itself."""
    store_id, message_id = _sent(place)[0]
    signer = Signer((folder / "var" / "secret_key").read_text())
    made = LinkMaker(
        base_url="", signer=signer, store_id=store_id, message_id=message_id, tags=None, tracks_clicks=False
    )
    return made.confirm("email", "somebody@example.com")


def _sent(place: Place) -> list[tuple[int, int]]:
    """The store and the number of the latest mails."""
    database = Database(place.url)
    mails = select(Message.store_id, Message.id).where(Message.status == "sent", Message.channel == "email")
    with database.read() as session:
        rows = session.execute(mails.order_by(Message.id.desc()).limit(MAILS)).all()
    database.dispose()
    return [(row.store_id, row.id) for row in rows]


def _sums(place: Place) -> dict[str, str]:
    """A checksum of every table."""
    database, found = Database(place.url), {}
    with database.read() as session:
        for name in models.__all__:
            table = table_of(getattr(models, name))
            rows = session.execute(select(table).order_by(*table.primary_key.columns)).all()
            found[table.name] = hashlib.sha256(repr(rows).encode()).hexdigest()
    database.dispose()
    return found
