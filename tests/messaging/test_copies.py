"""The copy of a message as it was sent: what is kept of it can be read for as long as it is kept."""

import base64
import json
import zlib
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files

import pytest

from app.messaging import copies, layout

SENT = {
    "subject": "Il tuo codice",
    "text": "Ciao Giulia,\nil tuo codice è qui.\n\nAnnulla l’iscrizione: https://m.example/u/1-6.x\n",
    "html": "<p>Ciao Giulia,</p>" + "<td>Vale fino a venerdì</td>" * 3,
    "headers": {"List-Unsubscribe": "<https://m.example/u/1-6.x>"},
    "links": ["https://bottega.example?utm_source=ritorno"],
}
KEPT = (
    "aGICs5O2Qx62RVm2jxjDdc5MzFdwzyzNAdY3MXnAReOItf0Kh1coAHckAFeRx+QRWqafq5daAXRQTqp+qb6hrpleRUwe0uhw"
    "gR2yNTb6BaCsZYe8c6AsNS+1KOXwGkikkC0JspO4KMNwMDi+MaIDmANLUtMTYb7DEjvAYAYAMFR/ZQ=="
)
"""SENT as it was packed on 27 November 2026."""
KEPT_BY = base64.b64decode(KEPT[:8])
"""How it begins: zlib's two bytes, and which dictionary it needs."""
DICTIONARIES = {
    "copies_1.txt": "f03278023d10a15a078d45612d5e12d9b5b26116007e552de28206eb55b6c0cd",
}
"""Every one that copies were ever packed with; a line is added here, and none is ever changed."""


def packed_once() -> bytes:
    return base64.b64decode(KEPT)


def test_a_copy_is_read_as_it_was_packed() -> None:
    assert copies.read_content(copies.pack(SENT)) == SENT


def test_a_copy_that_was_packed_in_november_2026_is_read_for_ever() -> None:
    assert copies.read_content(packed_once()) == SENT


@pytest.mark.parametrize("name", DICTIONARIES)
def test_a_dictionary_that_copies_were_packed_with_never_changes(name: str) -> None:
    content = files("app.messaging").joinpath(name).read_bytes()

    assert sha256(content).hexdigest() == DICTIONARIES[name]


def test_a_copy_without_a_dictionary_is_read_too() -> None:
    assert copies.read_content(zlib.compress(json.dumps(SENT).encode())) == SENT


@pytest.mark.parametrize("end", [0, 1, 6, -4, -1])
def test_a_copy_that_is_cut_off_is_refused(end: int) -> None:
    with pytest.raises(zlib.error):
        copies.read_content(packed_once()[:end])


@pytest.mark.parametrize("read", [copies.read_content, copies.read_links])
@pytest.mark.parametrize(
    "beginning", [KEPT_BY[:2] + bytes(4), b"\x28\xb5\x2f\xfd\x20\x40"], ids=["dictionary", "zstd"]
)
def test_a_copy_that_a_newer_release_wrote_is_named_as_such(
    read: Callable[[bytes], object], beginning: bytes
) -> None:
    with pytest.raises(copies.NewerCopy):
        read(beginning + packed_once()[6:])


def test_many_links_are_read_whole() -> None:
    links = [f"https://bottega.example/p/{sha256(bytes([number])).hexdigest()}" for number in range(200)]

    assert copies.read_links(copies.pack({**SENT, "links": links})) == links


def test_the_markup_that_all_mails_share_is_not_kept_with_each() -> None:
    shared = [layout.paragraph(""), layout.heading(""), layout.signature(""), *layout.opening("it")]

    packed = copies.pack({**SENT, "html": "".join(shared)})

    assert len(packed) - len(copies.pack({**SENT, "html": ""})) < 100
