"""JSON of platforms: exact numbers, any Unicode, and nothing that is not JSON."""

import gc
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from connectors import exact_json

_FIXTURES = Path(__file__).parents[1] / "fixtures"
_PIECES = [
    *b'{}[],:"\\-.eE+0 \n\t\x00\x0c',
    *r'"a" "\u00e9" "\ud83d\ude00" "\ud800" "\u0000" "\/\b" "più🎈"'.split(),
    *"true false null NaN -Infinity t".split(),
    *'1 -0 12.50 -0.0 1E-7 1e400 01 1. .5 9223372036854775808 {"a":1,"a":[2.0]} {"":{}}'.split(),
    *("7" * 4301, "\ufeff", '"\x7f"', '"\x01"'),
    *(b"\xff", b"\xed\xa0\x80", b'"\xc0\x80"', b'"\xe2\x80\xa8"'),
]
_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=6,
)


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
    with pytest.raises(ValueError, match="deeper than 200"):
        exact_json.read(b"[" * 100_000)


def test_a_body_is_read_as_the_standard_library_reads_it() -> None:
    body = json.dumps({"a": [1, True, None, "x"], "b": {"c": -5}}).encode()

    assert exact_json.read(b" \n" + body + b" ") == json.loads(body)


@given(st.lists(st.sampled_from(_PIECES), max_size=7))
@settings(max_examples=400, deadline=None)
def test_whatever_bytes_come_are_read_or_refused_as_by_the_standard_library(pieces: list[Any]) -> None:
    body = b"".join(map(_bytes_of, pieces))

    assert _outcome(exact_json.read, body) == _outcome(_by_the_standard_library, body)


@given(_PLAIN, st.booleans(), st.sampled_from([None, 1]), st.integers(0, 400), st.binary(max_size=2))
@settings(max_examples=60, deadline=None)
def test_json_that_was_damaged_is_read_or_refused_as_by_the_standard_library(
    value: Any, is_ascii: bool, indent: int | None, at: int, damage: bytes
) -> None:
    whole = json.dumps(value, ensure_ascii=is_ascii, indent=indent).encode("utf-8", "surrogatepass")
    damaged = whole[:at] + damage + whole[at + 1 :]

    assert _outcome(exact_json.read, whole) == _outcome(_by_the_standard_library, whole)
    assert _outcome(exact_json.read, damaged) == _outcome(_by_the_standard_library, damaged)


@pytest.mark.parametrize("folder", ["shopify", "woocommerce"])
def test_every_body_that_a_platform_sent_is_read_the_same(folder: str) -> None:
    bodies = [path.read_bytes() for path in sorted((_FIXTURES / folder).rglob("*.json"))]

    assert bodies
    for body in bodies:
        assert repr(exact_json.read(body)) == repr(_by_the_standard_library(body))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32-be"])
@pytest.mark.parametrize(
    ("opening", "closing"),
    [("[", "]"), ('{"a":', "}"), (r'["]}\"",', "]"), (r'{"[]\\":', "}"), ('["[{", ', "]")],
)
def test_nesting_is_read_down_to_the_bound_whatever_the_texts_hold(
    opening: str, closing: str, encoding: str
) -> None:
    taken, refused = (
        (opening * depth + "1" + closing * depth).encode(encoding)
        for depth in (exact_json.DEEPEST, exact_json.DEEPEST + 1)
    )

    assert repr(exact_json.read(taken)) == repr(_by_the_standard_library(taken))
    with pytest.raises(ValueError, match="deeper"):
        exact_json.read(refused)


@given(st.text('[]{}"\\,1', max_size=14))
@example('\\""[[[')
@settings(max_examples=300, deadline=None)
def test_no_body_that_is_taken_leads_a_reader_deeper_than_the_bound(text: str) -> None:
    with patch.object(exact_json, "DEEPEST", 2), suppress(ValueError):
        exact_json.shallow(text.encode())
        assert _deepest_in(text) <= 2


@given(_PLAIN)
@settings(max_examples=100, deadline=None)
def test_a_value_is_refused_for_its_depth_alone(value: Any) -> None:
    with patch.object(exact_json, "DEEPEST", 2):
        try:
            exact_json.shallow(json.dumps(value).encode())
        except ValueError:
            assert _depth_of(value) > 2
        else:
            assert _depth_of(value) <= 2


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"a":' * 100_000], ids=["arrays", "objects"])
def test_what_the_collector_tidies_up_while_nonsense_is_read_has_its_stack(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda told: failed.append(repr(told.exc_type)))
    _leave_the_rest_to_itself()

    for allocations in range(1, 1_000, 7):
        with _collecting_after(allocations), suppress(ValueError):
            exact_json.read(body)

    assert not failed


class _Tidied:
    """A ring, so that only the collector ends it; its end takes a hundred calls."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        _calls(100)


def _calls(left: int) -> None:
    if left:
        _calls(left - 1)


def _leave_the_rest_to_itself() -> None:
    """What other tests have left is not gone through: in a large process that takes a second each time.

    It stays so, as what the suite itself began with (tests/conftest.py): the two cannot be thawed apart.
    """
    gc.collect()
    gc.freeze()


@contextmanager
def _collecting_after(allocations: int) -> Iterator[None]:
    """The collector comes when so many objects were made, and finds a ring."""
    usual = gc.get_threshold()
    gc.collect()
    gc.set_threshold(100_000, 1, 1)
    _Tidied()
    gc.set_threshold(allocations, 1, 1)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        gc.collect()


def _deepest_in(text: str) -> int:
    """How deep a reader is before the first bracket or backslash that does not fit, whatever else is."""
    open_brackets: list[str] = []
    deepest = 0
    for bracket in re.sub(r'"(\\.|[^"\\])*("|\\?$)|[^][{}\\]', "", text):
        if bracket in "[{":
            open_brackets.append(bracket)
            deepest = max(deepest, len(open_brackets))
        elif not open_brackets or open_brackets.pop() + bracket not in ("[]", "{}"):
            break
    return deepest


def _depth_of(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(_depth_of, value), default=0) if isinstance(value, list) else 0


@given(_PLAIN)
@settings(max_examples=40, deadline=None)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    assert json.loads(exact_json.written(value)) == value


def test_half_a_surrogate_pair_is_written_as_an_escape() -> None:
    assert json.loads(exact_json.written({"a": "\ud800", "b": 2**70})) == {"a": "\ud800", "b": 2**70}


def test_what_json_has_no_form_for_is_not_written() -> None:
    with pytest.raises(TypeError):
        exact_json.written(object())


def _bytes_of(piece: int | str | bytes) -> bytes:
    if isinstance(piece, int):
        return bytes([piece])
    return piece.encode("utf-8", "surrogatepass") if isinstance(piece, str) else piece


def _by_the_standard_library(body: bytes) -> Any:
    return json.loads(body, parse_float=str, parse_constant=_refuse)


def _refuse(name: str) -> None:
    raise ValueError(name)


def _outcome(read: Any, body: bytes) -> str:
    """The value with the types in it and the order of its keys, or the kind of the refusal."""
    with suppress(ValueError):
        return repr(read(body))
    return "refused"
