"""Nothing that a stranger writes makes a parser fail: it answers, or refuses in its own words."""

import base64
import codecs
import zlib

import pytest

from tests.attacks.harming import harmed
from tests.attacks.parsers import CORPUS, Parser, parsers

PARSERS = parsers()
_HARMS, _DEEP = 25, 20_000
_ODD = (
    b"",
    b"\x00",
    codecs.BOM_UTF8 + b"{}",
    '{"id": 1}'.encode("utf-16"),
    '[{"event": "open"}]'.encode("utf-32"),
    b"[" * _DEEP,
    b'{"id":' * _DEEP,
    b'{"id": ' + b"9" * 5000 + b"}",
    b'[{"event": "open", "timestamp": NaN}]',
    b'{"id": 1, "id": 2}',
    b'{"id": "\\ud800"}',
    b"MessageSid=%00&MessageStatus=%ff&From=%F0%9F",
    b"&" * 5000,
    "ａ.myshopify.com".encode(),
    b"a.myshopify.com\n",
    b"a.myshopify.com.evil.example",
)


@pytest.mark.parametrize("name", list(PARSERS))
def test_a_harmed_body_is_read_or_refused(name: str) -> None:
    parser = PARSERS[name]
    seed = zlib.crc32(name.encode())

    assert all(parser.survives(given) for body in parser.seeds for given in harmed(body, _HARMS, seed))


def test_what_a_fuzzer_found_its_way_with_is_read_or_refused_by_everything() -> None:
    found = [base64.b64decode(line) for line in CORPUS.read_text().splitlines()]

    assert len(found) > _HARMS
    assert all(_survive(given) for given in found)


@pytest.mark.parametrize("given", _ODD, ids=range(len(_ODD)))
def test_odd_bytes_are_read_or_refused_by_everything(given: bytes) -> None:
    assert _survive(given)


def test_the_check_sees_a_parser_that_fails() -> None:
    broken = Parser(lambda given: given.decode("ascii"), (KeyError,), ())

    with pytest.raises(UnicodeDecodeError):
        broken.survives(b"\xff")


def _survive(given: bytes) -> bool:
    return all(parser.survives(given) for parser in PARSERS.values())
