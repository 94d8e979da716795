"""JSON of platforms: exact numbers, any Unicode, and nothing that is not JSON."""

import json

import pytest

from connectors import exact_json


def test_a_number_with_a_fraction_stays_the_text_that_was_written() -> None:
    found = exact_json.read(b'{"price": 12.50, "weight": 1E-7, "id": 9223372036854775808}')

    assert found == {"price": "12.50", "weight": "1E-7", "id": 2**63}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_every_encoding_of_json_is_read(encoding: str) -> None:
    assert exact_json.read('{"nome": "più 🎈"}'.encode(encoding)) == {"nome": "più 🎈"}


def test_half_a_surrogate_pair_is_left_to_who_reads_the_field() -> None:
    assert exact_json.read(b'["\xed\xa0\x80", "\\ud800"]') == ["\ud800", "\ud800"]


@pytest.mark.parametrize("body", [b"", b"{", b"[1,]", b"[NaN]", b"[-Infinity]", b"[1] 2", b'["\xff"]'])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        exact_json.read(body)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(RecursionError):
        exact_json.read(b"[" * 100_000)


def test_a_body_is_read_as_the_standard_library_reads_it() -> None:
    body = json.dumps({"a": [1, True, None, "x"], "b": {"c": -5}}).encode()

    assert exact_json.read(b" \n" + body + b" ") == json.loads(body)
