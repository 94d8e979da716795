import resource
import time
from zoneinfo import ZoneInfo

import pytest

from app.messaging.errors import ContentError, UnresolvedContent
from app.messaging.formats import Formats
from app.messaging.templating import MAX_TEMPLATE, left_over, parse, scope
from tests.bars.sizes import Note

VARIABLES = frozenset({"customer", "voucher", "products", "store"})
READER = Formats("it", ZoneInfo("Europe/Rome"), "EUR")


def filled(source: str, **values: object) -> str:
    return parse(source, VARIABLES).fill(scope(values, READER))


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Ciao", "Ciao"),
        ("Ciao {{ customer.first_name }}", "Ciao Lucia"),
        ("Ciao{% if customer.first_name %} {{ customer.first_name }}{% endif %},", "Ciao Lucia,"),
        ("{{ customer.city | default: 'lì' }}", "lì"),
        ("{% if customer.city %}a {{ customer.city }}{% else %}dove vuoi{% endif %}", "dove vuoi"),
        ("{% unless customer.city %}ovunque{% endunless %}", "ovunque"),
        ("{% for p in products %}{{ p.title | upcase }} {% endfor %}", "MOKA TAZZE "),
        ("{{ products.first.title }}, {{ products.size }}", "Moka, 2"),
        ("{{ 1250 | money }}", "12,50\u00a0€"),
        ("{{ voucher.ends_on | date: '%d/%m/%Y' }}", "05/12/2026"),
        ("{{ voucher.ends_on | date: 'long' }}", "5 dicembre 2026"),
        ("{{ voucher.ends_on | until }}", "sabato 5 dicembre, ore 14:37"),
        ("{{ '<b>' | escape }}", "<b>"),
        ("100% BIO, {uno} e [due]", "100% BIO, {uno} e [due]"),
    ],
)
def test_liquid_as_merchants_know_it(source: str, expected: str) -> None:
    values: dict[str, object] = {
        "customer": {"first_name": "Lucia"},
        "products": [{"title": "Moka"}, {"title": "Tazze"}],
        "voucher": {"ends_on": "2026-12-05T13:37:00+00:00"},
    }

    assert filled(source, **values) == expected


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("{{ customer.first_name }}", "customer.first_name"),
        ("{{ customer.first_name | upcase }}", "customer.first_name"),
        ("{{ customer.first_name | append: '!' }}", "customer.first_name"),
        ("{{ voucher.code }}", "voucher"),
        ("{{ voucher.ends_on | until }}", "voucher"),
        ("{{ voucher.ends_on | date }}", "voucher"),
        ("{% assign a = customer.nick | upcase %}{{ a }}", "customer.nick"),
        ("{{ customer.a.b.c }}", "customer.a"),
        ("{% for p in customer.pets %}x{% endfor %}", "customer.pets"),
    ],
)
def test_a_variable_that_is_missing_is_named(source: str, name: str) -> None:
    with pytest.raises(UnresolvedContent) as raised:
        filled(source, customer={"last_name": "Rossi"})

    assert raised.value.name == name


@pytest.mark.parametrize("name", ["client", "now", "today", "settings", "request", "__builtins__"])
def test_a_variable_that_no_message_has_is_found_before_anybody_is_written_to(name: str) -> None:
    with pytest.raises(UnresolvedContent) as raised:
        parse("{% if " + name + " %}x{% endif %}", VARIABLES)

    assert raised.value.name == name


@pytest.mark.parametrize(
    "text",
    [
        "Ciao %NOME%",
        "Ciao *|FNAME|*",
        "Ciao [[name]]",
        "Ciao [NOME E COGNOME]",
        "Lorem ipsum dolor",
        "Ciao name }}",
    ],
)
def test_a_placeholder_that_nobody_filled_in_stops_the_content(text: str) -> None:
    assert left_over(text) is not None
    with pytest.raises(ContentError):
        parse(text, VARIABLES)


GROW = "{% assign x = 'aaaaaaaaaa' %}{% for i in (1..60) %}{% assign x = x | append: x %}{% endfor %}"
ABUSE = {
    "huge range joined": "{{ (1..300000000) | join }}",
    "huge range searched": "{% if (1..3000000000) contains 'a' %}x{% endif %}",
    "range by variable": "{% assign n = 300000000 %}{{ (1..n) | join }}",
    "range in a filter's argument": "{{ 'a' | append: (1..300000000) }}",
    "huge loop": "{% for i in (1..300000000) %}x{% endfor %}",
    "nested loops": "{% for i in (1..1999) %}{% for j in (1..1999) %}x{% endfor %}{% endfor %}",
    "huge table": "{% tablerow i in (1..300000000) %}x{% endtablerow %}",
    "many loops": "{% for i in (1..1999) %}{% assign y = 'x' | append: 'y' %}{% endfor %}" * 80,
    "loop of assigns": "{% for i in (1..2000) %}" + "{% assign x = 1 %}" * 500 + "{% endfor %}",
    "doubling text": GROW,
    "doubling captures": "{% capture x %}a{% endcapture %}{% for i in (1..100) %}"
    "{% capture x %}{{ x }}{{ x }}{% endcapture %}{% endfor %}",
    "doubling list": "{% assign x = 'a,b' | split: ',' %}{% for i in (1..60) %}"
    "{% assign x = x | concat: x %}{% endfor %}",
    "replace amplifies": "{% assign x = '" + "a" * 500 + "' %}{% assign x = x | append: x | append: x "
    "| append: x | append: x %}{{ x | replace: 'a', x }}",
    "join amplifies": "{% assign s = '" + "b" * 500 + "' | append: '" + "c" * 500 + "' %}"
    "{% assign s = s | append: s | append: s | append: s %}"
    "{% assign l = '" + "a," * 250 + "' | split: ',' %}{{ l | join: s | size }}{% assign t = l | join: s %}",
    "list of characters": "{% assign x = 'a' %}{% for i in (1..17) %}{% assign x = x | append: x %}"
    "{% endfor %}{{ x | split: '' | size }}",
    "growing number": "{% assign x = 99999999999 %}{% for i in (1..1000) %}"
    "{% assign x = x | times: x %}{% endfor %}",
    "huge number": "{{ 9" + "9" * 400 + " | plus: 1 }}",
    "infinite number": "{{ '1e99999999' | ceil }}",
    "division by nothing": "{{ 1 | divided_by: 0 }}",
    "sorting again and again": "{% assign l = '" + "b," * 250 + "' | split: ',' %}{% for i in (1..500) %}"
    "{% assign y = l" + " | sort | reverse" * 30 + " %}{% endfor %}",
    "flood": "{% for i in (1..200) %}" + "x" * 9000 + "{% endfor %}",
    "deep brackets": "{{ " + "a[" * 250 + "1" + "]" * 250 + " }}",
    "deep blocks": "{% if true %}" * 300 + "x" + "{% endif %}" * 300,
    "deep liquid tag": "{% liquid\n" + "if true\n" * 50 + "endif\n" * 50 + "%}",
    "open braces": "{{" * 4900,
    "wide braces": "{{" + " " * 9000 + "}}",
    "too long": "x" * (MAX_TEMPLATE + 1),
    "include": "{% include 'secrets' %}",
    "render": "{% render 'secrets' %}",
    "safe": "{{ '<b>' | safe }}",
    "unknown filter": "{{ 'x' | exec }}",
    "unclosed output": "{{ customer.first_name ",
    "unclosed tag": "{% if true %}",
    "long date pattern": "{{ '2026-01-01' | date: '" + "%B" * 200 + "' }}",
    "no date": "{{ 'yesterday' | date }}",
    "no money": "{{ 'ten' | money }}",
    "python's own": "{{ customer.__class__.__mro__ }}",
    "python's own in brackets": "{{ customer['__class__'] }}",
}


@pytest.mark.timeout(5)
@pytest.mark.parametrize("source", ABUSE.values(), ids=ABUSE.keys())
def test_abuse_ends_in_an_error_for_the_merchant(source: str, record_property: Note) -> None:
    begun, before = time.process_time(), _peak_mib()

    with pytest.raises(ContentError):
        filled(source, customer={"first_name": "Lucia"})

    took, held = time.process_time() - begun, _peak_mib() - before
    record_property("seconds to its error", round(took, 2))
    record_property("memory it took, MiB", round(held))
    assert took < 1
    assert held < 64


def _peak_mib() -> float:
    """The most memory that this process has held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_a_values_own_braces_are_printed_and_not_run() -> None:
    assert (
        filled("{{ customer.first_name }}", customer={"first_name": "{{ store.name }}"}) == "{{ store.name }}"
    )


def test_what_one_text_uses_up_is_missing_to_the_others_of_the_message() -> None:
    # Twenty rounds of such a text are allowed, but a message of many such texts is not.
    one = parse("{% for i in (1..900) %}x{% endfor %}", VARIABLES)
    shared = scope({}, READER)

    with pytest.raises(ContentError, match="too much work"):
        [one.fill(shared) for _ in range(100)]
