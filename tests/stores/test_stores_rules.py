"""The rule of an address that may hold places to fill."""

import pytest

from app.stores.definitions import DEFINITIONS

CHECK = DEFINITIONS["reviews.app_url"].rule.check


@pytest.mark.parametrize(
    "text", ["https://app.example/w?p={product}&h={handle}&o={order}&l={language}", "https://app.example"]
)
def test_an_https_address_is_kept_as_it_is(text: str) -> None:
    assert CHECK(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "http://app.example/",
        "javascript:alert(1)",
        "//app.example",
        "https://",
        "https://user:word@app.example/",
        "https://{product}.example/",
        "https://app.example/{rating}",
        "https://app.example/{{product}}",
        'https://app.example/"x',
        "https://app.example/a b",
        "https://app.example/<b>",
        "https://app.example/\n",
        "https://app.example:port/" + "x" * 500,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="It m"):
        CHECK(text)
