"""What the door reads of a body before anybody reads it whole: the same as whoever does."""

from collections.abc import Callable

import pytest

from connectors.base import JsonObject, UnreadablePayload
from connectors.storefronts.woocommerce.payload import parse_envelope, parse_object

_NAMED = ("id", "date_modified_gmt", "_links")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id":7,"date_modified_gmt":"2026-11-02T09:00:00","_links":{"self":[{"href":"http:\\/\\/a"}]}}',
        b'{"line_items":[{"id":1,"price":2.50}],"id":9223372036854775808,"date_modified_gmt":null}',
        b'{"id":1,"id":2,"meta_data":[{"id":3,"value":{"id":4}}]}',
        b'{"id":1.5}',
        b'{"id":"7","name":"\xc3\xa8 \\ud83d\\ude00"}',
        '{"id":7,"name":"x"}'.encode("utf-16"),
        b"{}",
        b'{"id":7,"name":"\\u0000"}',
        b'{"id":7,"name":"\\ud800"}',
        b'{"id":7,"name":"a\x00b"}',
        b'{"id":7,"price":NaN}',
        b'{"id":7,"list":[1,}',
        b'{"id":7',
        b'{"id":' + b"9" * 5000 + b"}",
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"[]",
        b"null",
        b"",
    ],
)
def test_the_door_reads_of_a_body_what_its_reader_will(body: bytes) -> None:
    assert _read(parse_envelope, body) == _read(parse_object, body)


def _read(parse: Callable[[bytes], JsonObject], body: bytes) -> JsonObject | str:
    try:
        found = parse(body)
    except UnreadablePayload as reason:
        return str(reason)
    return {name: found[name] for name in _NAMED if name in found}
