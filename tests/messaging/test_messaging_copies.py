"""The copy of a message: where its links lead is read without the rest, and always what the whole says."""

import json
import zlib

import pytest

from app.messaging import copies

_URL = "https://bottega.example/p/{}?utm_source=ritorno&gusto=caffè"
_LINKS = {
    "none": [],
    "one": [_URL.format(1)],
    "more than its head holds": [_URL.format(number) for number in range(300)],
    "half a surrogate pair": ["https://bottega.example/\ud83d"],
}


@pytest.mark.parametrize("links", _LINKS.values(), ids=_LINKS.keys())
@pytest.mark.parametrize("html", ["", "<p>è sempre lo stesso</p>" * 2_000])
def test_the_links_of_a_copy_are_those_of_the_whole(links: list[str], html: str) -> None:
    packed = copies.pack({"subject": "Ciao", "html": html, "links": links})

    kept = copies.read_content(packed)
    assert kept == {"subject": "Ciao", "html": html, "links": links}
    assert list(copies.read_links(packed)) == links


@pytest.mark.parametrize("links", _LINKS.values(), ids=_LINKS.keys())
def test_links_are_found_wherever_they_stand(links: list[str]) -> None:
    packed = zlib.compress(
        json.dumps({"text": '{"links":["https://other.example/"]}', "links": links}).encode()
    )

    assert list(copies.read_links(packed)) == links


def test_a_copy_that_is_gone_has_no_links() -> None:
    assert list(copies.read_links(None)) == []
