"""What both providers accepted, in that order, each line on the disk before its answer leaves."""

from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any

from connectors.sandbox.journal import ACCEPTED, Journal

Line = dict[str, Any]


class AcceptedLog:
    """Never refuses a message given twice: how often one of ours was accepted is what tests ask."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = Lock()
        self._times: dict[tuple[str, str], int] = {}
        self.lines: list[Line] = []
        for line in journal.read(ACCEPTED):
            self._keep(line)

    def next_number(self) -> int:
        """The number of the next line, as far as one can know before it is written."""
        return len(self.lines) + 1

    def accept(self, lines: Sequence[Mapping[str, Any]]) -> list[Line]:
        """Keep for good what one call brought; a line names its provider, our `mid` and the address `to`.

        Returns:
            the lines with their running `number` and how often (`times`) their mid has been accepted by now.
        """
        with self._lock:
            kept = []
            for line in lines:
                counted = (line["provider"], line["mid"])
                numbers = {"number": len(self.lines) + 1, "times": self._times.get(counted, 0) + 1}
                kept.append({**numbers, **line})
                self._keep(kept[-1])
                self._journal.append(ACCEPTED, kept[-1])
            # Within the lock: `sync` does not wait for lines that another thread is just putting on the disk.
            self._journal.sync(ACCEPTED)
        return kept

    def find(self, *, provider: str = "", mid: str = "", to: str = "", after: int = 0) -> Iterator[Line]:
        """The lines numbered beyond `after`, of the provider, mid and address where these are named."""
        for line in self.lines[max(0, after) :]:
            if provider in {"", line["provider"]} and mid in {"", line["mid"]} and to in {"", line["to"]}:
                yield line

    def count(self) -> dict[str, dict[str, int]]:
        """How often each mid was accepted, by provider."""
        counts: dict[str, dict[str, int]] = {}
        with self._lock:
            for (provider, mid), times in self._times.items():
                counts.setdefault(provider, {})[mid] = times
        return counts

    def _keep(self, line: Line) -> None:
        self.lines.append(line)
        counted = (line["provider"], line["mid"])
        self._times[counted] = self._times.get(counted, 0) + 1
