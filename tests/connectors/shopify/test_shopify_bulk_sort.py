"""A file in any order comes out grouped, whatever fits into memory at a time."""

from collections.abc import Iterator
from contextlib import closing
from random import Random

import pytest

from connectors.storefronts.shopify import bulk_file, bulk_sort
from connectors.storefronts.shopify.bulk_sort import Spill

PARENTS = tuple(f"gid://shopify/Order/{number}" for number in range(100, 140))


def shuffled(seed: int) -> Iterator[tuple[int, bytes]]:
    """Forty orders, each with as many lines as its last digit says, in any order."""
    lines = [f'{{"id":"{parent}"}}' for parent in PARENTS]
    lines += [
        f'{{"id":"gid://shopify/LineItem/{parent[-3:]}{place}","__parentId":"{parent}"}}'
        for parent in PARENTS
        for place in range(int(parent[-1]))
    ]
    Random(seed).shuffle(lines)
    yield from ((0, line.encode()) for line in [*lines, ""])


@pytest.mark.parametrize("piece_bytes", [1, 500, 1_000_000])
def test_children_come_behind_their_parent(monkeypatch: pytest.MonkeyPatch, piece_bytes: int) -> None:
    monkeypatch.setattr(bulk_sort, "_PIECE_BYTES", piece_bytes)

    with closing(Spill()) as spill:
        list(spill.fill(shuffled(piece_bytes)))
        groups = list(bulk_file.groups(spill.lines()))

    assert [group.node["id"] for group in groups] == list(PARENTS)
    assert [len(group.children) for group in groups] == [int(parent[-1]) for parent in PARENTS]


def test_what_was_read_before_is_left_out() -> None:
    with closing(Spill()) as spill:
        list(spill.fill(shuffled(7), after=PARENTS[37]))
        groups = list(bulk_file.groups(spill.lines()))

    assert [group.node["id"] for group in groups] == [PARENTS[38], PARENTS[39]]


def test_it_says_when_a_piece_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_sort, "_PIECE_BYTES", 5000)

    with closing(Spill()) as spill:
        told = list(spill.fill(shuffled(1)))

    assert told == list(range(1, len(told) + 1))
    assert len(told) >= 2
