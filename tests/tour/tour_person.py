"""Somebody in a browser who finds everything by what it says, and how many clicks that took."""

import re
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal

from playwright.sync_api import Locator, Page, expect

from app.web.catalogue import CATALOGUES

Role = Literal["button", "checkbox", "combobox", "link", "radio", "textbox", "spinbutton"]
Label = str | re.Pattern[str]
MOST_TABS = 250
"""Nobody presses Tab this often to get to one thing."""


@dataclass
class Person:
    """Somebody who reads one language, and uses a mouse or nothing but the keyboard.

    A click is whatever a hand does once: a link, a button, a list of choices, a field that is filled in.

    Attributes:
        clicks: how many so far.
        has_mouse: without one, everything is reached by Tab and done by Enter, Space or letters.
        unseen: what the keyboard came to and the eye could not tell, where no outline or change marks it.
    """

    page: Page
    language: str
    has_mouse: bool = True
    clicks: int = 0
    unseen: list[str] = field(default_factory=list)

    def says(self, key: str, **values: Any) -> str:
        """The words of a key as this person reads them; what is filled in later matches anything."""
        return CATALOGUES[self.language][key].format_map(values)

    def follow(self, label: Label) -> None:
        """Use the link that says so."""
        with self._another_page():
            self._act(self._named("link", label))

    def go(self, screen: str) -> None:
        """Use the navigation's link to a screen."""
        links = self.page.get_by_role("navigation", name=self.says("nav.label"))
        with self._another_page():
            self._act(self._seen(links.get_by_role("link", name=self.says(f"nav.{screen}"), exact=True)))

    def press(self, label: Label) -> None:
        """Use the button that says so, which leads to an answer."""
        with self._another_page():
            self._act(self._named("button", label))

    def tap(self, label: Label, *, role: Role = "button") -> None:
        """Use what changes the page where it stands."""
        self._act(self._named(role, label), " " if role == "checkbox" else "Enter")

    def follow_first_row(self) -> None:
        """Use the first link of the page's table."""
        with self._another_page():
            self._act(self._seen(self.page.get_by_role("rowheader").get_by_role("link")))

    def download(self, label: Label) -> tuple[str, str]:
        """Use the button that says so, which brings a file: its name and its text."""
        with self.page.expect_download() as brought:
            self._act(self._named("button", label))
        return brought.value.suggested_filename, brought.value.path().read_text()

    def unfold(self, label: str) -> None:
        """Open the part of the page that says so, unless it is open."""
        heading = self._seen(self.page.get_by_text(label, exact=True))
        part = heading.locator("xpath=ancestor-or-self::summary")
        if part.evaluate("summary => summary.parentElement.open"):
            return
        self._act(part)

    def write(self, label: str, text: str) -> None:
        """Fill in the field that says so."""
        entry = self._field(label)
        self.clicks += 1
        if self.has_mouse:
            entry.fill(text)
            return
        self._reach(entry)
        if entry.get_attribute("type") in ("date", "time"):
            entry.fill(text)
            return
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def choose(self, label: str, option: str) -> None:
        """Pick an entry of the list of choices that says so."""
        entry = self._field(label)
        self.clicks += 1
        if self.has_mouse:
            entry.select_option(label=option)
            return
        self._reach(entry)
        self.page.keyboard.type(option)

    def reads(self, text: str | re.Pattern[str]) -> None:
        """Wait until the page says so.

        Raises:
            AssertionError: it never does.
        """
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible()

    def sees_no(self, text: str) -> None:
        """Wait until the page says this no longer."""
        expect(self.page.get_by_text(text, exact=True).filter(visible=True)).to_have_count(0)

    def _field(self, label: str) -> Locator:
        # A label that holds its list of choices says those, too.
        choices = self.page.get_by_role("combobox", name=label, exact=True)
        return self._seen(self.page.get_by_label(label, exact=True).or_(choices))

    def _named(self, role: Role, label: Label) -> Locator:
        """The one in the page's own part, before one of the same name in the navigation."""
        is_whole = isinstance(label, str)
        wanted = self.page.get_by_role(role, name=label, exact=is_whole)
        inside = self.page.get_by_role("main").get_by_role(role, name=label, exact=is_whole)
        self._seen(wanted)
        return self._seen(inside) if inside.filter(visible=True).count() else self._seen(wanted)

    def _seen(self, found: Locator) -> Locator:
        """The first that can be seen; several of one name are told apart by nobody who reads from the top."""
        visible = found.filter(visible=True).first
        visible.wait_for()
        return visible

    def _act(self, target: Locator, key: str = "Enter") -> None:
        self.clicks += 1
        if self.has_mouse:
            target.click()
            return
        self._reach(target)
        self.page.keyboard.press(key)

    def _reach(self, target: Locator) -> None:
        """Go on by Tab until the keyboard is there, and look whether that can be seen."""
        wanted = target.element_handle()
        for _ in range(MOST_TABS):
            if wanted.evaluate(_IS_FOCUSED):
                break
            self.page.keyboard.press("Tab")
        else:
            raise AssertionError(f"no keyboard comes to {target}")
        if not wanted.evaluate(_IS_MARKED):
            self.unseen.append(str(target))

    def _another_page(self) -> AbstractContextManager[Any]:
        return self.page.expect_navigation()


_IS_FOCUSED = "one => one === document.activeElement"
_IS_MARKED = """one => {
    const style = getComputedStyle(one);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
}"""
