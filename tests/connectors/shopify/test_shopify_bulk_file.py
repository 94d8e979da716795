"""A bulk file's bytes: lines over pieces, ranges that are kept or not, order that is checked."""

from collections.abc import Iterator

import pytest
import responses

from connectors.base import ConnectorError
from connectors.storefronts.shopify import bulk_file
from connectors.storefronts.shopify.bulk_file import BadFile, Checked
from connectors.transport import StoreTransport

URL = "https://storage.example/file"
LINES = (
    b'{"id":"gid://shopify/Order/1","name":"\\"__parentId\\":\\"x\\""}',
    b'{"id":"gid://shopify/LineItem/11","__parentId":"gid://shopify/Order/1"}',
    b'{"id":"gid://shopify/Order/2"}',
    b'{"id":"gid://shopify/LineItem/21","__parentId":"gid://shopify/Order/2"}',
    b'{"id":"gid://shopify/LineItem/22","__parentId":"gid://shopify/Order/2"}',
)
CONTENT = b"\n".join(LINES) + b"\n"


def numbered(*lines: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines with the byte after each."""
    end = 0
    for line in lines:
        end += len(line) + 1
        yield end, line


def read(start: int = 0) -> list[tuple[int, bytes]]:
    """The lines of the file at URL."""
    return list(bulk_file.lines(StoreTransport(), URL, start))


@responses.activate
def test_lines_are_whole_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.transport._PIECE_BYTES", 7)
    responses.get(URL, body=CONTENT)

    assert read() == list(numbered(*LINES))


@responses.activate
def test_a_last_line_needs_no_end() -> None:
    responses.get(URL, body=CONTENT[:-1])

    assert read()[-1] == (len(CONTENT) - 1, LINES[-1])


@responses.activate
def test_a_range_is_asked_for_and_read() -> None:
    start = len(LINES[0]) + 1
    headers = {"Content-Range": f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"}
    call = responses.get(URL, body=CONTENT[start:], status=206, headers=headers)

    found = read(start)

    assert call.calls[0].request.headers["Range"] == f"bytes={start}-"
    assert found == list(numbered(*LINES))[1:]


@responses.activate
def test_a_host_without_ranges_sends_all_and_the_beginning_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("connectors.transport._PIECE_BYTES", 10)
    responses.get(URL, body=CONTENT)

    assert read(len(LINES[0]) + 1) == list(numbered(*LINES))[1:]


@responses.activate
def test_nothing_stands_behind_the_end() -> None:
    responses.get(URL, status=416)

    assert read(len(CONTENT)) == []


@responses.activate
@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (404, {}, BadFile),
        (403, {}, BadFile),
        (503, {}, ConnectorError),
        (302, {"Location": "https://elsewhere.example"}, ConnectorError),
        (206, {"Content-Range": "bytes 3-9/10"}, ConnectorError),
        (206, {}, ConnectorError),
    ],
)
def test_other_answers_fail(status: int, headers: dict[str, str], error: type[Exception]) -> None:
    responses.get(URL, body=CONTENT, status=status, headers=headers)

    with pytest.raises(error):
        read(4)


def test_a_grouped_file_is_counted() -> None:
    found = list(bulk_file.check(numbered(*LINES, b""), Checked()))

    assert found == [Checked(at=len(CONTENT) + 1, objects=5, roots=2, is_whole=True)]


def test_a_long_check_says_how_far_it_got(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_file, "_CHECKED_AT_ONCE", 10)
    first, last = bulk_file.check(numbered(*LINES), Checked())
    rest = [(end, line) for end, line in numbered(*LINES) if end > first.at]

    assert first == Checked(at=len(LINES[0]) + len(LINES[1]) + 2, objects=2, roots=1)
    assert list(bulk_file.check(rest, first)) == [last]


@pytest.mark.parametrize("order", [(0, 2, 1, 3, 4), (1, 0, 2, 3, 4), (0, 1, 2, 3, 0, 4)])
def test_a_child_apart_from_its_parent_is_found(order: tuple[int, ...]) -> None:
    lines = [LINES[number] for number in order]

    *_, checked = bulk_file.check(numbered(*lines), Checked())

    assert not checked.is_grouped
    with pytest.raises(BadFile):
        list(bulk_file.groups(numbered(*lines)))


def test_what_was_found_apart_stays_so_when_a_check_goes_on() -> None:
    rest = [(end, line) for end, line in numbered(*LINES) if line not in LINES[:2]]

    *_, checked = bulk_file.check(rest, Checked(at=130, objects=2, roots=1, is_grouped=False))

    assert (checked.objects, checked.roots, checked.is_grouped) == (5, 2, False)


def test_groups_end_where_the_next_begins() -> None:
    first, second = bulk_file.groups(numbered(*LINES))

    assert (first.end, second.end) == (len(LINES[0]) + len(LINES[1]) + 2, len(CONTENT))
    assert [len(bulk_file.children_of(group, "LineItem")) for group in (first, second)] == [1, 2]
    assert bulk_file.children_of(first, "Collection") == []


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"id": NaN', b'{"id":"gid://shopify/Order/3"}garbage'])
def test_a_malformed_line_is_no_object(line: bytes) -> None:
    with pytest.raises(BadFile):
        list(bulk_file.groups(numbered(*LINES, line)))
