"""What a merchant is told of a text before it is kept: what is wrong, and where."""

import json
from dataclasses import replace
from typing import Any, get_args

import pytest

from app.flows import contents
from app.flows.definition import recipe, recipe_keys
from app.messaging import checking, content, editions, sms
from app.messaging.checking import Draft
from app.messaging.content import Block
from app.messaging.variables import ALWAYS, FIELDS, UNWRITTEN, picker
from tests.rules.sources import ROOT

BLOCKS = get_args(get_args(Block)[0])
GOOD = Draft("Ciao", "Anteprima", ({"kind": "text", "text": "Testo"},))


def told(**parts: Any) -> list[tuple[str, str, str, int | None]]:
    found = checking.problems_of(replace(GOOD, **parts))
    return [(one.place, one.code, one.detail, one.line) for one in found]


def block(kind: str = "text", **fields: Any) -> dict[str, Any]:
    return {"blocks": ({"kind": kind, **fields},)}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"subject": ""}, ("subject", "empty", "", None)),
        ({"subject": "x" * 301}, ("subject", "long", "300", None)),
        ({"preheader": ""}, ("preheader", "empty", "", None)),
        ({"blocks": ()}, ("blocks", "empty", "", None)),
        ({"sms": " "}, ("sms", "empty", "", None)),
        ({"sms": "x" * 1001}, ("sms", "long", "1000", None)),
        (block(text=""), ("blocks.0.text", "empty", "", None)),
        (block("products", limit=13), ("blocks.0.limit", "invalid", "", None)),
        (block("hologram"), ("blocks.0", "invalid", "", None)),
        (block(text="Uno\nDue\n{% oops %}"), ("blocks.0.text", "liquid", "unexpected tag 'oops'", 3)),
        (block(text="{{ 1 | shout }}"), ("blocks.0.text", "liquid", "there is no filter shout", None)),
        (block(text="{{ client.name }}"), ("blocks.0.text", "unknown", "client", None)),
        (block(text="{{ customer.nickname }}"), ("blocks.0.text", "unknown", "customer.nickname", None)),
        (block(text="{{ products[0].cost }}"), ("blocks.0.text", "unknown", "products.cost", None)),
        (block(text="Caro %NOME%"), ("blocks.0.text", "unknown", "%NOME%", None)),
        (block(text="x", when="customer.nickname"), ("blocks.0.when", "unknown", "customer.nickname", None)),
        (block("button", label="Apri", url="javascript:alert(1)"), ("blocks.0.url", "link", "", None)),
        (block("button", label="Apri", url="http://bottega.example"), ("blocks.0.url", "link", "", None)),
        (block("button", label="Apri", url="mailto:a@b.it?cc=c@d.it"), ("blocks.0.url", "link", "", None)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(parts: dict[str, Any], expected: tuple[Any, ...]) -> None:
    assert told(**parts) == [expected]


@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"sms": "Ciao {{ customer.first_name | default: 'amico' }}"},
        block(text="{% for one in products %}{{ one.title }}{% endfor %}{{ products.size }}"),
        block("button", label="Apri", url="https://bottega.example/novità"),
        block("button", label="Scrivici", url="mailto:ciao@bottega.example"),
        block("button", label="Apri", url="{{ store.url }}"),
    ],
)
def test_what_is_right_is_left_alone(parts: dict[str, Any]) -> None:
    assert told(**parts) == []


def test_every_original_can_be_sent_and_every_message_has_its_place() -> None:
    names: dict[str, set[str]] = {one.flow: set() for one in content.defaults()}
    for key in recipe_keys():
        for entry in recipe(key).entries:
            for step in entry.steps:
                if step.kind == "message":
                    slot = contents.slot_of(recipe(key), step.id)
                    names[key].add(slot.content)
                    whole = content.named(slot.content)
                    drafts = [Draft.of(w) for lang in whole.email if (w := editions.wording_of(whole, lang))]
                    assert [checking.problems_of(draft) for draft in drafts] == [[], []]

    assert sum(map(len, names.values())) == len(content.defaults()) - 1


def test_a_place_knows_what_its_message_may_speak_of() -> None:
    def roots(key: str, step: str) -> set[str]:
        return set(contents.slot_of(recipe(key), step).roots) - {"customer", "store"}

    assert roots("welcome", "W1") == {"voucher"}
    assert roots("welcome", "W1-back") == set()
    assert roots("welcome", "W5") == {"order"}
    assert roots("cross_sell", "X2") == {"order", "products", "voucher"}
    assert roots("review", "M1") == {"order", "review"}


@pytest.mark.parametrize(
    ("text", "signs"),
    [("Perché no", ""), ("Città – “bella” …", ""), ("Ciao 🎉 a tutti 🎉", "🎉"), ("Привет", "Привет")],
)
def test_the_signs_that_make_a_text_dearer_are_named(text: str, signs: str) -> None:
    assert checking.forcing_signs(text) == signs
    assert (sms.segments(sms.plain(text)).encoding == sms.UCS2) is bool(signs)


def test_the_picker_offers_what_the_message_has_and_something_fills() -> None:
    offered = picker(frozenset({"customer", "store", "voucher"}))

    assert offered["voucher.ends_on"] == "{{ voucher.ends_on | until }}"
    assert {path.partition(".")[0] for path in offered} == {"customer", "store", "voucher"}
    assert not UNWRITTEN & offered.keys()
    assert {f"{root}.{name}" for root, names in FIELDS.items() for name in names} >= UNWRITTEN | ALWAYS


def test_the_page_names_every_variable_and_every_block_and_none_that_is_gone() -> None:
    page = (ROOT / "docs" / "templates.md").read_text(encoding="utf-8")
    words = json.loads((ROOT / "app" / "web" / "texts" / "en.json").read_text(encoding="utf-8"))
    rows = {
        "| `" + written.replace("|", "\\|") + f"` | {words[f'variable.{path}']} |"
        for path, written in picker(frozenset(FIELDS)).items()
    }
    kinds = {kind.model_fields["kind"].annotation.__args__[0] for kind in BLOCKS}

    assert {line for line in page.splitlines() if line.startswith("| `{{")} == rows
    assert {
        line.split("`")[1] for line in page.splitlines() if line.startswith("| `") and "{" not in line
    } == kinds
    assert all(name in page for name in (*UNWRITTEN, *FIELDS["products"]))
