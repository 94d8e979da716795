"""A bulk file whose children stand anywhere, put in order on the disk: each object, then its children.

Pieces of the file are sorted in memory, left in temporary files that have no name (they go with the
process, whatever ends it) and merged while they are read. Memory holds one piece, however large the file.
"""

import heapq
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO

from connectors.storefronts.shopify.bulk_file import ids_of


class Spill:
    """The lines of one file, sorted by the id of the object that they belong to. Close it when done."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self._runs: list[IO[bytes]] = []

    def fill(self, found: Iterable[tuple[int, bytes]], *, after: str = "") -> Iterator[int]:
        """Take in lines, without those of objects up to an id; gives the number of pieces after each."""
        piece: list[tuple[bytes, bool, bytes]] = []
        size = 0
        for _, line in found:
            own, parent = ids_of(line)
            key = own if parent is None else parent
            if not line.strip() or key <= after.encode():
                continue
            piece.append((key, parent is not None, line))
            size += len(line)
            if size >= _PIECE_BYTES:
                self._keep(piece)
                yield len(self._runs)
                piece, size = [], 0
        self._keep(piece)

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """The lines in order, as `bulk_file.groups` takes them; the bytes after them are of no use."""
        for line in heapq.merge(*map(_lines_of, self._runs), key=_rank):
            yield 0, line

    def close(self) -> None:
        """Drop the files."""
        self._held.close()

    def _keep(self, piece: list[tuple[bytes, bool, bytes]]) -> None:
        piece.sort(key=lambda entry: entry[:2])
        run = self._held.enter_context(TemporaryFile())  # noqa: SIM115 (closed with the others)
        run.writelines(line + b"\n" for _, _, line in piece)
        run.seek(0)
        self._runs.append(run)


_PIECE_BYTES = 16 * 1024 * 1024


def _lines_of(run: IO[bytes]) -> Iterator[bytes]:
    for line in run:
        yield line.rstrip(b"\n")


def _rank(line: bytes) -> tuple[bytes, bool]:
    own, parent = ids_of(line)
    return (own, False) if parent is None else (parent, True)
