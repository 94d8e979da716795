"""A provider that loses answers and refuses now and then: nothing twice, and what is unknown is seen."""

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import pytest
import requests

from app.web import auth
from tests.bars.sizes import Note, asked
from tests.faults.faults_books import tell
from tests.faults.faults_processes import until
from tests.faults.faults_sending import Rig
from tests.faults.faults_shop import rig
from tests.webhooks.webhooks_process import pause

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
MAILS = asked(1000, quick=150)
CHAOS = [
    {"kind": "close", "accepted": True, "probability": 0.02},
    {"kind": "429", "probability": 0.05},
    {"kind": "503", "accepted": False, "probability": 0.01},
]
_LISTED = re.compile(r"/app/outbox/(\d+)")
_FURTHER = re.compile(r'rel="next"\s+href="([^"]+)"')
_PATIENCE_SECONDS = 240


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Rig]:
    """A shop that sends, whose provider never tells what became of a mail."""
    with rig(tmp_path, database_url) as found:
        found.control("/settings", {"misfortune": {"lost": 1.0}})
        yield found


def test_what_a_bad_provider_leaves_open_is_on_the_merchants_screen_within_a_minute(
    shop: Rig, engine: str, record_property: Note
) -> None:
    shop.control("/faults", CHAOS)
    shop.serve()
    until(shop.is_up, 60)
    screen = _Screen(shop)
    shop.queue(MAILS)

    workers = [shop.work(), shop.work()]
    end = time.monotonic() + _PATIENCE_SECONDS
    while not shop.is_resting() and time.monotonic() < end:
        screen.look()
        shop.hurry(("queued",))
        pause(0.5)
    shop.stop(*workers)
    screen.look()

    books, unseen = shop.books(), shop.unknown("email") - set(screen.seconds)
    slowest = max(screen.seconds.values(), default=0.0)
    tell(books.line(f"a bad provider, {engine}", seen=len(screen.seconds), slowest=f"{slowest:.1f} s"))
    books.note(record_property)
    record_property("unknown that the screen showed", len(screen.seconds))
    record_property("unknown that it never showed", len(unseen))
    record_property("slowest on the screen after its call, s", round(slowest, 1))
    for line in shop.standing(books.lost):
        tell(line)
    assert (books.twice, books.lost, unseen) == (set(), set(), set())
    assert screen.seconds
    assert slowest < 60


class _Screen:
    """The outbox as a merchant sees it, those alone of which nobody knows.

    Attributes:
        seconds: by message, how long after its call it was seen here first.
    """

    def __init__(self, shop: Rig) -> None:
        self._shop = shop
        self._url = f"http://127.0.0.1:{shop.port}"
        self._browser = requests.Session()
        self.seconds: dict[int, float] = {}

    def look(self) -> None:
        """Load the list, page by page."""
        found = "".join(self._pages())
        new = set(map(int, _LISTED.findall(found))) - self.seconds.keys()
        now, called = datetime.now(UTC), self._shop.called_at(new)
        self.seconds |= {number: (now - moment).total_seconds() for number, moment in called.items()}

    def _pages(self) -> Iterator[str]:
        path: str | None = "/app/outbox?status=unknown"
        while path is not None:
            answer = self._get(path)
            while answer.status_code == 401:
                self._sign_in()
                answer = self._get(path)
            yield answer.text
            further = _FURTHER.search(answer.text)
            path = unescape(further[1]) if further else None

    def _sign_in(self) -> None:
        with self._shop.runtime.database.write() as session:
            token = auth.issue_sign_in_link(session, datetime.now(UTC))
        assert self._get(f"/app/sign-in/{token}").status_code == 200

    def _get(self, path: str) -> requests.Response:
        return self._browser.get(self._url + path, timeout=30)
