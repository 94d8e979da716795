"""The words: both languages whole, every key that is asked for there, every page with a title."""

import re
import string
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import web
from app.flows.definition import recipe, recipe_keys
from app.messaging.conditions import CONDITIONS
from app.stores.chores import NAMES
from app.stores.settings import DEFINITIONS
from app.web.catalogue import CATALOGUES
from app.web.outbox import STATUSES
from connectors.base import Resource
from connectors.storefronts.shopify import topics as shopify
from connectors.storefronts.woocommerce import topics as woocommerce
from jobs.daily import CALENDAR
from tests.web.test_web_headers import SCREENS
from tests.web.web_shops import Csrf, Shop

HERE = Path(web.__file__).parent
TEMPLATES = sorted(path.relative_to(HERE / "templates") for path in (HERE / "templates").rglob("*.html"))
ASKED = re.compile(r"""\b(?:t|translate)\(\s*["']([a-z0-9_.]+)["']\s*[,)]""")
REASONS = (
    "switched-off uninstalled sender-paused store-copy not-due expired trigger-false duplicate erased "
    "minor address-invalid suppressed no-legal-basis consent-withdrawn consent-flapping topic-off "
    "paused-by-customer quiet-hours capped lost-to-better held-out sender-not-ready content-unresolved "
    "over-cost pace breaker merged restored too-heavy"
).split()
EVENTS = (
    "customer.created customer.merged customer.erased consent.changed order.placed order.paid "
    "order.fulfilled order.delivered order.cancelled order.refunded checkout.started checkout.abandoned "
    "review.received support.opened support.closed message.sent message.delivered message.bounced "
    "message.clicked message.complained message.replied segment.entered segment.left "
    "class.changed state.changed tag.added tag.removed voucher.redeemed"
).split()


@pytest.mark.parametrize("language", sorted(CATALOGUES))
@pytest.mark.parametrize("job", [job.name for job in CALENDAR])
def test_every_job_of_the_calendar_is_told_in_words(language: str, job: str) -> None:
    assert {f"job.name.{job}", f"job.purpose.{job}"} <= CATALOGUES[language].keys()


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_whatever_is_done_for_a_store_again_and_again_is_told_in_words(language: str) -> None:
    pulled = {f"upkeep.{resource}" for resource in Resource}
    tended = {f"upkeep.{name}" for names in NAMES.values() for name in names}

    assert pulled | tended <= CATALOGUES[language].keys()


@pytest.mark.parametrize("language", sorted(CATALOGUES))
def test_whatever_a_shop_tells_is_called_by_words(language: str) -> None:
    topics = {*shopify.READERS, *woocommerce.MINIMUM_TOPICS}

    assert {f"inbound.topic.{topic}" for topic in topics} <= CATALOGUES[language].keys()


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def _choices() -> set[str]:
    """Every word to choose from; the patterns of birthdays (`DD/MM/YYYY`) read the same everywhere."""
    words = {choice for setting in DEFINITIONS.values() for choice in setting.rule.choices}
    return {word for word in words if not word.isupper()}


def test_both_languages_have_the_same_keys() -> None:
    assert CATALOGUES["it"].keys() == CATALOGUES["en"].keys()


def test_both_languages_have_the_same_places_to_fill() -> None:
    italian, english = CATALOGUES["it"], CATALOGUES["en"]

    assert [key for key in english if _places(english[key]) != _places(italian[key])] == []


def test_no_text_is_empty() -> None:
    assert [key for texts in CATALOGUES.values() for key, text in texts.items() if not text.strip()] == []


def test_every_text_that_is_asked_for_exists() -> None:
    sources = [*HERE.rglob("*.html"), *HERE.rglob("*.py")]
    asked = {key for path in sources for key in ASKED.findall(path.read_text())}

    assert len(asked) > 100
    assert sorted(asked - CATALOGUES["en"].keys()) == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("status", STATUSES),
        ("reason", REASONS),
        ("event", EVENTS),
        ("flow", recipe_keys()),
        ("flow.purpose", recipe_keys()),
        ("condition", CONDITIONS),
        ("setting", DEFINITIONS),
        ("setting.help", DEFINITIONS),
        ("setting.error", {setting.rule.kind for setting in DEFINITIONS.values()}),
        ("choice", _choices()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_word_of_the_model_has_its_translation(kind: str, values: tuple[str, ...]) -> None:
    assert [value for value in values if f"{kind}.{value}" not in CATALOGUES["it"]] == []


def test_every_step_of_every_recipe_can_be_read() -> None:
    steps = [
        (flow, entry, step)
        for flow in recipe_keys()
        for entry in recipe(flow).entries
        for step in entry.steps
    ]

    wanted = {f"way.{flow}.{entry.id}" for flow, entry, _ in steps}
    wanted |= {f"step.{step.id}" for _, _, step in steps if step.kind == "message"}
    wanted |= {f"anchor.{step.anchor}" for _, _, step in steps if step.kind == "wait"}
    wanted |= {f"chooser.{step.chooser}" for _, _, step in steps if step.kind == "choose"}

    assert sorted(wanted - CATALOGUES["it"].keys()) == []


@pytest.mark.parametrize("template", TEMPLATES, ids=str)
def test_every_template_compiles(app: Flask, template: Path) -> None:
    assert app.jinja_env.get_template(template.as_posix())


@pytest.mark.parametrize("language", ["it", "en"])
@pytest.mark.parametrize("path", [*SCREENS, "/app/nothing"])
def test_every_page_has_a_title_and_one_heading(
    member: FlaskClient, shop: Shop, path: str, language: str
) -> None:
    page = member.get(path.format(**shop.ids), headers={"Accept-Language": language}).get_data(as_text=True)

    title = re.search(r"<title>([^<]+) · Ritorno</title>", page)
    assert title
    assert title.group(1).strip()
    assert page.count("<h1") == 1
    assert f'<html lang="{language}">' in page


def test_the_chosen_language_wins_over_the_browsers(member: FlaskClient, csrf: Csrf) -> None:
    answer = member.post(
        "/app/language", data={"csrf": csrf(member), "language": "it", "back": "/app/orders"}
    )

    page = member.get("/app/orders", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert answer.headers["Location"] == "/app/orders"
    assert "<title>Ordini · Ritorno</title>" in page


@pytest.mark.parametrize("accepted", ["", "de", "xx-invalid;q=zz", "it-CH,it;q=0.9"])
def test_a_browser_of_any_language_gets_a_page(member: FlaskClient, accepted: str) -> None:
    page = member.get("/app/", headers={"Accept-Language": accepted}).get_data(as_text=True)

    assert f'<html lang="{"it" if accepted.startswith("it") else "en"}">' in page
