"""From an empty machine to the first message, by what the screens say alone: no address, no manual."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from app.flows.simulate import telling
from tests.tour.conftest import PICTURES
from tests.tour.tour_machine import SENDER, SENDGRID_KEY, Machine, starting, wait_to_see
from tests.tour.tour_person import Person

pytestmark = [pytest.mark.tour, pytest.mark.timeout(300)]

MOST_CLICKS = 25


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """What was started a moment ago."""
    with starting(tmp_path) as started:
        yield started


@pytest.mark.parametrize(("language", "width"), [("it", 1280), ("en", 375)])
def test_a_new_merchant_comes_to_the_first_message(
    browser: Browser, machine: Machine, language: str, width: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale=language)
    context.set_default_timeout(15_000)
    person = Person(context.new_page(), language)
    person.page.goto(machine.way_in)

    _connect(person, machine)
    _say_who_writes(person)
    _say_to_whom(person)
    _rehearse(person)
    _switch_on(person)
    address = machine.subscribe_somebody()
    person.go("outbox")
    wait_to_see(person.page, address)

    person.page.screenshot(path=PICTURES / f"first-message.{language}-{width}.png", full_page=True)
    context.close()
    print(f"first message in {language} at {width} px: {person.clicks} clicks")
    assert person.clicks <= MOST_CLICKS


def _connect(person: Person, machine: Machine) -> None:
    person.write(person.says("connect.woocommerce"), machine.shop)
    person.press(person.says("connect.go"))
    # The store's own page, in its own words.
    person.follow("Approve")


def _say_who_writes(person: Person) -> None:
    person.follow(person.says("guide.go"))
    person.write(person.says("setting.sender.email"), SENDER)
    person.write(person.says("setting.sendgrid.api_key"), SENDGRID_KEY)
    person.press(person.says("guide.save"))
    wait_to_see(person.page, person.says("guide.left", done=3, all=6))


def _say_to_whom(person: Person) -> None:
    person.unfold(person.says("guide.step.consent"))
    person.choose(person.says("setting.consent.import"), person.says("choice.declined"))
    person.press(person.says("guide.save"))


def _rehearse(person: Person) -> None:
    person.unfold(person.says("guide.step.rehearsal"))
    person.press(person.says("guide.rehearsal.do", n=telling.DAYS))
    found = person.says("guide.rehearsal.found", flow=person.says("flow.welcome"), n="?")
    wait_to_see(person.page, found.partition("?")[0])


def _switch_on(person: Person) -> None:
    flow = person.says("flow.welcome")
    person.follow(f"{person.says('flow.activate')} {flow}")
    person.press(person.says("flow.activate"))
    person.reads(person.says("switch.on"))
