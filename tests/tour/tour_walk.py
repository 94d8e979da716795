"""Every page that can be opened, and what a browser finds wrong with one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import Database
from app.flows.definition import recipe_keys
from app.models import Message, Store
from app.runtime import Runtime
from app.wsgi import create_app
from tests.tour.tour_worlds import Place

MISSING = ("/app/customers/999999", "/app/not-there", "/u/not-a-token", "/p/not-a-token", "/r/not-a-token")
NOT_THERE = frozenset({200, 400, 404})
SERIOUS = frozenset({"serious", "critical"})
DESK = 1280
"""From this width on nobody has to scroll a table sideways to see an amount."""
_ARGUMENT = re.compile(r"<(?:\w+:)?(\w+)>")
_NOT_PAGES = re.compile(
    r"^/(api|assets|auth|install|healthz|readyz|metrics|zones|c/)|\.json$|/body$|/sign-in/|/export$|\.csv$"
)
_LINK = re.compile(r'href="(?:https?://[^/"]+)?(/[uprc]/[^"]+)"')
_RUN_AXE = """async () => {
    const levels = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
    const found = await axe.run(document, {iframes: false, resultTypes: ["violations"], runOnly: levels});
    const where = nodes => nodes.slice(0, 3).map(node => node.target.join(" ")).join(", ");
    return found.violations.map(each => [each.impact, each.id, where(each.nodes)]);
}"""


_HIDING = """[...document.querySelectorAll(".scroll")]
    .filter(one => one.scrollWidth > one.clientWidth + 1).length"""


@dataclass(frozen=True, slots=True)
class Look:
    """How a page is looked at."""

    language: str
    width: int
    scheme: str = "light"

    def __str__(self) -> str:
        return f"{self.language}-{self.width}-{self.scheme}"


@dataclass
class Tour:
    """A signed-in browser, and what it found wrong so far.

    Attributes:
        axe: axe-core's script; "" looks without it.
        pictures: the folder of the screenshots.
        is_empty: there is no shop yet, so that most pages are not there.
    """

    place: Place
    look: Look
    axe: str
    pictures: Path
    is_empty: bool = False
    complaints: list[str] = field(default_factory=list)

    def walk(self, browser: Browser, paths: list[str]) -> None:
        """Open each path and note what is wrong with its page."""
        context = signed_in(browser, self.place, self.look)
        page = context.new_page()
        errors: list[str] = []
        page.on("console", lambda message: _note(errors, message))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for path in paths:
            errors.clear()
            self._visit(page, path, errors)
        context.close()

    def _visit(self, page: Page, path: str, errors: list[str]) -> None:
        answer = page.goto(self.place.base + path)
        assert answer is not None
        expected = NOT_THERE if path in MISSING or self.is_empty else {200}
        found = [f"status {answer.status}"] if answer.status not in expected else []
        # A browser itself writes a line about an answer that is an error, as a missing page is.
        found += [f"console: {error}" for error in errors if "Failed to load resource" not in error]
        found += complaints_of(page, self.axe, self.look)
        name = re.sub(r"\W+", "-", path).strip("-") or "root"
        page.screenshot(path=self.pictures / f"{name[:80]}.{self.look}.png", full_page=True)
        self.complaints += [f"{self.look} {path}: {complaint}" for complaint in found]


def complaints_of(page: Page, axe: str, look: Look) -> list[str]:
    """What is wrong with a page that is open: for axe, and by its own measures."""
    found = _measured(page, look.width)
    if axe:
        page.evaluate(axe)
        found += [
            f"axe {rule} ({impact}): {where}"
            for impact, rule, where in page.evaluate(_RUN_AXE)
            if impact in SERIOUS
        ]
    return found


def signed_in(browser: Browser, place: Place, look: Look, **options: Any) -> BrowserContext:
    """A browser of its own that has used its link."""
    context = browser.new_context(
        viewport={"width": look.width, "height": 900},
        locale=look.language,
        color_scheme="dark" if look.scheme == "dark" else "light",
        **options,
    )
    context.new_page().goto(place.sign_in_link())
    return context


def paths_of(place: Place) -> list[str]:
    """Every page of the product, a path each, by the routes themselves: a new route comes along by itself.

    Raises:
        KeyError: a route has an argument of which this tour knows no value.
    """
    database = Database(place.url)
    with database.read() as session:
        values = dict(_values(session))
    runtime = Runtime.build(Settings(database_url=place.url, secret_key="of-the-routes" * 3))
    rules = sorted(
        str(rule) for rule in create_app(runtime).url_map.iter_rules() if "GET" in (rule.methods or ())
    )
    runtime.database.dispose()
    database.dispose()
    mine = [rule for rule in rules if not _NOT_PAGES.search(rule)]
    merchant = [path for rule in mine if "<token>" not in rule for path in _filled(rule, values)]
    return [*merchant, "/app/customers?q=zzz", *MISSING[:2]]


def public_paths(context: BrowserContext, place: Place) -> list[str]:
    """The pages of customers that the latest mails lead to, one of each kind."""
    database = Database(place.url)
    with database.read() as session:
        sent = session.scalars(
            select(Message.id).where(Message.status == "sent").order_by(Message.id.desc()).limit(60)
        ).all()
    database.dispose()
    links: dict[str, str] = {}
    for message_id in sent:
        body = context.request.get(f"{place.base}/app/outbox/{message_id}/body").text()
        for link in _LINK.findall(body):
            links.setdefault(link[:3], link)
    links.pop("/c/", None)
    return [*links.values(), *MISSING[2:]]


def _values(session: Session) -> Iterator[tuple[str, list[str]]]:
    store_id = session.scalar(select(func.min(Store.id)))
    mine = select(Message.customer_id).where(Message.store_id == store_id).group_by(Message.customer_id)
    busiest = session.scalars(mine.order_by(func.count().desc()).limit(1))
    yield "customer_id", [str(each) for each in busiest]
    latest = select(func.max(Message.id)).where(Message.store_id == store_id).group_by(Message.status)
    yield "message_id", [str(each) for each in session.scalars(latest)]
    yield "key", [*recipe_keys()]
    yield "step", ["W1"]


def _filled(rule: str, values: dict[str, list[str]]) -> list[str]:
    """A rule's paths, one for each value of its argument."""
    if rule.endswith("/steps/<step_id>"):
        return [f"/app/flows/welcome/steps/{step}" for step in ("W4", "to-W2")]
    if rule.endswith("/new-step"):
        kinds = ("wait", "wait-event", "split", "arms", "tag", "score", "webhook", "end")
        return [f"/app/flows/welcome/new-step?way=consent&after=W2&kind={kind}" for kind in kinds]
    if rule.endswith("/messages/<step>"):
        return ["/app/flows/welcome/messages/W1", "/app/flows/consent/messages/DOI"]
    named = _ARGUMENT.search(rule)
    if named is None:
        return [rule]
    return [path for value in values[named[1]] for path in _filled(rule.replace(named[0], value, 1), values)]


def _measured(page: Page, width: int) -> list[str]:
    """What the page itself tells: too wide, a table that is cut on a desk, or struck by somebody's name."""
    found = []
    wide = page.evaluate("document.documentElement.scrollWidth")
    if wide > width:
        found.append(f"{wide} px wide")
    if width >= DESK and (cut := page.evaluate(_HIDING)):
        found.append(f"{cut} tables hide a part of themselves")
    if page.evaluate("window.struck"):
        found.append("ran a shopper's script")
    return found


def _note(errors: list[str], message: ConsoleMessage) -> None:
    if message.type == "error":
        errors.append(message.text)
