"""The rules of a shop's looks and of what its texts cost."""

import pytest

from app.stores import rules
from app.stores.rules import Rule


@pytest.mark.parametrize(
    ("rule", "text", "kept"),
    [
        (rules.PICTURE, "https://cdn.example.com/a.png?v=1", "https://cdn.example.com/a.png?v=1"),
        (rules.COLOUR, "9A4526", "#9a4526"),
        (rules.COLOUR, "#Abc", "#aabbcc"),
        (rules.PRICE, "07,50", "7.5"),
        (rules.PRICE, "100", "100"),
        (rules.CURRENCY, "usd", "USD"),
    ],
)
def test_a_good_text_becomes_its_canonical_form(rule: Rule, text: str, kept: str) -> None:
    assert rule.check(text) == kept


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (rules.PICTURE, "http://cdn.example.com/a.png"),
        (rules.PICTURE, "https://localhost/a.png"),
        (rules.PICTURE, "https://192.168.1.1/logout"),
        (rules.PICTURE, "https://[::1]/a.png"),
        (rules.PICTURE, "https://2130706433/a.png"),
        (rules.PICTURE, "https://router.local/a.png"),
        (rules.PICTURE, "https://user@cdn.example.com/a.png"),
        (rules.PICTURE, 'https://cdn.example.com/a.png" onload="x'),
        (rules.PICTURE, "https://[cdn.example.com/a.png"),
        (rules.PICTURE, "javascript:alert(1)"),
        (rules.COLOUR, "red"),
        (rules.COLOUR, "#12345"),
        (rules.COLOUR, "#fff;background:url(x)"),
        (rules.PRICE, "-1"),
        (rules.PRICE, "7.12345"),
        (rules.CURRENCY, "EUROS"),
    ],
)
def test_a_bad_text_is_refused_with_a_sentence(rule: Rule, text: str) -> None:
    with pytest.raises(ValueError, match="It must be"):
        rule.check(text)
