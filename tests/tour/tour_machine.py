"""An empty machine: `ritorno serve` as a merchant starts it, beside a shop of which it knows nothing yet."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Page

from tests.tour.tour_worlds import COMMAND, free_port, wait_for

SENDGRID_KEY = "SG.sandbox-key-number-0001.sandbox-secret-of-the-sendgrid-account-0001"
SENDER = "ciao@sandbox.example.com"
_WAY_IN = re.compile(r"http://\S+/app/sign-in/\S+")
_WORLD = ("--customers", "12", "--days", "30")


@dataclass(frozen=True, slots=True)
class Machine:
    """What just started, and the shop outside.

    Attributes:
        way_in: the link that the start printed.
        shop: what a merchant types as the address of the store.
    """

    base: str
    way_in: str
    shop: str
    folder: Path

    def subscribe_somebody(self) -> str:
        """A customer agrees to mails in the shop, whose form tells it by the API; her address."""
        made = self._command("api-key", "create", "--store", "1", "--name", "the shop's form", "--json")
        headers = {"Authorization": f"Bearer {json.loads(made)['key']}"}
        customers = f"{self.base}/api/v1/customers"
        listed: dict[str, Any] = _asked("GET", customers, headers=headers)
        somebody = next(each for each in listed["data"] if each["email"])
        said = {
            "channel": "email",
            "state": "subscribed",
            "basis": "consent",
            "at": datetime.now(UTC).isoformat(),
            "text": "Yes, write to me.",
        }
        _asked("POST", f"{customers}/{somebody['id']}/consents", headers=headers, json=said)
        return str(somebody["email"])

    def _command(self, *words: str) -> str:
        done = subprocess.run(
            [COMMAND, *words], cwd=self.folder, capture_output=True, text=True, check=True, env={**os.environ}
        )
        return done.stdout


@contextmanager
def starting(folder: Path) -> Iterator[Machine]:
    """Start both in a folder in which nothing is; the shop has a month of orders behind it."""
    port, outside = free_port(), free_port()
    shop = f"http://127.0.0.1:{outside}"
    about = ("--ritorno-url", f"http://127.0.0.1:{port}", "--journal", str(folder / "sandbox"))
    settings = {"ALLOW_PRIVATE_STORES": "1", "DNS_SERVER": "off", "SENDGRID_API_URL": f"{shop}/sendgrid"}
    with (
        _running(folder, "sandbox", outside, *about, *_WORLD),
        _running(folder, "serve", port, **settings) as printed,
    ):
        world = _asked("GET", f"{shop}/control/state")
        _asked("POST", f"{shop}/control/advance", json={"to": world["end"]})
        way_in = _WAY_IN.search(printed.read_text())
        assert way_in is not None, printed.read_text()
        yield Machine(f"http://127.0.0.1:{port}", way_in[0], f"{shop}/woo", folder)


def wait_to_see(page: Page, text: str) -> None:
    """Look again until the page shows a text, as whoever waits for an answer of another machine does.

    Raises:
        AssertionError: it never shows it.
    """
    for _ in range(_MOST_LOOKS):
        if page.get_by_text(text).filter(visible=True).count():
            return
        page.wait_for_timeout(_LOOK_MS)
        page.reload()
    raise AssertionError(f"{text!r} is not on {page.url}")


_LOOK_MS = 500
_MOST_LOOKS = 60


@contextmanager
def _running(folder: Path, command: str, port: int, *words: str, **settings: str) -> Iterator[Path]:
    """A command of ours until the block ends, and where it prints."""
    log = folder / f"{command}.log"
    with log.open("wb") as printed:
        process = subprocess.Popen(
            [COMMAND, command, "--port", str(port), *words],
            cwd=folder,
            env={**os.environ, **settings},
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(port, process, log)
            yield log
        finally:
            process.terminate()
            process.wait(30)


def _asked(method: str, address: str, **options: Any) -> Any:
    answer = requests.request(method, address, timeout=60, **options)
    answer.raise_for_status()
    return answer.json()
