"""What earlier asks named is found in their JSON, whatever characters an id has and however it is written."""

import json

import pytest

from app.flows.asks import named_in


def ask(*products: str, title: str = "Coffee", is_ascii: bool = True) -> str:
    named = [{"external_id": name, "title": title} for name in products]
    return json.dumps({"order": "1001", "products": named}, ensure_ascii=is_ascii)


@pytest.mark.parametrize("is_ascii", [True, False])
@pytest.mark.parametrize("name", ["1015067", "tè-verde", 'a"b', "a/b", ""])
def test_a_product_that_was_asked_about_is_found_by_its_id(name: str, *, is_ascii: bool) -> None:
    asks = [ask("1"), ask("2", name, is_ascii=is_ascii)]

    assert named_in(asks, [name, "3"]) == {name}


@pytest.mark.parametrize(
    "asks", [[], [ask("10150671")], [ask("1", title="1015067")], ['{"order":"1015067"}']]
)
def test_what_only_looks_like_it_is_no_ask_about_it(asks: list[str]) -> None:
    assert named_in(asks, ["1015067"]) == frozenset()
