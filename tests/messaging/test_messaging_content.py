import re
import unicodedata

import pytest
from pydantic import ValidationError

from app.messaging import content
from app.messaging.content import Content, Mail
from app.messaging.errors import ContentError, UnresolvedContent
from app.messaging.render import CompiledContents, compile_content

RECIPES = {
    "welcome": {"W1", "W1.welcome_back", "W2", "W3", "W4", "W5", "W6"},
    "review": {"M1", "M2", "M3", "M3R", "M4"},
    "cross_sell": {"X1", "X2"},
    "birthday": {"B1", "B2", "B3"},
    "abandoned_checkout": {"A1", "A2", "A3"},
    "reactivation": {"R0", "R1", "R2", "R3"},
    "consent": {"DOI"},
}
DEFAULTS = content.defaults()
NAMES = [f"{one.step}.{one.variant}" if one.variant else one.step for one in DEFAULTS]

# Promises about results, pressure by the clock, and words that greet one gender only.
UNWANTED = re.compile(
    r"garantit|guarantee|risultat|affrett|hurry up|solo oggi|only today|ultim[ae] or|last chance|countdown|"
    r"non perdere|don.t miss|imperdibil|unmissable|"
    r"\b(?:iscritto|benvenuto a|benvenuta|bentornato|caro|cara|primo a sapere)\b",
    re.IGNORECASE,
)


def words_of(one: Content) -> str:
    return one.model_dump_json()


def test_every_message_of_the_recipes_is_there_and_the_confirmation() -> None:
    found: dict[str, set[str]] = {}
    for one, name in zip(DEFAULTS, NAMES, strict=True):
        found.setdefault(one.flow, set()).add(name)

    assert found == RECIPES


@pytest.mark.parametrize("one", DEFAULTS, ids=NAMES)
def test_every_message_speaks_italian_and_english(one: Content) -> None:
    assert set(one.email) == {"it", "en"}
    assert set(one.sms) in (set(), {"it", "en"})


@pytest.mark.parametrize("one", DEFAULTS, ids=NAMES)
def test_no_message_promises_presses_or_guesses_a_gender(one: Content) -> None:
    assert UNWANTED.findall(words_of(one)) == []


@pytest.mark.parametrize("one", DEFAULTS, ids=NAMES)
def test_no_message_uses_emoji(one: Content) -> None:
    symbols = [char for char in words_of(one) if unicodedata.category(char) in {"So", "Cs"}]

    assert symbols == []


@pytest.mark.parametrize("one", DEFAULTS, ids=NAMES)
def test_subjects_fit_a_telephones_list(one: Content) -> None:
    subjects = [re.sub(r"\{[%{].*?[%}]\}", "", mail.subject) for mail in one.email.values()]

    assert all(len(subject) <= 50 for subject in subjects)


def test_the_birthday_text_is_there_because_the_step_may_be_an_sms() -> None:
    assert set(content.default("birthday", "B2").sms) == {"it", "en"}


def test_a_step_that_does_not_exist_has_no_content() -> None:
    with pytest.raises(KeyError):
        content.default("welcome", "W9")


@pytest.mark.parametrize(
    ("customer", "store", "language"),
    [
        ("it", "en", "it"),
        ("it-IT", None, "it"),
        ("en_GB", "it", "en"),
        ("de", "it", "it"),
        (None, "it-IT", "it"),
        ("fr", "de", "en"),
        (None, None, "en"),
        ("", "", "en"),
    ],
)
def test_the_language_is_the_customers_else_the_stores_else_english(
    customer: str | None, store: str | None, language: str
) -> None:
    assert content.language_for(customer, store) == language


def edition(*blocks: dict[str, object], subject: str = "S") -> Content:
    mail = Mail.model_validate({"subject": subject, "preheader": "P", "blocks": list(blocks)})
    return Content(flow="welcome", step="W1", email={"it": mail})


@pytest.mark.parametrize(
    ("block", "place"),
    [
        ({"kind": "text", "text": "{{ oops"}, "it, block 1"),
        ({"kind": "button", "label": "x", "url": "{% oops %}"}, "it, block 1"),
    ],
)
def test_an_error_in_an_edition_says_where_it_is(block: dict[str, object], place: str) -> None:
    with pytest.raises(ContentError, match=place):
        compile_content(edition(block))


def test_an_unknown_variable_is_named_when_the_edition_is_compiled() -> None:
    with pytest.raises(UnresolvedContent, match="it, subject") as raised:
        compile_content(edition({"kind": "spacer"}, subject="{{ client.name }}"))

    assert raised.value.name == "client"


@pytest.mark.parametrize(
    "block",
    [
        {"kind": "html", "text": "<b>"},
        {"kind": "text"},
        {"kind": "text", "text": ""},
        {"kind": "text", "text": "x" * 5001},
        {"kind": "text", "text": "x", "onclick": "x"},
        {"kind": "text", "text": "x", "when": "store.story | upcase"},
        {"kind": "products", "limit": 13},
    ],
)
def test_a_block_that_is_none_is_refused(block: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        edition(block)


def test_a_content_that_says_nothing_is_refused() -> None:
    with pytest.raises(ValidationError):
        Content(flow="welcome", step="W1")


def test_a_version_is_compiled_once_and_the_oldest_gives_way() -> None:
    loaded: list[int] = []
    kept = CompiledContents(capacity=2)

    def load(version: int) -> Content:
        loaded.append(version)
        return edition({"kind": "spacer"})

    for version in (1, 1, 2, 3, 1):
        kept.get((version, "W1"), lambda version=version: load(version))  # type: ignore[misc]

    assert loaded == [1, 2, 3, 1]
