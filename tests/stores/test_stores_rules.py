"""The rules of an address that may hold places to fill, and of a telephone number."""

import pytest

from app.stores.definitions import DEFINITIONS

CHECK = DEFINITIONS["reviews.app_url"].rule.check
PHONE = DEFINITIONS["notices.phone"].rule.check


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


@pytest.mark.parametrize("text", ["+39 333 1234567", "+39-333.123.4567", "+393331234567"])
def test_a_number_is_kept_as_providers_take_it(text: str) -> None:
    assert PHONE(text) == "+393331234567"


@pytest.mark.parametrize(
    "text",
    [
        "333 1234567",
        "0039 333 1234567",
        "+39",
        "+999 123456789",
        "+39 333 1234567 ext 5",
        "+39 333 1234567\n+1 500 5550006",
        "+39" + "3" * 5_000,
        "notices.phone",
        "+39 333 1234567;+15005550006",
    ],
)
def test_what_is_no_number_with_its_prefix_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="It m"):
        PHONE(text)
